"""What a learner has tried and passed: one local file, never sent anywhere.

The file is a list of lines, one attempt each, and grows at its end only. One attempt is one write,
so two notebooks cannot lose each other's work, and a line cut short by a crash is passed over.

>>> import os, tempfile
>>> os.environ["NNCOURSE_HOME"] = tempfile.mkdtemp()
>>> read()
[]
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from grading.exercises import all_exercises
from grading.refusals import Refusal

HONEST_ATTEMPTS = 3
"""Attempts that returned something, after which a solution opens without a pass."""


@dataclass(frozen=True)
class Attempt:
    """One judged answer.

    Attributes
    ----------
    exercise : str
        The exercise's id.
    time : str
        When, ISO 8601 in UTC.
    points, total : float
        Points earned and points to be had.
    misconceptions : tuple of str
        Known wrong answers that were recognized.
    answer_hash : str
        Identifies the answer's source.
    returned : bool
        Whether the answer gave a result in at least one case; lines without it count as True.
    """

    exercise: str
    time: str
    points: float
    total: float
    misconceptions: tuple[str, ...] = ()
    answer_hash: str = ""
    returned: bool = True


@dataclass(frozen=True)
class ExerciseProgress:
    """All attempts at one exercise, summed up.

    Attributes
    ----------
    best, total : float
        Most points earned, and points to be had.
    attempts : int
        Different answers judged.
    misconceptions : tuple of str
        Every known wrong answer met, in the order of meeting.
    last_time : str
        Time of the latest attempt, or empty.
    """

    best: float
    total: float
    attempts: int = 0
    misconceptions: tuple[str, ...] = ()
    last_time: str = ""
    hashes: frozenset[str] = field(default=frozenset(), repr=False)
    honest: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def passed(self) -> bool:
        """Whether full points were reached."""
        return self.best >= self.total > 0

    @property
    def state(self) -> str:
        """``"passed"``, ``"partly"``, ``"tried"`` or ``"not started"``."""
        if self.passed:
            return "passed"
        if self.attempts == 0:
            return "not started"
        return "partly" if self.best > 0 else "tried"


def path() -> Path:
    """Return the place of the progress file.

    Returns
    -------
    pathlib.Path
        ``progress.jsonl`` in the folder named by ``NNCOURSE_HOME``, or in the user's data folder.
    """
    named = os.environ.get("NNCOURSE_HOME")
    if named:
        return Path(named) / "progress.jsonl"
    from platformdirs import user_data_path  # not needed when a folder is named

    return user_data_path("nncourse", appauthor=False) / "progress.jsonl"


def is_recording() -> bool:
    """Tell whether attempts are written down: not while grading, nor when switched off.

    Returns
    -------
    bool
        False if ``NBGRADER_EXECUTION`` is set or ``NNCOURSE_PROGRESS`` is ``off``.
    """
    return not os.environ.get("NBGRADER_EXECUTION") and os.environ.get("NNCOURSE_PROGRESS") != "off"


def record(
    exercise: str,
    points: float,
    total: float,
    misconceptions: Iterable[str] = (),
    answer_hash: str = "",
    returned: bool = True,
) -> None:
    """Write one attempt at the end of the file.

    Parameters
    ----------
    exercise : str
        The exercise's id.
    points, total : float
        Points earned and points to be had.
    misconceptions : iterable of str
        Known wrong answers that were recognized.
    answer_hash : str
        Identifies the answer's source.
    returned : bool, default True
        Whether the answer gave a result in at least one case.

    Raises
    ------
    Refusal
        If the file cannot be written.
    """
    if not is_recording():
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    met = tuple(misconceptions)
    _append([Attempt(exercise, now, points, total, met, answer_hash, returned)])


def read() -> list[Attempt]:
    """Read all attempts, the oldest first.

    Returns
    -------
    list of Attempt
        Lines that cannot be understood are passed over.
    """
    try:
        text = path().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # Not splitlines, which also splits at characters that may stand inside a name.
    return [attempt for line in text.split("\n") if (attempt := _parsed(line)) is not None]


def summary() -> dict[str, ExerciseProgress]:
    """Sum up the attempts by exercise.

    Returns
    -------
    dict of str to ExerciseProgress
        One entry for every exercise of the course, in its order.
    """
    result = {declared.id: ExerciseProgress(0.0, declared.total) for declared in all_exercises()}
    for attempt in read():
        if attempt.exercise in result:
            result[attempt.exercise] = _with(result[attempt.exercise], attempt)
    return result


def _with(before: ExerciseProgress, attempt: Attempt) -> ExerciseProgress:
    answer = {attempt.answer_hash or attempt.time}
    hashes = before.hashes | answer
    met = [name for name in attempt.misconceptions if name not in before.misconceptions]
    return ExerciseProgress(
        best=max(before.best, attempt.points),
        total=before.total,
        attempts=len(hashes),
        misconceptions=(*before.misconceptions, *dict.fromkeys(met)),
        last_time=attempt.time,
        hashes=hashes,
        honest=before.honest | answer if attempt.returned else before.honest,
    )


def attempts_until_solution(exercise: str) -> int:
    """Count the attempts that are left before the solution of an exercise opens.

    Parameters
    ----------
    exercise : str
        The exercise's id; an instructor's own, outside the course, will do.

    Returns
    -------
    int
        0 after a pass or three different attempts that returned something.
    """
    so_far = ExerciseProgress(0.0, 0.0)
    for attempt in read():
        if attempt.exercise == exercise:
            so_far = _with(replace(so_far, total=attempt.total), attempt)
    return 0 if so_far.passed else max(0, HONEST_ATTEMPTS - len(so_far.honest))


def solution_is_open(exercise: str) -> bool:
    """Tell whether the solution of an exercise may be shown.

    Parameters
    ----------
    exercise : str
        The exercise's id.

    Returns
    -------
    bool
        True after a pass or three different attempts that returned something.
    """
    return attempts_until_solution(exercise) == 0


def export_to(target: Path) -> int:
    """Write all attempts to a file of the learner's choice.

    Parameters
    ----------
    target : pathlib.Path
        Where to; it must not exist yet.

    Returns
    -------
    int
        Attempts written.

    Raises
    ------
    Refusal
        If the file exists or cannot be written.
    """
    attempts = read()
    try:
        with target.open("x", encoding="utf-8") as file:
            file.writelines(_line(attempt) for attempt in attempts)
    except FileExistsError:
        message = f"{target} exists already. Name another file, or move that one away."
        raise Refusal(message) from None
    except OSError as error:
        message = f"{target} cannot be written ({error.strerror}). Name a folder you may write to."
        raise Refusal(message) from None
    return len(attempts)


def import_from(source: Path) -> int:
    """Add the attempts of an exported file to one's own; those already there are left out.

    Parameters
    ----------
    source : pathlib.Path
        A file that ``export_to`` wrote.

    Returns
    -------
    int
        Attempts added.

    Raises
    ------
    Refusal
        If the file cannot be read or holds a line that is no attempt.
    """
    try:
        lines = source.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        message = f"{source} cannot be read. Name a file that `nncourse progress --export` wrote."
        raise Refusal(message) from None
    incoming = [_parsed(line) for line in lines if line.strip()]
    if None in incoming:
        message = (
            f"{source}: line {incoming.index(None) + 1} is no attempt, so nothing was imported. "
            "Export the file again."
        )
        raise Refusal(message)
    known = set(read())
    new = [attempt for attempt in incoming if attempt is not None and attempt not in known]
    _append(dict.fromkeys(new))
    return len(dict.fromkeys(new))


def _append(attempts: Iterable[Attempt]) -> None:
    text = "".join(map(_line, attempts))
    if not text:
        return
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab", buffering=0) as stream, _alone(stream):
            if file.stat().st_size and not _ends_with_line_end(file):
                text = "\n" + text  # a crash cut the last line short: begin a new one
            data = text.encode("utf-8")
            if stream.write(data) < len(data):  # one write, appended whole or the disk is full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        why = error.strerror or type(error).__name__
        message = f"Progress cannot be saved to {file} ({why}). Free or unlock it."
        raise Refusal(message) from None


@contextmanager
def _alone(stream: FileIO) -> Generator[None]:
    """Hold other notebooks off until this one has written; without locks, append and hope."""
    try:
        _lock(stream.fileno())
    except OSError:  # some network drives have no locks; a short append is whole on most
        yield
        return
    yield  # closing the file gives the lock back


if sys.platform == "win32":  # written for Windows, not run there

    def _lock(descriptor: int) -> None:
        import msvcrt

        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # far behind the end: readers are not held up
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:

    def _lock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _ends_with_line_end(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def _line(attempt: Attempt) -> str:
    return json.dumps(asdict(attempt), ensure_ascii=False) + "\n"


def _parsed(line: str) -> Attempt | None:
    try:
        fields: dict[str, Any] = json.loads(line)
        points, total = float(fields["points"]), float(fields["total"])
        if not (math.isfinite(points) and math.isfinite(total)):
            return None
        return Attempt(
            exercise=str(fields["exercise"]),
            time=str(fields["time"]),
            points=points,
            total=total,
            misconceptions=tuple(map(str, fields.get("misconceptions", ()))),
            answer_hash=str(fields.get("answer_hash", "")),
            returned=fields.get("returned", True) is not False,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None

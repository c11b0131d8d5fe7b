"""Copy submissions into the class folder, where nbgrader and people look for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from grading.classroom import Classroom, Learner
from grading.classroom._files import write_atomically
from grading.collection._submission import Submission, content_hash
from grading.refusals import Refusal

__all__ = [
    "Stored",
    "known_before",
    "lay_out",
    "store",
    "stored_as",
    "stored_attempts",
    "stored_times",
]

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([0-9a-f]{12})")


def store(submission: Submission, classroom: Classroom, *, counts: bool = True) -> Path:
    """Copy a submission into ``submitted/``; each attempt stays under ``attempts/`` as well.

    Storing the same submission again changes nothing. A crash at any point leaves whole files, and
    storing again completes them.

    Parameters
    ----------
    submission : Submission
        As `collect` gave it.
    classroom : Classroom
        The class.
    counts : bool, default True
        Without it, it is kept under ``attempts/`` only: another attempt counts.

    Returns
    -------
    Path
        The folder in nbgrader's tree.

    Raises
    ------
    Refusal
        If a link stands in the way.
    """
    learner, slug = submission.learner.id, submission.slug
    folder = classroom.submitted(learner, slug)
    stamp = submission.handed_in.astimezone(UTC)
    kept = classroom.attempts(learner, slug) / f"{stamp:{_STAMP}}-{submission.sha256[:12]}"
    for path in (folder.parent, folder, kept.parent.parent, kept.parent, kept):
        if path.is_symlink():
            msg = f"{path}: a link stands where a folder belongs. Remove it."
            raise Refusal(msg)
    about = {
        "attempt": submission.attempt,
        "version": submission.version,
        "time_from": submission.time_from,
        "notes": list(submission.notes),
    }
    files = _with_time(submission.files, stamp)
    _write(kept, files | {"attempt.json": json.dumps(about, indent=1).encode()})
    if counts:
        _write(folder, files)
    return folder


def lay_out(folder: Path, files: Mapping[str, bytes], handed_in: datetime) -> None:
    """Put an attempt that was handed in before where nbgrader looks, since it counts again.

    Parameters
    ----------
    folder : Path
        The learner's own, in ``submitted/``.
    files : mapping of str to bytes
        What was handed in.
    handed_in : datetime
        When, with a time zone.

    Raises
    ------
    Refusal
        If a link stands in the way.
    """
    for path in (folder.parent, folder):
        if path.is_symlink():
            msg = f"{path}: a link stands where a folder belongs. Remove it."
            raise Refusal(msg)
    _write(folder, _with_time(files, handed_in.astimezone(UTC)))


def _with_time(files: Mapping[str, bytes], stamp: datetime) -> dict[str, bytes]:
    return dict(files) | {"timestamp.txt": f"{stamp:%Y-%m-%d %H:%M:%S.%f} UTC\n".encode()}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
            # The journal keeps what was handed in; a copy lost with the power is written again.
            write_atomically(path, content, durable=False)


def stored_times(classroom: Classroom, learner: Learner, slug: str) -> set[datetime]:
    """Tell when a learner's stored attempts were handed in.

    Parameters
    ----------
    classroom : Classroom
        The class.
    learner : Learner
        Whose.
    slug : str
        The assignment.

    Returns
    -------
    set of datetime
        In UTC.
    """
    return {when for when, _, _ in _stored(classroom, learner, slug)}


@dataclass(frozen=True)
class Stored:
    """An attempt as it is kept under ``attempts/``.

    Attributes
    ----------
    attempt : int
        Its number.
    handed_in : datetime
        When, in UTC.
    version : str
        Hash of the release that it was made from; empty if that is not known.
    files : mapping of str to bytes
        What was handed in.
    """

    attempt: int
    handed_in: datetime
    version: str
    files: Mapping[str, bytes] = field(repr=False)


def stored_attempts(classroom: Classroom, learner: Learner, slug: str) -> list[Stored]:
    """Read a learner's stored attempts, graded or not; what a crash left in part is passed over.

    Parameters
    ----------
    classroom : Classroom
        The class.
    learner : Learner
        Whose.
    slug : str
        The assignment.

    Returns
    -------
    list of Stored
        The first one first.
    """
    found = []
    for when, name, path in sorted(_stored(classroom, learner, slug), key=lambda one: one[0]):
        own = {"timestamp.txt", "attempt.json"}
        paths = [each for each in path.iterdir() if each.is_file() and not each.is_symlink()]
        files = {each.name: each.read_bytes() for each in paths if each.name not in own}
        number, version = _number(path), _about(path).get("version")
        if number is not None and content_hash(files)[:12] == name:
            found.append(Stored(number, when, version if isinstance(version, str) else "", files))
    return found


def stored_as(
    classroom: Classroom, learner: Learner, slug: str, files: Mapping[str, bytes], attempt: int
) -> list[Path]:
    """Find the folders under which `store` keeps an attempt: one for each time it had.

    Parameters
    ----------
    classroom : Classroom
        The class.
    learner : Learner
        Whose.
    slug : str
        The assignment.
    files : mapping of str to bytes
        What was handed in.
    attempt : int
        Its number.

    Returns
    -------
    list of Path
        Below ``attempts/``. A folder in which a crash left no number is taken for one of them.
    """
    same = content_hash(files)[:12]
    stored = _stored(classroom, learner, slug)
    return [path for _, name, path in stored if name == same and _number(path) in {attempt, None}]


def known_before(submission: Submission, classroom: Classroom) -> tuple[int, datetime] | None:
    """Find the stored attempt of which a submission is the same file once more.

    It is, if its content is the same and nothing else was handed in between the two: whoever goes
    back to earlier work after other work hands in again.

    Parameters
    ----------
    submission : Submission
        As it came.
    classroom : Classroom
        The class.

    Returns
    -------
    tuple of int and datetime or None
        The number of that attempt, and when it was handed in; None if there is none.
    """
    stored = sorted(_stored(classroom, submission.learner, submission.slug), key=lambda one: one[0])
    same, came = submission.sha256[:12], submission.handed_in
    before = [one for one in reversed(stored) if one[0] <= came]
    after = [one for one in stored if one[0] > came]
    once_more = [
        one for side in (before, after) for one in takewhile(lambda other: other[1] == same, side)
    ]
    numbered = [(number, one[0]) for one in once_more if (number := _number(one[2])) is not None]
    return min(numbered, key=lambda one: one[1], default=None)


def _stored(classroom: Classroom, learner: Learner, slug: str) -> list[tuple[datetime, str, Path]]:
    """List stored attempts: when, how the hash of the content begins, where."""
    folder = classroom.attempts(learner.id, slug)
    if folder.is_symlink() or not folder.is_dir():
        return []
    named = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    return [
        (datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC), name[2], path)
        for path, name in named
        if name
    ]


def _number(path: Path) -> int | None:
    """Read which attempt a stored one is; None where a crash left no word of it."""
    try:
        return int(_about(path)["attempt"])
    except (ValueError, KeyError, TypeError):
        return None


def _about(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / "attempt.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

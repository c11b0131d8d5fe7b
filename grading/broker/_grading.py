"""From the files of a submission to its result: read, mend, run, judge, write."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from grading.assignments import AssignmentVersion
from grading.broker._judging import Judged, judge_one, judge_submission, unjudged
from grading.broker._mending import Mended, max_points, mend
from grading.broker._notebook import notebook_text
from grading.broker._reading import InvalidSubmissionError, read_handed
from grading.broker._running import Ran, SandboxesLike, run_submission
from grading.limits import MEGABYTE, Limits
from grading.results import NotebookResult, Result, Status, Usage, worst

__all__ = ["Work", "grade", "result_key", "work_on"]


@dataclass(frozen=True)
class Work:
    """Everything that grading one submission brought to light; a `Result` is a part of it.

    Attributes
    ----------
    version : AssignmentVersion
        What was released.
    mended : Mended or None
        The rebuilt notebook; None if nothing could be read.
    ran : Ran
        What was seen in the sandbox.
    judged : dict of str to Judged
        Verdicts by exercise.
    message : str
        Why nothing could be read, or empty.
    """

    version: AssignmentVersion
    mended: Mended | None
    ran: Ran
    judged: dict[str, Judged]
    message: str = ""


def grade(
    files: Mapping[str, bytes],
    version: AssignmentVersion,
    limits: Limits,
    sandboxes: SandboxesLike,
    only: Collection[str] | None = None,
) -> Result:
    """Grade one submission.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by name.
    version : AssignmentVersion
        The assignment, with the secret of the class.
    limits : Limits
        What the submission may use.
    sandboxes : Sandboxes
        Where its code runs.
    only : collection of str, optional
        Judge only these exercises; all cells run, and what is said of the others means nothing.

    Returns
    -------
    Result
        For any bytes: whatever was handed in ends in a status. Apart from the usage it is the
        same for the same arguments.
    """
    began = time.perf_counter()
    work = work_on(files, version, limits, sandboxes, only)
    notes = _notes(work, limits)
    text = notebook_text(work.version, work.mended, work.judged, notes)
    cells = tuple(judged.cell for judged in work.judged.values())
    book = NotebookResult(version.slug, cells, text, notes)
    spent = work.ran.spent
    return Result(
        key=result_key(files, work.version, limits, sandboxes.mark, only),
        submission=_hash_of(files),
        version=work.version.hash,
        status=_status(work),
        notebooks=(book,),
        verdicts="outside",
        sandbox=_mark(sandboxes.mark),
        message=work.message,
        usage=Usage(
            time.perf_counter() - began,
            spent.cpu_s,
            spent.peak_bytes,
            spent.received_bytes,
            spent.restarts,
        ),
    )


def work_on(
    files: Mapping[str, bytes],
    version: AssignmentVersion,
    limits: Limits,
    sandboxes: SandboxesLike,
    only: Collection[str] | None = None,
) -> Work:
    """Read, mend, run and judge, and keep what each step brought to light.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by name.
    version : AssignmentVersion
        The assignment.
    limits : Limits
        What the submission may use.
    sandboxes : Sandboxes
        Where its code runs.
    only : collection of str, optional
        Judge only these exercises; all cells run, and what is said of the others means nothing.

    Returns
    -------
    Work
        For `grade` and `explain`.
    """
    version = _known(version)
    try:
        mended = _read_and_mended(files, version, limits)
    except InvalidSubmissionError as invalid:
        points = max_points(version)
        judged = {
            name: unjudged(each, points[name], "invalid_submission", "Nothing could be read.")
            for name, each in version.exercises.items()
        }
        return Work(version, None, Ran(), judged, str(invalid))
    early: dict[str, Judged] = {}

    def judge_early(ran: Ran, name: str) -> None:
        early[name] = judge_one(version, mended, ran, limits, name)

    ran = run_submission(version, mended, limits, sandboxes, only, judge_early)
    if ran.spent.restarts:  # what was seen then may have been seen once more
        early.clear()
    judged = judge_submission(version, mended, ran, limits, early)
    for name in version.exercises.keys() - (version.exercises if only is None else only):
        most = judged[name].cell.max_score
        judged[name] = unjudged(version.exercises[name], most, "not_started", "Not judged anew.")
    return Work(version, mended, ran, judged)


def _read_and_mended(
    files: Mapping[str, bytes], version: AssignmentVersion, limits: Limits
) -> Mended:
    """Rebuild the notebook, or say in one sentence why it cannot be done."""
    try:
        mended = mend(version, read_handed(files, version.slug, limits))
    except InvalidSubmissionError:
        raise
    except Exception as error:  # the bytes come from anywhere
        message = (
            f"{version.slug}.ipynb: the notebook cannot be read ({type(error).__name__}). Open it "
            "in JupyterLab, save it and hand it in again."
        )
        raise InvalidSubmissionError(message) from error
    if not mended.found_any:
        raise InvalidSubmissionError(_of_another_assignment(version, mended))
    return mended


def result_key(
    files: Mapping[str, bytes],
    version: AssignmentVersion,
    limits: Limits,
    mark: str,
    only: Collection[str] | None = None,
) -> str:
    """Name the work of grading: the same key means the same result.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by name.
    version : AssignmentVersion
        The assignment.
    limits : Limits
        What the submission may use.
    mark : str
        How its code is isolated: ``"bubblewrap"`` or ``"none"``.
    only : collection of str, optional
        As for `grade`.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    parts = [_hash_of(files), _known(version).hash, repr(limits), mark]
    parts += [] if only is None else ["only", *sorted(only)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=8)
def _known(version: AssignmentVersion) -> AssignmentVersion:
    """Return the first equal version, whose notebook is parsed and whose hash is known already."""
    return version


def _hash_of(files: Mapping[str, bytes]) -> str:
    """Hash names and contents, whatever their order."""
    content = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogateescape"), files[name]):
            content.update(len(part).to_bytes(8, "big"))
            content.update(part)
    return content.hexdigest()


def _mark(mark: str) -> Literal["bubblewrap", "none"]:
    return "bubblewrap" if mark == "bubblewrap" else "none"


def _of_another_assignment(version: AssignmentVersion, mended: Mended) -> str:
    name = f"{version.slug}.ipynb"
    taken = f" {mended.notes[0]}" if mended.notes else ""
    return (
        f"{name}: none of the cells is from this assignment.{taken} Hand in the notebook {name} "
        "that was given out."
    )


def _notes(work: Work, limits: Limits) -> tuple[str, ...]:
    """List what was mended, and what became of added cells."""
    if work.mended is None:
        return (work.message,)
    ends = [run.end for run in work.ran.added.values() if run.end]
    sentences = {
        "timeout": f"A cell that was added did not come to an end within {limits.cell_s:g} s.",
        "memory": "A cell that was added took more than "
        f"{limits.memory_bytes / MEGABYTE:,.0f} MB of memory.",
        "killed": "A cell that was added ended the process that ran it.",
    }
    on_added = [f"{sentences[end]} It was left out." for end in dict.fromkeys(ends)]
    return (*work.mended.notes, *on_added)


def _status(work: Work) -> Status:
    """Return the worst that happened; points that are missing count as failed tests."""
    statuses: list[Status] = []
    for judged in work.judged.values():
        cell = judged.cell
        if cell.status != "not_started" and cell.status != "manual":
            is_short = cell.status != "failed_tests" or (cell.score or 0.0) < cell.max_score
            statuses += [cell.status] if is_short else []
        elif (cell.score or 0.0) < cell.max_score:
            statuses.append("failed_tests")
    return worst(statuses)

"""What grading a submission gives: a `Result`, plain data that survives a journal and a cluster.

The body of a result holds no clock and no machine, so that the same submission gives the same
bytes; how long it took stands apart, in `Usage`.

>>> cell = CellResult("check_relu", 1.0, 2.0, "failed_tests", exercise="relu")
>>> Result("k", "s", "v", "failed_tests", (NotebookResult("01-x", (cell,)),)).points
1.0
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = [
    "STATUSES",
    "CellResult",
    "CriterionResult",
    "NotebookResult",
    "Result",
    "Status",
    "Usage",
    "worst",
]

Status = Literal[
    "ok",
    "failed_tests",
    "student_error",
    "timeout",
    "killed",
    "memory",
    "invalid_submission",
    "infra_error",
]

STATUSES: tuple[Status, ...] = (
    "ok",
    "failed_tests",
    "student_error",
    "timeout",
    "killed",
    "memory",
    "invalid_submission",
    "infra_error",
)
"""From best to worst. Only ``infra_error`` is ours, and only it is tried again."""

CellState = Literal[
    "ok",
    "failed_tests",
    "student_error",
    "timeout",
    "killed",
    "memory",
    "not_started",
    "manual",
    "invalid_submission",
    "infra_error",
]


@dataclass(frozen=True)
class CriterionResult:
    """One criterion of an exercise.

    Attributes
    ----------
    name : str
        Its name in the declaration: ``"dW"``.
    points, earned : float
        Points to be had, and earned.
    stage : str
        What kind of failure it was, as `grading.check` names them; empty if it passed.
    sentence : str
        What the learner is told. It holds no number of a hidden case.
    hidden : bool
        Whether the failure showed on a hidden case only, the worked example being right.
    """

    name: str
    points: float
    earned: float
    stage: str = ""
    sentence: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class CellResult:
    """One graded cell.

    Attributes
    ----------
    grade_id : str
        nbgrader's name of the cell.
    score : float or None
        Points that the machine gives; None where a person decides.
    max_score : float
        Points of the cell.
    status : str
        A status, or ``"not_started"``, or ``"manual"``.
    exercise : str
        Id of the exercise that was judged; empty for other cells.
    criteria : tuple of CriterionResult
        In the order of the declaration.
    misconceptions : tuple of str
        Names of the known wrong answers that were recognized, the best match first.
    hint : str
        Symptom of the hint that the learner should open; empty if none.
    message : str
        One sentence about the cell as a whole: why it could not be judged, for example.
    """

    grade_id: str
    score: float | None
    max_score: float
    status: CellState
    exercise: str = ""
    criteria: tuple[CriterionResult, ...] = ()
    misconceptions: tuple[str, ...] = ()
    hint: str = ""
    message: str = ""


@dataclass(frozen=True)
class NotebookResult:
    """One notebook of a submission.

    Attributes
    ----------
    name : str
        Its name without ending.
    cells : tuple of CellResult
        Graded cells in the order of the notebook.
    autograded : str
        The notebook that formgrader shows, as JSON text: rebuilt from the release, with the
        learner's answers and our outputs. Empty if there was nothing to rebuild.
    notes : tuple of str
        What was mended, one sentence each.
    """

    name: str
    cells: tuple[CellResult, ...]
    autograded: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What a submission cost. Measured outside of the sandbox; not part of a result's identity.

    Attributes
    ----------
    wall_s, cpu_s : float
        Seconds from taking the submission to its result; processor seconds of the sandboxed
        processes.
    peak_bytes : int
        Most memory that the sandboxed processes held together.
    received_bytes : int
        Bytes that came out of the sandbox.
    restarts : int
        How often the sandboxed run was begun again after a death.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    received_bytes: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class Result:
    """The outcome of grading one submission.

    Attributes
    ----------
    key : str
        Names the work: hash of submission, assignment version and limits. The same key means the
        same result.
    submission : str
        SHA-256 of what was handed in.
    version : str
        Hash of the assignment version.
    status : Status
        The worst that happened.
    notebooks : tuple of NotebookResult
        In the order of their names.
    verdicts : {"outside", "inside"}
        Where verdicts were formed: outside of the learner's process, or, for ordinary assert
        cells, within it.
    sandbox : str
        ``"bubblewrap"``, or ``"none"`` where ``--unsafe`` was given.
    message : str
        One sentence about the submission as a whole.
    usage : Usage
        What it cost.
    """

    key: str
    submission: str
    version: str
    status: Status
    notebooks: tuple[NotebookResult, ...] = ()
    verdicts: Literal["outside", "inside"] = "outside"
    sandbox: Literal["bubblewrap", "none"] = "bubblewrap"
    message: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def points(self) -> float:
        """Points that the machine gave, over all notebooks."""
        return float(sum(cell.score or 0.0 for book in self.notebooks for cell in book.cells))

    @property
    def max_points(self) -> float:
        """Points to be had, over all notebooks."""
        return float(sum(cell.max_score for book in self.notebooks for cell in book.cells))

    @property
    def body_sha256(self) -> str:
        """Hash of everything but the usage: equal for equal results."""
        body = asdict(self)
        del body["usage"]
        text = json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        """Write the result as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        Result
            Equal to the one that was written.

        Raises
        ------
        ValueError
            If the text is not such a result.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            books = tuple(_notebook(book) for book in content.pop("notebooks"))
            usage = Usage(**content.pop("usage"))
            return cls(**content, notebooks=books, usage=usage)
        except (KeyError, TypeError, AttributeError) as error:
            message = f"this is not a result: {error}"
            raise ValueError(message) from error


def _notebook(content: dict[str, Any]) -> NotebookResult:
    cells = tuple(_cell(cell) for cell in content.pop("cells"))
    notes = tuple(content.pop("notes"))
    return NotebookResult(**content, cells=cells, notes=notes)


def _cell(content: dict[str, Any]) -> CellResult:
    criteria = tuple(CriterionResult(**criterion) for criterion in content.pop("criteria"))
    misconceptions = tuple(content.pop("misconceptions"))
    return CellResult(**content, criteria=criteria, misconceptions=misconceptions)


def worst(statuses: list[Status]) -> Status:
    """Return the worst of some statuses; ``"ok"`` if there are none.

    Parameters
    ----------
    statuses : list of Status
        Any number.

    Returns
    -------
    Status
        The one that stands last in `STATUSES`.

    Examples
    --------
    >>> worst(["ok", "timeout", "failed_tests"])
    'timeout'
    """
    return max(statuses, key=STATUSES.index, default="ok")

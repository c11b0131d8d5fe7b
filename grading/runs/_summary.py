"""What a run came to, and how far it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from grading.collection import BESIDE
from grading.results import STATUSES, Result

if TYPE_CHECKING:
    from grading.gradebook import Standing

__all__ = ["MAX_LISTED", "MAX_SHOWN", "Line", "Progress", "Summary"]

MAX_LISTED = 1000
"""Sentences that a summary keeps of a kind; beyond it counts, so that its memory stays flat."""


MAX_SHOWN = 30
"""Submissions that are shown one by one; of a larger class there is a report."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one learner's submission came to.

    Attributes
    ----------
    points, max_points : float
        What counts, before anything is taken off: a person's points where one gave any.
    penalty : float
        Points that lateness costs.
    status : str
        As in `Result`.
    by_person : float, default 0.0
        Of ``max_points``, those that only a person can give.
    """

    points: float
    max_points: float
    penalty: float
    status: str
    by_person: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done : int
        Submissions that have a result.
    total : int or None
        Submissions in all, where that is known.
    wall_s : float
        Since the run began.
    what : str
        What it is doing, as a phrase.
    """

    done: int
    total: int | None
    wall_s: float
    what: str

    @property
    def per_s(self) -> float:
        """Submissions a second, so far."""
        return self.done / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the rest will take at this pace; None if nobody can tell."""
        if self.total is None or not self.done:
            return None
        return max(0, self.total - self.done) / self.per_s


def _points_by_person(result: Result) -> float:
    cells = (cell for book in result.notebooks for cell in book.cells)
    return float(sum(cell.max_score for cell in cells if cell.score is None))


@dataclass
class Summary:
    """What a run of `grade_class` or `regrade` came to.

    Attributes
    ----------
    statuses : Counter of str
        Submissions by status, of those that this run gave a result.
    graded : int
        Submissions that were run.
    reused : int
        Submissions whose very work was done before: the result was taken over.
    unchanged : int
        Submissions that were recorded before, and stay as they are.
    refused : list of str
        What was not graded, one sentence each with its file and the mend.
    mended : list of str
        Damage that was mended, one sentence each with whose it was.
    unreadable : list of str
        What nobody can read, and is worth nothing therefore, one sentence each.
    troubles : list of str
        Submissions that ended in ``infra_error``, one sentence each.
    changed : list of str
        Whose score changed by a regrade, or fell since another hand-in counts, one sentence each.
    set_aside : list of str
        What does not count since the journal knows another hand-in that does, one sentence each.
    lines : dict of (str, str) to Line
        By learner and assignment; empty for more than `MAX_SHOWN` of them.
    n_by_person : int
        Submissions with points that only a person can give, of those in ``statuses``.
    penalties : int
        After a regrade: how many penalties for lateness changed.
    interrupted : bool
        Whether Ctrl-C ended the run early.
    unsafe : bool
        Whether submissions ran without isolation.
    wall_s : float
        Seconds it took.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    graded: int = 0
    reused: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    n_refused: int = 0
    n_mended: int = 0
    unreadable: list[str] = field(default_factory=list)
    n_unreadable: int = 0
    set_aside: list[str] = field(default_factory=list)
    n_set_aside: int = 0
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    n_lines: int = 0
    n_by_person: int = 0
    penalties: int = 0
    interrupted: bool = False
    unsafe: bool = False
    wall_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic, repr=False)

    @property
    def done(self) -> int:
        """Submissions that have a result."""
        return self.graded + self.reused + self.unchanged

    @property
    def ok(self) -> bool:
        """Whether every submission was graded."""
        return not (self.n_refused or self.statuses["infra_error"] or self.interrupted)

    def refuse(self, sentence: str) -> None:
        """Note what was not graded.

        Parameters
        ----------
        sentence : str
            File, fault, mend.
        """
        self.n_refused += 1
        if len(self.refused) < MAX_LISTED:
            self.refused.append(sentence)

    def add(self, whose: str, result: Result) -> None:
        """Count a result.

        Parameters
        ----------
        whose : str
            Learner and assignment, for the lists.
        result : Result
            What it is.
        """
        self.statuses[result.status] += 1
        self.n_by_person += _points_by_person(result) > 0
        if result.status == "infra_error" and len(self.troubles) < MAX_LISTED:
            self.troubles.append(f"{whose}: {result.message}")
        self.add_notes(whose, result)

    def add_notes(self, whose: str, result: Result) -> None:
        """Note what was mended in a submission, or why it cannot be read.

        Parameters
        ----------
        whose : str
            Learner and assignment.
        result : Result
            What it is.
        """
        for note in (note for book in result.notebooks for note in book.notes):
            if note.startswith(BESIDE):  # those are said where the files come in
                continue
            if result.status == "invalid_submission":
                self.n_unreadable += 1
                if len(self.unreadable) < MAX_LISTED:
                    self.unreadable.append(f"{whose}: {note}")
            else:
                self.note(f"{whose}: {note}")

    def put_aside(self, sentence: str) -> None:
        """Note what does not count, since another hand-in does.

        Parameters
        ----------
        sentence : str
            Whose, and which one counts.
        """
        self.n_set_aside += 1
        if len(self.set_aside) < MAX_LISTED:
            self.set_aside.append(sentence)

    def has_room_for(self, learner: str, slug: str) -> bool:
        """Tell whether a submission is still shown by a line of its own; from the first, or none.

        Parameters
        ----------
        learner, slug : str
            Whose, and of which assignment.

        Returns
        -------
        bool
            False for all, once there were more than `MAX_SHOWN`.
        """
        if (learner, slug) in self.lines:
            return True
        self.n_lines += 1
        if self.n_lines > MAX_SHOWN:
            self.lines.clear()
        return self.n_lines <= MAX_SHOWN

    def show(self, learner: str, slug: str, result: Result, penalty: float) -> None:
        """Keep the line of a submission.

        Parameters
        ----------
        learner, slug : str
            Whose, and of which assignment.
        result : Result
            What it is.
        penalty : float
            Points that lateness costs.
        """
        by_person = _points_by_person(result)
        line = Line(result.points, result.max_points, penalty, result.status, by_person)
        self.lines[learner, slug] = line

    def count(self, standings: Callable[[str, list[str]], Mapping[str, Standing]]) -> None:
        """Let the lines show what counts in the gradebook, with what people gave.

        Parameters
        ----------
        standings : callable
            Gives what submissions of some learners are worth, by assignment and their ids.
        """
        shown = {key for key, line in self.lines.items() if line.status != "infra_error"}
        for slug in {slug for _, slug in shown}:
            for who, each in standings(slug, [who for who, of in shown if of == slug]).items():
                line = replace(self.lines[who, slug], points=each.points, penalty=each.penalty)
                self.lines[who, slug] = line

    def note(self, sentence: str) -> None:
        """Note what was mended.

        Parameters
        ----------
        sentence : str
            Whose, and what.
        """
        self.n_mended += 1
        if len(self.mended) < MAX_LISTED:
            self.mended.append(sentence)

    def progress(self, what: str, total: int | None = None) -> Progress:
        """Say how far the run is.

        Parameters
        ----------
        what : str
            What it is doing.
        total : int, optional
            Submissions in all, where that is known.

        Returns
        -------
        Progress
            For a progress bar.
        """
        if total is not None:
            total = max(total, self.done)  # what an earlier run left behind may come on top
        return Progress(self.done, total, time.monotonic() - self.began_s, what)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for ``--json``.

        Returns
        -------
        dict of str to Any
            Counts, sentences, seconds.
        """
        ran = self.graded / self.wall_s if self.wall_s > 0 else 0.0
        return {
            "graded": self.graded,
            "reused": self.reused,
            "unchanged": self.unchanged,
            "statuses": {name: self.statuses[name] for name in STATUSES if self.statuses[name]},
            "refused": self.refused,
            "n_refused": self.n_refused,
            "mended": self.mended,
            "n_mended": self.n_mended,
            "unreadable": self.unreadable,
            "n_unreadable": self.n_unreadable,
            "troubles": self.troubles,
            "changed": self.changed,
            "set_aside": self.set_aside,
            "n_set_aside": self.n_set_aside,
            "n_by_person": self.n_by_person,
            "penalties": self.penalties,
            "interrupted": self.interrupted,
            "unsafe": self.unsafe,
            "wall_s": round(self.wall_s, 3),
            "submissions_per_s": round(ran, 3),
        }

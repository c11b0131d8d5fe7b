"""Gather what is known about each learner's work: journal, gradebook, roster."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from grading.exercises import Exercise, exercise
from grading.refusals import Refusal
from grading.reporting._folders import ClassFolder, as_folder
from grading.reporting._marks import Recorded, gradebook, recorded, rubrics
from grading.results import Result

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.journal import Entry

__all__ = ["ClassReader", "Work", "solution_sources"]

_LONGEST_NOTEBOOK = 64_000_000
"""Characters of an autograded notebook that are parsed at most."""


@dataclass(frozen=True)
class Work:
    """What one learner handed in for one assignment, and what came of it.

    Attributes
    ----------
    learner : Learner
        Who.
    slug : str
        Which assignment.
    result : Result or None
        The newest result; None if nothing was graded.
    handed_in, due : datetime or None
        With time zones; the due date is this learner's own.
    attempt : int
        Which attempt it is; 0 if nothing was handed in.
    recorded : Recorded or None
        What the gradebook holds.
    """

    learner: Learner
    slug: str
    result: Result | None
    handed_in: datetime | None = None
    due: datetime | None = None
    attempt: int = 0
    recorded: Recorded | None = None

    @property
    def points(self) -> float:
        """Points before the penalty: the gradebook's, or those of the machine."""
        if self.recorded is not None:
            return self.recorded.points
        return self.result.points if self.result is not None else 0.0

    @property
    def max_points(self) -> float:
        """Points to be had."""
        if self.recorded is not None and self.recorded.max_points:
            return self.recorded.max_points
        return self.result.max_points if self.result is not None else 0.0

    @property
    def penalty(self) -> float:
        """Points taken off for being late."""
        return min(self.recorded.penalty, self.points) if self.recorded is not None else 0.0

    @property
    def final(self) -> float:
        """Points that count in the end."""
        return max(0.0, self.points - self.penalty)


@dataclass
class ClassReader:
    """A class folder, opened for reading.

    Parameters
    ----------
    folder : ClassFolder
        The class.
    entries : callable
        Journal entries of an assignment, in the order in which they came.
    result : callable
        The result of an entry, or None.
    marks : mapping
        By assignment: what the gradebook holds, by student id.
    rubrics : mapping
        By assignment: mark schemes by notebook and cell.
    """

    folder: ClassFolder
    entries: Callable[[str], Iterable[Entry]]
    result: Callable[[Entry], Result | None]
    marks: Mapping[str, Mapping[str, Recorded]] = field(default_factory=dict)
    rubrics: Mapping[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)

    def works(self, slug: str, only: str | None = None) -> Iterator[Work]:
        """Yield the work of each learner of the roster, one at a time.

        Parameters
        ----------
        slug : str
            The assignment.
        only : str, optional
            One learner's id.

        Yields
        ------
        Work
            In the order of the roster; with ``result=None`` where nothing was graded.

        Raises
        ------
        Refusal
            If nobody has that id.
        """
        by_learner: dict[str, list[Entry]] = {}
        for entry in self.entries(slug):
            by_learner.setdefault(entry.learner, []).append(entry)
        learners = list(self.folder.learners)
        if only is not None:
            learners = [learner for learner in learners if learner.id == only]
            if not learners:
                from grading.classroom import nearest_ids

                near = " or ".join(nearest_ids(only, self.folder.learners))
                mend = f"Did you mean {near}?" if near else "See: nncourse roster"
                msg = f"--student {only[:80]}: nobody in the roster has that id. {mend}"
                raise Refusal(msg)
        for learner in learners:
            yield self._work(learner, slug, by_learner.get(learner.key, []))

    def _work(self, learner: Learner, slug: str, entries: list[Entry]) -> Work:
        marks = self.marks.get(slug, {}).get(learner.id)
        entry, result = self._counted(entries, marks)
        handed_in = entry.handed_in if entry is not None else None
        return Work(
            learner=learner,
            slug=slug,
            result=result,
            handed_in=handed_in or (marks.handed_in if marks is not None else None),
            due=self.folder.due(learner, slug) or (marks.due if marks is not None else None),
            attempt=int(entry.attempt) if entry is not None else 0,
            recorded=marks,
        )

    def _counted(
        self, entries: list[Entry], marks: Recorded | None
    ) -> tuple[Entry | None, Result | None]:
        """Pick the newest result that the gradebook's scores are from, or else the newest."""
        newest: tuple[Entry, Result] | None = None
        for entry in reversed(entries):
            result = self.result(entry)
            if result is None:
                continue
            newest = newest or (entry, result)
            if marks is None or _agree(result, marks):
                return entry, result
        return newest or (entries[-1] if entries else None, None)


@contextmanager
def opened(class_: Classroom | ClassFolder, slugs: Iterable[str]) -> Generator[ClassReader]:
    """Open journal and gradebook of a class for reading.

    Parameters
    ----------
    class_ : Classroom or ClassFolder
        The class.
    slugs : iterable of str
        Assignments whose scores are read.

    Yields
    ------
    ClassReader
        Gives `Work` by `Work`.
    """
    from grading.journal import Journal  # instructors only

    folder = as_folder(class_)
    with gradebook(folder.db_url) as book:
        names = list(slugs)
        marks = {slug: recorded(book, slug) for slug in names}
        schemes = {slug: rubrics(book, slug) for slug in names}
    journal = Journal(folder.journal_folder, readonly=True)
    try:
        yield ClassReader(
            folder=folder,
            entries=lambda slug: journal.entries(slug=slug),
            result=journal.result_of,
            marks=marks,
            rubrics=schemes,
        )
    finally:
        journal.close()


def slugs_of(class_: Classroom | ClassFolder, names: Iterable[str]) -> list[str]:
    """Find the assignments that a command's words mean.

    Parameters
    ----------
    class_ : Classroom or ClassFolder
        The class.
    names : iterable of str
        Numbers or names: ``"1"``, ``"01"`` or ``"01-backpropagation"``; none means all.

    Returns
    -------
    list of str
        Names in the gradebook, in their order.

    Raises
    ------
    Refusal
        If a word means none of them, or more than one.
    """
    with gradebook(class_.db_url) as book:
        known = sorted(assignment.name for assignment in book.assignments)
    if not known:
        msg = f"{class_.root}: no assignment is in the gradebook yet. Grade one first."
        raise Refusal(msg)
    found = []
    for name in names:
        fits = meant(name, known)
        if len(fits) != 1:
            what = "is no assignment of this class" if not fits else "means more than one of them"
            msg = f"{name}: it {what}. Graded so far: {', '.join(known)}."
            raise Refusal(msg)
        found += fits
    return list(dict.fromkeys(found)) or known


def meant(name: str, slugs: Sequence[str]) -> list[str]:
    """List the assignments that a word may mean.

    Parameters
    ----------
    name : str
        A number or a name.
    slugs : sequence of str
        Assignments.

    Returns
    -------
    list of str
        One, if the word is good.

    Examples
    --------
    >>> meant("1", ["01-backpropagation", "10-attention"])
    ['01-backpropagation']
    """
    word = name.strip().strip("/")
    if word in slugs:
        return [word]
    numbers = {slug: slug.partition("-")[0] for slug in slugs}
    same = [slug for slug, number in numbers.items() if number == word]
    return same or [
        slug
        for slug, number in numbers.items()
        if word.isdecimal() and number.isdecimal() and number.lstrip("0") == word.lstrip("0")
    ]


def solution_sources(autograded: str) -> dict[str, str]:
    """Read the learner's answers out of an autograded notebook.

    Parameters
    ----------
    autograded : str
        The notebook, as JSON text.

    Returns
    -------
    dict of str to str
        Source by name of the cell that the learner filled; empty if it cannot be read.
    """
    return {
        name: text
        for name, text, marks in _named_cells(autograded)
        if marks.get("solution") or marks.get("task")
    }


def cell_sources(autograded: str) -> dict[str, str]:
    """Read all named cells out of an autograded notebook.

    Parameters
    ----------
    autograded : str
        The notebook, as JSON text.

    Returns
    -------
    dict of str to str
        Source by nbgrader's name of the cell.
    """
    return {name: text for name, text, _ in _named_cells(autograded)}


def _named_cells(autograded: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if not autograded or len(autograded) > _LONGEST_NOTEBOOK:
        return
    try:
        cells = json.loads(autograded)["cells"]
        for cell in cells:
            marks = cell.get("metadata", {}).get("nbgrader", {})
            name = marks.get("grade_id")
            source = cell.get("source", "")
            text = source if isinstance(source, str) else "".join(map(str, source))
            if isinstance(name, str):
                yield name, text, marks
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return


def declared(exercises: Mapping[str, Exercise], name: str) -> Exercise | None:
    """Find a declaration in an assignment, or else in the course."""
    if name in exercises:
        return exercises[name]
    try:
        return exercise(name)
    except KeyError:
        return None


def _agree(result: Result, marks: Recorded) -> bool:
    """Tell whether the scores in the gradebook are those of a result."""
    scores = {(mark.notebook, mark.cell): mark.auto for mark in marks.marks}
    return all(
        scores.get((book.name, cell.grade_id)) == cell.score
        for book in result.notebooks
        for cell in book.cells
    )

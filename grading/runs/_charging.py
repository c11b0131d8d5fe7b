"""Bring due dates, lateness and penalties in the gradebook up to date, without grading again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from grading.runs._classes import ClassPort, CourseClass, ReleasedClass
from grading.runs._interrupts import held

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.journal import Journal
    from grading.kernel import NbgraderCourse

__all__ = ["Recharged", "recharge", "recharge_course"]

_AT_ONCE = 500  # learners in one transaction
_SAME = 1e-9  # points: they come back from the database as they went in, or nearly so


@dataclass
class Recharged:
    """What a change of due dates came to.

    Attributes
    ----------
    is_graded : bool
        Whether there was anything to charge.
    changed : list of str
        Whose penalty changed, one sentence each.
    """

    is_graded: bool = False
    changed: list[str] = field(default_factory=list)


def recharge(
    classroom: Classroom,
    slugs: Sequence[str],
    learners: Sequence[Learner] | None = None,
    *,
    journal: Journal | None = None,
    exercises: Sequence[str] = (),
    drop_due: bool = False,
) -> Recharged:
    """Charge graded work for its lateness by the due dates, extensions and late policy of now.

    Where nothing is graded yet, nothing is done.

    Parameters
    ----------
    classroom : Classroom
        The class.
    slugs : sequence of str
        The assignments.
    learners : sequence of Learner, optional
        Only these.
    journal : Journal, optional
        The class's, if the caller holds it open.
    exercises : sequence of str
        As for `ReleasedClass`.
    drop_due : bool, default False
        Whether an assignment without a due date loses the one that the gradebook still knows.

    Returns
    -------
    Recharged
        Whose penalty changed.

    Raises
    ------
    Refusal
        If another run holds the class, or the gradebook cannot be written.
    """
    file = classroom.db_url.removeprefix("sqlite:///")
    if not classroom.journal_folder.is_dir() or (
        file != classroom.db_url and not Path(file).exists()
    ):
        return Recharged()
    port = ReleasedClass(classroom, tuple(exercises))
    keys = None if learners is None else {each.key for each in learners}

    return _charged(
        port, slugs, keys, lambda slug: _told(classroom, slug, drop_due=drop_due), journal
    )


def recharge_course(
    course: NbgraderCourse,
    slugs: Sequence[str],
    student: str | None = None,
    *,
    journal: Journal | None = None,
) -> Recharged:
    """Charge graded work of an instructor's own nbgrader course by the extensions of now.

    Parameters
    ----------
    course : NbgraderCourse
        The course; due dates, extensions and the late policy are its own.
    slugs : sequence of str
        The assignments.
    student : str, optional
        Only this one, by id.
    journal : Journal, optional
        The course's, if the caller holds it open.

    Returns
    -------
    Recharged
        Whose penalty changed; nothing where nothing was graded here.

    Raises
    ------
    Refusal
        If another run holds the course, or the gradebook cannot be written.
    """
    port = CourseClass(course)
    if not port.journal_folder.is_dir():
        return Recharged()
    keys = None if student is None else {port.key_of(student) or ""}
    return _charged(port, slugs, keys, course.penalties, journal)


def _charged(
    port: ClassPort,
    slugs: Sequence[str],
    keys: set[str] | None,
    told: Callable[[str], dict[str, float] | None],
    journal: Journal | None,
) -> Recharged:
    """Charge the points that count by now; `told` gives the penalties of the gradebook."""
    from grading.gradebook import Writer  # nbgrader takes seconds to import
    from grading.journal import Journal

    done = Recharged()
    opened = journal or Journal(port.journal_folder)
    try:
        with Writer(port.db_url, port.course_id, tz=port.timezone) as writer:
            for slug in slugs:
                before = told(slug)
                if before is None:  # nothing of it is graded yet
                    continue
                done.is_graded = done.is_graded or bool(before)
                # What was given to learners stays theirs, and so do the points: nothing but the
                # penalty is written, and nothing waits for a person once more.
                left = _recorded(port, opened, slug, keys)
                while hands := list(islice(left, _AT_ONCE)):
                    penalties = port.penalties(slug, hands)
                    with held():
                        writer.charge(
                            slug,
                            {
                                learner.id: penalty
                                for (learner, _), penalty in zip(hands, penalties, strict=True)
                            },
                        )
                done.changed += _differences(slug, before, told(slug) or {})
    finally:
        if journal is None:
            opened.close()
    return done


def _recorded(
    port: ClassPort, journal: Journal, slug: str, keys: set[str] | None
) -> Iterator[tuple[Learner, datetime | None]]:
    """Give who has a result in the gradebook, and when the work came."""
    for entry in journal.entries(slug, latest=True):
        learner = port.learner(entry.learner)
        if learner is None or (keys is not None and learner.key not in keys):
            continue
        if journal.is_recorded(entry):  # else a run of its own finishes it, by the due date of then
            yield learner, entry.handed_in


def _differences(slug: str, before: dict[str, float], after: dict[str, float]) -> list[str]:
    return [
        f"{who}, {slug}: penalty for lateness {before.get(who, 0.0):g} → {new:g}"
        for who, new in sorted(after.items())
        if abs(new - before.get(who, 0.0)) > _SAME
    ]


def _told(classroom: Classroom, slug: str, *, drop_due: bool = False) -> dict[str, float] | None:
    """Write due date and extensions as nbgrader keeps them; return the penalties by learner."""
    from nbgrader.api import Gradebook, MissingEntry

    from grading.gradebook._notebooks import to_utc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's queries trip SQLAlchemy's newest warnings
        with Gradebook(classroom.db_url, classroom.course_id) as gradebook:
            try:
                assignment = gradebook.find_assignment(slug)
            except MissingEntry:
                return None
            due = classroom.settings.assignments[slug].due
            if due is not None or drop_due:
                assignment.duedate = to_utc(due, classroom.settings.timezone)
            penalties: dict[str, float] = {}
            for submission in gradebook.assignment_submissions(slug):
                who = submission.student_id
                penalties[who] = float(submission.late_submission_penalty or 0.0)
                if due is not None and who in classroom.roster:
                    own = classroom.due(classroom.roster.by_id(who), slug) or due
                    extra = own.astimezone(UTC) - due.astimezone(UTC)
                    if extra != (submission.extension or timedelta()):
                        submission.extension = extra
            gradebook.db.commit()
    return penalties

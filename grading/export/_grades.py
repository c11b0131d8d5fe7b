"""The scores of a class, as nbgrader's gradebook has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from grading.classroom import Learner
from grading.reporting import Recorded, recorded

if TYPE_CHECKING:
    from nbgrader.api import Gradebook


@dataclass(frozen=True)
class Grades:
    """Scores by assignment and learner.

    Attributes
    ----------
    learners : tuple of Learner
        In the order of the rows.
    slugs : tuple of str
        Assignments, in the order of the columns.
    recorded : mapping
        By assignment: what the gradebook holds, by learner's id.
    max_points : mapping of str to float
        Points to be had, by assignment.
    titles : mapping of str to str
        Column titles by assignment, where they are not its name.
    zone : tzinfo or None
        The clock on which times are written; None for the gradebook's, UTC.
    mend : str
        The command that adds what is missing of a learner.
    """

    learners: tuple[Learner, ...]
    slugs: tuple[str, ...]
    recorded: Mapping[str, Mapping[str, Recorded]]
    max_points: Mapping[str, float]
    titles: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo | None = None
    mend: str = "nncourse roster --import FILE"

    def clock(self, moment: datetime | None) -> str | None:
        """Write a time with the offset of its zone; None if there is none."""
        if moment is None:
            return None
        return (moment.astimezone(self.zone) if self.zone else moment).isoformat()

    def title(self, slug: str) -> str:
        """Return the title of an assignment's column."""
        return self.titles.get(slug) or slug

    def of(self, slug: str, learner: Learner) -> Recorded | None:
        """Return what a learner has for an assignment; None if nothing was handed in."""
        return self.recorded[slug].get(learner.id)


def grades_of(
    book: Gradebook,
    learners: Iterable[Learner] | None = None,
    slugs: Sequence[str] = (),
    titles: Mapping[str, str] | None = None,
    zone: tzinfo | None = None,
) -> Grades:
    """Read scores from a gradebook.

    Parameters
    ----------
    book : Gradebook
        nbgrader's, open.
    learners : iterable of Learner, optional
        The roster; without it all students of the gradebook.
    slugs : sequence of str, optional
        Assignments; without any, all.
    titles : mapping of str to str, optional
        Titles of columns by assignment.
    zone : tzinfo, optional
        The clock of the class; UTC without it.

    Returns
    -------
    Grades
        Plain data.
    """
    if learners is None:
        learners = [
            Learner(
                key="",
                id=student.id,
                first_name=student.first_name or "",
                last_name=student.last_name or "",
                email=student.email or "",
                lms_user_id=student.lms_user_id or "",
            )
            for student in book.students
        ]
    known = {each.name: float(each.max_score or 0.0) for each in book.assignments}
    chosen = tuple(slugs) or tuple(sorted(known))
    return Grades(
        learners=tuple(sorted(learners, key=lambda one: (one.last_name, one.first_name, one.id))),
        slugs=chosen,
        recorded={slug: recorded(book, slug) for slug in chosen},
        max_points={slug: known.get(slug, 0.0) for slug in chosen},
        titles=dict(titles or {}),
        zone=zone,
    )

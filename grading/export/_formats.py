"""The tables that other systems read.

Canvas imports a table with the columns of its own gradebook export: ``Student``, ``ID``,
``SIS User ID``, ``SIS Login ID``, ``Section`` and one column an assignment, titled exactly as in
Canvas with its number in brackets, ``Unit 1 (87568490)``; another title makes a new assignment.
A row ``Points Possible`` stands below the header.

Moodle maps columns by hand when it imports; the names are those of its grade export:
``Email address`` or ``ID number`` tell who is meant, case as in Moodle. Its documentation warns
that feedback imported without grades erases the grades, so both columns are always there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grading.classroom import Learner
from grading.export._cells import Cell, decimal
from grading.export._grades import Grades
from grading.reporting import Recorded

CSV_COLUMNS = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score", "needs_manual_grade",
)  # fmt: skip
"""nbgrader's own columns, and whether a person has still to look at it."""

CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE_COLUMNS = ("First name", "Last name", "ID number", "Email address")


@dataclass(frozen=True)
class Sheet:
    """Rows to be written, and what the instructor has to be told."""

    rows: Sequence[Sequence[Cell]]
    warnings: tuple[str, ...] = ()


def csv_sheet(grades: Grades, *, missing_as_zero: bool = False) -> Sheet:
    """Make a plain table: one row for each learner and assignment.

    Parameters
    ----------
    grades : Grades
        The scores.
    missing_as_zero : bool, default False
        Give 0 points to who handed nothing in, as nbgrader's own table does; otherwise the scores
        of that row stay empty.

    Returns
    -------
    Sheet
        With a header.
    """
    rows: list[Sequence[Cell]] = [CSV_COLUMNS]
    for slug in grades.slugs:
        for learner in grades.learners:
            mark = grades.of(slug, learner)
            rows.append(_plain_row(slug, learner, mark, grades, missing_as_zero))
    empty = () if missing_as_zero else _empty(grades)
    return Sheet(rows, (*_waiting(grades), *empty))


def canvas_sheet(grades: Grades, *, missing_as_zero: bool = False) -> Sheet:
    """Make the table that Canvas imports.

    Parameters
    ----------
    grades : Grades
        The scores.
    missing_as_zero : bool, default False
        Give 0 points to who handed nothing in; otherwise the cell stays empty, and a learner
        without any score is left out.

    Returns
    -------
    Sheet
        Header, points possible, learners.
    """
    titles = [grades.title(slug) for slug in grades.slugs]
    possible = [grades.max_points[slug] for slug in grades.slugs]
    rows: list[Sequence[Cell]] = [
        (*CANVAS_COLUMNS, *titles),
        ("    Points Possible", "", "", "", "", *possible),
    ]
    listed = _listed(grades, missing_as_zero)
    for learner in listed:
        number = learner.lms_user_id if learner.lms_user_id.isascii() else ""
        is_number = number.isdigit()
        rows.append((
            _last_first(learner),
            number if is_number else "",
            learner.id_number,
            learner.id if is_number or not number else number,
            learner.group,
            *_finals(grades, learner, missing_as_zero),
        ))
    without = [one.id for one in listed if not one.lms_user_id and not one.id_number]
    warnings = [*_waiting(grades), *_left_out(grades, listed)]
    if without:
        warnings.append(
            f"{_people(without)} no LMS id; Canvas will look for the id of the class among its "
            f"SIS login ids. Add lms_user_id with: {grades.mend}"
        )
    if unnamed := [slug for slug in grades.slugs if slug not in grades.titles]:
        warnings.append(
            f"Canvas makes a new assignment of a column that it does not know: "
            f"{', '.join(unnamed)}. To fill one that it has, give its title as Canvas exports it, "
            f'with the number: --column "{unnamed[0][:2]}=Backprop (87568490)"'
        )
    return Sheet(rows, tuple(warnings))


def moodle_sheet(grades: Grades, *, missing_as_zero: bool = False) -> Sheet:
    """Make the table that Moodle imports.

    Parameters
    ----------
    grades : Grades
        The scores.
    missing_as_zero : bool, default False
        As for Canvas.

    Returns
    -------
    Sheet
        Header and learners: a grade and a feedback column for each assignment.
    """
    header: list[Cell] = [*MOODLE_COLUMNS]
    for slug in grades.slugs:
        header += [f"Assignment: {grades.title(slug)} ({kind})" for kind in ("Real", "Feedback")]
    rows: list[Sequence[Cell]] = [header]
    listed = _listed(grades, missing_as_zero)
    for learner in listed:
        cells: list[Cell] = [
            learner.first_name,
            learner.last_name,
            learner.id_number or ("" if learner.email else learner.id),
            learner.email,
        ]
        for slug, final in zip(
            grades.slugs, _finals(grades, learner, missing_as_zero), strict=True
        ):
            cells += [final, _comment(grades.of(slug, learner), grades.max_points[slug])]
        rows.append(cells)
    without = [one.id for one in listed if not one.id_number and not one.email]
    warnings = [*_waiting(grades), *_left_out(grades, listed)]
    if without:
        warnings.append(
            f"{_people(without)} neither e-mail address nor ID number; Moodle will look for the id "
            f"of the class among its ID numbers. Add them with: {grades.mend}"
        )
    return Sheet(rows, tuple(warnings))


FORMATS: dict[str, Callable[..., Sheet]] = {
    "canvas": canvas_sheet,
    "csv": csv_sheet,
    "moodle": moodle_sheet,
}
"""Tables by the name of their format."""


def _plain_row(
    slug: str, learner: Learner, mark: Recorded | None, grades: Grades, missing_as_zero: bool
) -> Sequence[Cell]:
    most = grades.max_points[slug]
    who = (learner.id, learner.last_name, learner.first_name, learner.email)
    if mark is None:
        nothing = 0.0 if missing_as_zero else None
        return (slug, None, None, *who, nothing, nothing, nothing, most, "no")
    due, at = grades.clock(mark.due), grades.clock(mark.handed_in)
    scores = (mark.points, mark.penalty, mark.final, most)
    return (slug, due, at, *who, *scores, "yes" if mark.waiting else "no")


def _listed(grades: Grades, missing_as_zero: bool) -> list[Learner]:
    return [
        learner
        for learner in grades.learners
        if missing_as_zero or any(grades.of(slug, learner) for slug in grades.slugs)
    ]


def _finals(grades: Grades, learner: Learner, missing_as_zero: bool) -> list[Cell]:
    marks = [grades.of(slug, learner) for slug in grades.slugs]
    nothing = 0.0 if missing_as_zero else None
    return [mark.final if mark is not None else nothing for mark in marks]


def _last_first(learner: Learner) -> str:
    return ", ".join(filter(None, [learner.last_name, learner.first_name])) or learner.id


def _comment(mark: Recorded | None, most: float) -> str:
    """Say in one line what Moodle shows beside the grade."""
    if mark is None:
        return ""
    parts = [f"{decimal(mark.final)} of {decimal(most)} points"]
    if mark.penalty > 0:
        parts.append(f"{decimal(min(mark.penalty, mark.points))} taken off for being late")
    parts += [f"{cell}: {' '.join(text.split())}" for (_, cell), text in mark.comments.items()]
    return ". ".join(parts)


def _waiting(grades: Grades) -> tuple[str, ...]:
    n = sum(mark.waiting for slug in grades.slugs for mark in grades.recorded[slug].values())
    if not n:
        return ()
    one = n == 1
    return (
        f"{n} submission{'' if one else 's'} still wait{'s' if one else ''} for a person's points "
        "in formgrader; the points so far are exported.",
    )


def _empty(grades: Grades) -> tuple[str, ...]:
    n = sum(grades.of(slug, one) is None for slug in grades.slugs for one in grades.learners)
    if not n:
        return ()
    return (
        f"{n} score{' is' if n == 1 else 's are'} empty, since nothing was handed in. "
        "To give 0 points: --missing-as-zero",
    )


def _left_out(grades: Grades, listed: Sequence[Learner]) -> tuple[str, ...]:
    n = len(grades.learners) - len(listed)
    if not n:
        return ()
    one = n == 1
    return (
        f"{n} learner{' has' if one else 's have'} handed nothing in and "
        f"{'is' if one else 'are'} left out. To give 0 points: --missing-as-zero",
    )


def _people(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return f"{shown} {'has' if len(ids) == 1 else 'have'}"

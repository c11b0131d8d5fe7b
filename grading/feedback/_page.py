"""Draw a feedback page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from grading.exercises import Exercise
from grading.feedback._contents import contents
from grading.feedback._highlighting import highlighted
from grading.feedback._words import LOOKS
from grading.reporting import Work, page


def feedback_page(
    work: Work,
    exercises: Mapping[str, Exercise],
    rubrics: Mapping[tuple[str, str], str],
    *,
    title: str = "",
    zone: tzinfo | None = None,
) -> str:
    """Draw the page of one learner and assignment.

    Parameters
    ----------
    work : Work
        What was handed in and what came of it.
    exercises : mapping of str to Exercise
        Declarations of the assignment.
    rubrics : mapping of (str, str) to str
        Mark schemes by notebook and cell.
    title : str, optional
        Title of the unit; without it the assignment's name.
    zone : tzinfo, optional
        The clock of the class; UTC without it.

    Returns
    -------
    str
        A whole HTML document, complete in itself.
    """
    shown = contents(work, exercises, rubrics, title=title, zone=zone)
    return page(
        "feedback/page.html.jinja", shown=shown, work=work, looks=LOOKS, highlighted=highlighted
    )

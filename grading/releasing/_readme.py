"""The page that learners find in a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from grading.classroom import LatePolicy, shown_time

__all__ = ["readme"]


def readme(
    course: str,
    titles: Mapping[str, str],
    due: datetime | None,
    zone: ZoneInfo,
    late: LatePolicy,
    *,
    with_private: bool,
) -> str:
    """Write what a learner needs to know, as Markdown.

    Parameters
    ----------
    course : str
        The name of the course.
    titles : mapping of str to str
        Titles by slug.
    due : datetime or None
        By when; None for no date.
    zone : ZoneInfo
        On whose clock.
    late : LatePolicy
        What late work costs.
    with_private : bool
        Whether there are exercises that the learner's installation does not know.

    Returns
    -------
    str
        The page.
    """
    listed = "\n".join(f"- `{slug}/{slug}.ipynb`: {title}" for slug, title in titles.items())
    when = f"**Due: {shown_time(due, zone)}.**" if due else "There is no due date."
    checks = (
        "The checks in a notebook tell you at once what is right. Grading uses further cases of "
        "the same kind."
    )
    if with_private:
        checks += (
            " For some exercises the check says that they are graded after handing in: their "
            "cases are not on your machine."
        )
    paragraphs = [
        f"# {course}",
        when + _lateness(due, late),
        "This bundle holds:",
        listed,
        "## Work",
        "Open the course from the folder of it that you have: run `python start.py` there. If you "
        "have none, your instructor's link leads to it. Copy the folders of this bundle into its "
        "`my-course` and open the notebook in JupyterLab. Write your answers into the cells that "
        "say `# YOUR CODE HERE`. Leave the check cells as they are. You may add cells of your own.",
        checks,
        "## Hand in",
        "1. Choose *Kernel, Restart Kernel and Run All Cells*, and look once more at every check.",
        "2. Save the notebook, and keep its file name: `" + next(iter(titles)) + ".ipynb`.",
        "3. Upload that file where your instructor says, one file for each notebook. You may "
        "hand in again before the due date.",
        "`manifest.json` says which release this is. It is of no further use to you.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _lateness(due: datetime | None, late: LatePolicy) -> str:
    if due is None:
        return ""
    if late.percent == 0 and late.cut_off_hours is None:
        return ""
    parts = []
    if late.grace_minutes:
        parts.append(f"up to {late.grace_minutes:g} minutes of lateness cost nothing")
    if late.percent:
        parts.append(
            f"late work loses {late.percent:g} % of its points for each {late.per} that has begun"
            + (f", {late.cap_percent:g} % at most" if late.cap_percent < 100 else "")
        )
    if late.cut_off_hours is not None:
        parts.append(f"after {late.cut_off_hours:g} hours nothing counts")
    text = "; ".join(parts)
    return f" {text[:1].upper()}{text[1:]}."

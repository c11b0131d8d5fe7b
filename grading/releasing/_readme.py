"""The page that learners find in a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from grading.classroom import LatePolicy, shown_time
from grading.releasing._bundle import Due

__all__ = ["readme"]


def readme(
    course: str,
    titles: Mapping[str, str],
    dues: Mapping[str, Due],
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
    dues : mapping of str to Due
        By when, and on whose clock, by slug.
    late : LatePolicy
        What late work costs.
    with_private : bool
        Whether there are exercises that the learner's installation does not know.

    Returns
    -------
    str
        The page.
    """
    whens = {slug: _due(*each) for slug, each in dues.items()}
    is_one = len(set(whens.values())) == 1
    listed = "\n".join(
        f"- `{slug}/{slug}.ipynb`: {title}" + ("" if is_one else f". {whens[slug]}")
        for slug, title in titles.items()
    )
    when = next(iter(whens.values())) if is_one else "Each notebook has a due date of its own."
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
        when + _lateness(any(each.when for each in dues.values()), late),
        "This bundle holds:",
        listed,
        "## Work",
        "Open the course from the folder of it that you have: run `python start.py` there. If you "
        "have none, your instructor's link leads to it. Its `my-course` may have folders of these "
        "names already, with your work in them: leave those as they are. Make a folder "
        "`to-hand-in` in `my-course`, copy the folders of this bundle into that, and open the "
        "notebook there in JupyterLab. The course never changes what lies in it. What you have "
        "answered in the other notebook may be copied over, cell by cell. If you have begun on a "
        "notebook of an earlier bundle, do not replace it: it stays valid.",
        "Write your answers into the cells that say `# YOUR CODE HERE`. Leave the check cells as "
        "they are. You may add cells of your own.",
        checks,
        "## Hand in",
        "1. Choose *Kernel, Restart Kernel and Run All Cells*, and look once more at every check.",
        "2. Save the notebook, and keep its file name: `" + next(iter(titles)) + ".ipynb`.",
        "3. Upload that file where your instructor says, one file for each notebook. You may "
        "hand in again before the due date.",
        "`manifest.json` says which release this is. It is of no further use to you.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _due(when: datetime | None, zone: ZoneInfo) -> str:
    return f"**Due: {shown_time(when, zone)}.**" if when else "There is no due date."


def _lateness(is_due: bool, late: LatePolicy) -> str:
    if not is_due:
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

"""Where a learner's copy of the course lies, and in which notebook they stopped."""

from __future__ import annotations

from pathlib import Path

from grading.house import course_root
from grading.refusals import Refusal

FIRST_UNIT = "00"


def default_folder() -> Path:
    """Return where a learner's copy of the course lies unless they name another place.

    Returns
    -------
    folder : Path
        ``my-course`` in a checkout (git ignores it), ``~/nn-course`` without one.
    """
    try:
        return course_root() / "my-course"
    except Refusal:
        return Path.home() / "nn-course"


def page_to_open(folder: Path, last_unit: str = FIRST_UNIT) -> str:
    """Return the learner's notebook of a unit.

    Parameters
    ----------
    folder : Path
        The learner's folder.
    last_unit : str, default "00"
        Number of the unit in which the learner last checked an answer.

    Returns
    -------
    page : str
        Path in the folder with forward slashes; the notebook of unit 00 if that unit has none,
        and "" if there is none at all.
    """
    for number in (last_unit, FIRST_UNIT):
        notebooks = [
            path
            for path in sorted(folder.glob(f"{number}-*/*.ipynb"))
            if not path.name.startswith(".")
        ]
        # Their own copy before an update copy; what they renamed counts as their own.
        notebooks.sort(key=lambda path: (path.stem != path.parent.name, ".update" in path.name))
        if notebooks:
            return notebooks[0].relative_to(folder).as_posix()
    return ""

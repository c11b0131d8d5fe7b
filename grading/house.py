"""Where the course lies on this machine, and which units it has."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from grading.refusals import Refusal

__all__ = ["Unit", "course_folder", "course_root", "units"]

_PACKAGE = Path(__file__).resolve().parent
_SLUG = re.compile(r"(\d\d)-[a-z0-9]+(?:-[a-z0-9]+)*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(hours?|h|minutes|min)\b")


@dataclass(frozen=True)
class Unit:
    """One unit of the course, as its source announces itself.

    Parameters
    ----------
    number : str
        Two digits, ``"01"``.
    slug : str
        File name without ending, ``"01-backpropagation"``.
    title : str
        The first heading of the first level, without a leading number.
    hours : float
        The duration that the opening cell states, in hours; 0.0 if it states none.
    """

    number: str
    slug: str
    title: str
    hours: float


def course_root() -> Path:
    """Return the checkout: the folder that holds ``solutions/`` and ``course/``.

    Returns
    -------
    Path
        An absolute path.

    Raises
    ------
    Refusal
        If the package was installed without its checkout, as from a wheel: only the learners'
        notebooks are there then (`course_folder` finds them in either case).
    """
    root = _PACKAGE.parent
    if not (root / "solutions").is_dir():
        msg = (
            f"{root}: this installation holds the learners' notebooks only, not their sources. "
            "Work in a clone of the course, installed with: pip install -e ."
        )
        raise Refusal(msg)
    return root


def course_folder() -> Path:
    """Return the folder of the learners' notebooks, of a checkout or of an installed wheel.

    Returns
    -------
    Path
        The folder that holds ``00-start-here/00-start-here.ipynb`` and its siblings.

    Raises
    ------
    Refusal
        If neither is there.
    """
    for folder in (_PACKAGE.parent / "course", _PACKAGE / "_course"):
        if folder.is_dir():
            return folder
    msg = (
        f"{_PACKAGE}: no course lies beside this package. "
        'Install it again, from a clone ("pip install -e .") or from its wheel.'
    )
    raise Refusal(msg)


def units(root: Path | None = None) -> list[Unit]:
    """List the units in the order of their numbers.

    Parameters
    ----------
    root : Path, optional
        A checkout; without it the course of this installation, whose notebooks are read where
        the sources are absent.

    Returns
    -------
    list of Unit
        Empty if no unit is written yet.

    Raises
    ------
    Refusal
        If two sources carry the same number, or a file name is not ``NN-words-like-this``.
    """
    base = root if root is not None else _PACKAGE.parent
    sources = sorted((base / "solutions").glob("*.py"))
    if sources or root is not None:
        found = [_announced(path.stem, _opening_of_source(path), path) for path in sources]
    else:
        notebooks = sorted(course_folder().glob("*/*.ipynb"))
        found = [_announced(path.stem, _opening_of_notebook(path), path) for path in notebooks]
    for first, second in pairwise(found):
        if first.number == second.number:
            msg = (
                f"solutions: {first.slug}.py and {second.slug}.py both carry number "
                f"{first.number}. Give one of them another."
            )
            raise Refusal(msg)
    return found


def _announced(slug: str, opening: str, path: Path) -> Unit:
    if _SLUG.fullmatch(slug) is None:
        msg = f"{path}: a unit is named NN-words-like-this, as 01-backpropagation. Rename the file."
        raise Refusal(msg)
    heading = re.search(r"^# +(.+)$", opening, flags=re.MULTILINE)
    title = heading.group(1).strip() if heading else slug[3:].replace("-", " ").capitalize()
    title = re.sub(r"^(?:Unit\s+)?\d\d?\s*[.:·–-]?\s+", "", title)
    return Unit(slug[:2], slug, title, _hours(opening))


def _hours(opening: str) -> float:
    """Read "3 hours" or "45 minutes" in the opening cell."""
    stated = _DURATION.search(opening)
    if stated is None:
        return 0.0
    value = float(stated.group(1))
    return value if stated.group(2).startswith("h") else value / 60


def _opening_of_source(path: Path) -> str:
    """Return the first markdown cell of a percent file: its lines without the comment mark."""
    lines: list[str] = []
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# %%"):
            if inside:
                break
            inside = "[markdown]" in line
        elif inside:
            lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def _opening_of_notebook(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = next((cell["source"] for cell in cells if cell["cell_type"] == "markdown"), "")
    return first if isinstance(first, str) else "".join(first)

"""An ordinary nbgrader assignment as plain data: what grading needs beside the submission.

>>> tests = SourceCell("test_f", "code", "assert f(1) == 2", "", grade=True, points=1.0)
>>> book = CourseNotebook("problem1", (tests,))
>>> CourseVersion("ps1", (book,)).max_points
1.0
"""

from __future__ import annotations

import ast
import fnmatch
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from grading.kernel._parts import SCORING_REVISION

__all__ = ["CourseNotebook", "CourseVersion", "SourceCell", "imports_of"]

# A preloaded pyplot would choose its backend before the kernel can offer the inline one.
_PRELOADED_AS = {
    "matplotlib": ("matplotlib.figure", "matplotlib.backends.backend_agg"),
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "scipy": ("scipy",),
}


@dataclass(frozen=True)
class SourceCell:
    """One named cell as the gradebook keeps it, hidden tests included.

    Attributes
    ----------
    name : str
        nbgrader's ``grade_id``.
    cell_type : str
        ``"code"`` or ``"markdown"``.
    source : str
        Its full text.
    checksum : str
        nbgrader's checksum of the cell as it was released.
    locked : bool
        Whether learners were not to change it.
    grade, solution, task : bool
        nbgrader's flags.
    points : float
        Points to be had.
    released : str
        Its text in the notebook that learners got, hidden tests removed; empty if not known.
    """

    name: str
    cell_type: str
    source: str
    checksum: str
    locked: bool = False
    grade: bool = False
    solution: bool = False
    task: bool = False
    points: float = 0.0
    released: str = ""

    @property
    def is_scored(self) -> bool:
        """Whether the gradebook keeps points for it."""
        return self.grade or self.task

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the cell, as nbgrader's validator demands them."""
        marks = {
            "schema_version": 3,
            "grade": self.grade,
            "solution": self.solution,
            "locked": self.locked,
            "task": self.task,
            "grade_id": self.name,
            "cell_type": self.cell_type,
        }
        if self.checksum:
            marks["checksum"] = self.checksum
        if self.is_scored:
            marks["points"] = self.points
        return marks


@dataclass(frozen=True)
class CourseNotebook:
    """One notebook of an assignment.

    Attributes
    ----------
    name : str
        Its name without ending.
    cells : tuple of SourceCell
        Its named cells in the order of the released notebook.
    kernelspec : str
        The kernelspec that the release had, as JSON; empty if none was kept.
    imports : tuple of str
        Packages that its cells import, those without a name included.
    """

    name: str
    cells: tuple[SourceCell, ...]
    kernelspec: str = ""
    imports: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, SourceCell]:
        """The cells by ``grade_id``."""
        return {cell.name: cell for cell in self.cells}

    @property
    def scored(self) -> tuple[SourceCell, ...]:
        """The cells that the gradebook keeps points for."""
        return tuple(cell for cell in self.cells if cell.is_scored)


@dataclass(frozen=True)
class CourseVersion:
    """An assignment of an instructor's own nbgrader course.

    It is plain data, so that it travels to a worker or a cluster; it holds no credential.

    Attributes
    ----------
    slug : str
        nbgrader's name of the assignment.
    notebooks : tuple of CourseNotebook
        In the order of their names.
    helpers : tuple of (str, bytes)
        Files beside the source notebooks, by their path with ``/``. They replace what a learner
        hands in under the same name.
    kept : tuple of str
        Helper files that are not replaced (nbgrader's ``exclude_overwriting``).
    ignored : tuple of str
        File names and patterns that nbgrader does not copy.
    cell_timeout_s : float or None
        Longest time for one cell as the course configures it; None: the submission's budget.
    max_lines, max_traceback : int
        nbgrader's ``LimitOutput``: lines of text and of a traceback that are kept; -1 for all.
    hidden_begin, hidden_end : str
        What marks the first and the last line of a hidden test.
    packages : tuple of str
        Distributions that its notebooks need beside the usual ones, by their names on PyPI.
    """

    slug: str
    notebooks: tuple[CourseNotebook, ...]
    helpers: tuple[tuple[str, bytes], ...] = ()
    kept: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    cell_timeout_s: float | None = 30.0
    max_lines: int = 1000
    max_traceback: int = 100
    hidden_begin: str = "BEGIN HIDDEN TESTS"
    hidden_end: str = "END HIDDEN TESTS"
    packages: tuple[str, ...] = ()

    @property
    def max_points(self) -> float:
        """Points to be had, over all notebooks."""
        return float(sum(cell.points for book in self.notebooks for cell in book.scored))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the cells, the helper files, the settings and the code that forms scores."""
        plain = asdict(self)
        plain["helpers"] = [
            (path, hashlib.sha256(content).hexdigest()) for path, content in self.helpers
        ]
        plain["revision"] = SCORING_REVISION
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Modules worth loading before the submission comes, since its cells import them."""
        used = {name for book in self.notebooks for name in book.imports} | {
            name
            for book in self.notebooks
            for cell in book.cells
            if cell.cell_type == "code"
            for name in imports_of(cell.source)
        }
        return tuple(module for name in sorted(used) for module in _PRELOADED_AS.get(name, ()))

    @cached_property
    def has_hidden(self) -> bool:
        """Whether any notebook holds hidden tests; all of a submission share one folder."""
        return any(self.hidden_lines(cell.source) for book in self.notebooks for cell in book.cells)

    def hidden_lines(self, source: str) -> frozenset[int]:
        """Tell which lines of a cell are hidden tests.

        Parameters
        ----------
        source : str
            Full text of a cell.

        Returns
        -------
        frozenset of int
            Line numbers from 1, the marks included.
        """
        hidden: set[int] = set()
        inside = False
        for number, line in enumerate(source.split("\n"), start=1):
            begins = self.hidden_begin in line
            inside = inside or begins
            if inside:
                hidden.add(number)
            if inside and not begins and self.hidden_end in line:
                inside = False
        return frozenset(hidden)

    def companions(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return what stands beside the notebooks while they run, as nbgrader puts it there.

        The learner's other files, then the course's own over them, apart from `kept` ones.

        Parameters
        ----------
        files : mapping of str to bytes
            What was handed in, by path.

        Returns
        -------
        dict of str to bytes
            By path with ``/``; entries whose path leaves the folder are left out.
        """
        helpers = dict(self.helpers)
        beside = {
            path: content
            for path, content in files.items()
            if _is_inside(path)
            and not path.endswith(".ipynb")
            and not any(
                fnmatch.fnmatch(part, pattern)
                for part in path.split("/")
                for pattern in self.ignored
            )
        }
        for path, content in helpers.items():
            if path not in self.kept:
                _make_room(beside, path)
                beside[path] = content
        return beside


def _make_room(files: dict[str, bytes], path: str) -> None:
    """Drop files that stand where a folder of `path` has to be, or inside of `path`."""
    parents = {path[:i] for i, letter in enumerate(path) if letter == "/"}
    for other in [name for name in files if name in parents or name.startswith(path + "/")]:
        del files[other]


def _is_inside(path: str) -> bool:
    """Tell whether a path names a file below the folder, in plain form."""
    parts = path.split("/")
    return (
        0 < len(path) <= 500
        and len(parts) <= 20
        and all(
            part not in {"", ".", ".."} and len(part.encode("utf-8", "replace")) <= 200
            for part in parts
        )
        and not re.search(r"[\x00-\x1f\\]", path)
    )


def imports_of(source: str) -> set[str]:
    """Return the packages that a cell imports.

    Parameters
    ----------
    source : str
        Its text, magics included.

    Returns
    -------
    set of str
        Names of packages; none for text that does not parse.
    """
    lines = [line for line in source.split("\n") if not line.lstrip().startswith(("%", "!"))]
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names

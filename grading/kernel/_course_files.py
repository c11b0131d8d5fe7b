"""What lies in an nbgrader course's folders: released notebooks, timestamps, files handed in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grading.kernel._version import imports_of
from grading.oversized import in_place_of
from grading.refusals import Refusal

__all__ = ["CourseSubmission", "Released", "check_kernel", "read_tree", "timestamp", "utc"]


@dataclass(frozen=True)
class CourseSubmission:
    """One submission in the course's submitted folder.

    Attributes
    ----------
    student : str
        nbgrader's student id.
    slug : str
        Name of the assignment.
    folder : Path
        Where its files lie.
    handed_in : datetime or None
        From ``timestamp.txt``, in UTC; None if there is none that can be read.
    notes : tuple of str
        What was odd about it, one sentence each.
    """

    student: str
    slug: str
    folder: Path
    handed_in: datetime | None
    notes: tuple[str, ...] = ()

    def files(self, largest_bytes: int = 100_000_000) -> dict[str, bytes]:
        """Read its files by path; links are left out, and what is too much beside the notebooks.

        Parameters
        ----------
        largest_bytes : int, default 100,000,000
            All of them together.

        Returns
        -------
        dict of str to bytes
            By path with ``/``.
        """
        return read_tree(self.folder, largest_bytes)


def check_kernel(where: str, kernelspec: str | None) -> None:
    try:
        spec = json.loads(kernelspec or "{}") or {}
    except ValueError:
        spec = {}
    language = str(spec.get("language") or "").lower()
    name = str(spec.get("name") or "python3")
    if language == "python" or (not language and "py" in name.lower()):
        return
    msg = (
        f"{where}: its kernel is {name!r} ({language or 'language not given'}), and only Python "
        "kernels run in the sandbox. Grade this assignment with: nbgrader autograde"
    )
    raise Refusal(msg)


class Released:
    """What a notebook of the release or source folder tells; nothing if it is not there."""

    def __init__(self, path: Path) -> None:
        import nbformat

        self.sources: dict[str, str] = {}
        self.imports: tuple[str, ...] = ()
        if not path.is_file():
            return
        try:
            notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            cells = notebook.cells
        except Exception as error:  # nbformat raises many kinds
            msg = f"{path}: this is not a notebook that nbformat reads: {error}"
            raise Refusal(msg) from error
        self.sources = {
            str(cell.metadata.nbgrader.grade_id): str(cell.source)
            for cell in cells
            if cell.metadata.get("nbgrader", {}).get("grade_id")
        }
        code = [str(cell.source) for cell in cells if cell.cell_type == "code"]
        self.imports = tuple(sorted({name for source in code for name in imports_of(source)}))


def timestamp(path: Path) -> tuple[datetime | None, tuple[str, ...]]:
    from nbgrader.utils import parse_utc

    if path.is_symlink() or not path.is_file():
        return None, ()
    text = path.read_bytes()[:200].decode("utf-8", "replace").strip()
    try:
        return utc(parse_utc(text)), ()
    except (ValueError, OverflowError, TypeError):
        return None, (f"{path}: this is not a date that nbgrader reads: {text[:40]!r}.",)


def utc(moment: datetime | None) -> datetime | None:
    """Mark nbgrader's times, which are UTC and do not say so."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def read_tree(folder: Path, largest_bytes: int, ignored: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Read all plain files below a folder, none through a link."""
    # Notebooks come first; what would be too much beside them is left out, and of a notebook that
    # is too large itself its size stands for it.
    found: dict[str, bytes] = {}
    left = largest_bytes
    for path, size in sorted(_plain_files(folder, ignored), key=lambda one: not _is_notebook(one)):
        name = path.relative_to(folder).as_posix()
        if size <= left:
            left -= size
            found[name] = path.read_bytes()
        elif path.suffix == ".ipynb":
            found[name] = in_place_of(size)
    return dict(sorted(found.items()))


def _is_notebook(file: tuple[Path, int]) -> bool:
    return file[0].suffix == ".ipynb"


def _plain_files(folder: Path, ignored: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    """Yield files and their sizes in the order of their names, links and what is ignored apart."""
    from nbgrader.utils import is_ignored

    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(
            each
            for each in folders
            if not Path(place, each).is_symlink()
            and not is_ignored(str(Path(place, each)), list(ignored))
        )
        for name in sorted(names):
            path = Path(place, name)
            if (
                path.is_file()
                and not path.is_symlink()
                and not is_ignored(str(path), list(ignored))
            ):
                yield path, path.stat().st_size

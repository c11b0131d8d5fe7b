"""Begin a class for a command, and take it back if the command comes to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from grading.classroom._classroom import SECRET, Classroom
from grading.classroom._settings import ASSIGNMENTS

__all__ = ["begun"]

_OURS = (SECRET, "class.toml", ".lock", "released", "releases")


@contextmanager
def begun(root: Path, timezone: str | None = None) -> Generator[Classroom, None, None]:
    """Open a class, or begin one that is there afterwards only if nothing was raised.

    Parameters
    ----------
    root : Path
        The class folder.
    timezone : str, optional
        The time zone of a new class.

    Yields
    ------
    Classroom
        The class. Of one that was there before, nothing is taken back.
    """
    root = root.expanduser().resolve()
    is_new = not (root / SECRET).exists()
    there = {path for path in (*(root / name for name in _OURS), root, *root.parents)
             if path.exists()}  # fmt: skip
    try:
        yield Classroom.open(root, create=True, timezone=timezone)
    except BaseException:
        if is_new and not (root / ASSIGNMENTS).exists():  # else something was handed out
            _take_back([root / name for name in _OURS if root / name not in there])
            _remove_empty([path for path in (root, *root.parents) if path not in there])
        raise


def _take_back(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):  # something of somebody else's lies there by now
        for folder in folders:
            folder.rmdir()

"""An assignment as it travels to another machine: an instructor's own exercises go along.

Their files do not lie on the worker. There they are written into a folder of the worker's own, for
as long as it lives, or until the next worker there begins if it was killed; their names and
contents, by which a version is hashed, stay the same.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from grading.assignments import AssignmentVersion
from grading.engine._jobs import Version
from grading.refusals import Refusal

__all__ = ["Carried", "Sources", "carry", "put_down"]

_PREFIX = "nncourse-exercises-"


@dataclass(frozen=True)
class Sources:
    """The files behind one path of ``--exercises``.

    Attributes
    ----------
    path : str
        Where they lie on the machine that sends them; the name is kept.
    is_folder : bool
        Whether the path is a folder; its files then import one another.
    files : tuple of (str, bytes)
        Python files by name.
    """

    path: str
    is_folder: bool
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


@dataclass(frozen=True)
class Carried:
    """A version and what it needs of the machine that sends it.

    Attributes
    ----------
    version : AssignmentVersion or CourseVersion
        The version, as it is there.
    sources : tuple of Sources
        The exercises of the instructor's own; none in most courses.
    """

    version: Version
    sources: tuple[Sources, ...] = ()


def carry(version: Version) -> Carried:
    """Pack a version.

    Parameters
    ----------
    version : AssignmentVersion or CourseVersion
        The version.

    Returns
    -------
    Carried
        The version with the sources of its private exercises.

    Raises
    ------
    Refusal
        If such a file is gone.
    """
    if not isinstance(version, AssignmentVersion):
        return Carried(version)
    return Carried(version, tuple(map(_read, version.private)))


def put_down(carried: Carried) -> Version:
    """Unpack a version in this process, and load its private exercises.

    Parameters
    ----------
    carried : Carried
        What arrived.

    Returns
    -------
    AssignmentVersion or CourseVersion
        The version, which finds its exercises here.

    Raises
    ------
    Refusal
        If the exercises do not load here; the sentence names the paths where they came from.
    """
    version = carried.version
    if not isinstance(version, AssignmentVersion) or not carried.sources:
        return version
    paths = tuple(_written(each) for each in carried.sources)
    try:
        found = replace(version, private=tuple(map(str, paths)))
        _ = found.exercises  # loads them
    except Refusal as refusal:
        sentence = str(refusal)
        for path, sources in zip(paths, carried.sources, strict=True):
            sentence = sentence.replace(str(path), sources.path)
        raise Refusal(sentence) from refusal
    return found


def _read(given: str) -> Sources:
    from grading.exercises._private import private_files  # only an instructor has such files

    path = Path(given)
    files = private_files(path)
    return Sources(
        str(files[0].parent if path.is_dir() else path),
        path.is_dir(),
        tuple((file.name, file.read_bytes()) for file in files),
    )


@cache
def _written(sources: Sources) -> Path:
    """Write the files where only this user can read them."""
    _clear_up()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in sources.files:
        (folder / Path(name).name).write_bytes(content)
    return folder if sources.is_folder else folder / sources.files[0][0]


def _clear_up() -> None:
    """Remove what workers have left that were killed: nobody else may read the exercises there."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            is_ours = folder.lstat().st_uid == os.getuid()
            if is_ours and number.isdigit() and not Path("/proc", number).exists():
                shutil.rmtree(folder, ignore_errors=True)

"""Load an instructor's own declarations, which lie outside of the course.

A file is loaded as a module of its own; the files of a folder as one package, so that they can
import one another (``from .helpers import draw``). Files whose names begin with an underscore are
helpers and declare nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from grading.exercises import _registry
from grading.exercises._declaration import Exercise
from grading.refusals import Refusal

__all__ = ["load_private", "private_files"]

_PREFIX = "nncourse_private_"
_HASH_DIGITS = 20
_NAME_LENGTH = len(_PREFIX) + _HASH_DIGITS


def load_private(paths: str | Path | Iterable[str | Path]) -> tuple[Exercise, ...]:
    """Load declarations from outside of the course, so that `exercise` finds them.

    The files are Python and are executed: give only files of your own.

    Parameters
    ----------
    paths : path or iterable of paths
        Python files with ``EXERCISES``, or folders of such files, in which ``exercises/`` may
        stand between. A later call replaces what an earlier one declared under the same id, so
        that one process can grade two releases of an assignment.

    Returns
    -------
    tuple of Exercise
        The declarations, in the order of the files.

    Raises
    ------
    Refusal
        If a file is absent or broken, with its line; if an id is taken by the course, or twice.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    declared: list[Exercise] = []
    origins: dict[str, Path] = {}
    for path in map(Path, given):
        files = private_files(path)
        package = _package(files, is_folder=path.is_dir())
        for file in files:
            if file.name.startswith("_"):
                continue
            for each in _declarations(file, package):
                _examine_id(each, file, origins)
                origins[each.id] = file
                declared.append(each)
    _registry.register_private(declared)
    return tuple(declared)


def private_files(path: Path) -> tuple[Path, ...]:
    """List the Python files that `load_private` reads.

    Parameters
    ----------
    path : Path
        A Python file, or a folder.

    Returns
    -------
    tuple of Path
        Sorted by name; helpers among them.

    Raises
    ------
    Refusal
        If there is none.
    """
    if not path.is_dir() and not (path.is_file() and path.suffix == ".py"):
        msg = f"{path}: there are no exercises. Name a Python file, or a folder with exercises/."
        raise Refusal(msg)
    inside = path / "exercises" if (path / "exercises").is_dir() else path
    files = tuple(sorted(inside.glob("*.py"))) if path.is_dir() else (path,)
    if not [file for file in files if not file.name.startswith("_")]:
        msg = f"{path}: there are no exercises. Put Python files with EXERCISES into exercises/."
        raise Refusal(msg)
    return files


def _package(files: Sequence[Path], *, is_folder: bool) -> str:
    """Name the files by their content, which makes a mended file another module."""
    content = hashlib.sha256()
    for file in files:
        source = file.read_bytes()
        content.update(f"{file.name} {len(source)} ".encode() + source)
    name = _PREFIX + content.hexdigest()[:_HASH_DIGITS]
    if is_folder and name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(files[0].parent)]
        sys.modules[name] = importlib.util.module_from_spec(spec)
    return name + "." if is_folder else name + "_"


def _declarations(file: Path, package: str) -> tuple[Exercise, ...]:
    module = _module(file, package + file.stem)
    found = getattr(module, "EXERCISES", None)
    if not isinstance(found, Sequence) or not all(isinstance(each, Exercise) for each in found):
        came = "no EXERCISES" if found is None else "EXERCISES that are not declarations"
        msg = (
            f"{file}: it has {came}. End it with EXERCISES = (first, second), or begin the name "
            "of a helper file with an underscore."
        )
        raise Refusal(msg)
    return tuple(found)


def _module(file: Path, name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        msg = f"{file}: this is no Python file. Name one that ends in .py."
        raise Refusal(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # while it is executed, as import does
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        for loaded in [each for each in sys.modules if each.startswith(name[:_NAME_LENGTH])]:
            del sys.modules[loaded]
        where, line = _place(error, file)
        msg = f"{where}, line {line}: {type(error).__name__}: {error}. Mend that line."
        raise Refusal(msg) from error
    return module


def _place(error: BaseException, file: Path) -> tuple[Path, int]:
    """Find the deepest line of the instructor's own files in which it went wrong."""
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == file.parent]
    return (Path(own[-1].filename), own[-1].lineno or 1) if own else (file, 1)


def _examine_id(declared: Exercise, file: Path, origins: dict[str, Path]) -> None:
    if declared.id in {each.id for each in _registry.all_exercises()}:
        other = "the course"
    elif declared.id in origins:
        other = str(origins[declared.id])
    else:
        return
    msg = f"{file}: the id {declared.id!r} is taken by {other}. Give the exercise another."
    raise Refusal(msg)

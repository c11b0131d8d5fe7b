"""Which files an exercise is written in: what to look at to tell whether it has changed.

>>> from grading.exercises import exercise
>>> [path.name for path in files_of(exercise("relu_backward"))]
['_declaration.py', 'relu.py']
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from grading.exercises import Exercise

__all__ = ["files_of"]

_PACKAGE = "grading.exercises"


def files_of(declared: Exercise) -> tuple[Path, ...]:
    """List the files that an exercise's declaration rests on.

    These are the file that declares it and what that file imports, step by step, from
    `grading.exercises` or from its own folder (as an instructor's private files do).

    Parameters
    ----------
    declared : Exercise
        The declaration.

    Returns
    -------
    tuple of Path
        Files, ordered by path.
    """
    # A package re-exports what its files declare; the file itself rests on the fewest others.
    homes = [_closure(name) for name in _homes(declared)]
    return min(homes, key=lambda files: (len(files), files), default=())


def _homes(declared: Exercise) -> list[str]:
    """Name the modules that hold the declaration, or else the module of its reference."""
    reference = getattr(declared.reference, "__module__", "")
    near = reference.rpartition(".")[0] or reference
    names = [
        name
        for name, module in list(sys.modules.items())
        if (name == reference or name.startswith((_PACKAGE + ".", near + ".")))
        and any(value is declared for value in list(getattr(module, "__dict__", {}).values()))
    ]
    return names or ([reference] if _file(sys.modules.get(reference)) else [])


@cache
def _closure(name: str) -> tuple[Path, ...]:
    home = _file(sys.modules[name])
    if home is None:
        return ()
    roots = (_package_folder(), home.parent)
    found: dict[Path, str] = {}
    waiting = [(name, home)]
    while waiting:
        module, path = waiting.pop()
        if path in found:
            continue
        found[path] = module
        for imported in _imports(path, module):
            file = _file(sys.modules.get(imported))
            if file is not None and any(root in file.parents for root in roots):
                waiting.append((imported, file))
    return tuple(sorted(found))


def _imports(path: Path, module: str) -> Iterator[str]:
    """Name the loaded modules that a file imports, by themselves or a name from them."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            above = node.level - (1 if is_package else 0)
            start = base[: len(base) - above] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in sys.modules else source


def _file(module: ModuleType | None) -> Path | None:
    name = getattr(module, "__file__", None)
    return Path(name).resolve() if name and name.endswith(".py") else None


def _package_folder() -> Path:
    import grading.exercises  # the folder of a package that is loaded already

    return Path(grading.exercises.__file__ or "").resolve().parent

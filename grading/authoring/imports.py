"""What a cell that runs while graded may import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from grading.authoring.declarations import Declaration

__all__ = ["allowed_modules", "imported_modules", "is_allowed"]


def allowed_modules(exercises: Iterable[Declaration]) -> frozenset[str]:
    """Collect the packages that the sandbox of a unit holds, the standard library apart.

    Parameters
    ----------
    exercises : iterable of Declaration
        The unit's exercises.

    Returns
    -------
    frozenset of str
        Always with NumPy.
    """
    named = {module for declared in exercises for module in declared.sandbox_modules}
    return frozenset({"numpy"} | named)


def imported_modules(tree: ast.Module) -> list[str]:
    """List the modules that a cell imports, wherever in it.

    Parameters
    ----------
    tree : ast.Module
        The parsed cell.

    Returns
    -------
    list of str
        Dotted names; ``from grading import check`` gives ``grading.check``.
    """
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "grading":
                found.extend(f"grading.{alias.name}" for alias in node.names)
            else:
                found.append("." * node.level + module)
    return found


def is_allowed(module: str, allowed: frozenset[str]) -> bool:
    """Tell whether a module is in the standard library or lies in an allowed package."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    return any(module == name or module.startswith(name + ".") for name in allowed)

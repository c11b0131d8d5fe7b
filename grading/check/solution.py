"""Write out the solution of an exercise: derivation, then two styles, ready to be run."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable
from types import FunctionType
from typing import Any

from grading.exercises import Exercise

_OURS = "grading."


def solution_text(exercise: Exercise) -> str:
    """Write out the solution of an exercise: derivation, then two styles.

    Parameters
    ----------
    exercise : Exercise
        The declaration.

    Returns
    -------
    str
        The derivation, the reference and the first alternative.
    """
    parts = [
        textwrap.dedent(exercise.solution_note).strip(),
        f"# One way\n{source_of(exercise.reference, exercise.id)}",
        f"# Another way\n{source_of(exercise.alternatives[0], exercise.id)}",
    ]
    return "\n\n".join(parts)


def source_of(function: Callable[..., Any], name: str) -> str:
    """Return a declared function's source under another name, comments and all.

    Before it stands what it needs of its module: helper functions, classes, plain constants, names
    of ``typing``. Only NumPy, as ``np``, is taken as given.

    Parameters
    ----------
    function : callable
        A function or class of a declaration.
    name : str
        The name to give it: the exercise's id.

    Returns
    -------
    str
        Source that defines ``name``.
    """
    needed: dict[str, str] = {}
    source = _bare_source(function)
    _collect(function, source, needed)
    return "\n\n\n".join([*needed.values(), _renamed(source, function.__name__, name)])


def _bare_source(thing: Callable[..., Any]) -> str:
    """Return the source without decorators, which belong to us."""
    source = textwrap.dedent(inspect.getsource(thing)).strip()
    definition: Any = ast.parse(source).body[0]
    return "\n".join(source.splitlines()[definition.lineno - 1 :])


def _renamed(source: str, old: str, new: str) -> str:
    """Replace a function's name in its own definition and where it calls itself."""
    lines = source.splitlines()
    places = [
        (node.lineno, node.col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and node.id == old
    ]
    places.append((1, lines[0].index(old)))
    for line, column in sorted(set(places), reverse=True):
        # Columns count UTF-8 bytes.
        before = lines[line - 1].encode()
        lines[line - 1] = (
            before[:column] + new.encode() + before[column + len(old.encode()) :]
        ).decode()
    return "\n".join(lines)


def _collect(function: Callable[..., Any], source: str, needed: dict[str, str]) -> None:
    """Add the sources of what a definition names, each after what it needs itself."""
    scope = vars(inspect.getmodule(function))
    named = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    for name in sorted(named - {function.__name__} - set(needed)):
        value = scope.get(name)
        if isinstance(value, FunctionType | type) and (
            value.__module__ == function.__module__ or value.__module__.startswith(_OURS)
        ):
            inner = _bare_source(value)
            needed[name] = ""  # two helpers may call each other
            _collect(value, inner, needed)
            del needed[name]
            needed[name] = inner
        elif value is not None and value is getattr(typing, name, None):
            needed[name] = f"from typing import {name}"
        elif isinstance(value, bool | int | float | str | tuple):
            needed[name] = f"{name} = {value!r}"

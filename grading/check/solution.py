"""Write out the solution of an exercise: derivation, then two styles, ready to be run."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
import typing
from collections.abc import Callable, Iterator
from tokenize import TokenInfo
from types import FunctionType
from typing import Any

from grading.exercises import Exercise

_OURS = "grading."
_LINE_LENGTH = 88
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}


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

    Type hints are dropped from signatures, because no stub of the course has any. Before it stands
    what it needs of its module: helper functions, classes, plain constants, names of ``typing``.
    Only NumPy, as ``np``, is taken as given.

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
    return _without_hints("\n".join(source.splitlines()[definition.lineno - 1 :]))


def _without_hints(source: str) -> str:
    """Drop the type hints of signatures; nothing else changes, except that lines may join."""
    lines = source.splitlines()
    for signature in reversed(list(_signatures(source))):
        for begin, end in reversed(list(_hints(signature))):
            before, after = lines[begin[0] - 1][: begin[1]], lines[end[0] - 1][end[1] :]
            if after.startswith(" = "):
                after = "=" + after[3:]
            lines[begin[0] - 1 : end[0]] = [before + after]
        first, last = signature[0].start[0] - 1, signature[-1].end[0] - 1
        last -= len(source.splitlines()) - len(lines)
        if first != last and not any(token.type == tokenize.COMMENT for token in signature):
            joined = " ".join(line.strip() for line in lines[first : last + 1])
            indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
            joined = indent + joined.replace("( ", "(").replace(", )", ")").replace(" )", ")")
            if len(joined) <= _LINE_LENGTH:
                lines[first : last + 1] = [joined]
        source = "\n".join(lines)
    return source


def _signatures(source: str) -> Iterator[list[TokenInfo]]:
    """Yield the tokens from each ``def`` to the colon that ends its signature."""
    signature: list[TokenInfo] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if signature or token.string == "def":
            signature.append(token)
            depth += (token.string in _OPENING) - (token.string in _CLOSING)
            if token.string == ":" and depth == 0:
                yield signature
                signature = []


def _hints(signature: list[TokenInfo]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each type hint of a signature begins and ends: line and column."""
    depth = 0
    begin: tuple[int, int] | None = None
    in_default = of_result = False
    previous = signature[0]
    for token in signature:
        ends = {":"} if of_result else {",", "=", ")"}
        if begin is not None and depth == (0 if of_result else 1) and token.string in ends:
            yield begin, previous.end
            begin = None
        if depth == 0 and token.string == "->":
            begin, of_result = previous.end, True
        elif depth == 1 and not of_result and token.string in {"=", ","}:
            in_default = token.string == "="  # where a colon belongs to a lambda
        elif depth == 1 and not of_result and token.string == ":" and not in_default:
            begin = token.start
        depth += (token.string in _OPENING) - (token.string in _CLOSING)
        if token.type not in {tokenize.NL, tokenize.COMMENT}:
            previous = token


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

"""Answers of imaginary students, made from the declarations: text for a solution cell.

Tests fill learners' notebooks with them: right answers, known wrong ones, half right ones.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any

__all__ = ["source_of"]

_OURS = "grading."
_GIVEN = frozenset({"np"})  # the setup cell imports it


def source_of(function: Callable[..., Any], name: str) -> str:
    """Return the source of a declared function under the exercise's name.

    With it comes what it needs of its module: helper functions, classes, plain constants.
    Annotations are dropped, because a learner's notebook does not know our types.

    Parameters
    ----------
    function : callable
        A function or class of a declaration.
    name : str
        The exercise's id.

    Returns
    -------
    str
        A cell's source that defines ``name``.

    Examples
    --------
    >>> print(source_of(textwrap.dedent, "dedent").splitlines()[0])
    def dedent(text):
    """
    needed: dict[str, str] = {}
    definition = _definition(function)
    _collect_needs(function, definition, needed)
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and node.id == definition.name:
            node.id = name  # it calls itself
    definition.name = name
    return "\n\n\n".join([*needed.values(), ast.unparse(definition)])


def _definition(thing: Callable[..., Any]) -> Any:
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    return ast.fix_missing_locations(_WithoutAnnotations().visit(tree))


def _collect_needs(
    function: Callable[..., Any], definition: ast.AST, needed: dict[str, str]
) -> None:
    """Add the sources of what the definition names, each after what it needs itself."""
    scope = vars(inspect.getmodule(function))
    own_name = getattr(definition, "name", "")
    named = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
    for name in sorted(named - {own_name} - _GIVEN - set(needed)):
        value = scope.get(name)
        if isinstance(value, (FunctionType, type)) and value.__module__.startswith(_OURS):
            inner = _definition(value)
            _collect_needs(value, inner, needed)
            needed[name] = ast.unparse(inner)
        elif isinstance(value, (int, float, str, tuple)):
            needed[name] = f"{name} = {value!r}"


class _WithoutAnnotations(ast.NodeTransformer):
    """Remove what only a type checker reads."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is None:
            return ast.Pass()
        return ast.Assign([copy.copy(node.target)], node.value)

"""Turn code into tokens that stay the same when it is disguised.

The syntax tree is written out from the root. Dropped are comments, docstrings, type hints and
layout. Names that the cell itself binds are marked as such and told apart later, within a run.
Operands of commutative operations stand in a fixed order, ``a > b`` is read as ``b < a``, and
``x += y`` as ``x = x + y``; 1, 1.0 and 1e0 are the same number, and strings are all alike.

Everything works without recursion, since a tree may be as deep as a learner likes.
"""

from __future__ import annotations

import ast
import warnings
import zlib
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Token", "tokens_of"]

LONGEST = 100_000
"""Characters of a source; a longer one is not looked at."""

_COMMUTATIVE = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
_MIRRORED = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_HIDDEN_FIELDS = {"annotation", "returns", "type_comment", "type_params", "ctx", "kind"}


class Token(NamedTuple):
    """One node of the tree.

    Attributes
    ----------
    label : int
        A number for what it is; 0 for a name that the cell binds.
    name : str
        That name; empty otherwise.
    line : int
        Line of the source, from 1.
    """

    label: int
    name: str
    line: int


def tokens_of(source: str) -> tuple[Token, ...] | None:
    """Parse code and write out its normalized tree.

    Parameters
    ----------
    source : str
        Anything, perhaps hostile. It is not run.

    Returns
    -------
    tuple of Token or None
        None where it is no Python, too long or too deep.
    """
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd escapes and comparisons of the learner's
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    _spell_out(tree)
    bound = _bound(tree)
    return tuple(_written(tree, bound, _arranged(tree, bound)))


def _spell_out(tree: ast.AST) -> None:
    """Read ``x += y`` as ``x = x + y``."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if not isinstance(statements, list):
                continue
            for i, each in enumerate(statements):
                if isinstance(each, ast.AugAssign):
                    value = ast.copy_location(ast.BinOp(each.target, each.op, each.value), each)
                    statements[i] = ast.copy_location(ast.Assign([each.target], value), each)


def _bound(tree: ast.AST) -> frozenset[str]:
    """Find the names that the code binds itself; others, as np and sum, mean what they say."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler
        ):
            names.add(node.name or "")
    return frozenset(names)


def _arranged(tree: ast.AST, bound: frozenset[str]) -> dict[int, list[ast.AST]]:
    """List what stands below each node, operands that may be swapped ordered by their shapes."""
    below = {id(node): parts for node, parts in _top_down(tree)}
    shapes: dict[int, int] = {}
    for node, parts in reversed(list(_top_down(tree, below))):
        if _is_commutative(node):
            parts.sort(key=lambda part: shapes[id(part)])
        # Equal for equal shapes, whatever the names.
        shapes[id(node)] = hash((_label(node, bound), *[shapes[id(part)] for part in parts]))
    return below


def _top_down(
    tree: ast.AST, below: dict[int, list[ast.AST]] | None = None
) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Yield each node before what stands below it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        parts = _parts(node) if below is None else below[id(node)]
        yield node, parts
        waiting += reversed(parts)


def _written(
    tree: ast.AST, bound: frozenset[str], below: dict[int, list[ast.AST]]
) -> Iterator[Token]:
    waiting = [(tree, 1)]
    while waiting:
        node, line = waiting.pop()
        line = getattr(node, "lineno", line)
        if not isinstance(node, ast.Module | ast.Expr | ast.arguments):
            name = _own_name(node, bound)
            yield Token(0 if name else _label(node, bound), name, line)
        waiting += [(part, line) for part in reversed(below[id(node)])]


def _parts(node: ast.AST) -> list[ast.AST]:
    """List what stands below a node, in reading order, without what is dropped."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        sides: list[ast.AST] = [node.left, node.comparators[0]]
        return sides[::-1] if type(node.ops[0]) in _MIRRORED else sides
    parts: list[ast.AST] = []
    for field, value in ast.iter_fields(node):
        if field in _HIDDEN_FIELDS:
            continue
        if isinstance(value, ast.AST):
            parts.append(value)
        elif isinstance(value, list):
            items = [item for item in value if _counts(item)]
            if field == "body" and items and _is_docstring(node, items[0]):
                items = items[1:]
            if field == "keywords":
                items.sort(key=lambda item: getattr(item, "arg", None) or "")
            parts += items
    return parts


def _counts(item: object) -> bool:
    """Leave out what says a type only, as ``x: int`` does."""
    return isinstance(item, ast.AST) and not (
        isinstance(item, ast.AnnAssign) and item.value is None
    )


def _is_docstring(node: ast.AST, first: ast.AST) -> bool:
    holders = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return (
        isinstance(node, holders)
        and isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _is_commutative(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, _COMMUTATIVE)
    return (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
    )


def _own_name(node: ast.AST, bound: frozenset[str]) -> str:
    if isinstance(node, ast.Name) and node.id in bound:
        return node.id
    if isinstance(node, ast.arg):
        return node.arg
    return ""


def _label(node: ast.AST, bound: frozenset[str]) -> int:
    """Give what a node is a number, the same in every run of the program."""
    if _own_name(node, bound):
        return 0
    kind = type(node).__name__
    detail = ""
    if isinstance(node, ast.Name):
        detail = node.id
    elif isinstance(node, ast.Attribute):
        detail = node.attr
    elif isinstance(node, ast.keyword):
        detail = node.arg or "**"
    elif isinstance(node, ast.Constant):
        detail = _constant(node.value)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        detail = ",".join(sorted(alias.name for alias in node.names))
    elif isinstance(node, ast.AnnAssign):
        kind = "Assign"
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        kind = "Compare" + _MIRRORED.get(type(node.ops[0]), type(node.ops[0])).__name__
    return zlib.crc32(f"{kind}:{detail}".encode("utf-8", "replace")) or 1


def _constant(value: object) -> str:
    if isinstance(value, bool) or value is None or value is ...:
        return repr(value)
    if isinstance(value, int | float | complex):
        try:
            return repr(complex(value))
        except OverflowError:
            return "large"
    return "text"

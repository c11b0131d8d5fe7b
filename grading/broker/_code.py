"""Read Python source without running it: what it defines, what it uses, whether it is a stub.

The source is a learner's, so every question has an answer for text that does not parse.
"""

from __future__ import annotations

import ast
import warnings
from functools import cached_property, lru_cache
from types import CodeType

from grading.broker._reading import MAX_SOURCE
from grading.broker._transforming import as_python

__all__ = ["Code"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Code:
    r"""Source of one cell, and what can be told about it.

    Parameters
    ----------
    source : str
        Its text.

    Examples
    --------
    >>> code = Code("def relu(x):\n    return np.maximum(x, 0)  # by entries")
    >>> code.defines("relu"), sorted(code.used)
    (True, ['maximum', 'np', 'relu'])
    """

    def __init__(self, source: str) -> None:
        self.source = source

    @staticmethod
    @lru_cache(maxsize=1024)
    def of_release(source: str) -> Code:
        """Return the code of a released cell, which is read once in a process."""
        return Code(source)

    @staticmethod
    @lru_cache(maxsize=32)
    def shared(source: str) -> Code:
        """Return the code of a learner's cell; few are kept, since they may be large."""
        return Code(as_python(source))

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree; None for text that is not Python, or too long to be looked at."""
        if len(self.source) > MAX_SOURCE:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def is_blank(self) -> bool:
        """Whether there is nothing in it that runs."""
        if not self.source.strip():
            return True
        return self.tree is not None and not self.tree.body

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that it gives a value at its top level, as far as the text tells."""
        names: set[str] = set()
        waiting: list[ast.AST] = list(self.tree.body) if self.tree is not None else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names |= {(a.asname or a.name).partition(".")[0] for a in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif not isinstance(node, ast.Lambda):
                waiting.extend(ast.iter_child_nodes(node))
        return frozenset(names)

    @cached_property
    def used(self) -> frozenset[str]:
        """Names that it looks up outside of its functions; attributes are among them."""
        if self.tree is None:
            return frozenset()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                waiting = [compile(self.tree, "<cell>", "exec", dont_inherit=True)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
        names: set[str] = set()
        while waiting:
            code = waiting.pop()
            names |= set(code.co_names)
            waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
        return frozenset(names)

    def defines(self, name: str) -> bool:
        """Tell whether a ``def`` or ``class`` of that name, or a value for it, stands in it.

        Parameters
        ----------
        name : str
            An exercise's id.

        Returns
        -------
        bool
            True if it is given a value at the top level.
        """
        return name in self.bound

    def line_of(self, name: str) -> int | None:
        """Return the line on which a function or class begins.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        int or None
            Counted from 1; the last definition counts.
        """
        lines = [
            node.lineno
            for node in (self.tree.body if self.tree is not None else [])
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and node.name == name
        ]
        return lines[-1] if lines else None

    def same_as(self, other: Code) -> bool:
        """Tell whether two sources differ in comments and white space at most.

        Parameters
        ----------
        other : Code
            The other one.

        Returns
        -------
        bool
            True if they mean the same.
        """
        if self.source == other.source or self.source.split() == other.source.split():
            return True
        return self._dump is not None and self._dump == other._dump

    @cached_property
    def _dump(self) -> str | None:
        try:
            return None if self.tree is None else ast.dump(self.tree)
        except RecursionError:
            return None

    def is_unwritten(self, name: str) -> bool:
        """Tell whether the function ``name`` is nothing but a docstring and a raise.

        Parameters
        ----------
        name : str
            An exercise's id.

        Returns
        -------
        bool
            True if all definitions of that name are empty in this sense.
        """
        found = [
            node
            for node in (self.tree.body if self.tree is not None else [])
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and node.name == name
        ]
        return bool(found) and all(map(_is_empty, found))


def _is_empty(node: ast.AST) -> bool:
    body = getattr(node, "body", [])
    if isinstance(node, ast.ClassDef):
        methods = [part for part in body if isinstance(part, _FUNCTIONS)]
        return bool(methods) and all(map(_is_empty, methods))
    return all(
        isinstance(part, ast.Pass)
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        or (
            isinstance(part, ast.Raise)
            and any(
                isinstance(inner, ast.Name) and inner.id == "NotImplementedError"
                for inner in ast.walk(part)
            )
        )
        for part in body
    )

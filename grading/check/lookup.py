"""Find the learner's object by its name, and tell a stub or a stale version from an answer."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Found:
    """What stands behind a name.

    Attributes
    ----------
    target : callable or None
        The learner's object, if it can be judged.
    reason : str
        Otherwise, one sentence that says why not.
    not_started : bool
        Whether there is no attempt yet.
    answer_hash : str
        Identifies the source of the answer, so that the same attempt counts once.
    """

    target: Callable[..., Any] | None
    reason: str = ""
    not_started: bool = False
    answer_hash: str = ""


_broken_cells: dict[str, str] = {}
"""Names whose defining cell stopped with an error when it last ran, and the sentence to say."""


def find(name: str) -> Found:
    """Look up ``name`` where the learner defined it.

    Parameters
    ----------
    name : str
        The exercise's id.

    Returns
    -------
    Found
        The object, or the sentence that says why there is none to judge.
    """
    namespace = _learner_namespace()
    if name in _broken_cells:
        return Found(None, _broken_cells[name])
    if name not in namespace:
        sentence = f"`{name}` is not defined yet: run the cell above that begins with its `def`."
        return Found(None, sentence, not_started=True)
    target = namespace[name]
    if not callable(target):
        sentence = (
            f"`{name}` is a {type(target).__name__}, not a function: another cell has given the "
            "name a value. Run the cell that defines it again."
        )
        return Found(None, sentence)
    source = _source(target)
    if source is not None and _is_stub(source):
        return Found(None, f"`{name}` still holds its stub.", not_started=True)
    return Found(target, answer_hash=_hash(source or repr(target)))


def _learner_namespace() -> MutableMapping[str, Any]:
    """Return the notebook's namespace, or that of the script which called ``check``."""
    shell = _shell()
    if shell is not None:
        namespace: MutableMapping[str, Any] = shell.user_ns
        return namespace
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("grading."):
        frame = frame.f_back
    return frame.f_globals if frame is not None else {}


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def watch_cells() -> None:
    """Note, after each cell of a notebook, whether a definition in it failed to take effect."""
    shell = _shell()
    if shell is None or getattr(shell, "_nncourse_watches", False):
        return
    shell.events.register("post_run_cell", _after_cell)
    shell._nncourse_watches = True  # one mark a kernel, so it registers once


def _after_cell(result: Any) -> None:
    source = getattr(getattr(result, "info", None), "raw_cell", "") or ""
    names = re.findall(r"^(?:def|class)\s+(\w+)", source, flags=re.MULTILINE)
    error = result.error_before_exec or result.error_in_exec
    for name in names:
        if error is None:
            _broken_cells.pop(name, None)
        else:
            _broken_cells[name] = _broken_sentence(name, error)


def _broken_sentence(name: str, error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    if isinstance(error, SyntaxError) and line:
        what = f"{type(error).__name__} in line {line}: {error.msg}"
    else:
        what = f"{type(error).__name__}: {error}"
    return (
        f"The cell of `{name}` stopped with an error the last time it ran ({what[:200]}), so the "
        "function is missing or old. Mend that line and run the cell again."
    )


def _source(target: Callable[..., Any]) -> str | None:
    try:
        return textwrap.dedent(inspect.getsource(target))
    except (OSError, TypeError):
        return None


def _is_stub(source: str) -> bool:
    """Tell whether a body is nothing but a docstring and ``raise NotImplementedError``."""
    try:
        body = ast.parse(source).body[0]
    except (SyntaxError, IndexError):
        return False
    functions = (
        [node for node in body.body if isinstance(node, ast.FunctionDef)]
        if isinstance(body, ast.ClassDef)
        else [body]
    )
    return bool(functions) and all(
        isinstance(function, ast.FunctionDef) and _only_raises(function) for function in functions
    )


def _only_raises(function: ast.FunctionDef) -> bool:
    statements = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not isinstance(node, ast.Pass)
    ]
    return all(
        isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node)
        for node in statements
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

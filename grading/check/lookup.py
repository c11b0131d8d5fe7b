"""Find the learner's object by its name, and tell a stub or a stale version from an answer."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from grading.probes import shortened

_NOTES = "_nncourse_broken_cells"
_DEFINITION = re.compile(r"^(?:(?:async +)?def|class) +(\w+)|^(\w+) *=(?!=)", re.MULTILINE)


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
        Identifies what the answer does, so that the same attempt counts once: comments, docstrings
        and white space make no other answer.
    """

    target: Callable[..., Any] | None
    reason: str = ""
    not_started: bool = False
    answer_hash: str = ""


def find(name: str, *, wants_class: bool = False) -> Found:
    """Look up ``name`` where the learner defined it.

    Parameters
    ----------
    name : str
        The exercise's id.
    wants_class : bool, default False
        Whether the exercise asks for a class; otherwise it asks for a function.

    Returns
    -------
    Found
        The object, or the sentence that says why there is none to judge.
    """
    namespace = _learner_namespace()
    broken = _broken_cells().get(name)
    if broken:
        return Found(None, broken)
    keyword = "class" if wants_class else "def"
    if name not in namespace:
        sentence = f"`{name}` is not defined yet: run the cell that begins with its `{keyword}`."
        return Found(None, sentence, not_started=True)
    target = namespace[name]
    if not callable(target) or isinstance(target, type) is not wants_class:
        return Found(None, _wrong_kind(name, target, "class" if wants_class else "function"))
    source = _source(target)
    if source is not None and _is_stub(source):
        return Found(None, _unwritten_sentence(source), not_started=True)
    return Found(target, answer_hash=_hash(_without_looks(source or repr(type(target)))))


def is_defined(name: str) -> bool:
    """Tell whether the learner has defined a function or class called ``name``.

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    bool
        The answer.
    """
    return callable(_learner_namespace().get(name))


def _unwritten_sentence(source: str) -> str:
    if "NotImplementedError" not in source:
        return "Nothing is written yet: your own code belongs below the description."
    return (
        "Nothing is written yet: replace the line `raise NotImplementedError()` by your own code."
    )


def _wrong_kind(name: str, target: Any, wanted: str) -> str:
    if isinstance(target, type):
        came = "a class"
    elif callable(target):
        came = "a function"
    else:
        came = f"a value of type {type(target).__name__}"
    return (
        f"`{name}` is {came}, not a {wanted}: the name was given away, perhaps in another cell. "
        "Run the cell that defines it again."
    )


def _learner_namespace() -> MutableMapping[str, Any]:
    """Return the notebook's namespace, or that of the script which called ``check``."""
    notebook = shell()
    if notebook is not None:
        namespace: MutableMapping[str, Any] = notebook.user_ns
        return namespace
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("grading."):
        frame = frame.f_back
    return frame.f_globals if frame is not None else {}


def shell() -> Any:
    """Return the notebook's IPython shell, or None in a script.

    Returns
    -------
    IPython.core.interactiveshell.InteractiveShell or None
        The shell.
    """
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def watch_cells() -> None:
    """Note, after each cell of a notebook, whether a definition in it failed to take effect.

    What is noted lives on the kernel's shell, so it is registered once in a kernel and survives
    a second import of this module.
    """
    notebook = shell()
    if notebook is None or hasattr(notebook, _NOTES):
        return
    notes: dict[str, str] = {}
    setattr(notebook, _NOTES, notes)

    def after_cell(result: Any) -> None:
        with suppress(Exception):  # IPython prints what a callback raises, below the learner's cell
            _note(notes, notebook.user_ns, result)

    notebook.events.register("post_run_cell", after_cell)


def _broken_cells() -> dict[str, str]:
    """Names whose defining cell did not take effect when it last ran, and the sentence to say."""
    notes: dict[str, str] = getattr(shell(), _NOTES, {})
    return notes


def _note(notes: dict[str, str], namespace: MutableMapping[str, Any], result: Any) -> None:
    source = getattr(result.info, "raw_cell", "") or ""
    error = result.error_before_exec or result.error_in_exec
    for name in map("".join, _DEFINITION.findall(source)):
        if error is None or _took_effect(namespace.get(name), error):
            notes.pop(name, None)
        else:
            notes[name] = _broken_sentence(name, error)


def _took_effect(target: Any, error: BaseException) -> bool:
    """Tell whether a definition ran before its cell stopped further down."""
    code = getattr(inspect.unwrap(target), "__code__", None) if callable(target) else None
    step = error.__traceback__
    while code is not None and step is not None:
        at = step.tb_frame.f_code
        if at.co_name.startswith(("<module", "<cell")) and at.co_filename == code.co_filename:
            return True
        step = step.tb_next
    return False


def _broken_sentence(name: str, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        where = f" in line {error.lineno}" if error.lineno else ""
        what = f"{type(error).__name__}{where}: {error.msg}"
    else:
        what = f"{type(error).__name__}: {error}"
    return (
        f"The cell of `{name}` stopped with an error when it last ran ({shortened(what, 150)}), so "
        "the function in memory is missing or old. Mend that cell and run it again."
    )


def _source(target: Callable[..., Any]) -> str | None:
    try:
        return textwrap.dedent(inspect.getsource(target))
    except (OSError, TypeError):
        return _source_of_class(target) if isinstance(target, type) else None


def _source_of_class(target: type) -> str | None:
    """Put a class together from its methods: before Python 3.13 a cell's class has no source."""
    try:
        methods = [
            inspect.getsource(method)
            for method in vars(target).values()
            if inspect.isfunction(method)
        ]
    except (OSError, TypeError):
        return None
    body = textwrap.indent("\n".join(map(textwrap.dedent, methods)), "    ")
    return f"class {target.__name__}:\n{body}" if methods else None


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
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _without_looks(source: str) -> str:
    """Write down the syntax tree, which knows no comments and no white space, less docstrings."""
    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and ast.get_docstring(node, clean=False) is not None
            ):
                del node.body[0]
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError):  # as of a lambda cut out of its line
        return " ".join(source.split())

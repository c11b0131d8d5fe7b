"""The vocabulary of probes: call, methods, iterate, raises.

Each is a small frozen record, so it can be written down and rebuilt inside the sandbox, with one
method: ``observe(target, inputs)``. Inputs are copied before each run and compared afterwards.
"""

from __future__ import annotations

import inspect
import io
import sys
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.probes._observation import MAX_PRINTED, Observation, Problem, problem_from
from grading.probes._plain import plain, same

MAX_YIELDED = 10_000


class _BoundedText(io.TextIOBase):
    """Keep the start of what is printed and count the rest, so that a flood costs nothing."""

    def __init__(self) -> None:
        self.kept = ""
        self.n_characters = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.n_characters += len(text)
        if len(self.kept) < MAX_PRINTED:
            self.kept += text[: MAX_PRINTED - len(self.kept)]
        return len(text)


class _WrongResultError(Exception):
    """The object ran, but what it returned does not have the declared form."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class Probe:
    """What all probes share: copies, capture, and the comparison of inputs before and after."""

    def observe(self, target: Callable[..., Any], inputs: Mapping[str, Any]) -> Observation:
        """Run ``target`` on copies of ``inputs`` and write down what happened.

        Parameters
        ----------
        target : callable
            The learner's function or class.
        inputs : mapping of str to object
            Plain values and callables, by argument name.

        Returns
        -------
        Observation
            Outputs or a problem; never raises for anything that ``target`` does.
        """
        given = {name: _copy(value) for name, value in inputs.items()}
        outputs: dict[str, Any] = {}
        problem: Problem | None = None
        with _captured() as text:
            try:
                outputs = self._outputs(target, given)
            except _WrongResultError as wrong:
                problem = Problem(wrong.kind, wrong.detail)
            except (Exception, SystemExit, KeyboardInterrupt) as error:  # ruff: ignore[blind-except]  # any may come
                problem = problem_from(error, _filename(target))
        changed = tuple(
            name
            for name, value in inputs.items()
            if not callable(value) and not same(plain(value), plain(given[name]))
        )
        return Observation(outputs, problem, changed, text.kept, text.n_characters)

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class Call(Probe):
    """Call a function once; ``returns`` names its results in order.

    Examples
    --------
    >>> Call(returns=("sum", "difference")).observe(
    ...     lambda a, b: (a + b, a - b), {"a": 5.0, "b": 3.0}
    ... ).outputs
    {'sum': 8.0, 'difference': 2.0}
    """

    returns: tuple[str, ...]

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        _refuse_bad_signature(target, given)
        return _named(self.returns, target(**given))


@dataclass(frozen=True)
class Methods(Probe):
    """Build an object and call a sequence of its methods.

    ``inputs["build"]`` is a list of positional arguments of the class; ``inputs["calls"]`` a list
    of lists ``[method, argument, ...]``. The outputs are ``"returned"``, one value a call, and one
    entry for each attribute named in ``reads``, read at the end.
    """

    reads: tuple[str, ...] = ()

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        built = target(*given["build"])
        returned = [
            plain(getattr(built, method)(*arguments)) for method, *arguments in given["calls"]
        ]
        return {"returned": returned, **{name: plain(getattr(built, name)) for name in self.reads}}


@dataclass(frozen=True)
class Iterate(Probe):
    """Call a generator or splitter and list what it yields, 10,000 items at most."""

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        _refuse_bad_signature(target, given)
        items: list[Any] = []
        for item in target(**given):
            items.append(plain(item))
            if len(items) > MAX_YIELDED:
                kind, detail = "endless", f"more than {MAX_YIELDED:,} items were yielded"
                raise _WrongResultError(kind, detail)
        return {"items": items}


@dataclass(frozen=True)
class Raises(Probe):
    """Call a function on bad input; the output ``"raised"`` names the exception's type."""

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        try:
            target(**given)
        except NotImplementedError:
            raise
        except Exception as error:  # ruff: ignore[blind-except]  # any type is an answer here
            return {"raised": type(error).__name__}
        return {"raised": "nothing"}


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


@contextmanager
def _captured() -> Generator[_BoundedText]:
    """Collect prints and silence warnings: nothing of a learner's run may reach stderr."""
    text = _BoundedText()
    previous = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = text
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield text
    finally:
        sys.stdout, sys.stderr = previous


def _filename(target: Callable[..., Any]) -> str | None:
    code = getattr(target, "__code__", None)
    return code.co_filename if code is not None else None


def _refuse_bad_signature(target: Callable[..., Any], given: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(**given)
    except TypeError:
        kind = "arguments"
        detail = f"it takes {signature}, the exercise gives ({', '.join(given)})"
        raise _WrongResultError(kind, detail) from None


def _named(returns: tuple[str, ...], result: Any) -> dict[str, Any]:
    if len(returns) == 1:
        return {returns[0]: plain(result)}
    wanted = f"{len(returns)} results ({', '.join(returns)})"
    kind = "arity"
    if not isinstance(result, (tuple, list)):
        came = "nothing (None): is the return line missing" if result is None else "one value"
        detail = f"it returned {came}, expected {wanted}"
        raise _WrongResultError(kind, detail)
    if len(result) != len(returns):
        detail = f"it returned {len(result)} results, expected {wanted}"
        raise _WrongResultError(kind, detail)
    return {name: plain(value) for name, value in zip(returns, result, strict=True)}

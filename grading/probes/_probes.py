"""The vocabulary of probes: call, methods, iterate, raises.

Each is a small frozen record, so it can be written down and rebuilt inside the sandbox, with one
method: ``observe(target, inputs)``. Inputs are copied before each run and compared afterwards.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from grading.probes._capture import captured
from grading.probes._observation import Observation, Problem, Stopped, problem_from, shortened
from grading.probes._plain import plain, same

MAX_YIELDED = 10_000
ROUNDING = 1e-12  # relative; a float that was added to and subtracted from keeps more digits
MAX_WRAPPERS = 20  # decorators around a function, before the search for its source gives up


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
            Outputs or a problem, whatever ``target`` does.

        Raises
        ------
        Stopped
            If whoever watches the run has ended it.
        """
        given = {name: _copy(value) for name, value in inputs.items()}
        outputs: dict[str, Any] = {}
        problem: Problem | None = None
        with captured() as text:
            try:
                outputs = self._outputs(target, given)
            except _WrongResultError as wrong:
                problem = Problem(wrong.kind, wrong.detail)
            except Stopped:
                raise
            except BaseException as error:  # ruff: ignore[blind-except]  # SystemExit and worse may come
                problem = problem_from(error, _filename(target))
        changed = tuple(
            name
            for name, value in inputs.items()
            if not callable(value) and not _unchanged(value, given[name])
        )
        rounded = tuple(name for name in changed if _nearly_same(inputs[name], given[name]))
        return Observation(outputs, problem, changed, rounded, text.kept, text.n_characters)

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
        return _named(self.returns, _call(target, given))


@dataclass(frozen=True)
class Methods(Probe):
    """Build an object and call a sequence of its methods.

    ``inputs["build"]`` is a list of positional arguments of the class; ``inputs["calls"]`` a list
    of lists ``[method, argument, ...]``. The outputs are ``"returned"``, one value a call, and one
    entry for each attribute named in ``reads``, read at the end.

    With ``one_buffer`` the calls of a method receive their arrays in the same memory, one after the
    other, as a training loop hands over its weights: an object that keeps such an array instead of
    a copy holds what came last.
    """

    reads: tuple[str, ...] = ()
    one_buffer: bool = False

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        built = target(*given["build"])
        buffers: dict[Any, np.ndarray[Any, Any]] = {}
        returned = []
        for method, *arguments in given["calls"]:
            handed = [
                _buffered(buffers, (method, i), argument) if self.one_buffer else argument
                for i, argument in enumerate(arguments)
            ]
            returned.append(plain(getattr(built, method)(*handed)))
            for argument, came_back in zip(arguments, handed, strict=True):
                if came_back is not argument:
                    np.copyto(argument, came_back)  # what the method changed is seen as a change
        return {"returned": returned, **{name: plain(getattr(built, name)) for name in self.reads}}


@dataclass(frozen=True)
class Iterate(Probe):
    """Call a generator or splitter and list what it yields, 10,000 items at most.

    The items are looked at when all have come, as by `list`: arrays that share one piece of memory
    then hold what came last.
    """

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        items: list[Any] = []
        for item in _call(target, given):
            items.append(item)
            if len(items) > MAX_YIELDED:
                kind, detail = (
                    "endless",
                    f"It yielded more than {MAX_YIELDED:,} items. Which loop never ends?",
                )
                raise _WrongResultError(kind, detail)
        return {"items": [plain(item) for item in items]}


@dataclass(frozen=True)
class Raises(Probe):
    """Call a function on bad input; the output ``"raised"`` names the exception's type."""

    def _outputs(self, target: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        try:
            _call(target, given)
        except (NotImplementedError, _WrongResultError):
            raise
        except Exception as error:  # ruff: ignore[blind-except]  # any type is an answer here
            return {"raised": type(error).__name__}
        return {"raised": "nothing"}


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return type(value)(map(_copy, value))
    return value


def _unchanged(before: Any, after: Any) -> bool:
    """Tell whether an input is the same to the last bit; arrays are compared without a copy."""
    if type(before) is np.ndarray and type(after) is np.ndarray and before.dtype.kind in "biufcU":
        return same(before, after)
    return same(plain(before), plain(after))


def _buffered(buffers: dict[Any, np.ndarray[Any, Any]], place: Any, argument: Any) -> Any:
    """Return an array in the memory that belongs to its place, and anything else as it is."""
    if type(argument) is not np.ndarray:
        return argument
    key = (place, argument.shape, argument.dtype.str)
    buffer = buffers.setdefault(key, argument.copy())
    np.copyto(buffer, argument)
    return buffer


def _nearly_same(before: Any, after: Any) -> bool:
    """Tell whether an array differs by no more than adding and subtracting a step leaves."""
    if type(before) is not np.ndarray or before.dtype.kind != "f" or before.size == 0:
        return False
    if before.shape != after.shape or before.dtype != after.dtype:
        return False
    return bool(abs(after - before).max() <= ROUNDING * abs(before).max())


def _filename(target: Any) -> str | None:
    """Return the file or cell that a callable was written in, looking under its wrappers."""
    for _ in range(MAX_WRAPPERS):
        inner = getattr(target, "__wrapped__", None) or getattr(target, "func", None)
        if inner is None:
            break
        target = inner
    if isinstance(target, type):
        target = vars(target).get("__init__")
    code = getattr(target, "__code__", None)
    return str(code.co_filename) if code is not None else None


def _call(target: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Pass the inputs by name, and by position where the parameter takes no name."""
    if _takes_exactly(target, given):
        return target(**given)
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return target(**given)
    parameters = signature.parameters
    leading = [
        name
        for name, parameter in parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and name in given
    ]
    named = {name: value for name, value in given.items() if name not in leading}
    positional = [given[name] for name in leading]
    try:
        signature.bind(*positional, **named)
    except TypeError:
        kind = "arguments"
        takes = ", ".join(str(p.replace(annotation=p.empty)) for p in parameters.values())
        detail = f"it takes ({shortened(takes, 120)}), the exercise gives ({', '.join(given)})"
        raise _WrongResultError(kind, detail) from None
    return target(*positional, **named)


def _takes_exactly(target: Any, given: dict[str, Any]) -> bool:
    """Tell at once that a plain function takes these names; False leaves it to its signature."""
    if type(target) is not FunctionType or target.__dict__:  # a wrapper may have another one
        return False
    code = target.__code__
    if code.co_posonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return False
    return given.keys() == {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}


def _named(returns: tuple[str, ...], result: Any) -> dict[str, Any]:
    if len(returns) == 1:
        return {returns[0]: plain(result)}
    if isinstance(result, tuple | list) and len(result) == len(returns):
        return {name: plain(value) for name, value in zip(returns, result, strict=True)}
    if isinstance(result, tuple | list):
        came = f"it returned {len(result)} results"
    elif result is None:
        came = "it returned None, as if the return line were missing"
    elif issubclass(type(result), np.ndarray):
        shape = np.ndarray.shape.__get__(result)
        came = f"it returned one array of shape {shape}, expected {len(returns)} results"
        kind, detail = "arity", f"{came}: write `return {', '.join(returns)}`"
        raise _WrongResultError(kind, detail)
    else:
        came = "it returned one value"
    kind, detail = "arity", f"{came}, expected {len(returns)} results ({', '.join(returns)})"
    raise _WrongResultError(kind, detail)

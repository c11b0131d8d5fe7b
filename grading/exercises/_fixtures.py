"""Callable inputs: functions that a case hands to the learner's code.

A case stays plain data: it names a fixture and its parameters. Whoever runs the case builds the
function from them, in the notebook directly and in the sandbox as a proxy whose calls the broker
answers. Calls are counted, and their number is capped, so that a loop cannot run for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlib._array import Array


@dataclass(frozen=True)
class FunctionFixture:
    """A function for the learner's code to call, named and parametrized by plain values.

    Attributes
    ----------
    name : str
        A key of `FUNCTIONS`.
    parameters : mapping of str to object
        Plain values that the function is built from.
    max_calls : int
        Calls after which it refuses to answer.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    max_calls: int = 10_000

    def build(self) -> Callable[..., Any]:
        """Return the function, with its calls counted and capped."""
        return CountedFunction(FUNCTIONS[self.name](**self.parameters), self.max_calls)


class CountedFunction:
    """A function that counts its calls and stops answering beyond a cap."""

    def __init__(self, function: Callable[..., Any], max_calls: int) -> None:
        self._function = function
        self._max_calls = max_calls
        self.n_calls = 0

    def __call__(self, *arguments: Any) -> Any:
        self.n_calls += 1
        if self.n_calls > self._max_calls:
            message = f"the given function was called more than {self._max_calls:,} times"
            raise RuntimeError(message)
        return self._function(*arguments)


def quadratic(A: Array, b: Array) -> Callable[[Array], float]:
    """Return f(θ) = ½ θᵀAθ + bᵀθ, whose gradient Aθ + b is known exactly.

    Parameters
    ----------
    A : ndarray of shape (P, P)
        Symmetric matrix.
    b : ndarray of shape (P,)
        Linear part.

    Returns
    -------
    callable
        f, from an array of shape (P,) to a float.

    Examples
    --------
    >>> f = quadratic(np.eye(2), np.zeros(2))
    >>> f(np.array([3.0, 4.0]))
    12.5
    """
    return lambda theta: float(0.5 * theta @ A @ theta + b @ theta)


def sum_of_exponentials(w: Array) -> Callable[[Array], float]:
    """Return f(θ) = Σ exp(w·θ), element by element: every derivative is known and none vanishes.

    Parameters
    ----------
    w : ndarray of shape (P,)
        Rates, one a parameter.

    Returns
    -------
    callable
        f, from an array of shape (P,) to a float.

    Examples
    --------
    >>> sum_of_exponentials(np.array([0.0, 0.0]))(np.array([1.0, 2.0]))
    2.0
    """
    return lambda theta: float(np.sum(np.exp(w * theta)))


def matrix_product(A: Array) -> Callable[[Array], Array]:
    """Return f(v) = A v, one vector at a time: a matrix that cannot be looked at.

    Parameters
    ----------
    A : ndarray of shape (P, P)
        The matrix.

    Returns
    -------
    callable
        f, from an array of shape (P,) to another one.

    Examples
    --------
    >>> matrix_product(np.array([[2.0, 1.0], [0.0, 3.0]]))(np.array([1.0, 1.0]))
    array([3., 3.])
    """

    def product(v: Array) -> Array:
        if np.shape(v) != A.shape[1:]:
            message = (
                f"the given product takes one vector of shape {A.shape[1:]}, got {np.shape(v)}"
            )
            raise ValueError(message)
        result: Array = A @ v
        return result

    return product


FUNCTIONS: Mapping[str, Callable[..., Callable[..., Any]]] = {
    "quadratic": quadratic,
    "sum_of_exponentials": sum_of_exponentials,
    "matrix_product": matrix_product,
}

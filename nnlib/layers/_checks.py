"""Checks of what layers are given: masks, states, starting values and changes along a direction."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, as_array, check_shape
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.initializers import Initializer
from nnlib.layers.parameters import Parameter


def as_mask(value: ArrayLike, shape: tuple[int, ...], where: str) -> BoolArray:
    """Return a copy of a mask: truth values, or numbers each of which is exactly 0 or 1."""
    is_mask = isinstance(value, np.ndarray) and value.dtype == bool
    numbers = np.asarray(value) if is_mask else as_array(value, None, where)
    check_shape(numbers, shape, where, "like theta")
    mask: BoolArray = np.equal(numbers, 1)
    bad = ~mask & (numbers != 0)
    if bad.any():
        message = (
            f"{where}: holds {numbers[bad][0]:g}, expected True or False, or 1 or 0. "
            "A mask is made of scores by select(model, scores, sparsity)."
        )
        raise ArgumentError(message)
    return mask


def checked_state(state: object, expected: Mapping[str, Array], where: str) -> dict[str, Array]:
    """Return the arrays of a state, after checking that they are those that are expected."""
    if not isinstance(state, Mapping):
        message = (
            f"{where}: state is {state!r:.60}, expected a dictionary of arrays by name. "
            "Take one from the state_dict() of a model like this."
        )
        raise DtypeError(message)
    missing, unknown = expected.keys() - state.keys(), state.keys() - expected.keys()
    if missing or unknown:
        message = (
            f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}. "
            "Build the model with the layers it was saved with."
        )
        raise ArgumentError(message)
    arrays = {}
    for name, old in expected.items():
        arrays[name] = as_array(state[name], old.dtype, f"{where}: {name}")
        check_shape(arrays[name], old.shape, f"{where}: {name}", "as in this model")
    return arrays


def as_change(
    change: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any] | None, where: str
) -> Array:
    """Return the change of an array of this shape; axes in front of it are directions."""
    array = as_array(change, dtype, where)
    if array.shape[max(array.ndim - len(shape), 0) :] != shape:
        sizes = "".join(f", {size}" for size in shape)
        message = (
            f"{where} has shape {array.shape}, expected (...{sizes}), like what it is a change of."
        )
        raise ShapeError(message)
    return array


def split_direction(
    v: ArrayLike | None, theta: Array, parameters: list[Parameter], where: str
) -> dict[str, Array]:
    """Return the parts of a direction by parameter name, leading axes kept; None is zero."""
    vector = np.zeros_like(theta) if v is None else as_array(v, theta.dtype, where)
    if vector.ndim < theta.ndim or vector.shape[vector.ndim - theta.ndim :] != theta.shape:
        message = (
            f"{where} has shape {vector.shape}, expected (..., {theta.size}), "
            "one entry for each parameter."
        )
        raise ShapeError(message)
    lead = vector.shape[:-1]
    return {p.name: vector[..., p.slice].reshape(*lead, *p.shape) for p in parameters}


def starting_values(
    init: Initializer,
    fans: tuple[int, ...],
    rng: np.random.Generator,
    where: str,
    *,
    places: int = 1,
    argument: str = "init",
) -> Array:
    """Return what ``init`` draws, after checking that it is callable and the shape fits."""
    # A kernel has its inputs once for each of its places, and outputs too: its fan out is that many
    # times its columns. An initializer that depends on the fan out is told both.
    fan_in, columns = fans
    if not callable(init):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"{where}: {argument} is {init!r:.60}, expected a function such as nnlib.he_normal. "
            "Set values of your own with layer.W = ... ."
        )
        raise ArgumentError(message)
    if places > 1 and _takes_columns(init):
        drawn: ArrayLike = init(fan_in, places * columns, rng, columns=columns)  # type: ignore[call-arg]  # as just found
    else:
        drawn = init(fan_in, columns, rng)
    values = as_array(drawn, None, f"{where}: what {argument} returned")
    check_shape(values, fans, f"{where}: what {argument} returned", "for (fan_in, fan_out, rng)")
    return values


def _takes_columns(init: Initializer) -> bool:
    try:
        return "columns" in inspect.signature(init).parameters
    except (TypeError, ValueError):  # what is compiled may have no signature
        return False

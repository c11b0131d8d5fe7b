"""Stacked models: several models of one build in one, so that they train at once.

A small model leaves most of a step to the interpreter. The vectors of F such models, one below the
other as (F, P), turn each matrix product into a batch of F products and each update into one: the
calls of one model, the arithmetic of F. Cross-validation trains its folds this way.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from nnlib._array import Array, instance_hint
from nnlib.errors import ArgumentError, DtypeError
from nnlib.layers.base import Layer

AnyLayer = TypeVar("AnyLayer", bound=Layer)


def stack_models(models: Sequence[AnyLayer]) -> AnyLayer:
    """Put models of one build one below the other, as one model with a stack axis.

    The result takes inputs of shape (F, N, ...), one batch for each model, and its ``theta`` and
    ``grad`` have the shape (F, P). Its batch mean runs over all F batches, so the gradient of each
    model comes out as 1/F of its own.

    Parameters
    ----------
    models : sequence of Sequential or Layer
        Equal but for the values of their parameters. They stay as they are.

    Returns
    -------
    stacked : Sequential or Layer
        A new model; it shares no memory with those given.

    Raises
    ------
    DtypeError
        If something is not a model.
    ArgumentError
        If there is none, they differ, or cannot be stacked: see ``why_not_stackable``.

    Examples
    --------
    >>> from nnlib import Linear
    >>> one, two = Linear(1, 1, bias=False), Linear(1, 1, bias=False)
    >>> one.W, two.W = 3.0, 5.0
    >>> both = stack_models([one, two])
    >>> both.forward([[[1.0], [2.0]], [[1.0], [2.0]]]).tolist()
    [[[3.0], [6.0]], [[5.0], [10.0]]]
    >>> [float(model.W[0, 0]) for model in unstack(both)]
    [3.0, 5.0]
    """
    given = tuple(models)
    if not given:
        message = "stack_models: there are no models, expected at least one."
        raise ArgumentError(message)
    first = given[0]
    for i, model in enumerate(given):
        if not isinstance(model, Layer):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"stack_models: model {i} is {model!r:.60}, expected a model or layer."
                f"{instance_hint(model)}"
            )
            raise DtypeError(message)
        reason = why_not_stackable(model)
        if reason:
            message = f"stack_models: model {i} cannot be stacked: {reason}. Train it on its own."
            raise ArgumentError(message)
        if not _same_build(model, first):
            message = (
                f"stack_models: model {i} is {model!r:.200} of {model.dtype}, expected one like "
                f"model 0, {first!r:.200} of {first.dtype}, with the same settings and masks."
            )
            raise ArgumentError(message)
    stacked = copy.deepcopy(first)
    theta: Array = np.stack([model.theta for model in given])
    stacked._bind(theta, np.zeros_like(theta), stacked.decay_mask)
    return stacked


def unstack(model: AnyLayer) -> list[AnyLayer]:
    """Take a stacked model apart again.

    Parameters
    ----------
    model : Sequential or Layer
        As ``stack_models`` made it.

    Returns
    -------
    models : list of Sequential or Layer
        One for each entry of the stack axis, with parameters and gradients of their own.

    Raises
    ------
    ArgumentError
        If the model has no stack axis.

    Examples
    --------
    >>> from nnlib import Linear
    >>> both = stack_models([Linear(2, 1), Linear(2, 1)])
    >>> both.theta.shape, [model.theta.shape for model in unstack(both)]
    ((2, 3), [(3,), (3,)])
    """
    if model.theta.ndim != 2:
        message = (
            f"unstack: theta has shape {model.theta.shape}, expected (F, P). "
            "Only a model from stack_models can be taken apart."
        )
        raise ArgumentError(message)
    models = []
    for theta, grad in zip(model.theta, model.grad, strict=True):
        single = copy.deepcopy(model)
        single._bind(theta.copy(), grad.copy(), single.decay_mask)
        models.append(single)
    return models


def why_not_stackable(model: Layer) -> str:
    """Say why a model cannot be stacked.

    Parameters
    ----------
    model : Sequential or Layer
        A model.

    Returns
    -------
    reason : str
        Half a sentence; empty if the model can be stacked.
    """
    for layer in model._everything():
        if not layer.stackable and layer is not model:
            return f"{layer!r:.60} knows no stack axis"
    if not model.stackable:
        return f"{model!r:.60} knows no stack axis"
    if model.theta.ndim != 1:
        return "it is stacked already"
    if not model.theta.size:
        return "it has no parameters"
    if model.buffers() or model.couples_rows:
        return "its rows are coupled by statistics of the batch"
    if model.generators():
        return "it draws random numbers, and each fold must draw its own"
    return ""


def _same_build(model: Layer, other: Layer) -> bool:
    """Whether two models differ in nothing but the values of their parameters."""
    parts, others = list(model._everything()), list(other._everything())
    return (
        len(parts) == len(others)
        and model.parameters() == other.parameters()
        and model.dtype == other.dtype
        and _equal(model.mask, other.mask)
        and _equal(model.decay_mask, other.decay_mask)
        and all(
            type(a) is type(b) and _equal(_settings(a), _settings(b))
            for a, b in zip(parts, others, strict=True)
        )
    )


def _settings(layer: Layer) -> dict[str, Any]:
    """Return what a layer was made with: its public attributes, but no layers and no results."""
    return {
        name: value
        for name, value in vars(layer).items()
        if not name.startswith("_") and name not in {"layers", "grad_dot"}
    }


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and bool(np.array_equal(a, b))
    return bool(a == b)

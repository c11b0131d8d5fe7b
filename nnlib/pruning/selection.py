"""Selection: from scores and a sparsity to a mask, or to the units that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, IntArray, as_array, check_number
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers import Sequential
from nnlib.pruning._structure import (
    all_units,
    as_keep,
    check_by_layer,
    check_choice,
    check_model,
    find_units,
    weight_slices,
)

Scope: TypeAlias = Literal["layer", "global"]
"""Whether each layer loses the same share, or all compete."""

SCOPES = ("layer", "global")


def select(
    model: Sequential, scores: ArrayLike, sparsity: float, *, scope: Scope = "global"
) -> BoolArray:
    """Choose the weights that go: exactly round(sparsity · n) of n, those with the lowest scores.

    Of equal scores the one that comes first in ``theta`` goes first. Biases and the parameters of
    normalization are never pruned and do not count in n; what a weight is the layers say, so a
    ``decay_mask`` of your own has no part in it. What ``model.mask`` has pruned stays so and counts
    first, so a lower sparsity than before changes nothing.

    Parameters
    ----------
    model : Sequential
        The model; it is not changed. Assign the result to ``model.mask``.
    scores : ndarray of shape (P,)
        From a criterion.
    sparsity : float
        Share of the weights to go, from 0 to below 1.
    scope : "global" (default) or "layer"
        Compare all weights, or take the share from each weight matrix. Comparing all finds the
        better mask if the scores of different layers can be compared, and can empty a layer.

    Returns
    -------
    mask : ndarray of bool of shape (P,)
        True is kept.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or a score is nan.
    ShapeError
        If there is not one score for each parameter.

    Examples
    --------
    >>> from nnlib import Linear, Sequential
    >>> model = Sequential(Linear(2, 2, dtype=np.float64))
    >>> model.theta = [0.3, -0.1, 0.2, -0.4, 0.0, 0.0]
    >>> model.mask = select(model, np.abs(model.theta), sparsity=0.5)
    >>> model.layers[0].W
    array([[ 0.3,  0. ],
           [ 0. , -0.4]])
    """
    where = "select"
    values = as_array(scores, None, f"{where}: scores")
    check_model(model, where)
    sparsity = check_number(sparsity, "sparsity", where, below=1)
    check_choice(scope, SCOPES, "scope", where)
    if values.shape != model.theta.shape:
        message = f"{where}: scores have shape {values.shape}, expected {model.theta.shape}."
        raise ShapeError(message)
    places = [np.arange(s.start, s.stop) for s in weight_slices(model, where).values()]
    if scope == "global":
        places = [np.concatenate(places)]
    _check_scores(values[np.concatenate(places)], where)
    mask = np.ones(values.shape, bool) if model.mask is None else model.mask.copy()
    for group in places:
        n_pruned = round(sparsity * len(group))
        order = group[np.lexsort((values[group], mask[group]))]  # pruned ones, then by score
        mask[order[:n_pruned]] = False
    return mask


def select_units(
    scores: Mapping[str, ArrayLike], sparsity: float, *, scope: Scope = "global"
) -> dict[str, BoolArray]:
    """Choose the units that stay: all but round(sparsity · n) with the lowest scores.

    Every layer keeps at least one, its best; otherwise nothing would pass. Of equal scores the
    first goes first.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_units,)
        From a unit criterion, by layer.
    sparsity : float
        Share of the units to go, from 0 to below 1.
    scope : "global" (default) or "layer"
        Compare all units, or take the share from each layer.

    Returns
    -------
    keep : dict of str to ndarray of bool of shape (n_units,)
        By layer, for ``unit_mask`` and ``remove_units``.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, a score is nan, or too few units would be left.
    ShapeError
        If the scores are not one list for each layer.

    Examples
    --------
    >>> select_units({"0": [0.5, 0.1, 0.9, 0.2]}, 0.5)
    {'0': array([ True, False,  True, False])}
    """
    where = "select_units"
    sparsity = check_number(sparsity, "sparsity", where, below=1)
    check_choice(scope, SCOPES, "scope", where)
    check_by_layer(scores, "scores", where)
    values = {name: as_array(s, None, f"{where}: scores") for name, s in scores.items()}
    if not values or any(s.ndim != 1 or not s.size for s in values.values()):
        message = f"{where}: scores are not a list of numbers for each layer, as unit_norm gives."
        raise ShapeError(message)
    _check_scores(np.concatenate(list(values.values())), where)
    groups = [list(values)] if scope == "global" else [[name] for name in values]
    keep = {name: np.ones(len(s), bool) for name, s in values.items()}
    for group in groups:
        _drop_lowest(keep, {name: values[name] for name in group}, sparsity)
    return keep


def _drop_lowest(keep: dict[str, BoolArray], values: dict[str, Array], sparsity: float) -> None:
    """Set round(sparsity · n) entries of ``keep`` to False, but never the last of a layer."""
    owners = [(name, unit) for name, s in values.items() for unit in range(len(s))]
    order = np.argsort(np.concatenate(list(values.values())), kind="stable")
    wanted = round(sparsity * len(owners))
    if wanted > len(owners) - len(values):
        message = (
            f"select_units: sparsity={sparsity:g} takes {wanted} of {len(owners)} units, expected "
            f"at least one to stay in each of {len(values)} layers."
        )
        raise ArgumentError(message)
    for place in order:
        name, unit = owners[place]
        if wanted and keep[name].sum() > 1:
            keep[name][unit] = False
            wanted -= 1


def unit_mask(model: Sequential, keep: Mapping[str, ArrayLike]) -> BoolArray:
    """Build the mask that switches units off: their weights, their bias, and what reads them.

    With that mask the model computes what the smaller one of ``remove_units`` computes, at the
    price of the large one.

    Parameters
    ----------
    model : Sequential
        The model; it is not changed. Assign the result to ``model.mask``.
    keep : dict of str to array_like
        By layer: truth values, or the numbers of the units that stay.

    Returns
    -------
    mask : ndarray of bool of shape (P,)
        True is kept. What ``model.mask`` has pruned stays so.

    Raises
    ------
    ArgumentError
        If a layer or unit does not exist, its units cannot go, or none would be left.
    """
    where = "unit_mask"
    check_model(model, where)
    check_by_layer(keep, "keep", where)
    found = [(find_units(model, name, where), value) for name, value in keep.items()]
    kept = [(units, as_keep(value, units.n, where)) for units, value in found]
    mask = np.ones(model.theta.shape, bool) if model.mask is None else model.mask.copy()
    parts = {p.name: mask[p.slice].reshape(p.shape) for p in model.parameters()}
    for units, stays in kept:
        parts[f"{units.name}.W"][..., ~stays] = False
        if units.producer.bias:
            parts[f"{units.name}.b"][~stays] = False
        parts[f"{units.consumer_name}.W"][..., ~units.inputs(stays), :] = False
    return mask


def dead_units(model: Sequential) -> dict[str, IntArray]:
    """List the units that nothing reads: ``model.mask`` or training has made their weights zero.

    Parameters
    ----------
    model : Sequential
        The model.

    Returns
    -------
    dead : dict of str to ndarray of int
        By layer whose units can be removed: numbers of those whose outgoing weights are all zero.

    Raises
    ------
    ArgumentError
        If no layer has units that can be removed.
    """
    found = all_units(check_model(model, "dead_units"), "dead_units")
    return {
        name: np.flatnonzero(units.outgoing(np.abs(units.consumer.W)) == 0)
        for name, units in found.items()
    }


def _check_scores(values: Array, where: str) -> None:
    bad = int(np.count_nonzero(np.isnan(values)))
    if bad:
        message = f"{where}: {bad} of {values.size} scores are nan. Look at the gradient."
        raise ArgumentError(message)

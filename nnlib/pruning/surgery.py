"""Surgery: really smaller models. The old model stays as it was; the new one shares nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib._array import BoolArray
from nnlib.errors import ArgumentError, SharedLayerError
from nnlib.initializers import zeros
from nnlib.layers import Layer, Linear, Sequential
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.conv import Conv2d
from nnlib.layers.residual import Residual
from nnlib.layers.tied import TiedLinear
from nnlib.pruning._structure import (
    LayerName,
    Units,
    as_keep,
    check_by_layer,
    check_model,
    find_layer,
    find_units,
    walk,
)


def remove_neurons(model: Sequential, layer: LayerName, keep: ArrayLike) -> Sequential:
    """Build the model without some neurons of a layer.

    Their columns go, and the rows of the next layer that read them; batch normalization between the
    two loses their entries, too. Where the removed neurons were dead, in that nothing read them
    (see ``unit_mask``), the outputs are those of the old model.

    Parameters
    ----------
    model : Sequential
        The large model.
    layer : int or str
        Place of a ``Linear``; ``"2.0"`` is the first layer within the one at place 2.
    keep : array_like of bool of shape (n_units,), or of int
        Which neurons stay: truth values, or unit numbers, each once. As many integers 0 and 1 as
        there are units may mean either, and are refused.

    Returns
    -------
    smaller : Sequential
        A new model with the remaining values, its mask cut alike. Build a new optimizer for it.

    Raises
    ------
    ArgumentError
        If there is no such layer, its units are not read by a Linear or Conv2d alone, or none
        would be left.

    Examples
    --------
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(2, 3, rng=0), ReLU(), Linear(3, 1, rng=1))
    >>> remove_neurons(model, 0, keep=[True, False, True])
    Sequential(Linear(2, 2), ReLU(), Linear(2, 1))
    """
    where = "remove_neurons"
    name, found = find_layer(check_model(model, where), layer, where)
    if not isinstance(found, Linear):
        message = f"{where}: layer {name} is {found!r}, expected a Linear. See prune_channels."
        raise ArgumentError(message)
    return _without_units(model, {name: keep}, where)


def prune_channels(model: Sequential, layer: LayerName, keep: ArrayLike) -> Sequential:
    """Build the model without some output channels of a convolution.

    The next convolution loses the slices of its kernel that read them; a ``Linear`` after
    ``Flatten`` loses one row for each channel and pixel.

    Parameters
    ----------
    model : Sequential
        The large model.
    layer : int or str
        Place of a ``Conv2d``; ``"2.0"`` is the first layer within the one at place 2.
    keep : array_like of bool of shape (n_channels,), or of int
        Which channels stay, as in ``remove_neurons``.

    Returns
    -------
    smaller : Sequential
        A new model with the remaining values, its mask cut alike. Build a new optimizer for it.

    Raises
    ------
    ArgumentError
        If there is no such layer, its channels are not read by a Linear or Conv2d alone, or none
        would be left.

    References
    ----------
    Li, Kadav, Durdanovic, Samet & Graf (2017), Pruning Filters for Efficient ConvNets, ICLR.
    """
    where = "prune_channels"
    name, found = find_layer(check_model(model, where), layer, where)
    if not isinstance(found, Conv2d):
        message = f"{where}: layer {name} is {found!r}, expected a Conv2d. See remove_neurons."
        raise ArgumentError(message)
    return _without_units(model, {name: keep}, where)


def remove_units(model: Sequential, keep: Mapping[str, ArrayLike]) -> Sequential:
    """Build the model without some units of several layers at once.

    Parameters
    ----------
    model : Sequential
        The large model.
    keep : dict of str to array_like
        By layer, as ``select_units`` returns it.

    Returns
    -------
    smaller : Sequential
        A new model with the remaining values, its mask cut alike. Build a new optimizer for it.

    Raises
    ------
    ArgumentError
        If a layer or unit does not exist, its units cannot go, or none would be left.
    """
    where = "remove_units"
    check_by_layer(keep, "keep", where)
    return _without_units(check_model(model, where), keep, where)


def remove_layer(model: Sequential, layer: LayerName) -> Sequential:
    """Build the model without a layer or a block; of a residual block the shortcut remains.

    Parameters
    ----------
    model : Sequential
        The large model.
    layer : int or str
        Its place; ``"2.0"`` is the first layer within the one at place 2.

    Returns
    -------
    smaller : Sequential
        A new model with the remaining values, its mask cut alike. Build a new optimizer for it.

    Raises
    ------
    ArgumentError
        If there is no such layer, or it is the only one of its container.
    SharedLayerError
        If a ``TiedLinear`` that would stay uses the matrix of the layer.
    ShapeError
        If one of the layers that meet now puts out what the other does not take.

    Examples
    --------
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(2, 2, rng=0), ReLU(), Linear(2, 1, rng=1))
    >>> remove_layer(model, 0)
    Sequential(ReLU(), Linear(2, 1))
    """
    where = "remove_layer"
    name, _ = find_layer(check_model(model, where), layer, where)
    prefix, dot, _ = name.rpartition(".")
    parent = find_layer(model, prefix, where)[1] if dot else model
    if not isinstance(parent, Sequential | Residual) or len(parent.layers) == 1:
        mend = f" Remove the block, {prefix!r}." if dot else ""
        message = f"{where}: layer {name} cannot be taken out of {parent!r:.60}.{mend}"
        raise ArgumentError(message)
    _check_ties(model, name, where)
    smaller = _rebuilt(model, lambda place, copied: None if place == name else copied, (name,))
    stays = np.ones(model.theta.shape, bool)
    for p in model.parameters():
        if p.name.startswith(f"{name}."):
            stays[p.slice] = False
    smaller.mask = None if model.mask is None else model.mask[stays]
    return smaller


def _check_ties(model: Sequential, name: str, where: str) -> None:
    """Refuse to take out a layer whose matrix another one, which would stay, uses."""
    goes = {
        id(layer): place
        for place, layer in walk(model.layers)
        if f"{place}.".startswith(f"{name}.")
    }
    for place, layer in walk(model.layers):
        if isinstance(layer, TiedLinear) and id(layer.owner) in goes and id(layer) not in goes:
            message = (
                f"{where}: layer {goes[id(layer.owner)]} cannot go, because layer {place} uses its "
                f"weight matrix. Remove layer {place} first."
            )
            raise SharedLayerError(message)


def _without_units(model: Sequential, keep: Mapping[str, ArrayLike], where: str) -> Sequential:
    """Cut units out of several layers."""
    cuts: dict[str, tuple[BoolArray | None, BoolArray | None]] = {}
    for name, value in keep.items():
        units = find_units(model, name, where)
        stays = as_keep(value, units.n, where)
        _note(cuts, units, stays)
    smaller = _rebuilt(
        model, lambda place, layer: _cut_layer(layer, *cuts.get(place, (None, None))), tuple(cuts)
    )

    def cut(name: str, array: NDArray[Any]) -> NDArray[Any]:
        place, _, parameter = name.rpartition(".")
        return _cut_array(parameter, array, *cuts.get(place, (None, None)))

    smaller.load_state_dict({name: cut(name, a) for name, a in model.state_dict().items()})
    for vector in ("mask", "decay_mask"):
        whole = getattr(model, vector)
        if whole is not None:
            parts = [cut(p.name, whole[p.slice].reshape(p.shape)) for p in model.parameters()]
            setattr(smaller, vector, np.concatenate([part.ravel() for part in parts]))
    return smaller


def _note(
    cuts: dict[str, tuple[BoolArray | None, BoolArray | None]], units: Units, stays: BoolArray
) -> None:
    """Write down, for each layer that changes, which inputs and which outputs stay."""
    inputs, _ = cuts.get(units.name, (None, None))
    cuts[units.name] = (inputs, stays)
    for place, layer in units.between:
        if isinstance(layer, BatchNorm1d | BatchNorm2d):
            # Behind Flatten it has one entry for each pixel and channel, the channel last.
            cuts[place] = (None, np.tile(stays, layer.num_features // units.n))
    _, outputs = cuts.get(units.consumer_name, (None, None))
    cuts[units.consumer_name] = (units.inputs(stays), outputs)


def _cut_array(
    name: str, array: NDArray[Any], inputs: BoolArray | None, outputs: BoolArray | None
) -> NDArray[Any]:
    """Keep the inputs and outputs that stay, of one parameter or running statistic."""
    if inputs is not None and name == "W":
        array = array[..., inputs, :]
    if outputs is not None and array.ndim:
        array = array[..., outputs]
    return array


def _cut_layer(layer: Layer, inputs: BoolArray | None, outputs: BoolArray | None) -> Layer:
    """Return the layer, or one of its kind with other sizes, whose values come later."""
    if inputs is None and outputs is None:
        return layer
    dtype = layer.theta.dtype
    if isinstance(layer, Linear):
        n_in = layer.in_features if inputs is None else int(inputs.sum())
        n_out = layer.out_features if outputs is None else int(outputs.sum())
        new: Layer = Linear(n_in, n_out, layer.bias, init=zeros, dtype=dtype)
    elif isinstance(layer, Conv2d):
        n_in = layer.in_channels if inputs is None else int(inputs.sum())
        n_out = layer.out_channels if outputs is None else int(outputs.sum())
        new = Conv2d(
            n_in, n_out, layer.kernel_size, layer.stride, layer.padding, layer.bias,
            init=zeros, dtype=dtype,
        )  # fmt: skip
    else:
        assert isinstance(layer, BatchNorm1d | BatchNorm2d)  # ruff: ignore[assert]  nothing else is cut
        assert outputs is not None  # ruff: ignore[assert]  its inputs are its outputs
        new = type(layer)(int(outputs.sum()), layer.eps, layer.momentum, dtype=dtype)
    new.training = layer.training
    return new


def _rebuilt(
    model: Sequential, change: Callable[[str, Layer], Layer | None], names: tuple[str, ...]
) -> Sequential:
    """Build the model anew of changed copies of its layers; of those named, None leaves one out."""

    def build(layers: tuple[Layer, ...], prefix: str) -> list[Layer]:
        new = []
        for i, layer in enumerate(layers):
            place = f"{prefix}{i}"
            changed: Layer | None
            if any(name.startswith(f"{place}.") for name in names):
                # What is more than a Sequential, as a transformer block is, becomes a plain one.
                assert isinstance(layer, Sequential | Residual)  # ruff: ignore[assert]  there are no others
                kind = Residual if isinstance(layer, Residual) else Sequential
                changed = kind(*build(layer.layers, f"{place}."))
                changed.training = layer.training
            else:
                changed = change(place, layer)
            if changed is not None:
                changed._owned = False  # it was copied together with its old container
                new.append(changed)
        return new

    # All at once, so that layers that share something still do.
    smaller = Sequential(*build(copy.deepcopy(model.layers), ""))
    smaller.training = model.training
    shared = {id(layer.owner) for _, layer in walk(smaller.layers) if isinstance(layer, TiedLinear)}
    for _, layer in walk(smaller.layers):
        if not isinstance(layer, TiedLinear) and id(layer) not in shared:
            layer._tie = None  # the layer that was tied to this one has gone
    return smaller

"""Which units a model has: what makes each, what reads it, and what lies between.

A unit is a column of a ``Linear`` (a neuron) or an output channel of a ``Conv2d``. It can go where
everything up to its reader treats each unit for itself: activations, dropout, pooling and batch
normalization do, softmax and layer normalization do not. ``Flatten`` spreads a channel over one
feature for each pixel.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnlib._array import Array, BoolArray, IntArray
from nnlib.errors import ArgumentError
from nnlib.layers import Layer, Linear, Sequential
from nnlib.layers.activations import Elementwise
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.container import Container
from nnlib.layers.conv import Conv2d
from nnlib.layers.flatten import Flatten
from nnlib.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnlib.layers.residual import Residual

LayerName: TypeAlias = int | str
"""A layer by its place in the model: 2, or "4.0" for the first layer within the one at place 4."""

BY_UNIT = (
    Elementwise, AvgPool2d, BatchNorm1d, BatchNorm2d, Flatten, GlobalAvgPool2d, MaxPool2d
)  # fmt: skip
"""Layers whose output for one unit depends on that unit alone; dropout is an Elementwise."""

Producer: TypeAlias = Linear | Conv2d


@dataclass(frozen=True, eq=False)
class Units:
    """The units that one layer makes.

    Attributes
    ----------
    name : str
        Of the layer, as in the names of its parameters.
    producer, consumer : Linear or Conv2d
        What makes the units, and what reads them.
    consumer_name : str
        Of the reader.
    between : tuple of (str, Layer)
        What lies between, in order.
    """

    name: str
    producer: Producer
    consumer: Producer
    consumer_name: str
    between: tuple[tuple[str, Layer], ...]

    @property
    def n(self) -> int:
        """Number of units."""
        return n_out(self.producer)

    @property
    def spread(self) -> int:
        """How many inputs of the reader belong to one unit: more than one after Flatten."""
        n_in = self.consumer.W.shape[-2]
        return int(n_in // self.n)

    def inputs(self, keep: BoolArray) -> BoolArray:
        """Return which inputs of the reader remain: the channel is the last axis of an image."""
        return np.tile(keep, self.spread)

    def outgoing(self, values: Array) -> Array:
        """Sum values shaped like the reader's weights for each unit."""
        over_outputs = values.sum(axis=-1)
        over_kernel = over_outputs.sum(axis=tuple(range(over_outputs.ndim - 1)))
        total: Array = over_kernel.reshape(self.spread, self.n).sum(axis=0)
        return total

    def incoming(self, weights: Array, bias: Array | None) -> Array:
        """Sum values shaped like the layer's own weights and bias for each unit."""
        total: Array = weights.reshape(-1, self.n).sum(axis=0)
        return total if bias is None else total + bias


def n_out(layer: Producer) -> int:
    """Return the number of units a layer makes."""
    return layer.out_features if isinstance(layer, Linear) else layer.out_channels


def check_model(model: object, where: str) -> Sequential:
    """Return the model if it is one that can be pruned."""
    if not isinstance(model, Sequential):
        message = (
            f"{where}: model is {model!r:.60}, expected a Sequential: its layers are in order."
        )
        raise ArgumentError(message)
    if model.theta.ndim > 1:
        message = f"{where}: the model is a stack of several, expected one. Unstack it first."
        raise ArgumentError(message)
    return model


@contextmanager
def evaluating(model: Sequential) -> Generator[None]:
    """Switch a model to evaluation mode, and each layer back to its own mode in the end."""
    modes = [(leaf, leaf.training) for leaf in model._everything()]
    model.eval()
    try:
        yield
    finally:
        for leaf, mode in modes:
            leaf.training = mode


def check_choice(value: object, choices: tuple[str, ...], name: str, where: str) -> None:
    """Raise unless a value is one of some words."""
    if not isinstance(value, str) or value not in choices:
        *first, last = (f'"{choice}"' for choice in choices)
        message = f"{where}: {name} is {value!r:.60}, expected {', '.join(first)} or {last}."
        raise ArgumentError(message)


def check_by_layer(value: object, name: str, where: str) -> None:
    """Raise unless a value is a dictionary, which holds something for each layer."""
    if not isinstance(value, Mapping):
        message = (
            f"{where}: {name} is {value!r:.60}, expected a dictionary by layer, such as "
            '{"0": [...]}.'
        )
        raise ArgumentError(message)


def walk(layers: tuple[Layer, ...], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield all layers with their names, containers before what they hold."""
    for i, layer in enumerate(layers):
        name = f"{prefix}{i}"
        yield name, layer
        if isinstance(layer, Container):
            yield from walk(layer.layers, f"{name}.")


def find_layer(model: Sequential, name: LayerName, where: str) -> tuple[str, Layer]:
    """Return a layer by name; negative places count from the end."""
    places = dict(walk(model.layers))
    wanted = str(name)
    if isinstance(name, int | np.integer) and name < 0:
        wanted = str(name + len(model.layers))
    if wanted not in places:
        message = (
            f"{where}: there is no layer {name!r}, expected a place from 0 to "
            f'{len(model.layers) - 1}, or one like "2.0" within a container.'
        )
        raise ArgumentError(message)
    return wanted, places[wanted]


def find_units(model: Sequential, name: LayerName, where: str) -> Units:
    """Return the units of a layer, or raise the error that says why they cannot be removed."""
    wanted, producer = find_layer(model, name, where)
    if not isinstance(producer, Linear | Conv2d):
        message = f"{where}: layer {wanted} is {producer!r}, expected a Linear or a Conv2d."
        raise ArgumentError(message)
    between: list[tuple[str, Layer]] = []
    reason = "its outputs are those of the model, or of a block that adds them to something else"
    for place, layer in _followers(model, wanted):
        if isinstance(layer, Linear | Conv2d):
            if producer._tie is None and layer._tie is None:
                return Units(wanted, producer, layer, place, tuple(between))
            reason = "a weight matrix is tied to another layer"
            break
        if not isinstance(layer, BY_UNIT):
            reason = f"layer {place}, {layer!r:.60}, mixes or shares them"
            break
        between.append((place, layer))
    message = (
        f"{where}: the units of layer {wanted} cannot be removed, because {reason}. "
        "Choose a layer whose units go to a Linear or Conv2d by themselves."
    )
    raise ArgumentError(message)


def all_units(model: Sequential, where: str) -> dict[str, Units]:
    """Return the units of every layer where some can be removed."""
    found = {}
    for name, layer in walk(model.layers):
        if isinstance(layer, Linear | Conv2d):
            try:
                found[name] = find_units(model, name, where)
            except ArgumentError:  # this layer's units must stay
                continue
    if not found:
        message = f"{where}: {model!r:.100} has no layer whose units could be removed."
        raise ArgumentError(message)
    return found


def _followers(model: Sequential, name: str) -> list[tuple[str, Layer]]:
    """Return the layers behind one, up to the end of its residual block or of the model."""
    chain = next(c for c in _chains(model.layers, "") if name in dict(c))
    return chain[[place for place, _ in chain].index(name) + 1 :]


def _chains(layers: tuple[Layer, ...], prefix: str) -> Iterator[list[tuple[str, Layer]]]:
    """Yield each run of layers that follow one another, those of nested models in line."""
    chain: list[tuple[str, Layer]] = []
    inner: list[tuple[tuple[Layer, ...], str]] = []

    def append(some: tuple[Layer, ...], start: str) -> None:
        for i, layer in enumerate(some):
            name = f"{start}{i}"
            if isinstance(layer, Sequential):
                append(layer.layers, f"{name}.")
                continue
            chain.append((name, layer))
            if isinstance(layer, Residual):
                inner.append((layer.layers, f"{name}."))

    append(layers, prefix)
    yield chain
    for some, start in inner:
        yield from _chains(some, start)


def named(model: Sequential, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the parts of a vector like theta by parameter name, in the parameters' shapes."""
    return {p.name: vector[p.slice].reshape(p.shape) for p in model.parameters()}


def weight_slices(model: Sequential, where: str) -> dict[str, slice]:
    """Return the places of the weights in theta: neither biases nor scales."""
    # The layers say what a weight is, whatever has become of decay_mask: who spares a matrix the
    # decay does not thereby spare it the pruning.
    found = {p.name: p.slice for p in model.parameters() if p.decays}
    if not found:
        message = f"{where}: {model!r:.100} has no weights, nothing can be pruned."
        raise ArgumentError(message)
    return found


def as_keep(keep: Any, n: int, where: str) -> BoolArray:
    """Return which of n units stay, from truth values or unit numbers."""
    try:
        array = np.asarray(keep)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype == bool and array.shape == (n,):
        kept: BoolArray = array.copy()
    else:
        numbers: IntArray = array
        whole = array.ndim == 1 and array.dtype.kind in "iu" and array.size
        if not whole or (numbers < 0).any() or (numbers >= n).any():
            message = (
                f"{where}: keep is {keep!r:.60}, expected {n} truth values, or numbers of units "
                f"from 0 to {n - 1}."
            )
            raise ArgumentError(message)
        if array.size == n > 1 and array.max() <= 1:
            message = (
                f"{where}: keep is {keep!r:.60}, where 0 and 1 may be truth values or numbers of "
                f"units. Give booleans, such as np.array(keep, bool), or unit numbers."
            )
            raise ArgumentError(message)
        kept = np.zeros(n, bool)
        kept[numbers] = True
        if kept.sum() < array.size:
            message = f"{where}: keep is {keep!r:.60}, expected each unit number once."
            raise ArgumentError(message)
    if not kept.any():
        message = f"{where}: no unit is kept, expected at least one: the layer would pass nothing."
        raise ArgumentError(message)
    return kept

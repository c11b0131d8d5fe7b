"""Our layers with weights, in order, and how each writes its arrays the way PyTorch does."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nnlib._array import Array, IntArray
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import (
    LSTM,
    RNN,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Linear,
    PositionalEmbedding,
)
from nnlib.layers.container import Container

State: TypeAlias = dict[str, Array]
Axes: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Rule:
    """What PyTorch calls a kind of layer, and where our arrays stand in it.

    ``arrays`` maps our name to theirs, and to the order of axes that turns ours into theirs.
    """

    kind: str
    arrays: Mapping[str, tuple[str, Axes]]


_NORM: dict[str, tuple[str, Axes]] = {"gamma": ("weight", (0,)), "beta": ("bias", (0,))}
_STATISTICS: dict[str, tuple[str, Axes]] = {
    "running_mean": ("running_mean", (0,)),
    "running_var": ("running_var", (0,)),
}
_RECURRENT: dict[str, tuple[str, Axes]] = {
    "Wx": ("weight_ih_l0", (1, 0)),
    "Wh": ("weight_hh_l0", (1, 0)),
    "b": ("bias_ih_l0", (0,)),
}
RULES: dict[type[Layer], Rule] = {
    Linear: Rule("Linear", {"W": ("weight", (1, 0)), "b": ("bias", (0,))}),
    # (kh, kw, in, out) becomes (out, in, kh, kw).
    Conv2d: Rule("Conv2d", {"W": ("weight", (3, 2, 0, 1)), "b": ("bias", (0,))}),
    BatchNorm1d: Rule("BatchNorm1d", _NORM | _STATISTICS),
    BatchNorm2d: Rule("BatchNorm2d", _NORM | _STATISTICS),
    LayerNorm: Rule("LayerNorm", _NORM),
    Embedding: Rule("Embedding", {"W": ("weight", (0, 1))}),
    PositionalEmbedding: Rule("Embedding", {"W": ("weight", (0, 1))}),
    RNN: Rule("RNN", _RECURRENT),
    LSTM: Rule("LSTM", _RECURRENT),
}
SECOND_BIAS = "bias_hh_l0"
"""PyTorch adds two biases in a recurrent layer, where one does: ours is their sum."""


@dataclass(frozen=True)
class Leaf:
    """A layer with weights. ``order`` says which of our features is PyTorch's first, second, ..."""

    layer: Layer
    order: IntArray | None

    @property
    def kind(self) -> str:
        """PyTorch's name of the layer."""
        return RULES[type(self.layer)].kind

    def to_torch(self) -> State:
        """Return the arrays under PyTorch's names, in its layout."""
        state = self.layer.state_dict()
        if self.order is not None:
            state = {name: self._put(name, array, self.order) for name, array in state.items()}
        rule = RULES[type(self.layer)].arrays
        arrays = {rule[name][0]: array.transpose(rule[name][1]) for name, array in state.items()}
        if self.kind in {"RNN", "LSTM"}:
            arrays[SECOND_BIAS] = np.zeros_like(state["b"])
        return arrays

    def from_torch(self, arrays: State) -> State:
        """Return our arrays for those of PyTorch."""
        state = {}
        for name, (theirs, axes) in RULES[type(self.layer)].arrays.items():
            if theirs in arrays:
                state[name] = arrays[theirs].transpose(np.argsort(axes))
        if SECOND_BIAS in arrays:
            state["b"] = state["b"] + arrays[SECOND_BIAS]
        if self.order is not None:
            back: IntArray = np.argsort(self.order)
            state = {name: self._put(name, array, back) for name, array in state.items()}
        return state

    def _put(self, name: str, array: Array, order: IntArray) -> Array:
        """Put the entries that belong to input features in order; a bias belongs to outputs."""
        return array if isinstance(self.layer, Linear) and name == "b" else array[order]


def leaves_with_weights(
    model: Layer, input_shape: tuple[int, ...] | None, where: str
) -> list[Leaf]:
    """Return the layers with weights in order, and the order of features behind a Flatten."""
    shapes = _shapes_before_flatten(model, input_shape, where)
    found: list[Leaf] = []
    order: IntArray | None = None
    for layer in _in_order(model):
        if isinstance(layer, Flatten):
            order = _channels_first(shapes[id(layer)])
        elif layer.theta.size or layer.buffers():
            if type(layer) not in RULES:
                message = f"{where}: {layer!r} has no counterpart here. Convert the others by hand."
                raise DtypeError(message)
            found.append(Leaf(layer, order))
            if isinstance(layer, Linear):
                order = None
    return found


def _in_order(layer: Layer) -> Iterator[Layer]:
    """Yield the layers that are not containers, in the order of the parameters."""
    if isinstance(layer, Container):
        for inner in layer.layers:
            yield from _in_order(inner)
    else:
        yield layer


def _shapes_before_flatten(
    model: Layer, input_shape: tuple[int, ...] | None, where: str
) -> dict[int, tuple[int, ...]]:
    """Return the shape of a sample before each Flatten, found by sending one through a copy."""
    flattens = [layer for layer in _in_order(model) if isinstance(layer, Flatten)]
    if not flattens:
        return {}
    if input_shape is None:
        message = (
            f"{where}: the model flattens images, so the order of its weights depends on their "
            "size. Give the shape of one sample, such as input_shape=(28, 28, 1)."
        )
        raise ArgumentError(message)
    twin = copy.deepcopy(model).eval()
    try:
        twin.forward(np.zeros((1, *input_shape)))
    except ShapeError as error:
        message = f"{where}: samples of shape {input_shape} do not fit the model: {error}"
        raise ShapeError(message) from error
    twins = [layer for layer in _in_order(twin) if isinstance(layer, Flatten)]
    return {
        id(layer): other._kept["x_shape"][1:] for layer, other in zip(flattens, twins, strict=True)
    }


def _channels_first(shape: tuple[int, ...]) -> IntArray | None:
    """Return which of our flattened features PyTorch puts first, second, ...; None if the same."""
    if len(shape) != 3:
        return None
    height, width, channels = shape
    numbers = np.arange(height * width * channels).reshape(height, width, channels)
    return numbers.transpose(2, 0, 1).ravel()

"""Our layers with weights, in order, and how each writes its arrays the way PyTorch does."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nnlib._array import Array, IntArray, check_count
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import (
    LSTM,
    RNN,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LayerNorm,
    Linear,
    MaxPool2d,
    PositionalEmbedding,
    Sequential,
    Softmax,
    TiedLinear,
)
from nnlib.layers.activations import Elementwise
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
FEATURE_BY_FEATURE = (Linear, BatchNorm1d, LayerNorm, Softmax, Dropout, Elementwise)
"""Layers that know their features apart by their weights alone, so that any order will do."""
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
    if input_shape is not None:
        _check_input_shape(input_shape, where)
    walk = _Walk(_shapes_before_flatten(model, input_shape, where), where)
    walk.through(model)
    if walk.order is not None:
        message = (
            f"{where}: the model puts flattened images out, whose numbers PyTorch has in another "
            "order. Put a Linear behind the Flatten, or leave the Flatten out."
        )
        raise ArgumentError(message)
    return walk.found


class _Walk:
    """Go through a model as the data do, and keep account of where PyTorch has what."""

    def __init__(self, shapes: dict[int, tuple[int, ...]], where: str) -> None:
        self.shapes, self.where = shapes, where
        self.found: list[Leaf] = []
        self.order: IntArray | None = None
        """Which of the present features is PyTorch's first, second, ...; None if the same."""
        self.taken: dict[int, IntArray | None] = {}
        """The order in which each Linear and Embedding so far takes its features."""
        self.channels_first: bool | None = None
        """Whether PyTorch has the channels first here; None while that is not known."""
        self.early: Layer | None = None
        """The first layer that would be wrong if the data turn out to be images."""

    def through(self, layer: Layer) -> None:
        """Follow the data through one layer, or refuse it."""
        if isinstance(layer, Container):
            shortcut = not isinstance(layer, Sequential)
            if shortcut:
                self._need_same_order(layer)
            for inner in layer.layers:
                self.through(inner)
            if shortcut:
                self._need_same_order(layer)
        elif isinstance(layer, Flatten):
            self._flatten(layer)
        elif isinstance(layer, TiedLinear):
            self._tied(layer)
        else:
            self._plain(layer)

    def _plain(self, layer: Layer) -> None:
        if isinstance(layer, Conv2d | BatchNorm2d | MaxPool2d | AvgPool2d | GlobalAvgPool2d):
            self._images(layer)
        elif isinstance(layer, Linear | LayerNorm | Softmax):
            self._last_axis(layer)
        if not isinstance(layer, FEATURE_BY_FEATURE):
            self._need_same_order(layer)
        if layer.theta.size or layer.buffers():
            if type(layer) not in RULES:
                message = (
                    f"{self.where}: {layer!r} has no counterpart here. Convert the others by hand."
                )
                raise DtypeError(message)
            self.found.append(Leaf(layer, self.order))
        if isinstance(layer, Linear | Embedding):
            self.taken[id(layer)] = self.order
            self.order = None
        if isinstance(layer, Embedding | GlobalAvgPool2d):
            # An embedding appends its axis here and there.
            self.channels_first = False

    def _flatten(self, layer: Flatten) -> None:
        shape = self.shapes[id(layer)]
        if len(shape) == 3 and self.channels_first is not False:
            self._images(layer)
            self.order = _channels_first(shape)
        self.channels_first = False

    def _tied(self, layer: TiedLinear) -> None:
        """Follow a transpose, which puts out what its owner takes, in that order."""
        self._last_axis(layer)
        self._need_same_order(layer)
        if id(layer.owner) not in self.taken:
            message = (
                f"{self.where}: {layer!r} comes before its owner, expected the owner first. "
                "Convert the two by hand."
            )
            raise ArgumentError(message)
        self.order = self.taken[id(layer.owner)]

    def _images(self, layer: Layer) -> None:
        """Take note that the data are images, with the channels first in PyTorch."""
        if self.early is not None:
            self._refuse_last_axis(self.early)
        if self.channels_first is False:
            message = (
                f"{self.where}: {layer!r} gets an array whose channels come last in PyTorch too, "
                "expected images. Convert it by hand."
            )
            raise ArgumentError(message)
        self.channels_first = True

    def _last_axis(self, layer: Layer) -> None:
        """Take note of a layer along the last axis, where PyTorch's images have no channels."""
        if self.channels_first:
            self._refuse_last_axis(layer)
        if self.channels_first is None and self.early is None:
            self.early = layer

    def _refuse_last_axis(self, layer: Layer) -> None:
        message = (
            f"{self.where}: {layer!r} works along the channels of images, which in PyTorch are "
            "not the last axis, expected rows. Put a Flatten before it, or convert it by hand."
        )
        raise ArgumentError(message)

    def _need_same_order(self, layer: Layer) -> None:
        if self.order is not None:
            message = (
                f"{self.where}: {layer!r} gets flattened images, whose numbers PyTorch has in "
                "another order. Put a Linear right behind the Flatten."
            )
            raise ArgumentError(message)


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


def _check_input_shape(input_shape: object, where: str) -> None:
    """Raise ``ArgumentError`` unless it is a tuple or list of whole numbers of at least 1."""
    if not isinstance(input_shape, tuple | list):
        message = (
            f"{where}: input_shape is {input_shape!r:.60}, expected the shape of one sample, such "
            "as (28, 28, 1)."
        )
        raise ArgumentError(message)
    for size in input_shape:
        check_count(size, f"input_shape {input_shape} holds a size that", where)


def _channels_first(shape: tuple[int, ...]) -> IntArray | None:
    """Return which of our flattened features PyTorch puts first, second, ...; None if the same."""
    height, width, channels = shape
    if channels == 1 or height * width == 1:
        return None
    numbers = np.arange(height * width * channels).reshape(height, width, channels)
    return numbers.transpose(2, 0, 1).ravel()

"""The steps of a plan: one layer each, and the loss, bound to their arrays.

Each computes what the ``forward`` and ``backward`` of its layer compute, which stay the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from nnlib._array import Array, BoolArray, IntArray
from nnlib.layers._plan_kernels import kernels
from nnlib.layers.activations import ReLU, Sigmoid, Tanh, sigmoid
from nnlib.layers.base import Layer
from nnlib.layers.linear import Linear

if TYPE_CHECKING:
    from nnlib.losses import Loss

SMALL_BATCH = 64
"""Up to here dxᵀ = W dyᵀ takes two thirds of the time of dx = dy Wᵀ, which has to turn W around."""


class Step:
    """One layer, bound to its input ``x`` and output ``y`` and to their gradients."""

    def __init__(self, layer: Layer, x: Array, y: Array) -> None:
        self.layer, self.x, self.y = layer, x, y
        self.dy: Array = y
        self.dx: Array | None = None
        self.kept: dict[str, Any] = {}

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:
        """Take the array that will hold the gradient of ``y``, and return that of ``x``."""
        self.dy = dy
        if need_dx:
            self.dx = np.empty_like(self.x)
        # What the layer's own forward and backward would have kept: the same arrays each time.
        self.kept = {**self.keeps(), "dy": dy, "output": (self.y.shape, self.y.dtype)}
        return self.dx

    def keeps(self) -> dict[str, Any]:
        """Return what the layer keeps for ``backward``, by its names."""
        return {}

    def forward(self) -> None:
        """Fill ``y`` from ``x``."""
        raise NotImplementedError

    def backward(self) -> None:
        """Fill ``dx`` and the parameter gradients from ``dy``."""
        raise NotImplementedError


class LinearStep(Step):
    """y = x W + b.

    An array may lie by columns, which is (N, features) as the transpose of (features, N). Then
    yᵀ = Wᵀ xᵀ and dxᵀ = W dyᵀ, with the long axis of W in front, are what BLAS computes faster.
    """

    def __init__(self, layer: Linear, x: Array) -> None:
        super().__init__(layer, x, np.empty((len(x), layer.out_features), x.dtype))
        views = layer._views
        self.W, self.dW = views["W"], views["dW"]
        self.b, self.db = views.get("b"), views.get("db")
        self.ones = np.ones(len(x), x.dtype)
        self.y_columns: Array | None = None
        self.dx_columns: Array | None = None

    def hand_over(self) -> tuple[Array, Array, Array]:
        """Leave the bias to the step behind, and y to it by columns: (y_columns, b, db)."""
        b, db = self.b, self.db
        assert b is not None  # ruff: ignore[assert]  narrows the types: checked by can_fuse
        assert db is not None  # ruff: ignore[assert]
        self.b = self.db = None
        self.y_columns = np.empty(self.y.shape[::-1], self.y.dtype)
        self.y = self.y_columns.T
        return self.y_columns, b, db

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:
        super().bind(dy, need_dx=False)
        if need_dx and (len(dy) <= SMALL_BATCH or not self.x.flags.c_contiguous):
            self.dx_columns = np.empty(self.x.shape[::-1], self.x.dtype)
            self.dx = self.dx_columns.T
        elif need_dx:
            self.dx = np.empty(self.x.shape, self.x.dtype)
        return self.dx

    def keeps(self) -> dict[str, Any]:
        return {"x": self.x}

    def forward(self) -> None:
        if self.y_columns is not None:
            np.dot(self.W.T, self.x.T, out=self.y_columns)
            return
        np.dot(self.x, self.W, out=self.y)
        if self.b is not None:
            np.add(self.y, self.b, out=self.y)

    def backward(self) -> None:
        dy = self.dy
        np.dot(self.x.T, dy, out=self.dW)
        if self.db is not None:
            np.dot(self.ones, dy, out=self.db)
        if self.dx_columns is not None:
            np.dot(self.W, dy.T, out=self.dx_columns)
        elif self.dx is not None:
            np.dot(dy, self.W.T, out=self.dx)


class ReLUStep(Step):
    """y = max(x, 0)."""

    def __init__(self, layer: ReLU, x: Array) -> None:
        super().__init__(layer, x, np.empty(x.shape, x.dtype))
        self.mask: BoolArray = np.empty(x.shape, bool)
        self.zero = x.dtype.type(0)

    def keeps(self) -> dict[str, Any]:
        return {"mask": self.mask}

    def forward(self) -> None:
        np.maximum(self.x, self.zero, out=self.y)
        np.greater(self.x, self.zero, out=self.mask)

    def backward(self) -> None:
        if self.dx is not None:
            np.multiply(self.dy, self.mask, out=self.dx)


class TanhStep(Step):
    """y = tanh x, with slope 1 − y²."""

    def __init__(self, layer: Tanh, x: Array) -> None:
        super().__init__(layer, x, np.empty(x.shape, x.dtype))

    def keeps(self) -> dict[str, Any]:
        return {"y": self.y}

    def forward(self) -> None:
        np.tanh(self.x, out=self.y)

    def backward(self) -> None:
        dx = self.dx
        if dx is not None:
            np.multiply(self.y, self.y, out=dx)
            np.subtract(1.0, dx, out=dx)
            np.multiply(dx, self.dy, out=dx)


class SigmoidStep(Step):
    """y = σ(x), with slope y (1 − y)."""

    def __init__(self, layer: Sigmoid, x: Array) -> None:
        super().__init__(layer, x, np.empty(x.shape, x.dtype))
        self.scratch = np.empty(x.shape, x.dtype)

    def keeps(self) -> dict[str, Any]:
        return {"y": self.y}

    def forward(self) -> None:
        sigmoid(self.x, out=self.y, scratch=self.scratch)

    def backward(self) -> None:
        dx = self.dx
        if dx is not None:
            np.subtract(1.0, self.y, out=dx)
            np.multiply(dx, self.y, out=dx)
            np.multiply(dx, self.dy, out=dx)


class FusedReLUStep(Step):
    """The bias and the bend behind a product, in one compiled pass each way.

    It works in the output of the linear step before it, whose bias and bias gradient it takes over.
    """

    def __init__(self, layer: ReLU, linear: LinearStep) -> None:
        self.y_columns, self.b, self.db = linear.hand_over()
        super().__init__(layer, linear.y, linear.y)
        self.kernels = kernels()
        self.mask_columns: BoolArray = np.empty(self.y_columns.shape, bool)
        self.ones = linear.ones

    def keeps(self) -> dict[str, Any]:
        return {"mask": self.mask_columns.T}

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:  # ruff: ignore[unused-method-argument]  the linear layer needs it always
        super().bind(dy, need_dx=False)
        # Nobody reads dy again, so it is overwritten, which spares the cache a third array.
        self.dz = dy if dy.T.flags.c_contiguous else np.empty(self.y_columns.shape, dy.dtype).T
        return self.dz

    def forward(self) -> None:
        self.kernels.bias_relu_columns(self.y_columns, self.b, self.mask_columns)

    def backward(self) -> None:
        if self.dz is not self.dy:
            np.copyto(self.dz, self.dy)
        self.kernels.relu_backward_columns(self.dz.T, self.y_columns)
        np.dot(self.dz.T, self.ones, out=self.db)


Kinds: TypeAlias = dict[type[Layer], Callable[[Any, Array], Step]]

STEPS: Kinds = {
    Linear: LinearStep,
    ReLU: ReLUStep,
    Tanh: TanhStep,
    Sigmoid: SigmoidStep,
}


class CrossEntropyStep:
    """Softmax and cross-entropy of integer labels: the loss, and its gradient in ``dz``."""

    def __init__(self, z: Array) -> None:
        n, n_classes = z.shape
        self.z = z
        self.p, self.dz = np.empty_like(z), np.empty_like(z)
        self.column = np.empty((n, 1), z.dtype)
        self.own = np.empty(n, z.dtype)
        self.places = np.empty(n, np.intp)
        self.starts = np.arange(0, n * n_classes, n_classes)
        self.flat_p, self.flat_dz = self.p.reshape(-1), self.dz.reshape(-1)
        self.share: float = 1.0 / n
        self.typed_share = z.dtype.type(self.share)

    def check(self, labels: IntArray, loss: Loss) -> None:
        """Raise the loss's own error if a label is none of the classes."""
        # Seen as unsigned, a negative label is huge: one pass finds both kinds of wrong label.
        if np.maximum.reduce(labels.view(np.uintp)) >= self.z.shape[1]:
            loss.check(self.z.shape, labels, self.z.dtype)

    def forward(self, labels: IntArray, loss: Loss) -> float:
        """Return the loss; ``backward`` then fills ``dz``."""
        p, column = self.p, self.column
        np.maximum.reduce(self.z, axis=1, keepdims=True, out=column)
        np.subtract(self.z, column, out=p)
        np.add(labels, self.starts, out=self.places)
        self.flat_p.take(self.places, out=self.own, mode="clip")
        np.exp(p, out=p)
        np.add.reduce(p, axis=1, keepdims=True, out=column)
        np.divide(p, column, out=p)
        np.log(column, out=column)
        loss._kept = {"p": p, "share": self.share, "places": self.places, "labels": labels}
        total = float(np.add.reduce(column, axis=None)) - float(np.add.reduce(self.own))
        return total * self.share

    def backward(self) -> None:
        np.multiply(self.p, self.typed_share, out=self.dz)
        self.flat_dz[self.places] -= self.typed_share


class FusedCrossEntropyStep(CrossEntropyStep):
    """The same in one compiled pass, which finds wrong labels too."""

    def __init__(self, z: Array) -> None:
        super().__init__(z)
        self.kernels = kernels()
        self.shares = np.full(len(z), self.typed_share)

    def check(self, labels: IntArray, loss: Loss) -> None:
        pass

    def forward(self, labels: IntArray, loss: Loss) -> float:
        p = self.p
        value = self.kernels.cross_entropy(self.z, labels, p, self.dz, self.shares)
        if value < 0:
            super().check(labels, loss)
        np.add(labels, self.starts, out=self.places)
        loss._kept = {"p": p, "share": self.share, "places": self.places, "labels": labels}
        return float(value)

    def backward(self) -> None:
        pass


def can_fuse(step: Step | None) -> TypeGuard[LinearStep]:
    """Whether a step is a linear one with a bias, which a ReLU behind it can take over."""
    return isinstance(step, LinearStep) and step.b is not None


def chain(
    layers: list[Layer], x: Array, kinds: Kinds,
    relu_behind_linear: Callable[[ReLU, LinearStep], Step] | None = None,
) -> list[Step]:  # fmt: skip
    """Return the steps of layers, each bound to the output of the one before."""
    steps: list[Step] = []
    for layer in layers:
        before = steps[-1] if steps else None
        if relu_behind_linear is not None and isinstance(layer, ReLU) and can_fuse(before):
            steps.append(relu_behind_linear(layer, before))
        else:
            steps.append(kinds[type(layer)](layer, x))
        x = steps[-1].y
    return steps


def bind(steps: list[Step], dz: Array) -> None:
    """Bind steps to their gradients, from that of the last output back."""
    dy: Array | None = dz
    for i, step in reversed(list(enumerate(steps))):
        assert dy is not None  # ruff: ignore[assert]  narrows the type: only the first has none
        dy = step.bind(dy, need_dx=i > 0)

"""A training step with everything looked up beforehand.

A step of a small network lasts some 30 µs, and finding buffers, checking shapes and choosing cases
takes longer than its arithmetic. A plan does that once for a batch size: it lists the steps of all
layers, each bound to its arrays, so that a batch is a walk through the list. The rules are those of
the layers' ``forward`` and ``backward``, which stay the reference; tests hold the two together.

Only the layers and the loss of plain classifiers have planned steps. Whatever is not known here
takes the ordinary way, as does a batch that does not fit a plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from nnlib._array import Array, BoolArray, IntArray
from nnlib._compiling import setting
from nnlib.layers._plan_kernels import kernels
from nnlib.layers.activations import ReLU, Sigmoid, Tanh, sigmoid
from nnlib.layers.base import Layer
from nnlib.layers.linear import Linear

if TYPE_CHECKING:
    from nnlib.layers.sequential import Sequential
    from nnlib.losses import Loss

MAX_PLANS = 8
"""A run has two batch sizes, the full one and the last; a plan owns memory, so few are kept."""

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
    """y = x W + b."""

    def __init__(self, layer: Linear, x: Array) -> None:
        super().__init__(layer, x, np.empty((len(x), layer.out_features), x.dtype))
        views = layer._views
        self.W, self.dW = views["W"], views["dW"]
        self.b, self.db = views.get("b"), views.get("db")
        self.ones = np.ones(len(x), x.dtype)
        self.dx_transposed: Array | None = None

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:
        if need_dx and len(dy) <= SMALL_BATCH:
            self.dx_transposed = np.empty(self.x.shape[::-1], self.x.dtype)
        super().bind(dy, need_dx=need_dx)
        if self.dx_transposed is not None:
            self.dx = self.dx_transposed.T
        return self.dx

    def keeps(self) -> dict[str, Any]:
        return {"x": self.x}

    def forward(self) -> None:
        np.dot(self.x, self.W, out=self.y)
        if self.b is not None:
            np.add(self.y, self.b, out=self.y)

    def backward(self) -> None:
        dy = self.dy
        np.dot(self.x.T, dy, out=self.dW)
        if self.db is not None:
            np.dot(self.ones, dy, out=self.db)
        if self.dx_transposed is not None:
            np.dot(self.W, dy.T, out=self.dx_transposed)
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


class FusedReLUStep(ReLUStep):
    """The bias and the bend behind a product, in one compiled pass each way.

    It works in the output of the linear step before it, whose bias and bias gradient it takes over.
    """

    def __init__(self, layer: ReLU, linear: LinearStep) -> None:
        Step.__init__(self, layer, linear.y, linear.y)
        self.linear, self.kernels = linear, kernels()
        self.mask = np.empty(linear.y.shape, bool)
        assert linear.b is not None  # ruff: ignore[assert]  narrows the types: checked by can_fuse
        assert linear.db is not None  # ruff: ignore[assert]
        self.b, self.db = linear.b, linear.db
        linear.b = linear.db = None

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:  # ruff: ignore[unused-method-argument]  the linear layer needs it always
        super().bind(dy, need_dx=False)
        # Nobody reads dy again, so it is overwritten, which spares the cache a third array.
        self.dz = dy if dy.flags.c_contiguous else np.empty(dy.shape, dy.dtype)
        return self.dz

    def forward(self) -> None:
        self.kernels.bias_relu(self.y, self.b, self.mask)

    def backward(self) -> None:
        if self.dz is not self.dy:
            np.copyto(self.dz, self.dy)
        self.kernels.relu_backward(self.dz, self.y, self.db)


STEPS: dict[type[Layer], Callable[[Any, Array], Step]] = {
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


def can_fuse(step: Step | None) -> TypeGuard[LinearStep]:
    """Whether a step is a linear one with a bias, which a ReLU behind it can take over."""
    return isinstance(step, LinearStep) and step.b is not None


class FusedCrossEntropyStep(CrossEntropyStep):
    """The same in one compiled pass, which finds wrong labels too."""

    def __init__(self, z: Array) -> None:
        super().__init__(z)
        self.kernels = kernels()

    def check(self, labels: IntArray, loss: Loss) -> None:
        pass

    def forward(self, labels: IntArray, loss: Loss) -> float:
        p = self.p
        value = self.kernels.cross_entropy(self.z, labels, p, self.dz, self.typed_share)
        if value < 0:
            super().check(labels, loss)
        np.add(labels, self.starts, out=self.places)
        loss._kept = {"p": p, "share": self.share, "places": self.places, "labels": labels}
        return float(value)

    def backward(self) -> None:
        pass


class Plan:
    """All steps of a model for one batch size."""

    def __init__(self, model: Sequential, layers: list[Layer], X: Array) -> None:
        from nnlib.losses import CrossEntropy  # here: losses are built on layers

        self.loss_type = CrossEntropy
        self.theta, self.grad = model.theta, model.grad
        self.steps: list[Step] = []
        x = np.empty_like(X)
        fused = setting() is True
        for layer in layers:
            before = self.steps[-1] if self.steps else None
            if fused and isinstance(layer, ReLU) and can_fuse(before):
                self.steps.append(FusedReLUStep(layer, before))
            else:
                self.steps.append(STEPS[type(layer)](layer, x))
            x = self.steps[-1].y
        self.loss = FusedCrossEntropyStep(x) if fused else CrossEntropyStep(x)
        dy: Array | None = self.loss.dz
        for i, step in reversed(list(enumerate(self.steps))):
            assert dy is not None  # ruff: ignore[assert]  narrows the type: only the first has none
            dy = step.bind(dy, need_dx=i > 0)
        self.backwards = [step.backward for step in reversed(self.steps)]
        self.forwards = [step.forward for step in self.steps]
        self.output, self.labels_shape = (x.shape, x.dtype), x.shape[:1]
        kept = {id(step.layer): step.kept for step in self.steps}
        for inner in _models_within(model):
            kept[id(inner)] = {"output": kept[id(_flattened(inner)[-1])]["output"]}
        owners = [*(step.layer for step in self.steps), *_models_within(model)]
        self.kept = [(owner, kept[id(owner)]) for owner in owners]

    def accepts(self, X: Array, targets: np.ndarray[Any, Any], loss: object) -> bool:
        """Whether this batch and this loss are what the plan was made for."""
        return bool(
            type(loss) is self.loss_type
            and not loss.label_smoothing
            and X.dtype == self.output[1]
            and targets.dtype == np.intp
            and targets.shape == self.labels_shape
        )

    def run(self, X: Array, labels: IntArray, loss: Loss) -> float:
        """Compute the loss of a batch and its gradient; a loss that is not finite ends it there."""
        first = self.steps[0]
        first.x = first.kept["x"] = X
        # Overflow is reported by the loss, which looks at its value: no second, vaguer warning.
        with np.errstate(over="ignore", invalid="ignore"):
            for forward in self.forwards:
                forward()
            value = self.loss.forward(labels, loss)
            if not math.isfinite(value):
                loss._explain(value, self.loss.z, labels)
            self.loss.backward()
            for backward in self.backwards:
                backward()
        for owner, kept in self.kept:
            owner._kept = kept
        return value


def plan_for(model: Sequential, X: Array, targets: Array, loss: object) -> Plan | None:
    """Return a plan for such a batch, or None where the ordinary way has to be taken."""
    plans: dict[tuple[int, ...], Plan | None] = model._plans
    plan = plans.get(X.shape)
    if plan is None:
        if X.shape in plans and len(plans) <= MAX_PLANS:
            return None
        if len(plans) > MAX_PLANS:
            plans.clear()
        plan = plans[X.shape] = _new_plan(model, X)
    elif not (plan.theta is model.theta and plan.grad is model.grad):  # bound to other vectors
        plan = plans[X.shape] = _new_plan(model, X)
    if plan is None or not plan.accepts(X, targets, loss):
        return None
    return plan


def _new_plan(model: Sequential, X: Array) -> Plan | None:
    """Return a plan if every layer has a planned step, else None."""
    layers = _flattened(model)
    plain = model.theta.ndim == 1 and X.ndim == 2 and len(X) and X.dtype == model.theta.dtype
    if not plain or type(layers[0]) is not Linear or X.shape[1] != layers[0].in_features:
        return None
    if any(type(layer) not in STEPS or layer._tie is not None for layer in layers):
        return None
    return Plan(model, layers, X)


def _flattened(model: Sequential) -> list[Layer]:
    """Return the layers of a model, those of models within it in their places."""
    found: list[Layer] = []
    for layer in model.layers:
        found.extend(_flattened(layer) if type(layer) is type(model) else [layer])
    return found


def _models_within(model: Sequential) -> list[Sequential]:
    """Return the model and the models within it."""
    found = [model]
    for layer in model.layers:
        if type(layer) is type(model):
            found.extend(_models_within(layer))
    return found

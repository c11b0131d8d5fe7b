"""A planned step for stacked models: as in ``_plan``, with an axis of folds in front.

The batch is (F, N, features) and theta (F, P), so products run fold by fold in one call, and all
else runs over the rows of all folds. What the loss needs is known beforehand, so it is not asked
again: labels have been checked, and each row has its share in the sum of the folds' means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._compiling import setting
from nnlib.layers._plan import flattened, has_steps
from nnlib.layers._plan_kernels import kernels
from nnlib.layers._plan_steps import (
    STEPS,
    LinearStep,
    ReLUStep,
    Step,
    bind,
    chain,
)
from nnlib.layers.activations import ReLU
from nnlib.layers.linear import Linear

if TYPE_CHECKING:
    from nnlib.layers.sequential import Sequential
    from nnlib.losses import Loss

FEW_CLASSES = 32
"""Up to here the loss works on columns: NumPy is quick over few long rows, not many short ones."""


class StackedLinearStep(LinearStep):
    """y = x W + b for each fold."""

    def __init__(self, layer: Linear, x: Array) -> None:
        Step.__init__(self, layer, x, np.empty((*x.shape[:-1], layer.out_features), x.dtype))
        views = layer._views
        self.W, self.dW = views["W"], views["dW"]
        self.b, self.db = views.get("b"), views.get("db")
        self.ones = np.ones(x.shape[-2], x.dtype)
        self.x_turned, self.W_turned = x.mT, self.W.mT

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:
        return Step.bind(self, dy, need_dx=need_dx)

    def forward(self) -> None:
        np.matmul(self.x, self.W, out=self.y)
        if self.b is not None:
            np.add(self.y, self.b[:, np.newaxis], out=self.y)

    def backward(self) -> None:
        np.matmul(self.x_turned, self.dy, out=self.dW)
        if self.db is not None:
            np.matmul(self.ones, self.dy, out=self.db)
        if self.dx is not None:
            np.matmul(self.dy, self.W_turned, out=self.dx)


class StackedReLUStep(ReLUStep):
    """The bend behind a product, in its memory and that of its gradient: less for the cache."""

    def __init__(self, layer: ReLU, linear: LinearStep) -> None:
        super().__init__(layer, linear.y)
        self.y = linear.y

    def bind(self, dy: Array, *, need_dx: bool) -> Array | None:  # ruff: ignore[unused-method-argument]  the linear layer needs it always
        super().bind(dy, need_dx=False)
        self.dx = dy
        return dy


class StackedFusedReLUStep(StackedReLUStep):
    """The bias and the bend behind the products of all folds, in one compiled pass each way."""

    def __init__(self, layer: ReLU, linear: LinearStep) -> None:
        super().__init__(layer, linear)
        self.kernels = kernels()
        assert linear.b is not None  # ruff: ignore[assert]  narrows the types: checked by can_fuse
        assert linear.db is not None  # ruff: ignore[assert]
        self.b, self.db = linear.b, linear.db
        linear.b = linear.db = None
        # In theta the biases of the folds lie far apart, here they lie close together.
        self.b_folds, self.db_folds = self.b.copy(), self.db.copy()

    def forward(self) -> None:
        np.copyto(self.b_folds, self.b)
        self.kernels.bias_relu(self.y, self.b_folds, self.mask)

    def backward(self) -> None:
        self.kernels.relu_backward(self.dy, self.y, self.db_folds)
        np.copyto(self.db, self.db_folds)


class StackedCrossEntropyStep:
    """Softmax and cross-entropy of checked labels, each row with a share of its own."""

    def __init__(self, z: Array) -> None:
        self.z = z.reshape(-1, z.shape[-1])
        n, n_classes = self.z.shape
        self.dz = np.empty_like(z)
        self.dz_rows = self.dz.reshape(n, n_classes)
        self.shares = np.empty(n, z.dtype)
        self.places = np.empty(n, np.intp)
        self.p = np.empty((n_classes, n), z.dtype)
        self.next_label, self.starts = n, np.arange(n)
        if n_classes > FEW_CLASSES:  # the same seen as columns, but rows in memory
            self.p = np.empty_like(self.z).T
            self.next_label, self.starts = 1, np.arange(0, n * n_classes, n_classes)
        self.p_rows, self.flat_p = self.p.T, self.p.ravel(order="K")
        self.row, self.own = np.empty(n, z.dtype), np.empty(n, z.dtype)

    def forward(self, labels: IntArray) -> float:
        """Return Σ share · loss; ``backward`` then fills ``dz``."""
        p, row, own, places = self.p, self.row, self.own, self.places
        np.copyto(p, self.z.T)
        np.maximum.reduce(p, axis=0, out=row)
        np.subtract(p, row, out=p)
        np.multiply(labels, self.next_label, out=places)
        np.add(places, self.starts, out=places)
        self.flat_p.take(places, out=own, mode="clip")
        np.exp(p, out=p)
        np.add.reduce(p, axis=0, out=row)
        np.subtract(np.log(row), own, out=own)
        return float(np.dot(own, self.shares))

    def backward(self) -> None:
        row = self.row
        np.divide(self.shares, row, out=row)
        np.multiply(self.p, row, out=self.p)
        self.flat_p[self.places] -= self.shares
        np.copyto(self.dz_rows, self.p_rows)


class StackedFusedCrossEntropyStep(StackedCrossEntropyStep):
    """The same in one compiled pass."""

    def __init__(self, z: Array) -> None:
        super().__init__(z)
        self.kernels = kernels()
        self.softmax = np.empty_like(self.z)

    def forward(self, labels: IntArray) -> float:
        return float(
            self.kernels.cross_entropy(self.z, labels, self.softmax, self.dz_rows, self.shares)
        )

    def backward(self) -> None:
        pass


class StackedPlan:
    """All steps of a stacked model for one batch size.

    Attributes
    ----------
    X : ndarray of shape (F, N, features)
        To be filled with the batch of each fold.
    labels : ndarray of int of shape (F, N)
        To be filled with its labels, which ``loss.check`` must have passed.
    shares : ndarray of shape (F, N)
        To be filled with what each row counts: 1/N for the mean within each fold.
    z : ndarray of shape (F, N, classes)
        The output.
    """

    def __init__(self, model: Sequential, n_rows: int) -> None:
        layers, theta = flattened(model), model.theta
        fused = setting() is True
        features: int = layers[0].in_features  # type: ignore[attr-defined]  # a linear layer, as has_stacked_plan found
        self.X = np.empty((len(theta), n_rows, features), theta.dtype)
        kinds = STEPS | {Linear: StackedLinearStep}
        behind = StackedFusedReLUStep if fused else StackedReLUStep
        steps = chain(layers, self.X, kinds, behind)
        self.z = steps[-1].y
        loss = (StackedFusedCrossEntropyStep if fused else StackedCrossEntropyStep)(self.z)
        bind(steps, loss.dz)
        self.loss = loss
        self.labels = np.empty(self.z.shape[:-1], np.intp)
        self.flat_labels = self.labels.reshape(-1)
        self.shares = loss.shares.reshape(self.labels.shape)
        self.forwards = [step.forward for step in steps]
        self.backwards = [loss.backward, *(step.backward for step in reversed(steps))]

    def run(self) -> float:
        """Fill the gradient of the batch at hand, and return Σ share · loss."""
        for forward in self.forwards:
            forward()
        value = self.loss.forward(self.flat_labels)
        for backward in self.backwards:
            backward()
        return value


def has_stacked_plan(
    model: Sequential, loss: Loss, shape: tuple[int, ...], targets: np.dtype[np.generic]
) -> bool:
    """Whether a stacked model has planned steps for rows of this shape and targets of this kind."""
    from nnlib.losses import CrossEntropy  # here: losses are built on layers

    known = type(loss) is CrossEntropy and not loss.label_smoothing and targets.kind in "iu"
    return known and len(shape) == 1 and has_steps(flattened(model), shape[0])

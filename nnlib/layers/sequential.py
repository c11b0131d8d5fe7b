"""The model of most units: layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_count
from nnlib.errors import ShapeError
from nnlib.layers._plan import Plan, plan_for
from nnlib.layers.base import Layer
from nnlib.layers.container import Container

if TYPE_CHECKING:
    from nnlib.losses import Loss


class Sequential(Container):
    """Run layers one after the other.

    The model owns two contiguous vectors of length P, ``theta`` and ``grad``. Every ``W``, ``b``,
    ``dW`` and ``db`` of its layers is a view of them, so changing either changes both.

    Parameters
    ----------
    *layers : Layer
        In order. Models may be nested. Each layer belongs to one model.

    Attributes
    ----------
    layers : tuple of Layer
        The layers given.
    theta, grad : ndarray of shape (P,)
        All parameters and their gradient. Assigning copies into the vector.

    Raises
    ------
    SharedLayerError
        If a layer comes twice, or belongs to another model.
    ShapeError
        If one layer puts out another number of features than the next one takes.
    DtypeError
        If the layers differ in dtype.

    Examples
    --------
    >>> from nnlib import Linear, ReLU
    >>> model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> [(p.name, p.shape) for p in model.parameters()]
    [('0.W', (2, 3)), ('0.b', (3,)), ('2.W', (3, 1)), ('2.b', (1,))]
    >>> model.theta[:] = 1.0
    >>> model.forward([[1.0, 2.0]])
    array([[13.]], dtype=float32)
    >>> len(model), model[1]
    (3, ReLU())
    >>> model[2].b = [0.5]
    >>> float(model.theta[-1])
    0.5
    """

    def __init__(self, *layers: Layer) -> None:
        self._plans: dict[tuple[int, ...], Plan | None] = {}
        super().__init__(layers)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        """Walk through the layers in order."""
        return iter(self.layers)

    def __getitem__(self, i: int) -> Layer:
        """Return layer i; the layers themselves, not copies."""
        return self.layers[i]

    # Forward and backward -----------------------------------------------------------------------

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate ``forward`` along a direction, layer by layer.

        Parameters
        ----------
        x_dot : ndarray of the shape of x, or None
            Change of the input; None where it does not change.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; leading axes are several directions at once.

        Returns
        -------
        y_dot : ndarray of the shape of y, or None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If v does not hold one entry for each parameter.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        self._recall("output", "rforward", "forward")
        vector = None if v is None else as_array(v, self.theta.dtype, "Sequential.rforward: v")
        if vector is not None and vector.shape[-1:] != self.theta.shape[-1:]:
            message = (
                f"Sequential.rforward: v has shape {vector.shape}, expected "
                f"(..., {self.theta.shape[-1]}), one entry for each parameter."
            )
            raise ShapeError(message)
        y_dot = (
            None if x_dot is None else as_array(x_dot, self._dtype, "Sequential.rforward: x_dot")
        )
        for layer, place in self._places():
            y_dot = layer.rforward(y_dot, None if vector is None else vector[..., place])
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

        Leaves the change of ``grad`` in ``grad_dot``. With ``dy_dot = loss.rbackward(y_dot)`` that
        is the Hessian of the loss times v.

        Parameters
        ----------
        dy_dot : ndarray of the shape of y
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False if nobody reads the change at the input.

        Returns
        -------
        dx_dot : ndarray of the shape of x, or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        self._recall("output", "rbackward", "forward")
        dx_dot: Any = as_array(dy_dot, self._dtype, "Sequential.rbackward: dy_dot")
        parts: list[Array] = []
        for i, layer in reversed(list(enumerate(self.layers))):
            dx_dot = layer.rbackward(dx_dot, need_dx=need_dx or i > 0)
            if layer.theta.size:
                parts.insert(0, layer.grad_dot)
        lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
        whole = [np.broadcast_to(part, (*lead, part.shape[-1])) for part in parts]
        self.grad_dot = np.concatenate(whole, axis=-1) if whole else np.zeros(0)
        return dx_dot if need_dx else None

    def predict(self, X: ArrayLike, *, batch_size: int | None = None) -> Array:
        """Run the model in evaluation mode, a slice of rows at a time.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            Any number of rows.
        batch_size : int, optional
            Rows at a time; by default as many as suit the layers, ``model.slice_rows``.

        Returns
        -------
        y : ndarray of shape (N, ...)
            Output of the last layer, a fresh array.

        Raises
        ------
        ShapeError
            If X has no rows axis.
        """
        if batch_size is None:
            batch_size = self.slice_rows
        check_count(batch_size, "batch_size", "Sequential.predict")
        X = self._input(X)
        if X.ndim == 0:
            message = "Sequential.predict: X is a single number, expected rows (N, ...)."
            raise ShapeError(message)
        modes = [(leaf, leaf.training) for leaf in self._everything()]
        self.eval()
        try:
            with self._lent_workspaces():
                y = self._run_forward(X[:batch_size])
                out = np.empty((len(X), *y.shape[1:]), y.dtype)
                out[:batch_size] = y
                for start in range(batch_size, len(X), batch_size):
                    part = slice(start, start + batch_size)
                    out[part] = self._run_forward(X[part])
        finally:
            for leaf, mode in modes:
                leaf.training = mode
        return out

    def loss_and_gradient(
        self,
        X: ArrayLike,
        targets: ArrayLike,
        loss: Loss,
        *,
        rows_per_slice: int | None = None,
    ) -> tuple[float, Array]:
        """Compute the loss of a batch and its gradient, in memory that is reused from call to call.

        Where no layer couples rows the batch runs in slices: the loss is a mean over rows, so the
        gradients of the slices add up, each weighted by its share of the rows.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            The batch.
        targets : ndarray of shape (N,) or (N, ...)
            What the loss compares with.
        loss : Loss
            For example ``CrossEntropy()``.
        rows_per_slice : int, optional
            Rows at a time; by default as many as suit the layers, ``model.slice_rows``.

        Returns
        -------
        value : float
            Mean loss of the batch.
        grad : ndarray of shape (P,)
            ``model.grad`` itself, overwritten by the next call. Copy it to keep it.

        Raises
        ------
        DtypeError
            If ``loss`` is not a loss, such as its class without parentheses.
        ShapeError
            If rows and targets do not fit the model or each other.
        NonFiniteError
            If the loss is nan or infinite.
        """
        from nnlib.losses.base import check_loss  # here: losses are built on layers

        check_loss(loss, "Sequential.loss_and_gradient")
        if rows_per_slice is not None:
            check_count(rows_per_slice, "rows_per_slice", "Sequential.loss_and_gradient")
        value = self._loss_and_gradient(
            self._input(X), np.asarray(targets), loss, rows_per_slice=rows_per_slice
        )
        return value, self.grad

    def _loss_and_gradient(
        self,
        X: Array,
        targets: np.ndarray[Any, Any],
        loss: Loss,
        *,
        rows_per_slice: int | None = None,
        after_slice: Callable[[], None] | None = None,
        checked: bool = False,
    ) -> float:
        """Do the work of ``loss_and_gradient``; ``checked`` says that the targets are known."""
        if rows_per_slice is None and X.ndim == 2 and len(X) <= Layer.slice_rows:
            plan = plan_for(self, X, targets, loss)
            if plan is not None:
                if targets.dtype != np.intp:
                    targets = targets.astype(np.intp)
                if not checked:
                    plan.loss.check(targets, loss)
                value = plan.run(X, targets, loss)
                if after_slice is not None:
                    after_slice()
                return value
        n = len(X) if X.ndim else 0
        if targets.ndim == 0 or len(targets) != n or n == 0:
            message = (
                f"Sequential.loss_and_gradient: X has shape {X.shape} and targets has shape "
                f"{targets.shape}, expected the same number of rows, at least one."
            )
            raise ShapeError(message)
        step = n if self.couples_rows else min(n, rows_per_slice or self.slice_rows)
        value = 0.0
        # Overflow is reported by the loss, which looks at its value: no second, vaguer warning.
        with self._lent_workspaces(loss), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, n, step):
                rows = slice(start, start + step)
                part_X, part_targets = (X, targets) if step == n else (X[rows], targets[rows])
                share = len(part_X) / n
                value += share * loss.forward(self._run_forward(part_X), part_targets)
                dy = loss.backward()
                if step < n:
                    dy *= share
                self._backward(dy, need_dx=False, accumulate=start > 0)
                if after_slice is not None:
                    after_slice()
        return value

    @property
    def stackable(self) -> bool:  # type: ignore[override]  # a model answers for its layers
        """Whether all layers understand stack axes, so that folds train at once.

        Not where a subclass may have another rule, which nobody has checked.
        """
        return type(self) is Sequential and all(layer.stackable for layer in self.layers)

    def _forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def _backward(self, dy: Array, *, need_dx: bool, accumulate: bool) -> Array | None:
        last: Array | None = dy
        for layer in reversed(self.layers):
            first = layer is self.layers[0]
            last = layer.backward(last, need_dx=need_dx or not first, accumulate=accumulate)  # type: ignore[arg-type]  # None only after the first layer
        return last if need_dx else None

    def _features_after(self, features: int | None, where: str) -> int | None:
        for i, layer in enumerate(self.layers):
            features = layer._features_after(features, f"{where} layer {i}")
        return features

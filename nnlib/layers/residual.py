"""The residual block: a shortcut around some layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array
from nnlib.errors import ShapeError
from nnlib.layers.base import Layer
from nnlib.layers.container import Container


class Residual(Container):
    """Add what some layers compute to their input: y = x + f(x).

    Where f' is small the slope of y is still near 1, so gradients pass through many such blocks.

    Parameters
    ----------
    *layers : Layer
        f, in order. It must keep the shape of x.

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
        If f puts out another number of features than it takes.
    DtypeError
        If the layers differ in dtype.

    References
    ----------
    He, Zhang, Ren & Sun (2016), CVPR, 770-778.

    Examples
    --------
    >>> from nnlib import Linear
    >>> block = Residual(Linear(2, 2, dtype=np.float64))
    >>> block.theta = 0.0
    >>> block.layers[0].b = [10.0, 20.0]
    >>> block.forward([[1.0, 2.0]])
    array([[11., 22.]])
    >>> block.backward([[1.0, 1.0]])  # W is zero, so all of it came by the shortcut
    array([[1., 1.]])
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__(layers)

    @property
    def stackable(self) -> bool:  # type: ignore[override]  # a model answers for its layers
        """Whether all layers understand stack axes, so that folds train at once."""
        return type(self) is Residual and all(layer.stackable for layer in self.layers)

    def _forward(self, x: Array) -> Array:
        f = x
        for layer in self.layers:
            f = layer.forward(f)
        if f.shape != x.shape:
            message = (
                f"{self!r}.forward: x has shape {x.shape} and f(x) has shape {f.shape}, expected "
                "the same. Choose sizes, padding or stride so that the layers keep the shape."
            )
            raise ShapeError(message)
        y: Array = self._array("y", f.shape, f.dtype)
        return np.add(x, f, out=y)

    def _backward(self, dy: Array, *, need_dx: bool, accumulate: bool) -> Array | None:
        """Carry dy back by both ways: dx = dy + f'ᵀ dy."""
        last: Array | None = dy
        for layer in reversed(self.layers):
            first = layer is self.layers[0]
            last = layer.backward(last, need_dx=need_dx or not first, accumulate=accumulate)  # type: ignore[arg-type]  # None only after the first layer
        if not need_dx or last is None:
            return None
        dx: Array = self._array("dx", dy.shape, dy.dtype)
        return np.add(dy, last, out=dx)

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y = x + f(x): y_dot = x_dot + f_dot.

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
        where = f"{type(self).__name__}.rforward"
        vector = None if v is None else as_array(v, self.theta.dtype, f"{where}: v")
        if vector is not None and vector.shape[-1:] != self.theta.shape[-1:]:
            message = (
                f"{where}: v has shape {vector.shape}, expected (..., {self.theta.shape[-1]}), "
                "one entry for each parameter."
            )
            raise ShapeError(message)
        change = None if x_dot is None else as_array(x_dot, self._dtype, f"{where}: x_dot")
        f_dot = change
        for layer, place in self._places():
            f_dot = layer.rforward(f_dot, None if vector is None else vector[..., place])
        if f_dot is None or change is None:
            return f_dot if change is None else change
        y_dot: Array = change + f_dot
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward``: dx_dot = dy_dot + what f makes of it.

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
        """
        self._recall("output", "rbackward", "forward")
        change = as_array(dy_dot, self._dtype, f"{type(self).__name__}.rbackward: dy_dot")
        f_dot: Any = change
        parts: list[Array] = []
        for i, layer in reversed(list(enumerate(self.layers))):
            f_dot = layer.rbackward(f_dot, need_dx=need_dx or i > 0)
            if layer.theta.size:
                parts.insert(0, layer.grad_dot)
        lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
        whole = [np.broadcast_to(part, (*lead, part.shape[-1])) for part in parts]
        self.grad_dot = np.concatenate(whole, axis=-1) if whole else np.zeros(0, change.dtype)
        if not need_dx:
            return None
        dx_dot: Array = change + f_dot
        return dx_dot

    def _features_after(self, features: int | None, where: str) -> int | None:
        after = features
        for i, layer in enumerate(self.layers):
            after = layer._features_after(after, f"{where} layer {i}")
        if None not in (features, after) and features != after:
            message = (
                f"{where} {self!r} takes {features} features and its layers put out {after}, "
                "expected the same number, since both are added."
            )
            raise ShapeError(message)
        return features if after is None else after

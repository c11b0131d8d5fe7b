"""Mean 0 and variance 1 along an axis, and back: what the normalizing layers share.

    μ = mean x        σ² = mean (x − μ)²        s = 1 / √(σ² + ε)        x̂ = (x − μ) s

Every x moves μ and σ² too, so the gradient g at x̂ loses its mean and its share along x̂:

    dx = s (g − mean g − x̂ mean(g x̂))

Batch normalization takes the means over rows (axis −2), layer normalization over features (−1).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, check_number
from nnlib.errors import ShapeError
from nnlib.layers._checks import as_change
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView


class Normalization(Layer):
    """Scale and shift what a subclass has normalized: y = γ x̂ + β, with C entries in γ and β.

    A subclass computes x̂ and s, as rows (n, C), and passes them to ``_scale_and_shift``. It says
    with ``moving`` whether mean and variance depend on x.
    """

    _axis: ClassVar[int]
    """What is normalized together: rows (−2) or features (−1)."""

    gamma = ParameterView()
    beta = ParameterView()
    dgamma = ParameterView()
    dbeta = ParameterView()

    def __init__(self, features: int, eps: float, dtype: DTypeLike) -> None:
        self._features = features
        self.eps = check_number(eps, "eps", type(self).__name__, positive=True)
        shape = (features,)
        super().__init__({"gamma": shape, "beta": shape}, no_decay=("gamma", "beta"), dtype=dtype)
        self.gamma = np.ones(shape)

    def _scale_and_shift(
        self, x_hat: Array, scale: Array, shape: tuple[int, ...], *, moving: bool
    ) -> Array:
        """Return y = γ x̂ + β in this shape, and keep what ``backward`` needs."""
        y: Array = self._array("y", shape, x_hat.dtype)
        rows = np.multiply(x_hat, self._views["gamma"], out=y.reshape(x_hat.shape))
        np.add(rows, self._views["beta"], out=rows)
        self._kept = {
            "x_hat": x_hat, "scale": scale, "moving": moving, "output": (y.shape, y.dtype)
        }  # fmt: skip
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient from the output back to ``gamma``, ``beta`` and ``x``.

        From y = γ x̂ + β:

            dγ = Σ_rows dy x̂        dβ = Σ_rows dy        g = γ dy

        and since each x moves the mean and the variance it is normalized with,

            dx = s (g − mean g − x̂ mean(g x̂)),        s = 1 / √(σ² + ε),

        with means over what is normalized together: the rows of a batch for batch normalization,
        the features of a row for layer normalization. Where mean and variance are constants, as in
        batch normalization after ``eval()``, dx = s g.

        Parameters
        ----------
        dy : ndarray of the shape of y
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Add to ``dgamma`` and ``dbeta`` instead of overwriting them.

        Returns
        -------
        dx : ndarray of the shape of x, or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        x_hat, scale = self._kept["x_hat"], self._kept["scale"]
        drows = dy.reshape(x_hat.shape)
        self._kept["drows"] = self._keep(drows)
        dgamma = np.einsum("ij,ij->j", drows, x_hat)
        dbeta = np.ones(len(drows), dy.dtype) @ drows
        if accumulate:
            self.dgamma += dgamma
            self.dbeta += dbeta
        else:
            self._views["dgamma"][...], self._views["dbeta"][...] = dgamma, dbeta
        if not need_dx:
            return None
        dx: Array = self._array("dx", dy.shape, dy.dtype)
        g: Array = self._array("g", x_hat.shape, dy.dtype)
        np.multiply(drows, self._views["gamma"], out=g)
        flat = dx.reshape(x_hat.shape)
        if self._kept["moving"]:
            standardize_backward(g, x_hat, scale, self._axis, out=flat)
        else:
            np.multiply(g, scale, out=flat)
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y = γ x̂ + β: y_dot = v_γ x̂ + γ x̂_dot + v_β.

        Parameters
        ----------
        x_dot : ndarray of shape (..., *x.shape), or None
            Change of the input along the direction; None where it does not change.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of shape (..., *y.shape)
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
        x_hat, scale = self._recall("x_hat", "rforward", "forward"), self._kept["scale"]
        shape, dtype = self._kept["output"]
        parts = self._direction(v)
        v_gamma = parts["gamma"][..., np.newaxis, :]
        y_dot: Array = v_gamma * x_hat + parts["beta"][..., np.newaxis, :]
        x_hat_dot: Array = np.zeros_like(x_hat)
        log_scale_dot: Array = np.zeros_like(scale)
        if x_dot is not None:
            change = as_change(x_dot, shape, dtype, f"{self!r}.rforward: x_dot")
            change = change.reshape(*change.shape[: change.ndim - len(shape)], *x_hat.shape)
            if self._kept["moving"]:
                x_hat_dot, log_scale_dot = standardize_rforward(change, x_hat, scale, self._axis)
            else:
                x_hat_dot = change * scale
            y_dot = y_dot + self.gamma * x_hat_dot
        self._kept |= {
            "v_gamma": v_gamma, "x_hat_dot": x_hat_dot, "log_scale_dot": log_scale_dot
        }  # fmt: skip
        return y_dot.reshape(*y_dot.shape[:-2], *shape)

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., *y.shape)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., *x.shape), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        v_gamma = self._recall("v_gamma", "rbackward", "rforward")
        dy = self._recall("drows", "rbackward", "backward")
        x_hat, x_hat_dot = self._kept["x_hat"], self._kept["x_hat_dot"]
        shape, _ = self._kept["output"]
        change = self._dy_dot(dy_dot)
        change = change.reshape(*change.shape[: change.ndim - len(shape)], *x_hat.shape)
        dgamma_dot = (change * x_hat + dy * x_hat_dot).sum(axis=-2)
        dbeta_dot = np.broadcast_to(change.sum(axis=-2), dgamma_dot.shape)
        self.grad_dot = np.concatenate([dgamma_dot, dbeta_dot], axis=-1)
        if not need_dx:
            return None
        scale, log_scale_dot = self._kept["scale"], self._kept["log_scale_dot"]
        g, g_dot = self.gamma * dy, self.gamma * change + v_gamma * dy
        if self._kept["moving"]:
            dx_dot = standardize_rbackward(
                g, g_dot, x_hat, x_hat_dot, scale, log_scale_dot, self._axis
            )
        else:
            dx_dot = g_dot * scale
        return dx_dot.reshape(*dx_dot.shape[:-2], *shape)

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self._features:
            message = (
                f"{where} {self!r} takes {self._features} features, but gets {features}. "
                f"Write {type(self).__name__}({features})."
            )
            raise ShapeError(message)
        return self._features

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._features})"


def standardize(x: Array, axis: int, eps: float, out: Array) -> tuple[Array, Array, Array]:
    """Write x̂ into ``out``; return the mean, the (biased) variance and s, with the axis kept."""
    mean = mean_along(x, axis)
    np.subtract(x, mean, out=out)
    variance = mean_product(out, out, axis)
    scale: Array = 1.0 / np.sqrt(variance + eps)
    np.multiply(out, scale, out=out)
    return mean, variance, scale


def standardize_backward(g: Array, x_hat: Array, scale: Array, axis: int, out: Array) -> Array:
    """Write dx into ``out``, from the loss gradient g at x̂."""
    along = mean_product(g, x_hat, axis)
    np.multiply(x_hat, along, out=out)
    np.subtract(g, out, out=out)
    np.subtract(out, mean_along(g, axis), out=out)
    np.multiply(out, scale, out=out)
    return out


def standardize_rforward(
    x_dot: Array, x_hat: Array, scale: Array, axis: int
) -> tuple[Array, Array]:
    """Return the change of x̂, and that of log s."""
    # With c = x − μ: c_dot = x_dot − mean x_dot, (log s)_dot = −s mean(x̂ c_dot), and so
    # x̂_dot = s c_dot + x̂ (log s)_dot.
    change = scale * (x_dot - mean_along(x_dot, axis))
    log_scale_dot: Array = -mean_product(change, x_hat, axis)
    return change + x_hat * log_scale_dot, log_scale_dot


def standardize_rbackward(
    g: Array,
    g_dot: Array,
    x_hat: Array,
    x_hat_dot: Array,
    scale: Array,
    log_scale_dot: Array,
    axis: int,
) -> Array:
    """Return the change of dx by the product rule, from the changes of g, x̂ and log s."""
    along = mean_product(g, x_hat, axis)
    along_dot = mean_product(g_dot, x_hat, axis) + mean_product(g, x_hat_dot, axis)
    dx = scale * (g - mean_along(g, axis) - x_hat * along)
    inner_dot = g_dot - mean_along(g_dot, axis)
    inner_dot = inner_dot - x_hat_dot * along - x_hat * along_dot
    dx_dot: Array = scale * inner_dot + dx * log_scale_dot
    return dx_dot


def mean_along(a: Array, axis: int) -> Array:
    """Return the mean along the axis, which is kept. A product with ones is eight times faster."""
    ones = np.ones(a.shape[axis], a.dtype)
    total: Array = ones @ a if axis == -2 else a @ ones
    return np.expand_dims(total / a.dtype.type(len(ones)), axis)


def mean_product(a: Array, b: Array, axis: int) -> Array:
    """Return mean(a b) along the axis, which is kept, without an array of the products."""
    letters = {-1: "...ij,...ij->...i", -2: "...ij,...ij->...j"}[axis]
    product: Array = np.einsum(letters, a, b) / a.dtype.type(a.shape[axis])
    return np.expand_dims(product, axis)

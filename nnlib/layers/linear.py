"""The linear layer: every output is a weighted sum of all inputs, plus a bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.initializers import Initializer, he_uniform
from nnlib.layers._checks import starting_values
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView


class Linear(Layer):
    """Multiply by a matrix and add a bias: y = x W + b.

    W is stored (in, out), so that rows of x stay rows of y and no transpose is needed; PyTorch
    stores the transpose.

    Parameters
    ----------
    in_features, out_features : int
        Number of inputs and outputs.
    bias : bool, default True
        Whether b is added.
    init : function (fan_in, fan_out, rng) -> W, default he_uniform
        Starting values of W.
    bias_init : function (fan_in, fan_out, rng) -> array, optional
        Starting values of b: the first row of what such a function returns, so that every
        initializer serves. None starts b at zero. One input needs it: with b = 0 every ReLU has its
        corner at x = 0, and the model is two straight lines.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    W, dW : ndarray of shape (in_features, out_features)
        Weights and their gradient, views of ``theta`` and ``grad``.
    b, db : ndarray of shape (out_features,)
        Bias and its gradient. Missing with ``bias=False``.

    Raises
    ------
    ArgumentError
        If a size, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.

    Examples
    --------
    >>> layer = Linear(2, 1, dtype=np.float64)
    >>> layer.W = [[3.0], [5.0]]
    >>> layer.b = 0.5
    >>> layer.forward([[1.0, 2.0]])
    array([[13.5]])
    >>> Linear(1, 3, bias_init=lambda fan_in, fan_out, rng: np.ones((1, 3))).b
    array([1., 1., 1.], dtype=float32)
    """

    stackable = True

    W = ParameterView()
    b = ParameterView()
    dW = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]  the letters of ∂L/∂W
    db = ParameterView()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Initializer = he_uniform,
        bias_init: Initializer | None = None,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        generator = as_generator(rng, "Linear")
        self.in_features = check_count(in_features, "in_features", "Linear")
        self.out_features = check_count(out_features, "out_features", "Linear")
        self.bias = bool(bias)
        shapes: dict[str, tuple[int, ...]] = {"W": (self.in_features, self.out_features)}
        if self.bias:
            shapes["b"] = (self.out_features,)
        if bias_init is not None and not self.bias:
            message = f"{self!r}: bias_init is given, but there is no bias. Leave one of them out."
            raise ArgumentError(message)
        super().__init__(shapes, dtype=dtype)
        fans = self._shapes["W"]
        self.W = starting_values(init, fans, generator, repr(self))
        if bias_init is not None:
            drawn = starting_values(bias_init, fans, generator, repr(self), argument="bias_init")
            self.b = drawn[0]

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = x W + b for every row.

        Parameters
        ----------
        x : ndarray of shape (..., N, in_features)
            Rows of inputs. Axes in front of N are batch too, beyond the stack axes of W.

        Returns
        -------
        y : ndarray of shape (..., N, out_features)
            A fresh array.

        Raises
        ------
        ShapeError
            If the rows do not hold ``in_features`` numbers.

        Examples
        --------
        >>> layer = Linear(in_features=2, out_features=1, dtype=np.float64)
        >>> layer.W[:] = [[3.0], [5.0]]
        >>> layer.forward(np.array([[1.0, 2.0], [10.0, 20.0]]))
        array([[ 13.],
               [130.]])
        """
        x = self._rows(self._input(x))
        W = self._views["W"]
        y = self._array("y", (*x.shape[:-1], self.out_features), x.dtype)
        rows = self._flat(x)
        np.matmul(rows, W, out=self._flat(y))
        if self.bias:
            y += self._per_row(self._views["b"], y.ndim)
        if self._tie is not None:
            self._tie.begin(0)
        self._kept = {"x": self._keep(x), "output": (y.shape, y.dtype)}
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient from the output back to ``W``, ``b`` and ``x``.

        From y = x W + b the chain rule gives

            dW = xᵀ dy        db = Σ_rows dy        dx = dy Wᵀ

        The loss is a batch mean and ``dy`` already holds its 1/N, so nothing is divided here.

        Parameters
        ----------
        dy : ndarray of shape (..., N, out_features)
            Loss gradient at the output, as loss (nats for cross-entropy) per unit of y.
        need_dx : bool, default True
            False in a first layer, whose dx nobody reads: saves a matrix product.
        accumulate : bool, default False
            Add to ``dW`` and ``db``, as micro-batches need, instead of overwriting them.

        Returns
        -------
        dx : ndarray of shape (..., N, in_features), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run: there is no x to work from.
        ShapeError
            If ``dy`` is not shaped like the last output.

        References
        ----------
        Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.

        Examples
        --------
        >>> layer = Linear(in_features=2, out_features=1, dtype=np.float64)
        >>> layer.W[:] = [[3.0], [5.0]]
        >>> y = layer.forward(np.array([[1.0, 2.0], [10.0, 20.0]]))
        >>> layer.backward(np.array([[1.0], [0.5]]))
        array([[3. , 5. ],
               [1.5, 2.5]])
        >>> layer.dW.ravel(), layer.db
        (array([ 6., 12.]), array([1.5]))
        """
        dy = self._upstream(dy)
        x = self._kept["x"]
        self._kept["dy"] = self._keep(dy)
        rows, drows = self._flat(x), self._flat(dy)
        adds = accumulate if self._tie is None else self._tie.adds(0, self, accumulate=accumulate)
        if adds:
            self.dW += rows.mT @ drows
        else:
            np.matmul(rows.mT, drows, out=self._views["dW"])
        if self.bias:
            self._sum_rows(drows, accumulate=accumulate)
        if not need_dx:
            return None
        dx = self._array("dx", x.shape, dy.dtype)
        np.matmul(drows, self._views["W"].mT, out=self._flat(dx))
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y = x W + b: y_dot = x_dot W + x V_W + v_b.

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, in_features), or None
            Change of the input along the direction; None where it does not change.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of shape (..., N, out_features)
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
        x = self._recall("x", "rforward", "forward")
        parts = self._direction(v)
        y_dot = self._flat(x) @ parts["W"]
        if self.bias:
            y_dot = y_dot + parts["b"][..., np.newaxis, :]
        self._kept |= {"V": parts["W"], "x_dot": None}
        if self._tie is not None:
            self._tie.dW_dot.clear()
        if x_dot is not None:
            change = self._x_dot(x_dot, x)
            flat = self._flat(change, lead=change.ndim - x.ndim)
            self._kept["x_dot"] = flat
            y_dot = y_dot + flat @ self.W
        lead = y_dot.shape[: y_dot.ndim - self._stack_ndim - 2]
        in_shape: Array = y_dot.reshape(*lead, *self._kept["output"][0])
        return in_shape

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

            dW_dot = x_dotᵀ dy + xᵀ dy_dot    db_dot = Σ_rows dy_dot    dx_dot = dy_dot Wᵀ + dy V_Wᵀ

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, out_features)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, in_features), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        V = self._recall("V", "rbackward", "rforward")
        x, x_dot = self._kept["x"], self._kept["x_dot"]
        dy = self._flat(self._recall("dy", "rbackward", "backward"))
        change = self._dy_dot(dy_dot)
        lead_ndim = change.ndim - x.ndim
        change = self._flat(change, lead=lead_ndim)
        dW_dot: Array = self._flat(x).mT @ change
        if x_dot is not None:
            dW_dot = dW_dot + x_dot.mT @ dy
        if self._tie is not None:
            dW_dot = self._tie.with_other_uses(dW_dot)
        lead = dW_dot.shape[:-2]
        parts = [dW_dot.reshape(*lead, -1)]
        if self.bias:
            parts.append(np.broadcast_to(change.sum(axis=-2), (*lead, self.out_features)))
        self.grad_dot = np.concatenate(parts, axis=-1)
        if not need_dx:
            return None
        dx_dot: Array = change @ self.W.mT + dy @ V.mT
        lead = dx_dot.shape[: dx_dot.ndim - self._stack_ndim - 2]
        return dx_dot.reshape(*lead, *x.shape)

    def _rows(self, x: Array) -> Array:
        """Check that x holds rows of ``in_features`` numbers, stack axes in front."""
        stack = self._views["theta"].shape[:-1]
        enough = x.ndim >= 2 + len(stack) and x.shape[-1] == self.in_features
        if enough and x.shape[: len(stack)] == stack:
            return x
        expected = "(" + "".join(f"{size}, " for size in stack) + f"N, {self.in_features})"
        hint = ""
        if x.shape == (self.in_features,):
            hint = " One row is a batch too: x[np.newaxis]."
        elif x.ndim == 2 and x.shape[0] == self.in_features:
            hint = " It looks transposed."
        elif x.ndim > 2 and x.size and x[0].size == self.in_features:
            hint = " Flatten each sample: x.reshape(len(x), -1)."
        message = f"{self!r}.forward: x has shape {x.shape}, expected {expected}.{hint}"
        raise ShapeError(message)

    def _flat(self, array: Array, lead: int = 0) -> Array:
        """Merge all batch axes into one, so that one matrix product serves them all."""
        keep = lead + self._stack_ndim
        if array.ndim == keep + 2:
            return array
        return array.reshape(*array.shape[:keep], -1, array.shape[-1])

    def _per_row(self, b: Array, ndim: int) -> Array:
        """Give a stacked bias the axes that let it broadcast over the batch."""
        if b.ndim == 1:
            return b
        return b.reshape(*b.shape[:-1], *(1,) * (ndim - b.ndim), b.shape[-1])

    def _sum_rows(self, drows: Array, *, accumulate: bool) -> None:
        """Put Σ_rows dy into db. A product with ones takes a third of the time of ``sum``."""
        db = self._views["db"]
        ones = self._ones(drows.shape[-2], drows.dtype)
        if accumulate:
            db += ones @ drows
        elif drows.ndim == 2:
            np.dot(ones, drows, out=db)
        else:
            np.matmul(ones, drows, out=db)

    def _ones(self, n: int, dtype: np.dtype[Any]) -> Array:
        """Return n ones; kept in a workspace, where they stay ones since nobody writes there."""
        ones: Array = self._array("ones", (n,), dtype)
        ones.fill(1.0)
        return ones

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.in_features:
            message = (
                f"{where} {self!r} takes {self.in_features} features, but gets {features}. "
                f"Write Linear({features}, {self.out_features})."
            )
            raise ShapeError(message)
        return self.out_features

    def __repr__(self) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"Linear({self.in_features}, {self.out_features}{bias})"

"""The RNN: the plainest layer that carries a state along a sequence."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from nnlib._array import Array, Seed
from nnlib.errors import ArgumentError
from nnlib.initializers import Initializer
from nnlib.layers._recurrence import Recurrent, recurrent_uniform, stacked


class RNN(Recurrent):
    """Carry a state along a sequence: h_t = φ(x_t Wx + h_{t−1} Wh + b), from h_0 = 0.

    Through k steps the gradient is multiplied k times by φ' and Whᵀ, so it fades or grows like a
    power of k: what the course shows beside the LSTM. PyTorch adds two biases, b_ih + b_hh; one
    does the same.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers in x_t and in h_t.
    nonlinearity : {"tanh", "relu"}, default "tanh"
        φ.
    return_sequences : bool, default True
        Put out all h_t; False puts out the last one, as a classifier of sequences needs it.
    init : function (fan_in, fan_out, rng) -> W, default U(−a, a) with a = 1 / √hidden_size
        Starting values of Wx and of Wh; b starts at zero.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    Wx, dWx : ndarray of shape (input_size, hidden_size)
        Weights of the input and their gradient, views of ``theta`` and ``grad``.
    Wh, dWh : ndarray of shape (hidden_size, hidden_size)
        Weights of the previous state and their gradient.
    b, db : ndarray of shape (hidden_size,)
        Bias and its gradient.

    Raises
    ------
    ArgumentError
        If a size, ``nonlinearity``, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Elman (1990), Cognitive Science 14, 179-211.
    Werbos (1990), Proceedings of the IEEE 78, 1550-1560.

    Examples
    --------
    >>> layer = RNN(1, 1, nonlinearity="relu", dtype=np.float64)
    >>> layer.Wx, layer.Wh = [[1.0]], [[0.5]]
    >>> layer.forward([[[8.0], [0.0], [1.0]]]).ravel()  # half of the state stays at each step
    array([8., 4., 3.])
    >>> layer.backward([[[0.0], [0.0], [1.0]]]).ravel()
    array([0.25, 0.5 , 1.  ])
    >>> float(layer.dWh[0, 0])  # h_2 · 1 + h_1 · 0.5
    8.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        *,
        return_sequences: bool = True,
        init: Initializer = recurrent_uniform,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            message = f"RNN: nonlinearity is {nonlinearity!r:.60}, expected 'tanh' or 'relu'."
            raise ArgumentError(message)
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, return_sequences=return_sequences, init=init, rng=rng,
            dtype=dtype,
        )  # fmt: skip

    def _steps(self, z: Array) -> Array:
        """Compute h_t = φ(z_t + h_{t−1} Wh)."""
        Wh, tanh = self._views["Wh"], self.nonlinearity == "tanh"
        h: Array = self._array("h", z.shape, z.dtype)
        from_past = self._array("from past", z.shape[1:], z.dtype)
        for t in range(len(z)):
            if t > 0:
                np.dot(h[t - 1], Wh, out=from_past)
                z[t] += from_past
            if tanh:
                np.tanh(z[t], out=h[t])
            else:
                np.maximum(z[t], 0, out=h[t])
        return h

    def _steps_back(self, dy: Array) -> Array:
        """Compute dz_t = φ'(z_t) dh_t with dh_t = dy_t + dz_{t+1} Whᵀ, from the last step."""
        h = self._kept["h"]
        dz: Array = self._array("dz", h.shape, h.dtype)
        self._slope(h, out=dz)
        Wh_transposed = self._views["Wh"].T
        from_next = self._array("from next", h.shape[1:], h.dtype)
        dh = dy
        for t in reversed(range(len(h))):
            if t < len(h) - 1:
                np.dot(dz[t + 1], Wh_transposed, out=from_next)
                dh[t] += from_next
            dz[t] *= dh[t]
        self._kept["dh"] = dh
        return dz

    def _slope(self, h: Array, out: Array | None = None) -> Array:
        """Return φ'(z), given h = φ(z): 1 − h² for tanh; for ReLU 1 where h > 0, else 0."""
        if self.nonlinearity == "tanh":
            slope: Array = np.multiply(h, h, out=out)
            return np.subtract(1.0, slope, out=slope)
        return np.greater(h, 0, out=np.empty_like(h) if out is None else out)

    def _steps_dot(self, z_dot: Array, Vh: Array) -> Array:
        """Compute h_dot_t = φ'(z_t) z_dot_t."""
        h, Wh = self._kept["h"], self.Wh
        slope = self._slope(h)
        h_dot = np.empty(z_dot.shape, h.dtype)
        for t in range(len(h)):
            change = z_dot[..., t, :, :]
            if t > 0:
                change = change + h_dot[..., t - 1, :, :] @ Wh + h[t - 1] @ Vh
            h_dot[..., t, :, :] = slope[t] * change
        return h_dot

    def _steps_back_dot(self, dy_dot: Array, Vh: Array) -> Array:
        """Differentiate dz_t = φ' dh_t: dz_dot_t = φ' dh_dot_t + φ'_dot dh_t."""
        h, h_dot, dh, dz, Wh = (*(self._kept[k] for k in ("h", "h_dot", "dh", "dz")), self.Wh)
        slope = self._slope(h)
        # φ'_dot is −2 h h_dot for tanh, and zero for ReLU.
        bend = -2.0 * h * dh if self.nonlinearity == "tanh" else np.zeros_like(h)
        past: Array | None = None
        steps: list[Array] = []
        for t in reversed(range(len(h))):
            dh_dot = dy_dot[..., t, :, :]
            if past is not None:
                dh_dot = dh_dot + past @ Wh.T + dz[t + 1] @ Vh.mT
            past = slope[t] * dh_dot + bend[t] * h_dot[..., t, :, :]
            steps.append(past)
        return stacked(steps[::-1])

    def __repr__(self) -> str:
        text = super().__repr__()
        return text if self.nonlinearity == "tanh" else f"{text[:-1]}, nonlinearity='relu')"

"""The LSTM: a recurrent layer whose memory is added to, not multiplied, from step to step."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from nnlib._array import Array, Seed
from nnlib.initializers import Initializer
from nnlib.layers._recurrence import Recurrent, recurrent_uniform, stacked


class LSTM(Recurrent):
    """Carry a state h and a memory c along a sequence, with gates that open and close.

    With z_t = x_t Wx + h_{t−1} Wh + b, cut into four blocks in PyTorch's order i, f, g, o:

        i, f, o = σ(z_i), σ(z_f), σ(z_o)      input, forget and output gate, in (0, 1)
        g = tanh(z_g)                         what may be written
        c_t = f c_{t−1} + i g                 h_t = o tanh(c_t)

    Along c the gradient is multiplied by f alone, which training can hold near 1; in an RNN it is
    multiplied by φ' Whᵀ. The forget gate starts with a bias of 1, so that memory lasts from the
    beginning. PyTorch adds two biases, b_ih + b_hh, and starts them near 0.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers in x_t and in h_t.
    return_sequences : bool, default True
        Put out all h_t; False puts out the last one, as a classifier of sequences needs it.
    init : function (fan_in, fan_out, rng) -> W, default U(−a, a) with a = 1 / √hidden_size
        Starting values of each of the four blocks of Wx and of Wh.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    Wx, dWx : ndarray of shape (input_size, 4 hidden_size)
        Weights of the input and their gradient, views of ``theta`` and ``grad``.
    Wh, dWh : ndarray of shape (hidden_size, 4 hidden_size)
        Weights of the previous state and their gradient.
    b, db : ndarray of shape (4 hidden_size,)
        Bias and its gradient.

    Raises
    ------
    ArgumentError
        If a size, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Hochreiter & Schmidhuber (1997), Neural Computation 9, 1735-1780.
    Gers, Schmidhuber & Cummins (2000), Neural Computation 12, 2451-2471 (the forget gate).
    Jozefowicz, Zaremba & Sutskever (2015), ICML, 2342-2350 (its bias of 1).

    Examples
    --------
    >>> layer = LSTM(1, 1, dtype=np.float64)
    >>> layer.theta = 0.0
    >>> layer.b = [0.0, 800.0, 0.0, 800.0]  # forget nothing, show everything
    >>> layer.Wx = [[0.0, 0.0, 800.0, 0.0]]  # write the sign of x, with a gate half open
    >>> np.arctanh(layer.forward([[[1.0], [1.0], [-1.0]]])).ravel().round(6)  # c
    array([0.5, 1. , 0.5])
    """

    gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        return_sequences: bool = True,
        init: Initializer = recurrent_uniform,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(
            input_size, hidden_size, return_sequences=return_sequences, init=init, rng=rng,
            dtype=dtype,
        )  # fmt: skip
        self.b[hidden_size : 2 * hidden_size] = 1.0

    def _steps(self, z: Array) -> Array:
        """Compute gates, memory and state of all steps; the gates take the place of z.

        With σ(z) = ½ + ½ tanh(z/2), one tanh serves all four blocks: z → s tanh(s z) + 1 − s, with
        s = ½ for the gates and 1 for g.

        Returns
        -------
        h : ndarray of shape (T, N, hidden_size)
            All h_t.
        """
        Wh, H = self._views["Wh"], self.hidden_size
        T, N, _ = z.shape
        s, shift = self._half_angle(z.dtype)
        Wh = np.multiply(Wh, s, out=self._array("s Wh", Wh.shape, Wh.dtype))
        z *= s
        h: Array = self._array("h", (T, N, H), z.dtype)
        c: Array = self._array("c", (T, N, H), z.dtype)
        tanh_c: Array = self._array("tanh c", (T, N, H), z.dtype)
        from_past = self._array("from past", (N, 4 * H), z.dtype)
        remembered = self._array("remembered", (N, H), z.dtype)
        for t in range(T):
            z_t, c_t = z[t], c[t]
            if t > 0:
                np.dot(h[t - 1], Wh, out=from_past)
                z_t += from_past
            np.tanh(z_t, out=z_t)
            z_t *= s
            z_t += shift
            i, f, g, o = blocks(z_t)
            np.multiply(i, g, out=c_t)
            if t > 0:
                np.multiply(f, c[t - 1], out=remembered)
                c_t += remembered
            np.tanh(c_t, out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[t])
        self._kept |= {"gates": z, "c": c, "tanh_c": tanh_c}
        return h

    def _steps_back(self, dy: Array) -> Array:
        """Compute dz_t of all steps, from the last one.

        From h_t = o tanh(c_t) and c_t = f c_{t−1} + i g, with dh_t = dy_t + dz_{t+1} Whᵀ:

            dc_t = dh_t o (1 − tanh² c_t) + dc_{t+1} f_{t+1}
            do = dh_t tanh(c_t)    di = dc_t g    df = dc_t c_{t−1}    dg = dc_t i
            dz_i = di i (1 − i), the same for f and o    dz_g = dg (1 − g²)

        What multiplies dc and dh does not depend on later steps: it is computed at once.

        Returns
        -------
        dz : ndarray of shape (T, N, 4 hidden_size)
            Loss gradient at all z_t.
        """
        gates, c, tanh_c = (self._kept[name] for name in ("gates", "c", "tanh_c"))
        T, N, H = c.shape
        i, f, g, o = blocks(gates)
        # dz starts as what multiplies dc_t (blocks i, f, g) and dh_t (block o).
        dz: Array = self._array("dz", gates.shape, gates.dtype)
        np.multiply(gates, gates, out=dz)
        z_i, z_f, z_g, z_o = blocks(dz)
        np.subtract(i, z_i, out=z_i)
        z_i *= g
        np.subtract(f, z_f, out=z_f)
        z_f[1:] *= c[:-1]
        z_f[0] = 0.0
        np.subtract(1.0, z_g, out=z_g)
        z_g *= i
        np.subtract(o, z_o, out=z_o)
        z_o *= tanh_c
        dc: Array = self._array("dc", c.shape, c.dtype)  # starts as o (1 − tanh² c)
        np.multiply(tanh_c, tanh_c, out=dc)
        np.subtract(1.0, dc, out=dc)
        dc *= o
        Wh_transposed = self._views["Wh"].T
        from_next = self._array("from next", (N, H), c.dtype)
        by_dc = dz[..., : 3 * H].reshape(T, N, 3, H)
        dh = dy
        for t in reversed(range(T)):
            dh_t, dc_t = dh[t], dc[t]
            if t < T - 1:
                np.dot(dz[t + 1], Wh_transposed, out=from_next)
                dh_t += from_next
            dc_t *= dh_t
            if t < T - 1:
                np.multiply(dc[t + 1], f[t + 1], out=from_next)
                dc_t += from_next
            by_dc[t] *= dc_t[:, np.newaxis]
            z_o[t] *= dh_t
        self._kept |= {"dh": dh, "dc": dc}
        return dz

    def _half_angle(self, dtype: np.dtype[np.floating]) -> tuple[Array, Array]:
        """Return s and 1 − s for each column of z."""
        s = np.full(4 * self.hidden_size, 0.5, dtype)
        s[2 * self.hidden_size : 3 * self.hidden_size] = 1.0
        return s, 1 - s

    def _steps_dot(self, z_dot: Array, Vh: Array) -> Array:
        """Differentiate the rule: c_dot_t = f_dot c_{t−1} + f c_dot_{t−1} + i_dot g + i g_dot."""
        h, c, tanh_c, gates = (self._kept[name] for name in ("h", "c", "tanh_c", "gates"))
        slope = self._slopes()
        gates_dot: list[Array] = []
        c_dots: list[Array] = []
        h_dots: list[Array] = []
        for t in range(len(h)):
            change = z_dot[..., t, :, :]
            if t > 0:
                change = change + h_dots[-1] @ self.Wh + h[t - 1] @ Vh
            gates_dot.append(slope[t] * change)
            i, f, g, o = blocks(gates[t])
            i_dot, f_dot, g_dot, o_dot = blocks(gates_dot[-1])
            c_dot = i_dot * g + i * g_dot
            if t > 0:
                c_dot = c_dot + f_dot * c[t - 1] + f * c_dots[-1]
            c_dots.append(c_dot)
            h_dots.append(o_dot * tanh_c[t] + o * (1.0 - tanh_c[t] ** 2) * c_dot)
        self._kept |= {"gates_dot": gates_dot, "c_dot": c_dots}
        return stacked(h_dots)

    def _steps_back_dot(self, dy_dot: Array, Vh: Array) -> Array:
        """Differentiate each line of ``_steps_back`` by the product rule."""
        c, tanh_c, gates, dh, dc, dz = (
            self._kept[name] for name in ("c", "tanh_c", "gates", "dh", "dc", "dz")
        )
        gates_dot, c_dots = self._kept["gates_dot"], self._kept["c_dot"]
        slope, T = self._slopes(), len(c)
        dc_dot: Array | None = None
        dz_dots: list[Array] = []
        for t in reversed(range(T)):
            i, f, g, o = blocks(gates[t])
            i_dot, f_dot, g_dot, o_dot = blocks(gates_dot[t])
            past, past_dot = (c[t - 1], c_dots[t - 1]) if t > 0 else (np.zeros_like(c[0]),) * 2
            open_c = 1.0 - tanh_c[t] ** 2  # the slope of tanh(c)
            tanh_c_dot = open_c * c_dots[t]
            dh_dot, carried = dy_dot[..., t, :, :], 0.0
            if dc_dot is not None:
                dh_dot = dh_dot + dz_dots[-1] @ self.Wh.T + dz[t + 1] @ Vh.mT
                next_f, next_f_dot = blocks(gates[t + 1])[1], blocks(gates_dot[t + 1])[1]
                carried = dc_dot * next_f + dc[t + 1] * next_f_dot
            do_dot = dh_dot * tanh_c[t] + dh[t] * tanh_c_dot
            dc_dot = (
                carried
                + dh_dot * o * open_c
                + dh[t] * (o_dot * open_c - 2.0 * o * tanh_c[t] * tanh_c_dot)
            )
            di_dot = dc_dot * g + dc[t] * g_dot
            df_dot = dc_dot * past + dc[t] * past_dot
            dg_dot = dc_dot * i + dc[t] * i_dot
            # d(slope): (1 − 2i) i_dot for a gate, −2 g g_dot for g, times the gradient at the gate.
            bends = (
                dc[t] * g * (1.0 - 2.0 * i) * i_dot,
                dc[t] * past * (1.0 - 2.0 * f) * f_dot,
                dc[t] * i * (-2.0 * g) * g_dot,
                dh[t] * tanh_c[t] * (1.0 - 2.0 * o) * o_dot,
            )
            slopes = blocks(slope[t])
            terms = [
                s * change + bend
                for s, change, bend in zip(
                    slopes, (di_dot, df_dot, dg_dot, do_dot), bends, strict=True
                )
            ]
            shape = np.broadcast_shapes(*(term.shape for term in terms))
            dz_dots.append(np.concatenate([np.broadcast_to(a, shape) for a in terms], axis=-1))
        return stacked(dz_dots[::-1])

    def _slopes(self) -> Array:
        """Return the slope of each gate: i (1 − i), and 1 − g² for g."""
        gates = self._kept["gates"]
        slope: Array = gates - gates * gates
        g = blocks(gates)[2]
        blocks(slope)[2][...] = 1.0 - g * g
        return slope


def blocks(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Cut the last axis into the four blocks i, f, g, o."""
    H = gates.shape[-1] // 4
    return (
        gates[..., :H],
        gates[..., H : 2 * H],
        gates[..., 2 * H : 3 * H],
        gates[..., 3 * H :],
    )

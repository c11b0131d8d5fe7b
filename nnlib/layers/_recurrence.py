"""What recurrent layers share: one rule, applied along a sequence, with a state that it carries.

Seen from one step, a recurrent layer is a linear layer and an activation; what is special is that
h_{t−1} is an input too. So the gradient at h_t has two sources, the output y_t and the next step:
it is computed from the last step to the first, which is called backpropagation through time. All
that does not depend on the previous step, the products with Wx and the gradients of Wx, Wh and b,
is one matrix product for all steps.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib.errors import ShapeError
from nnlib.initializers import Initializer
from nnlib.layers._checks import starting_values
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView


def recurrent_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw W from U(−a, a) with a = 1 / √fan_out, for fan_out hidden units, as PyTorch does."""
    limit = fan_out**-0.5
    return rng.uniform(-limit, limit, (fan_in, fan_out))


class Recurrent(Layer):
    """Run z_t = x_t Wx + h_{t−1} Wh + b and h_t = rule(z_t) over all steps, from h_0 = 0.

    A subclass gives the rule as ``_steps`` and its three derivatives. Inside, the steps are the
    first axis, (T, N, ...), so that the rows of one step are one block of memory.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers in x_t and in h_t.
    return_sequences : bool, default True
        Put out all h_t; False puts out the last one.
    init : function (fan_in, fan_out, rng) -> W
        Starting values of each block of Wx and Wh.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.
    """

    Wx = ParameterView()
    Wh = ParameterView()
    b = ParameterView()
    dWx = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]  the letters of ∂L/∂W
    dWh = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]
    db = ParameterView()
    slice_rows = 256

    gates: ClassVar[int] = 1
    """How many numbers z holds for each hidden unit."""

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
        name = type(self).__name__
        generator = as_generator(rng, name)
        self.input_size = check_count(input_size, "input_size", name)
        self.hidden_size = check_count(hidden_size, "hidden_size", name)
        self.return_sequences = bool(return_sequences)
        D, H, n = self.input_size, self.hidden_size, self.gates
        super().__init__({"Wx": (D, n * H), "Wh": (H, n * H), "b": (n * H,)}, dtype=dtype)
        for parameter, fan_in in ((self.Wx, D), (self.Wh, H)):
            blocks = (starting_values(init, (fan_in, H), generator, repr(self)) for _ in range(n))
            np.concatenate(list(blocks), axis=1, out=parameter)

    # The rule of a subclass ---------------------------------------------------------------------

    @abstractmethod
    def _steps(self, z: Array) -> Array:
        """Return all h_t, given z_t = x_t Wx + b, to which h_{t−1} Wh is to be added."""

    @abstractmethod
    def _steps_back(self, dy: Array) -> Array:
        """Return all dz_t, given the part of the gradient at h_t that comes from y_t."""

    @abstractmethod
    def _steps_dot(self, z_dot: Array, Vh: Array) -> Array:
        """Return all h_dot_t, given z_dot_t but for h_dot_{t−1} Wh + h_{t−1} Vh."""

    @abstractmethod
    def _steps_back_dot(self, dy_dot: Array, Vh: Array) -> Array:
        """Return all dz_dot_t, given the part of the change of dh_t that comes from y_t."""

    # The contract -------------------------------------------------------------------------------

    def forward(self, x: ArrayLike) -> Array:
        """Run the rule along the sequences, from a state of zeros.

        Parameters
        ----------
        x : ndarray of shape (N, T, input_size)
            N sequences of T steps.

        Returns
        -------
        y : ndarray of shape (N, T, hidden_size), or (N, hidden_size)
            h_t for all steps, or for the last one with ``return_sequences=False``. A fresh array.

        Raises
        ------
        ShapeError
            If x is not (N, T, input_size) with at least one step.
        """
        x = check_sequences(self._input(x), self.input_size, repr(self))
        N, T, D = x.shape
        steps = self._array("x", (T, N, D), x.dtype)
        np.copyto(steps, x.swapaxes(0, 1))
        z = self._array("z", (T, N, self.gates * self.hidden_size), x.dtype)
        np.matmul(flat(steps), self._views["Wx"], out=flat(z))
        z += self._views["b"]
        self._kept = {"x": steps}
        h = self._kept["h"] = self._steps(z)
        y: Array = self._array("y", self._output_shape(N, T), x.dtype)
        np.copyto(y, h.swapaxes(0, 1) if self.return_sequences else h[-1])
        self._kept["output"] = (y.shape, y.dtype)
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient back through time to ``Wx``, ``Wh``, ``b`` and ``x``.

        From z_t = x_t Wx + h_{t−1} Wh + b the chain rule gives, with dh_t from both sources,

            dh_t = dy_t + dz_{t+1} Whᵀ        dz_t from dh_t by the rule of the layer
            dWx = Σ_t x_tᵀ dz_t        dWh = Σ_t h_{t−1}ᵀ dz_t        db = Σ_t Σ_rows dz_t
            dx_t = dz_t Wxᵀ

        Every step uses the same weights, so their gradient is the sum over all steps.

        Parameters
        ----------
        dy : ndarray of the shape of y
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer, whose dx nobody reads: saves a matrix product.
        accumulate : bool, default False
            Add to ``dWx``, ``dWh`` and ``db`` instead of overwriting them.

        Returns
        -------
        dx : ndarray of shape (N, T, input_size), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        x, h = self._kept["x"], self._kept["h"]
        dh = self._array("dy", h.shape, h.dtype)
        dz = self._kept["dz"] = self._steps_back(self._by_step(dy, dh))
        rows = flat(dz)
        for name, inputs, outputs in (
            ("dWx", flat(x).T, rows),
            ("dWh", flat(h[:-1]).T, flat(dz[1:])),
            ("db", np.ones(len(rows), rows.dtype), rows),
        ):
            if accumulate:
                self._views[name] += inputs @ outputs
            else:
                np.dot(inputs, outputs, out=self._views[name])
        if not need_dx:
            return None
        by_step = self._array("dx by step", x.shape, x.dtype)
        np.matmul(rows, self._views["Wx"].T, out=flat(by_step))
        dx: Array = self._array("dx", (x.shape[1], x.shape[0], x.shape[2]), x.dtype)
        np.copyto(dx, by_step.swapaxes(0, 1))
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate ``forward`` along a direction, step by step.

            z_dot_t = x_dot_t Wx + x_t Vx + h_dot_{t−1} Wh + h_{t−1} Vh + v_b

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, T, input_size), or None
            Change of the input along the direction; None where it does not change.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of the shape of y, the axes of the directions in front
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
        V = self._direction(v)
        z_dot = x @ V["Wx"][..., np.newaxis, :, :] + V["b"][..., np.newaxis, np.newaxis, :]
        change = None
        if x_dot is not None:
            change = self._x_dot(x_dot, x.swapaxes(0, 1)).swapaxes(-3, -2)
            z_dot = z_dot + change @ self.Wx
        h_dot = self._steps_dot(z_dot, V["Wh"])
        self._kept |= {"V": V, "x_dot": change, "h_dot": h_dot}
        return h_dot.swapaxes(-3, -2) if self.return_sequences else h_dot[..., -1, :, :]

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

            dWx_dot = Σ_t x_dot_tᵀ dz_t + x_tᵀ dz_dot_t        dWh_dot, db_dot alike
            dx_dot_t = dz_dot_t Wxᵀ + dz_t Vxᵀ

        Parameters
        ----------
        dy_dot : ndarray of the shape of y
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, T, input_size), or None if ``need_dx`` is False
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
        dz = self._recall("dz", "rbackward", "backward")
        x, h, x_dot, h_dot = (self._kept[name] for name in ("x", "h", "x_dot", "h_dot"))
        change = self._dy_dot(dy_dot)
        lead = change.shape[: change.ndim - len(self._kept["output"][0])]
        dh_dot = self._by_step(change, np.empty((*lead, *h.shape), h.dtype))
        dz_dot = self._steps_back_dot(dh_dot, V["Wh"])
        dWx_dot = flat(x).mT @ flat(dz_dot)
        if x_dot is not None:
            dWx_dot = dWx_dot + flat(x_dot).mT @ flat(dz)
        dWh_dot = flat(h[:-1]).mT @ flat(dz_dot[..., 1:, :, :])
        dWh_dot = dWh_dot + flat(h_dot[..., :-1, :, :]).mT @ flat(dz[1:])
        lead = dWh_dot.shape[:-2]
        parts = (dWx_dot, dWh_dot, dz_dot.sum(axis=(-3, -2))[..., np.newaxis, :])
        self.grad_dot = np.concatenate(
            [np.broadcast_to(part, (*lead, *part.shape[-2:])).reshape(*lead, -1) for part in parts],
            axis=-1,
        )
        if not need_dx:
            return None
        dx_dot: Array = dz_dot @ self.Wx.T + dz @ V["Wx"].mT[..., np.newaxis, :, :]
        return dx_dot.swapaxes(-3, -2)

    # Help ---------------------------------------------------------------------------------------

    def _output_shape(self, N: int, T: int) -> tuple[int, ...]:
        return (N, T, self.hidden_size) if self.return_sequences else (N, self.hidden_size)

    def _by_step(self, dy: Array, out: Array) -> Array:
        """Write the gradient at the output to the steps it belongs to: all, or the last one."""
        if self.return_sequences:
            np.copyto(out, dy.swapaxes(-3, -2))
        else:
            out[..., :-1, :, :] = 0.0
            out[..., -1, :, :] = dy
        return out

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.input_size:
            name = type(self).__name__
            message = (
                f"{where} {self!r} takes {self.input_size} features, but gets {features}. "
                f"Write {name}({features}, {self.hidden_size})."
            )
            raise ShapeError(message)
        return self.hidden_size

    def __repr__(self) -> str:
        last = "" if self.return_sequences else ", return_sequences=False"
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size}{last})"


def stacked(steps: list[Array]) -> Array:
    """Join the arrays (..., N, H) of all steps to one, (..., T, N, H)."""
    shape = np.broadcast_shapes(*(step.shape for step in steps))
    return np.stack([np.broadcast_to(step, shape) for step in steps], axis=-3)


def flat(array: Array) -> Array:
    """Merge steps and rows, (..., T, N, H) to (..., T N, H), for one matrix product."""
    *lead, T, N, H = array.shape
    return array.reshape(*lead, T * N, H)


def check_sequences(x: Array, features: int | None, layer: str) -> Array:
    """Return x after checking that it holds sequences (N, T, features) of at least one step."""
    fits = x.ndim == 3 and x.shape[1] > 0 and features in (None, x.shape[2])
    if fits:
        return x
    hint = ""
    if x.ndim == 2 and features in (None, x.shape[1]):
        hint = " One sequence is a batch too: x[np.newaxis]."
    elif x.ndim == 2 and features == 1:
        hint = " Steps of one number each are x[..., np.newaxis]."
    elif x.ndim == 3 and x.shape[1] == 0:
        hint = " A sequence has at least one step."
    elif x.ndim == 3 and features == x.shape[1]:
        hint = " It looks transposed: x.swapaxes(1, 2)."
    message = f"{layer}.forward: x has shape {x.shape}, expected (N, T, {features or 'D'}).{hint}"
    raise ShapeError(message)

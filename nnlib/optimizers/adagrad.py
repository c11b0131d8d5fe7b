"""AdaGrad: a rate for each parameter, from the sum of its squared gradients."""

from __future__ import annotations

import numpy as np

from nnlib._array import Array, check_number
from nnlib.optimizers.base import Optimizer, Schedule, Trainable, divide


class AdaGrad(Optimizer):
    """Divide each step by the root of all squared gradients so far.

        g ← grad + weight_decay · θ        (weights only)
        s ← s + g²
        θ ← θ − lr · g / (√s + eps)

    Rare features keep large steps, frequent ones get small steps; s only grows, so every rate falls
    to zero in the end.

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float, default 0.01
        Learning rate: the size of the very first step of each parameter.
    eps : float, default 1e-10
        Keeps the quotient finite.
    initial_accumulator_value : float, default 0
        Where s starts.
    weight_decay : float, default 0
        Pull toward zero, added to the gradient where ``model.decay_mask`` is True.

    References
    ----------
    Duchi, Hazan & Singer (2011), Journal of Machine Learning Research 12, 2121-2159.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = [[1.0]], [[4.0]]
    >>> AdaGrad(layer, lr=0.1).step()
    >>> layer.W
    array([[0.9]])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 0.01,
        *,
        eps: float = 1e-10,
        initial_accumulator_value: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(model, lr)
        self.eps = check_number(eps, "eps", "AdaGrad")
        self.initial_accumulator_value = check_number(
            initial_accumulator_value, "initial_accumulator_value", "AdaGrad"
        )
        self.weight_decay = check_number(weight_decay, "weight_decay", "AdaGrad")

    def _vectors(self) -> tuple[str, ...]:
        return ("s",)

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        s = self._vector("s", theta, fill=self.initial_accumulator_value)
        step = self._scratch("step", theta)
        g = grad
        if self.weight_decay:
            g = self._decay(theta, self.weight_decay, out=self._scratch("g", theta))
            g += grad
        s += np.multiply(g, g, out=step)
        root = np.sqrt(s, out=step)
        root += self.eps
        step = divide(g, root, self.eps, out=root)
        step *= lr
        theta -= step

"""Lion: only the sign of a momentum counts."""

from __future__ import annotations

import numpy as np

from nnlib._array import Array, check_number
from nnlib.optimizers.base import Optimizer, Schedule, Trainable, check_betas


class Lion(Optimizer):
    """Move every parameter by the same distance, along the sign of its momentum.

        θ ← θ − lr · weight_decay · θ                   (weights only)
        θ ← θ − lr · sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    The direction looks more at the present gradient than the momentum that is kept. Every step has
    the length lr in every parameter, so the rate is a third to a tenth of Adam's, and weight decay
    larger by that factor.

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float, default 1e-4
        Learning rate: the size of a step of each parameter.
    betas : (float, float), default (0.9, 0.99)
        Shares of m in the direction and in the next m, from 0 to below 1.
    weight_decay : float, default 0
        Each step takes lr · weight_decay of every weight where ``model.decay_mask`` is True.

    References
    ----------
    Chen et al. (2023), NeurIPS, arXiv 2302.06675.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = [[1.0]], [[4.0]]
    >>> Lion(layer, lr=0.125).step()
    >>> layer.W
    array([[0.875]])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1e-4,
        *,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(model, lr)
        self.betas = check_betas(betas, "Lion")
        self.weight_decay = check_number(weight_decay, "weight_decay", "Lion")

    def _vectors(self) -> tuple[str, ...]:
        return ("m",)

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        beta1, beta2 = self.betas
        m, step = self._vector("m", theta), self._scratch("step", theta)
        fresh = self._scratch("fresh", theta)
        if self.weight_decay:
            theta -= self._decay(theta, lr * self.weight_decay, out=step)
        np.multiply(m, beta1, out=step)
        step += np.multiply(grad, 1.0 - beta1, out=fresh)
        np.sign(step, out=step)
        step *= lr
        theta -= step
        m *= beta2
        m += np.multiply(grad, 1.0 - beta2, out=fresh)

"""Adam and AdamW: momentum, divided by the root mean square of recent gradients."""

from __future__ import annotations

import math

import numpy as np

from nnlib._array import Array, check_number
from nnlib.optimizers.base import (
    Optimizer,
    Schedule,
    Trainable,
    check_betas,
    check_fused,
    divide,
)


class Adam(Optimizer):
    """Step along the mean of recent gradients, in units of their root mean square.

        g ← grad + weight_decay · θ                     (weights only)
        m ← β₁ m + (1 − β₁) g         v ← β₂ v + (1 − β₂) g²
        θ ← θ − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps)        t = 1, 2, ...

    The two divisions undo the start at zero. Weight decay joins the gradient here, so it is divided
    by the root of v like everything else: parameters with large gradients hardly decay. ``AdamW``
    is the mend.

    The code keeps M = m / (1 − β₁) and V = v / (1 − β₂): then all corrections are two numbers
    a step, and ten passes over the vector do in place of sixteen.

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float, default 0.001
        Learning rate: about the size of a step of each parameter.
    betas : (float, float), default (0.9, 0.999)
        Shares of m and of v that are kept, from 0 to below 1.
    eps : float, default 1e-8
        Keeps the quotient finite; it is added to the root.
    weight_decay : float, default 0
        Pull toward zero, added to the gradient where ``model.decay_mask`` is True.
    fused : bool or None, default None
        Whether to use the compiled twin; by default where it pays.

    References
    ----------
    Kingma & Ba (2015), ICLR, arXiv 1412.6980.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = [[1.0]], [[4.0]]
    >>> Adam(layer, lr=0.1, eps=0.0).step()
    >>> layer.W.round(12)
    array([[0.9]])
    """

    _decoupled = False

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        fused: bool | None = None,
    ) -> None:
        super().__init__(model, lr)
        where = type(self).__name__
        self.betas = check_betas(betas, where)
        self.eps = check_number(eps, "eps", where)
        self.weight_decay = check_number(weight_decay, "weight_decay", where)
        self.fused = check_fused(fused, where)

    def _vectors(self) -> tuple[str, ...]:
        return ("M", "V")

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        M, V = self._vector("M", theta), self._vector("V", theta)
        rate, eps = scaled_rate(lr, self.betas, self.eps, self.steps + 1)
        if eps and (kernels := self._kernels(theta, grad)):
            decay = lr * self.weight_decay if self._decoupled else self.weight_decay
            mask = self.model.decay_mask
            numbers = (rate, *self.betas, eps, decay)
            kernels.adam(theta, grad, M, V, mask, numbers, decoupled=self._decoupled)
            return
        step, g = self._scratch("step", theta), grad
        if self.weight_decay and self._decoupled:
            theta -= self._decay(theta, lr * self.weight_decay, out=step)
        elif self.weight_decay:
            g = self._decay(theta, self.weight_decay, out=self._scratch("g", theta))
            g += grad
        adam_step(theta, g, M, V, rate, self.betas, eps, step)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: every weight shrinks by the same share.

        θ ← θ − lr · weight_decay · θ                   (weights only)
        then as Adam, with g = grad

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float, default 0.001
        Learning rate: about the size of a step of each parameter.
    betas : (float, float), default (0.9, 0.999)
        Shares of m and of v that are kept, from 0 to below 1.
    eps : float, default 1e-8
        Keeps the quotient finite; it is added to the root.
    weight_decay : float, default 0.01
        Each step takes lr · weight_decay of every weight where ``model.decay_mask`` is True.
    fused : bool or None, default None
        Whether to use the compiled twin; by default where it pays.

    References
    ----------
    Loshchilov & Hutter (2019), ICLR, arXiv 1711.05101.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = [[1.0]], [[4.0]]
    >>> AdamW(layer, lr=0.1, eps=0.0, weight_decay=0.5).step()
    >>> layer.W.round(12)
    array([[0.85]])
    """

    _decoupled = True

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        fused: bool | None = None,
    ) -> None:
        super().__init__(model, lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=fused)


def scaled_rate(lr: float, betas: tuple[float, float], eps: float, t: int) -> tuple[float, float]:
    """Return the rate and eps of step t = 1, 2, ... that go with the scaled moments M and V."""
    # With c² = (1 − β₂) / (1 − β₂ᵗ), √(v / (1 − β₂ᵗ)) + eps is c (√V + eps / c).
    beta1, beta2 = betas
    c = math.sqrt((1.0 - beta2) / (1.0 - beta2**t))
    return lr * (1.0 - beta1) / (1.0 - beta1**t) / c, eps / c


def adam_step(
    theta: Array,
    g: Array,
    M: Array,
    V: Array,
    rate: float,
    betas: tuple[float, float],
    eps: float,
    scratch: Array,
) -> None:
    """Change theta, M and V in place, in ten passes."""
    beta1, beta2 = betas
    M *= beta1
    M += g
    V *= beta2
    V += np.multiply(g, g, out=scratch)
    root = np.sqrt(V, out=scratch)
    root += eps
    step = divide(M, root, eps, out=root)
    step *= rate
    theta -= step

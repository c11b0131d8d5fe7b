"""RMSProp: a rate for each parameter, from a running mean of its squared gradients."""

from __future__ import annotations

import numpy as np

from nnlib._array import Array, check_number
from nnlib.errors import ArgumentError
from nnlib.optimizers.base import Optimizer, Schedule, Trainable, check_fused, divide


class RMSProp(Optimizer):
    """Divide each step by the root mean square of recent gradients.

        g ← grad + weight_decay · θ                   (weights only)
        v ← alpha · v + (1 − alpha) · g²
        d = √v + eps                                  (centered: d = √(v − m²) + eps, where
                                                       m ← alpha · m + (1 − alpha) · g)
        θ ← θ − lr · g / d                            (with momentum: u ← momentum · u + g / d,
                                                       θ ← θ − lr · u)

    The root is taken first and eps added to it, as in PyTorch; some texts have √(v + eps).

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float, default 0.01
        Learning rate.
    alpha : float, default 0.99
        Share of v that is kept, from 0 to below 1: a memory of some 1 / (1 − alpha) steps.
    eps : float, default 1e-8
        Keeps the quotient finite.
    momentum : float, default 0
        Share of the last step that is kept, from 0 to below 1.
    centered : bool, default False
        Divide by the standard deviation in place of the root mean square.
    weight_decay : float, default 0
        Pull toward zero, added to the gradient where ``model.decay_mask`` is True.
    fused : bool or None, default None
        Whether to use the compiled twin, which is neither centered nor has momentum.

    References
    ----------
    Tieleman & Hinton (2012), Lecture 6.5, Coursera: Neural Networks for Machine Learning.
    Graves (2013), arXiv 1308.0850 (centered).

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = [[1.0]], [[4.0]]
    >>> RMSProp(layer, lr=0.1, alpha=0.75, eps=0.0).step()
    >>> layer.W
    array([[0.8]])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        fused: bool | None = None,
    ) -> None:
        super().__init__(model, lr)
        self.alpha = check_number(alpha, "alpha", "RMSProp", below=1)
        self.eps = check_number(eps, "eps", "RMSProp")
        self.momentum = check_number(momentum, "momentum", "RMSProp", below=1)
        self.centered = bool(centered)
        self.weight_decay = check_number(weight_decay, "weight_decay", "RMSProp")
        self.fused = check_fused(fused, "RMSProp")
        if self.fused and (self.centered or self.momentum):
            message = (
                "RMSProp: fused=True together with momentum or centered, which have no compiled "
                "twin. Leave fused away."
            )
            raise ArgumentError(message)

    def _vectors(self) -> tuple[str, ...]:
        return ("v", *("m",) * self.centered, *("u",) * bool(self.momentum))

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        alpha, v = self.alpha, self._vector("v", theta)
        plain = not (self.centered or self.momentum)
        if plain and self.eps and (kernels := self._kernels(theta, grad)):
            numbers = (lr, alpha, 1.0 - alpha, self.eps, self.weight_decay)
            kernels.rmsprop(theta, grad, v, self.model.decay_mask, numbers)
            return
        step = self._scratch("step", theta)
        g = grad
        if self.weight_decay:
            g = self._decay(theta, self.weight_decay, out=self._scratch("g", theta))
            g += grad
        np.multiply(g, g, out=step)
        step *= 1.0 - alpha
        v *= alpha
        v += step
        if self.centered:
            m = self._vector("m", theta)
            m *= alpha
            m += np.multiply(g, 1.0 - alpha, out=step)
            np.multiply(m, m, out=step)
            # Rounding may make a variance of zero negative, whose root is nan.
            root = np.maximum(np.subtract(v, step, out=step), 0.0, out=step)
            np.sqrt(root, out=root)
        else:
            root = np.sqrt(v, out=step)
        root += self.eps
        step = divide(g, root, self.eps, out=root)
        if self.momentum:
            u = self._vector("u", theta)
            u *= self.momentum
            u += step
            np.copyto(step, u)
        step *= lr
        theta -= step

"""Stochastic gradient descent, with momentum if wanted."""

from __future__ import annotations

import numpy as np

from nnlib._array import Array, check_number
from nnlib.errors import ArgumentError
from nnlib.optimizers.base import Optimizer, Schedule, Trainable, check_fused


class SGD(Optimizer):
    """Step down the gradient of a batch.

        g ← grad + weight_decay · θ        (weights only)
        u ← momentum · u + g
        θ ← θ − lr · u                     (Nesterov: θ ← θ − lr · (g + momentum · u))

    The formulas are PyTorch's; there weight decay acts on biases too, unless they are put into a
    group of their own.

    Parameters
    ----------
    model : Layer or Sequential
        What is trained.
    lr : float or function step -> float
        Learning rate.
    momentum : float, default 0
        Share of the last step that is kept, from 0 to below 1.
    nesterov : bool, default False
        Look ahead along the momentum.
    weight_decay : float, default 0
        Pull toward zero, added to the gradient where ``model.decay_mask`` is True.
    fused : bool or None, default None
        Whether to use the compiled twin; by default where it pays.

    References
    ----------
    Robbins & Monro (1951), Annals of Mathematical Statistics 22, 400-407.
    Polyak (1964), USSR Computational Mathematics and Mathematical Physics 4, 1-17.
    Sutskever, Martens, Dahl & Hinton (2013), ICML, 1139-1147.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1, bias=False, dtype=np.float64)
    >>> layer.W = [[1.0]]
    >>> optimizer = SGD(layer, lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     layer.dW = [[1.0]]
    ...     optimizer.step()
    >>> layer.W
    array([[0.75]])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        fused: bool | None = None,
    ) -> None:
        super().__init__(model, lr)
        self.momentum = check_number(momentum, "momentum", "SGD", below=1)
        self.weight_decay = check_number(weight_decay, "weight_decay", "SGD")
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            message = "SGD: nesterov=True with momentum=0, expected momentum > 0, such as 0.9."
            raise ArgumentError(message)
        self.fused = check_fused(fused, "SGD")

    def _vectors(self) -> tuple[str, ...]:
        return ("u",) if self.momentum else ()

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        if self.momentum and (kernels := self._kernels(theta, grad)):
            u, mask = self._vector("u", theta), self.model.decay_mask
            numbers = (lr, self.momentum, self.weight_decay)
            kernels.sgd(theta, grad, u, mask, numbers, nesterov=self.nesterov)
            return
        step = self._scratch("step", theta)
        if self.weight_decay:
            self._decay(theta, self.weight_decay, out=step)
            step += grad
        else:
            np.copyto(step, grad)
        if self.momentum:
            u = self._vector("u", theta)
            u *= self.momentum
            u += step
            if self.nesterov:
                step += np.multiply(u, self.momentum, out=self._scratch("ahead", theta))
            else:
                np.copyto(step, u)
        step *= lr
        theta -= step

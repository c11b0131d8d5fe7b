"""Muon: momentum whose matrices are made orthogonal before each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_count, check_number
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.optimizers.adam import adam_step, scaled_rate
from nnlib.optimizers.base import Optimizer, Schedule, Trainable, check_betas, check_schedule

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of Jordan's quintic: they lift small singular values fastest, and bring all to 0.7 to 1.2."""


class Muon(Optimizer):
    """Orthogonalize the momentum of each weight matrix; leave the rest to AdamW.

        u ← momentum · u + (1 − momentum) · g
        O = newton_schulz(u)              (Nesterov: of momentum · u + (1 − momentum) · g)
        W ← W − lr · weight_decay · W − lr · r · O

    With u = A S Bᵀ, O is close to A Bᵀ: every direction of the matrix moves equally far, also those
    in which gradients are small. The factor r is √max(1, out / in) ("original") or
    0.2 √max(in, out) ("match_rms_adamw", with which Adam's rates and decay serve).

    Parameters with two axes are matrices. Biases, gains, kernels of convolutions, and all that is
    named in ``exclude`` are updated by AdamW; Jordan advises it for embeddings and for the output
    layer too.

    Parameters
    ----------
    model : Layer or Sequential
        What is trained; it lists its ``parameters()``.
    lr : float or function step -> float, default 0.001
        Learning rate of the matrices.
    momentum : float, default 0.95
        Share of u that is kept, from 0 to below 1.
    nesterov : bool, default True
        Look ahead along the momentum.
    weight_decay : float, default 0.1
        Each step takes lr · weight_decay of every weight where ``model.decay_mask`` is True.
    ns_steps : int, default 5
        Iterations of Newton and Schulz.
    adjust_lr_fn : {"original", "match_rms_adamw"}
        The factor r.
    exclude : sequence of str
        Names of matrices that AdamW updates, such as ``("4.W",)``.
    adamw_lr : float or function step -> float, optional
        Learning rate of AdamW; by default that of the matrices, and then what changes ``lr``
        changes it too. A number given here stands: ``ReduceOnPlateau`` and the range test move
        ``lr`` alone.
    betas : (float, float), default (0.9, 0.999)
        Of AdamW.
    eps : float, default 1e-8
        Of AdamW.

    References
    ----------
    Jordan et al. (2024), https://kellerjordan.github.io/posts/muon/
    Liu et al. (2025), arXiv 2502.16982 (weight decay, and the second factor).

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(2, 2, bias=False, dtype=np.float64)
    >>> layer.W, layer.dW = 0.0, [[3.0, 0.0], [0.0, -0.3]]
    >>> Muon(layer, lr=1.0).step()
    >>> layer.W.round(1)  # roughly orthogonal: 0.3 counts about as much as 3
    array([[-0.7,  0. ],
           [ 0. ,  0.7]])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1e-3,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.1,
        ns_steps: int = 5,
        adjust_lr_fn: str = "original",
        exclude: Sequence[str] = (),
        adamw_lr: float | Schedule | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(model, lr)
        self.momentum = check_number(momentum, "momentum", "Muon", below=1)
        self.nesterov = bool(nesterov)
        self.weight_decay = check_number(weight_decay, "weight_decay", "Muon")
        self.ns_steps = check_count(ns_steps, "ns_steps", "Muon")
        known = {"original", "match_rms_adamw"}
        if not isinstance(adjust_lr_fn, str) or adjust_lr_fn not in known:  # type: ignore[redundant-expr]  # callers need not be typed
            message = (
                f"Muon: adjust_lr_fn is {adjust_lr_fn!r:.60}, expected 'original' or "
                "'match_rms_adamw'."
            )
            raise ArgumentError(message)
        self.adjust_lr_fn = adjust_lr_fn
        self.adamw_lr = adamw_lr
        if callable(adamw_lr):
            check_schedule(adamw_lr, "Muon: adamw_lr")
        elif adamw_lr is not None:
            self._checked(adamw_lr)
        self.betas = check_betas(betas, "Muon")
        self.eps = check_number(eps, "eps", "Muon")
        self._parameters = _matrices(model, exclude)

    def _vectors(self) -> tuple[str, ...]:
        return ("M", "V")

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        M, V = self._vector("M", theta), self._vector("V", theta)
        scratch, decays = self._scratch("scratch", theta), self.model.decay_mask
        adamw_lr = self._adamw_rate(lr)
        rate, eps = scaled_rate(adamw_lr, self.betas, self.eps, self.steps + 1)
        for place, shape, is_matrix in self._parameters:
            w, g, m, step = theta[..., place], grad[..., place], M[..., place], scratch[..., place]
            if self.weight_decay:
                np.multiply(w, (lr if is_matrix else adamw_lr) * self.weight_decay, out=step)
                step *= decays[place]
                w -= step
            if is_matrix:
                step[...] = self._direction(m, g, shape)
                step *= lr * self._factor(shape)
                w -= step
            else:
                adam_step(w, g, m, V[..., place], rate, self.betas, eps, step)

    def _adamw_rate(self, lr: float) -> float:
        """Return the rate of the parameters that are not treated as matrices."""
        if self.adamw_lr is None:
            return lr
        return self._checked(
            self.adamw_lr(self.steps) if callable(self.adamw_lr) else self.adamw_lr
        )

    def _direction(self, u: Array, g: Array, shape: tuple[int, ...]) -> Array:
        """Update the momentum u, and return its orthogonalized matrix as a vector."""
        u *= self.momentum
        u += (1.0 - self.momentum) * g
        ahead = self.momentum * u + (1.0 - self.momentum) * g if self.nesterov else u
        matrix = ahead.reshape(*ahead.shape[:-1], *shape)
        return _newton_schulz(matrix, self.ns_steps).reshape(u.shape)

    def _factor(self, shape: tuple[int, ...]) -> float:
        """Return the factor r for a matrix of shape (in, out)."""
        n_in, n_out = shape
        if self.adjust_lr_fn == "original":
            return math.sqrt(max(1.0, n_out / n_in))
        return 0.2 * math.sqrt(max(n_in, n_out))


def newton_schulz(G: ArrayLike, n_steps: int = 5) -> Array:
    """Bring the singular values of a matrix near 1, and leave its singular vectors.

        X = G / ‖G‖        X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X        n_steps times

    A polynomial of odd powers acts on the singular values alone. These coefficients reach 0.7 to
    1.2 within five steps; they do not converge to 1, which Muon does not need. Matrix products
    are all it takes, where a singular value decomposition would cost many times more.

    Parameters
    ----------
    G : ndarray of shape (..., n, m)
        One matrix, or several.
    n_steps : int, default 5
        Iterations.

    Returns
    -------
    X : ndarray of shape (..., n, m)
        Roughly orthogonal, a fresh array. Zero stays zero.

    Raises
    ------
    ShapeError
        If G has less than two axes.
    ArgumentError
        If ``n_steps`` is not a whole number of at least 1.

    References
    ----------
    Bernstein & Newhouse (2024), arXiv 2409.20325.
    Jordan et al. (2024), https://kellerjordan.github.io/posts/muon/

    Examples
    --------
    >>> newton_schulz(np.array([[0.0, 5.0], [0.2, 0.0]])).round(2)
    array([[0.  , 0.7 ],
           [0.95, 0.  ]])
    """
    matrix = as_array(G, None, "newton_schulz: G")
    if matrix.ndim < 2:
        message = f"newton_schulz: G has shape {matrix.shape}, expected (..., n, m)."
        raise ShapeError(message)
    return _newton_schulz(matrix, check_count(n_steps, "n_steps", "newton_schulz"))


def _newton_schulz(G: Array, n_steps: int) -> Array:
    a, b, c = COEFFICIENTS
    wide = G.shape[-2] <= G.shape[-1]
    X: Array = G if wide else G.mT  # the smaller Gram matrix
    norm = np.sqrt((X * X).sum(axis=(-2, -1), keepdims=True))
    X = np.divide(X, np.maximum(norm, 1e-7))
    for _ in range(n_steps):
        gram = X @ X.mT
        X = a * X + (b * gram + c * (gram @ gram)) @ X
    return X if wide else X.mT


def _matrices(model: Any, exclude: Sequence[str]) -> list[tuple[slice, tuple[int, ...], bool]]:
    """Return place and shape of each parameter, and whether it is treated as a matrix."""
    if not callable(getattr(model, "parameters", None)):
        message = (
            f"Muon: {model!r:.60} does not list its parameters, expected a layer or model. "
            "Use AdamW for a plain vector."
        )
        raise DtypeError(message)
    parameters = model.parameters()
    unknown = {exclude} if isinstance(exclude, str) else set(exclude) - {p.name for p in parameters}
    if unknown:
        message = (
            f"Muon: exclude names {sorted(unknown)}, expected a list of names among "
            f"{[p.name for p in parameters]}."
        )
        raise ArgumentError(message)
    return [(p.slice, p.shape, len(p.shape) == 2 and p.name not in exclude) for p in parameters]

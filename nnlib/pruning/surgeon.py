"""Optimal brain surgeon: remove a weight and let all others make up for it.

Near a minimum the loss changes by ½ δᵀ H δ for a step δ. Among all steps that bring w_q to 0 the
cheapest, and its price, are

    δ = −(w_q / [H⁻¹]_qq) H⁻¹ e_q        s_q = w_q² / (2 [H⁻¹]_qq)

Both are exact where the loss is a quadratic and the gradient zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, as_array, check_count, check_number, check_shape
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers import Sequential
from nnlib.pruning._structure import check_model, weight_slices


@dataclass(frozen=True, eq=False)
class SurgeonResult:
    """What ``obs_prune`` did.

    Attributes
    ----------
    order : ndarray of int of shape (n,)
        Places in ``theta``, in the order in which they went.
    saliencies : ndarray of shape (n,)
        Price of each step, as the quadratic model of the loss sees it.
    """

    order: IntArray
    saliencies: Array = field(repr=False)

    @property
    def predicted_change(self) -> float:
        """The change of the loss by all steps together, if it were a quadratic at its minimum."""
        return float(self.saliencies.sum())


def damped_inverse(hessian: Any, damping: float = 1e-6) -> Array:
    """Compute (H + damping · I)⁻¹ in float64.

    Parameters
    ----------
    hessian : ndarray of shape (P, P), or a curvature operator
        H; of an operator ``dense()`` is asked.
    damping : float, default 1e-6
        Added to every eigenvalue. Many weights of a network do not matter, so H is close to
        singular, or has small negative eigenvalues.

    Returns
    -------
    H_inv : ndarray of shape (P, P)
        Symmetric.

    Raises
    ------
    ArgumentError
        If H is not finite, or H + damping · I not positive definite: then it has no minimum to
        stay close to.
    ShapeError
        If H is not square.
    """
    where = "damped_inverse"
    from scipy.linalg import LinAlgError, cho_factor, cho_solve  # here: takes long to import

    damping = check_number(damping, "damping", where)
    H = _as_matrix(hessian, where)
    if H.ndim != 2 or H.shape[0] != H.shape[1]:
        message = f"{where}: hessian has shape {H.shape}, expected (P, P)."
        raise ShapeError(message)
    damped = (H + H.T) / 2
    damped[np.diag_indices(len(H))] += damping
    try:
        H_inv: Array = cho_solve(cho_factor(damped), np.eye(len(H)))
    except LinAlgError as error:
        lowest = float(np.linalg.eigvalsh(damped)[0])
        message = (
            f"{where}: H + {damping:g} I has the eigenvalue {lowest:.3g}, expected all above 0. "
            f"Train closer to a minimum, take damping above {damping - lowest:.3g}, or "
            "GaussNewton in place of Hessian."
        )
        raise ArgumentError(message) from error
    return (H_inv + H_inv.T) / 2


def obs_saliency(theta: ArrayLike, H_inv: ArrayLike) -> Array:
    """Compute the price of removing each weight: s_q = w_q² / (2 [H⁻¹]_qq).

    Parameters
    ----------
    theta : ndarray of shape (P,)
        The weights.
    H_inv : ndarray of shape (P, P)
        Inverse of the Hessian.

    Returns
    -------
    saliencies : ndarray of shape (P,)
        At most OBD's ½ h w², which is the price if the other weights do not help.

    Raises
    ------
    ArgumentError
        If a value is not finite, or the diagonal of ``H_inv`` not above 0.
    ShapeError
        If the two do not fit.

    References
    ----------
    Hassibi & Stork (1993), Optimal Brain Surgeon, NeurIPS 5, 164-171.

    Examples
    --------
    >>> obs_saliency([2.0, 1.0], [[0.5, 0.25], [0.25, 0.5]])
    array([4., 1.])
    """
    w, inverse = _checked(theta, H_inv, "obs_saliency")
    _check_diagonal(np.diag(inverse), "obs_saliency")
    return np.square(w) / (2 * np.diag(inverse))


def obs_update(theta: ArrayLike, H_inv: ArrayLike, q: int) -> Array:
    """Compute the step of all weights that removes weight q at the lowest price.

    Parameters
    ----------
    theta : ndarray of shape (P,)
        The weights.
    H_inv : ndarray of shape (P, P)
        Inverse of the Hessian.
    q : int
        Which weight becomes 0.

    Returns
    -------
    delta : ndarray of shape (P,)
        To be added to ``theta``.

    Raises
    ------
    ArgumentError
        If there is no weight q, a value is not finite, or entry q of the diagonal not above 0.
    ShapeError
        If the two arrays do not fit.

    References
    ----------
    Hassibi & Stork (1993), Optimal Brain Surgeon, NeurIPS 5, 164-171.

    Examples
    --------
    >>> obs_update([2.0, 1.0], [[0.5, 0.25], [0.25, 0.5]], q=1)
    array([-0.5, -1. ])
    """
    w, inverse = _checked(theta, H_inv, "obs_update")
    q = check_count(q, "q", "obs_update", 0)
    if q >= len(w):
        message = f"obs_update: q is {q!r}, expected a number from 0 to {len(w) - 1}."
        raise ArgumentError(message)
    _check_diagonal(inverse[q, q], "obs_update")
    delta: Array = -(w[q] / inverse[q, q]) * inverse[:, q]
    return delta


def obs_prune(
    model: Sequential, hessian: Any, sparsity: float, *, damping: float = 1e-6
) -> SurgeonResult:
    """Remove the cheapest weights one after the other, adjusting all that are left.

    Biases are adjusted and never removed. H stays that of the start: after each step its inverse is
    brought to the remaining weights by a rank-one change,

        H⁻¹ ← H⁻¹ − H⁻¹ e_q e_qᵀ H⁻¹ / [H⁻¹]_qq

    so that on a quadratic the sequence of steps is exact, too. For a network the Hessian changes
    with the weights: remove a few percent, retrain, and compute it anew.

    Parameters
    ----------
    model : Sequential
        A trained model; ``theta`` and ``mask`` change.
    hessian : ndarray of shape (P, P), or a curvature operator
        H at ``theta``.
    sparsity : float
        Share of the weights to be gone in the end, from 0 to below 1; those that ``model.mask``
        has pruned count.
    damping : float, default 1e-6
        Added to every eigenvalue of H.

    Returns
    -------
    result : SurgeonResult
        What went, and at what price.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or H with damping is not positive definite; then
        nothing changes.
    ShapeError
        If H does not fit the model.

    References
    ----------
    Hassibi & Stork (1993), Optimal Brain Surgeon, NeurIPS 5, 164-171.
    """
    where = "obs_prune"
    check_model(model, where)
    sparsity = check_number(sparsity, "sparsity", where, below=1)
    H = _as_matrix(hessian, where)
    check_shape(H, (model.theta.size,) * 2, f"{where}: hessian", "for the parameters")
    slices = weight_slices(model, where).values()
    candidates = np.concatenate([np.arange(s.start, s.stop) for s in slices])
    mask = np.ones(model.theta.shape, bool) if model.mask is None else model.mask.copy()
    free = np.flatnonzero(mask)  # what was pruned before stays at zero: the others' Hessian counts
    inverse = np.zeros_like(H)
    inverse[np.ix_(free, free)] = damped_inverse(H[np.ix_(free, free)], damping)
    w = model.theta.astype(float)
    n_wanted = round(sparsity * len(candidates)) - int(np.count_nonzero(~mask[candidates]))
    order, saliencies = [], []
    for _ in range(max(n_wanted, 0)):
        left = candidates[mask[candidates]]
        prices = np.square(w[left]) / (2 * inverse[left, left])
        q = int(left[np.argmin(prices)])
        order.append(q)
        saliencies.append(float(prices.min()))
        column = inverse[:, q] / np.sqrt(inverse[q, q])
        w -= (w[q] / column[q]) * column
        inverse -= np.outer(column, column)
        mask[q] = False
        inverse[q] = inverse[:, q] = 0.0
    model.theta = w
    model.mask = mask  # makes the pruned ones exactly zero, where rounding has left something
    return SurgeonResult(np.array(order, int), np.array(saliencies))


def _as_matrix(hessian: Any, where: str) -> Array:
    """Return the matrix, or that of an operator, in float64."""
    matrix = hessian.dense() if hasattr(hessian, "dense") else hessian
    H = as_array(matrix, np.dtype(float), f"{where}: hessian")
    _check_finite(H, "hessian", where)
    return H


def _check_finite(values: Array, name: str, where: str) -> None:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        message = f"{where}: {name} holds nan or infinity in {bad} places, expected finite numbers."
        raise ArgumentError(message)


def _check_diagonal(diagonal: ArrayLike, where: str) -> None:
    lowest = float(np.min(diagonal, initial=np.inf))
    if lowest <= 0:
        message = (
            f"{where}: H_inv has {lowest:.3g} on its diagonal, expected numbers above 0, as the "
            "inverse of a positive definite matrix has. See damped_inverse."
        )
        raise ArgumentError(message)


def _checked(theta: ArrayLike, H_inv: ArrayLike, where: str) -> tuple[Array, Array]:
    w = as_array(theta, np.dtype(float), f"{where}: theta")
    inverse = as_array(H_inv, np.dtype(float), f"{where}: H_inv")
    if w.ndim != 1:
        message = f"{where}: theta has shape {w.shape}, expected (P,)."
        raise ShapeError(message)
    check_shape(inverse, (len(w), len(w)), f"{where}: H_inv", "for the weights")
    _check_finite(w, "theta", where)
    _check_finite(inverse, "H_inv", where)
    return w, inverse

"""Gradient clipping: keep one steep place from throwing the parameters far away.

Both functions change a gradient in place. With ``fit``, use the callback
``nnlib.training.ClipGradient``.

    >>> import numpy as np
    >>> grad = np.array([3.0, -4.0])
    >>> clip_by_global_norm(grad, max_norm=1.0)
    5.0
    >>> grad
    array([ 0.6, -0.8])
"""

from __future__ import annotations

import numpy as np

from nnlib._array import FLOAT_TYPES, Array, check_number
from nnlib.errors import DtypeError


def clip_by_value(grad: Array, limit: float) -> None:
    """Cut every entry of a gradient to −limit ... limit, in place; this changes its direction.

    Parameters
    ----------
    grad : ndarray of any shape
        Changed in place. A nan stays, for the optimizer to refuse.
    limit : float
        Largest size of an entry, above 0.

    Raises
    ------
    DtypeError
        If ``grad`` is not an array of float32 or float64, which alone can be changed in place.
    ArgumentError
        If ``limit`` is not above 0.

    References
    ----------
    Mikolov (2012), PhD thesis, Brno University of Technology.

    Examples
    --------
    >>> grad = np.array([0.5, -3.0, 2.0])
    >>> clip_by_value(grad, limit=1.0)
    >>> grad
    array([ 0.5, -1. ,  1. ])
    """
    _check_gradient(grad, "clip_by_value")
    limit = check_number(limit, "limit", "clip_by_value", positive=True)
    np.clip(grad, -limit, limit, out=grad)


def clip_by_global_norm(grad: Array, max_norm: float) -> float | Array:
    """Scale a gradient down to norm ``max_norm`` if it is longer; its direction stays.

        g ← g · min(1, max_norm / ‖g‖)

    Parameters
    ----------
    grad : ndarray of shape (P,), or (F, P) for F folds
        Changed in place; each fold has a norm of its own. A gradient that holds nan or infinity
        stays as it is, for the optimizer to refuse.
    max_norm : float
        Largest norm, above 0.

    Returns
    -------
    norm : float, or ndarray of shape (F,)
        ‖g‖ before: what to plot when choosing ``max_norm``.

    Raises
    ------
    DtypeError
        If ``grad`` is not an array of float32 or float64, which alone can be changed in place.
    ArgumentError
        If ``max_norm`` is not above 0.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), ICML, arXiv 1211.5063.

    Examples
    --------
    >>> grad = np.array([[3.0, -4.0], [0.3, 0.4]])
    >>> clip_by_global_norm(grad, max_norm=1.0)
    array([5. , 0.5])
    >>> grad
    array([[ 0.6, -0.8],
           [ 0.3,  0.4]])
    """
    _check_gradient(grad, "clip_by_global_norm")
    max_norm = check_number(max_norm, "max_norm", "clip_by_global_norm", positive=True)
    if grad.ndim < 2:
        norm = global_norm(grad)
        if max_norm < norm < np.inf:
            grad *= max_norm / norm
        return norm
    rows = grad.reshape(-1, grad.shape[-1]) if grad.flags.c_contiguous else None
    if rows is None:  # a slice of folds: reshaping would copy, and the change would be lost
        return np.array([clip_by_global_norm(fold, max_norm) for fold in grad])
    norms = np.array([clip_by_global_norm(row, max_norm) for row in rows])
    return norms.reshape(grad.shape[:-1])


def global_norm(grad: Array) -> float:
    """Return the Euclidean norm of a vector, also where the squares overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.vdot(grad, grad))
        if np.isfinite(square):
            return float(np.sqrt(square))
        largest = float(np.abs(grad).max())
        if not np.isfinite(largest):
            return largest
        scaled = grad / grad.dtype.type(largest)
        return largest * float(np.sqrt(np.vdot(scaled, scaled)))


def _check_gradient(grad: object, where: str) -> None:
    """Raise unless ``grad`` can be changed in place."""
    if not isinstance(grad, np.ndarray) or grad.dtype not in FLOAT_TYPES:
        kind = f"an array of {grad.dtype}" if isinstance(grad, np.ndarray) else f"{grad!r:.60}"
        message = (
            f"{where}: grad is {kind}, expected an array of float32 or float64, which is changed "
            "in place. Pass model.grad."
        )
        raise DtypeError(message)

"""Criteria for single weights: a score for each, the smaller the sooner it goes.

A criterion is a function of the model, and of data and loss where it asks for the gradient or the
curvature. It returns one score for each entry of ``theta``, biases included; what is a weight, and
how many go, is the business of ``select``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_shape
from nnlib.errors import ArgumentError
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.pruning._structure import check_model, evaluating

if TYPE_CHECKING:
    from nnlib.layers import Sequential

Criterion: TypeAlias = Callable[["Sequential"], Array]
"""A function from a model to scores (P,), such as ``partial(taylor, X=X, y=y, loss=loss)``."""


def magnitude(model: Sequential) -> Array:
    """Score each weight by its size: |w|.

    Parameters
    ----------
    model : Sequential
        The model.

    Returns
    -------
    scores : ndarray of shape (P,)
        One for each entry of ``theta``.

    References
    ----------
    Han, Pool, Tran & Dally (2015), NeurIPS 28, 1135-1143.

    Examples
    --------
    >>> from nnlib import Linear, Sequential
    >>> model = Sequential(Linear(2, 1, bias=False, dtype=np.float64))
    >>> model.theta = [-3.0, 2.0]
    >>> magnitude(model)
    array([3., 2.])
    """
    scores: Array = np.abs(check_model(model, "magnitude").theta)
    return scores


def snip(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss) -> Array:
    """Score each weight by how strongly the loss answers to its connection: |g w|.

    With a gate c = 1 on each connection, w → c w, the slope of the loss is ∂L/∂c = g w. It is meant
    for the untrained network; the paper divides by the sum, which changes no order. g is the
    gradient of the mean loss of all rows, so opposite rows cancel.

    Parameters
    ----------
    model : Sequential
        The model; it runs in evaluation mode.
    X : ndarray of shape (N, ...)
        Rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.

    Returns
    -------
    scores : ndarray of shape (P,)
        One for each entry of ``theta``.

    Raises
    ------
    DtypeError
        If ``loss`` is not a loss.
    ShapeError
        If rows and targets do not fit.

    References
    ----------
    Lee, Ajanthan & Torr (2019), SNIP, ICLR.
    """
    return np.abs(gradient(model, X, y, loss, "snip") * model.theta)


def taylor(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss) -> Array:
    """Score each weight by the squared first-order change of the loss without it: (g w)².

    To first order the loss changes by −g w when w becomes 0. For whole units see ``unit_taylor``,
    which sums before it squares.

    Parameters
    ----------
    model : Sequential
        The model; it runs in evaluation mode.
    X : ndarray of shape (N, ...)
        Rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.

    Returns
    -------
    scores : ndarray of shape (P,)
        One for each entry of ``theta``.

    Raises
    ------
    DtypeError
        If ``loss`` is not a loss.
    ShapeError
        If rows and targets do not fit.

    References
    ----------
    Molchanov, Mallya, Tyree, Frosio & Kautz (2019), CVPR, 11264-11272.
    """
    return np.square(gradient(model, X, y, loss, "taylor") * model.theta)


def obd(
    model: Sequential,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    loss: Loss | None = None,
    *,
    diagonal: ArrayLike | None = None,
) -> Array:
    """Score each weight by the second-order change of the loss without it: ½ h w².

    h is the diagonal of the Hessian. The rest of the Hessian and the gradient are left out, so the
    score is the true change where the loss is a quadratic without mixed terms, at its minimum.

    Parameters
    ----------
    model : Sequential
        A trained model; it runs in evaluation mode.
    X : ndarray of shape (N, ...), optional
        Rows.
    y : ndarray of shape (N,) or (N, ...), optional
        Their targets.
    loss : Loss, optional
        For example ``CrossEntropy()``.
    diagonal : ndarray of shape (P,), optional
        h, if it is known already, or that of another matrix such as ``GaussNewton``, which is
        never negative. By default the exact one of X, y and loss.

    Returns
    -------
    scores : ndarray of shape (P,)
        One for each entry of ``theta``; negative where the loss bends down.

    Raises
    ------
    ArgumentError
        If neither the diagonal nor all of X, y and loss are given.
    ShapeError
        If something does not fit the model.

    References
    ----------
    LeCun, Denker & Solla (1990), Optimal Brain Damage, NeurIPS 2, 598-605.

    Examples
    --------
    >>> from nnlib import Linear, Sequential
    >>> model = Sequential(Linear(2, 1, bias=False, dtype=np.float64))
    >>> model.theta = [3.0, 2.0]
    >>> obd(model, diagonal=[1.0, 4.0])
    array([4.5, 8. ])
    """
    theta = check_model(model, "obd").theta
    if diagonal is None:
        if X is None or y is None or loss is None:
            message = "obd: no diagonal, expected diagonal=..., or X, y and loss to compute it."
            raise ArgumentError(message)
        from nnlib.curvature import Hessian  # here: the other criteria need none of it

        with evaluating(model):
            diagonal = Hessian(model, X, y, loss).diagonal()
    h = as_array(diagonal, theta.dtype, "obd: diagonal")
    check_shape(h, theta.shape, "obd: diagonal", "like theta")
    scores: Array = 0.5 * h * np.square(theta)
    return scores


def ablation(
    model: Sequential,
    X: ArrayLike,
    y: ArrayLike,
    loss: Loss,
    *,
    indices: Sequence[int] | None = None,
) -> Array:
    """Measure how much the loss changes without each weight: one evaluation for each.

    What the other criteria estimate, at a price that only small models can pay.

    Parameters
    ----------
    model : Sequential
        The model; its parameters are as before in the end.
    X : ndarray of shape (N, ...)
        Rows.
    y : ndarray of shape (N,) or (N, ...)
        Their targets.
    loss : Loss
        For example ``CrossEntropy()``.
    indices : sequence of int, optional
        Places in ``theta``, perhaps none; all by default.

    Returns
    -------
    changes : ndarray of shape (P,), or (len(indices),)
        Loss without the weight minus loss with it; negative where it was harmful.

    Raises
    ------
    ArgumentError
        If an index is outside ``theta``.
    DtypeError
        If ``loss`` is not a loss.
    ShapeError
        If rows and targets do not fit.
    """
    theta = check_model(model, "ablation").theta
    places = np.arange(theta.size) if indices is None else np.asarray(indices)
    if places.shape == (0,):  # an empty list has the type of fractions
        places = places.astype(int)
    whole = places.ndim == 1 and places.dtype.kind in "iu"
    if not whole or ((places < 0) | (places >= theta.size)).any():
        message = (
            f"ablation: indices are {indices!r:.60}, expected places in theta, "
            f"from 0 to {theta.size - 1}."
        )
        raise ArgumentError(message)
    before = mean_loss(model, X, y, loss, "ablation")
    changes = np.empty(len(places))
    for k, place in enumerate(places):
        value = theta[place]
        theta[place] = 0.0
        try:
            changes[k] = mean_loss(model, X, y, loss, "ablation") - before
        finally:
            theta[place] = value
    return changes


def gradient(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss, where: str) -> Array:
    """Compute the gradient of the mean loss in evaluation mode; ``model.grad`` stays as it was.

    Parameters
    ----------
    model : Sequential
        The model.
    X, y : ndarray
        Rows and targets.
    loss : Loss
        For example ``CrossEntropy()``.
    where : str
        Who asks, for errors.

    Returns
    -------
    g : ndarray of shape (P,)
        A copy.
    """
    check_model(model, where)
    check_loss(loss, where)
    before = model.grad.copy()
    try:
        with evaluating(model):
            return model.loss_and_gradient(X, y, loss)[1].copy()
    finally:
        model.grad = before


def mean_loss(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Loss, where: str) -> float:
    """Compute the mean loss in evaluation mode.

    Parameters
    ----------
    model : Sequential
        The model.
    X, y : ndarray
        Rows and targets.
    loss : Loss
        For example ``CrossEntropy()``.
    where : str
        Who asks, for errors.

    Returns
    -------
    value : float
        The loss.
    """
    check_loss(loss, where)
    return loss.forward(model.predict(X), y)

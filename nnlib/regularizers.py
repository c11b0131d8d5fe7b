"""Penalties on the size of the weights: L1, L2, and both.

A penalty adds to the loss what large weights cost; ``fit(..., penalty=L2(1e-3))`` uses it. It acts
where ``decay_mask`` is True: on weights, not on biases. The forms are λΣ|w| and λΣw², without ½.

Decoupled weight decay is no penalty: it belongs to the step, not to the loss, and so to the
optimizer (``AdamW``, ``Lion``, ``Muon``).

    >>> import numpy as np
    >>> theta, weights_only = np.array([2.0, -3.0, 5.0]), np.array([True, True, False])
    >>> L1(0.1).value(theta, weights_only), L2(0.1).value(theta, weights_only)
    (0.5, 1.3)
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, as_array, check_number
from nnlib.errors import ArgumentError

__all__ = ["L1", "L2", "ElasticNet", "Penalty", "soft_threshold"]


class Penalty(ABC):
    """What a penalty can do; each array is ``theta`` or shaped like it.

    Leading axes of ``theta`` are folds; ``decay_mask`` has shape (P,) and serves all of them.

    Attributes
    ----------
    proximal : bool
        Whether part of it acts by ``prox``: set it in a subclass that overrides that.
    """

    proximal: bool = False

    @abstractmethod
    def value(self, theta: Array, decay_mask: BoolArray) -> float:
        """Return the penalty, in units of the loss; with folds, the sum over all.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.

        Returns
        -------
        value : float
            At least 0.
        """

    @abstractmethod
    def gradient(self, theta: Array, grad: Array, decay_mask: BoolArray) -> None:
        """Add the gradient of the penalty to ``grad``, in place.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        grad : ndarray of shape (..., P)
            Changed in place.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.
        """

    def hessian_diagonal(self, theta: Array, decay_mask: BoolArray) -> Array:  # ruff: ignore[unused-method-argument]  for subclasses
        """Return the second derivatives of what ``gradient`` adds; zero unless overridden.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.

        Returns
        -------
        diagonal : ndarray of shape (..., P)
            The Hessian of the penalty has nothing off its diagonal.
        """
        return np.zeros_like(theta)

    def prox(self, theta: Array, lr: float, decay_mask: BoolArray) -> None:  # ruff: ignore[empty-method-without-abstract-decorator]  most have no such part
        """Do the part of the penalty that follows the step; nothing unless ``proximal``.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            Changed in place.
        lr : float
            Learning rate of the step just taken.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.
        """


class ElasticNet(Penalty):
    """Penalize sizes and squares: R = l1 Σ|w| + l2 Σw², over the weights.

        ∂R/∂w = l1 sign(w) + 2 l2 w        with sign(0) = 0

    With ``proximal=True`` the gradient holds the second part only, and after each step

        w ← sign(w) max(|w| − lr l1, 0)

    which leaves exact zeros. The gradient of |w| alone never does: it steps over zero, back and
    forth.

    The step is exact for plain gradient steps, ``SGD`` without momentum: only these end at the
    minimum of loss + R. With ``Adam``, ``AdamW`` and ``RMSProp`` the threshold is the same, lr l1,
    while the step of each weight is divided by the size d of its gradients: there l1 acts as
    l1 · d, another strength for each weight. ``fit`` refuses the rest: momentum, with which l1
    would act as l1 · (1 − momentum); ``AdaGrad``, whose d grows without end; ``Lion`` and ``Muon``,
    whose steps do not grow with the gradient; and optimizers that ask for losses, which see none
    of R.

    Parameters
    ----------
    l1, l2 : float, default 0
        Strengths, in units of the loss per unit of w, and of w².
    proximal : bool, default False
        Whether the first part acts by a step of its own.

    References
    ----------
    Zou & Hastie (2005), Journal of the Royal Statistical Society B 67, 301-320.
    Parikh & Boyd (2014), Foundations and Trends in Optimization 1, 127-239.

    Examples
    --------
    >>> theta, grad, mask = np.array([2.0, -3.0]), np.zeros(2), np.array([True, True])
    >>> penalty = ElasticNet(l1=0.5, l2=0.1)
    >>> penalty.value(theta, mask)
    3.8
    >>> penalty.gradient(theta, grad, mask)
    >>> grad
    array([ 0.9, -1.1])
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, *, proximal: bool = False) -> None:
        where = type(self).__name__
        self._l1 = check_number(l1, "strength" if where == "L1" else "l1", where)
        self._l2 = check_number(l2, "strength" if where == "L2" else "l2", where)
        if not isinstance(proximal, bool):
            message = f"{where}: proximal is {proximal!r}, expected True or False."  # type: ignore[unreachable]  # callers need not be typed
            raise ArgumentError(message)
        self.proximal = proximal

    @property
    def l1(self) -> float:
        """Strength of Σ|w|."""
        return self._l1

    @property
    def l2(self) -> float:
        """Strength of Σw²."""
        return self._l2

    def value(self, theta: Array, decay_mask: BoolArray) -> float:
        """Return l1 Σ|w| + l2 Σw².

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.

        Returns
        -------
        value : float
            In units of the loss; with folds, the sum over all.
        """
        w = theta * decay_mask
        total = 0.0
        if self._l1:
            total += self._l1 * float(np.abs(w).sum())
        if self._l2:
            total += self._l2 * float(np.vdot(w, w))
        return total

    def gradient(self, theta: Array, grad: Array, decay_mask: BoolArray) -> None:
        """Add l1 sign(w) + 2 l2 w to ``grad``; without the first part if ``proximal``.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        grad : ndarray of shape (..., P)
            Changed in place.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.
        """
        if self._l1 and not self.proximal:
            push = np.sign(theta)
            push *= self._l1
            push *= decay_mask
            grad += push
        if self._l2:
            pull = theta * (2.0 * self._l2)
            pull *= decay_mask
            grad += pull

    def hessian_diagonal(self, theta: Array, decay_mask: BoolArray) -> Array:
        """Return 2 l2 for each weight.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            All parameters.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.

        Returns
        -------
        diagonal : ndarray of shape (..., P)
            Second derivatives; |w| has none but 0.
        """
        diagonal = np.zeros_like(theta)
        diagonal += 2.0 * self._l2 * decay_mask
        return diagonal

    def prox(self, theta: Array, lr: float, decay_mask: BoolArray) -> None:
        """Shrink each weight by lr · l1 and stop at zero, if ``proximal``.

        Parameters
        ----------
        theta : ndarray of shape (..., P)
            Changed in place.
        lr : float
            Learning rate of the step just taken.
        decay_mask : ndarray of bool of shape (P,)
            True where the penalty acts.
        """
        if self.proximal and self._l1:
            threshold = decay_mask.astype(theta.dtype)
            threshold *= lr * self._l1
            np.copyto(theta, _shrunk(theta, threshold))

    def __repr__(self) -> str:
        proximal = ", proximal=True" if self.proximal else ""
        return f"ElasticNet(l1={self._l1:g}, l2={self._l2:g}{proximal})"


class L1(ElasticNet):
    """Penalize sizes: R = λ Σ|w|, over the weights; ∂R/∂w = λ sign(w), with sign(0) = 0.

    With ``proximal=True`` weights become exactly zero: see ``ElasticNet``.

    Parameters
    ----------
    strength : float
        λ, in units of the loss per unit of w.
    proximal : bool, default False
        Whether it acts by soft thresholding after each step instead of by its gradient.

    References
    ----------
    Tibshirani (1996), Journal of the Royal Statistical Society B 58, 267-288.

    Examples
    --------
    >>> theta, mask = np.array([0.3, -0.02, 0.01]), np.array([True, True, False])
    >>> L1(0.5, proximal=True).prox(theta, lr=0.1, decay_mask=mask)
    >>> theta
    array([ 0.25, -0.  ,  0.01])
    """

    def __init__(self, strength: float, *, proximal: bool = False) -> None:
        super().__init__(l1=strength, proximal=proximal)

    def __repr__(self) -> str:
        return f"L1({self._l1:g}{', proximal=True' if self.proximal else ''})"


class L2(ElasticNet):
    """Penalize squares: R = λ Σw², over the weights; ∂R/∂w = 2 λ w.

    Without ½: under plain SGD each step multiplies w by 1 − 2 lr λ, as ``weight_decay=2λ`` does.

    Parameters
    ----------
    strength : float
        λ, in units of the loss per unit of w².

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12, 55-67.

    Examples
    --------
    >>> theta, grad = np.array([2.0, -3.0, 5.0]), np.zeros(3)
    >>> L2(0.1).gradient(theta, grad, np.array([True, True, False]))
    >>> grad
    array([ 0.4, -0.6,  0. ])
    """

    def __init__(self, strength: float) -> None:
        super().__init__(l2=strength)

    def __repr__(self) -> str:
        return f"L2({self._l2:g})"


def soft_threshold(w: ArrayLike, threshold: float) -> Array:
    """Move each number toward zero by ``threshold``, and stop there.

        sign(w) max(|w| − threshold, 0) = argmin_u  ½ (u − w)² + threshold |u|

    Parameters
    ----------
    w : ndarray of any shape
        Numbers.
    threshold : float
        How far, at least 0.

    Returns
    -------
    u : ndarray of the shape of w
        A fresh array.

    Raises
    ------
    ArgumentError
        If ``threshold`` is negative or no number.
    DtypeError
        If ``w`` does not hold real numbers.

    References
    ----------
    Donoho (1995), IEEE Transactions on Information Theory 41, 613-627.

    Examples
    --------
    >>> soft_threshold(np.array([3.0, -0.5, -2.0]), 1.0)
    array([ 2., -0., -1.])
    """
    array = as_array(w, None, "soft_threshold: w")
    return _shrunk(array, check_number(threshold, "threshold", "soft_threshold"))


def _shrunk(w: Array, threshold: Array | float) -> Array:
    size = np.abs(w)
    size -= threshold
    np.maximum(size, 0.0, out=size)
    return np.copysign(size, w)

"""Hinge losses: a margin between right and wrong, and nothing beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, check_number
from nnlib.errors import ArgumentError, ShapeError
from nnlib.losses.base import Loss, Share, as_targets, like_prediction, weighted_sum
from nnlib.losses.cross_entropy import check_labels

KINDS = ("weston-watkins", "crammer-singer")


class Hinge(Loss):
    """Ask for a margin m between right and wrong scores, and for no more.

    Of yes-or-no questions (targets of the shape of the scores z, s = ±1):

        L = mean( max(0, m − s z) )

    Of one class out of K (integer labels, one for each row):

        Weston–Watkins    L = mean( Σ_{k≠label} max(0, m − z_label + z_k) / K )
        Crammer–Singer    L = mean( max(0, m − z_label + max_{k≠label} z_k) )

    The first is PyTorch's ``MultiMarginLoss``, the second scikit-learn's ``hinge_loss``. At the
    kink, where the margin is met exactly, the gradient is 0; a tie between wrong classes goes to
    the first of them.

    Parameters
    ----------
    margin : float, default 1.0
        m, above 0.
    multiclass : {"weston-watkins", "crammer-singer"}
        Which loss integer labels ask for.

    References
    ----------
    Cortes & Vapnik (1995), Machine Learning 20, 273-297.
    Weston & Watkins (1999), ESANN, 219-224.
    Crammer & Singer (2001), Journal of Machine Learning Research 2, 265-292.

    Examples
    --------
    >>> loss = Hinge()
    >>> loss.forward(np.array([[2.0], [0.5]]), [[1], [-1]])  # (0 + 1.5) / 2
    0.75
    >>> loss.backward()
    array([[0. ],
           [0.5]])
    >>> loss.forward(np.array([[1.0, 0.5]]), [0])  # max(0, 1 − 1 + 0.5) / 2 classes
    0.25
    """

    def __init__(self, margin: float = 1.0, *, multiclass: str = "weston-watkins") -> None:
        super().__init__()
        self.margin = check_number(margin, "margin", "Hinge", below=np.inf, positive=True)
        if multiclass not in KINDS:
            message = f"Hinge: multiclass is {multiclass!r}, expected one of {KINDS}."
            raise ArgumentError(message)
        self.multiclass = multiclass

    def check(
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
    ) -> np.ndarray[Any, Any]:
        """Return signs of the shape of the prediction, or integer labels, one for each row.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape (..., N, K) of the scores.
        targets : array_like of shape (..., N, K), or of int of shape (..., N)
            0 or −1 for no and 1 for yes; or class labels.
        dtype : dtype
            Type of the model's output.

        Returns
        -------
        targets : ndarray
            Signs −1 and 1, or labels.

        Raises
        ------
        ShapeError
            If the targets have neither shape, or there are none.
        DtypeError
            If labels are not integers.
        ArgumentError
            If a target is outside what it may be.
        """
        given = as_targets(self, targets)
        if len(prediction_shape) < 1 or 0 in prediction_shape:
            message = f"{self!r}: scores have shape {prediction_shape}, expected no axis empty."
            raise ShapeError(message)
        if given.shape != prediction_shape and prediction_shape[-1] > 1:
            return check_labels(self, prediction_shape, given)
        t = like_prediction(self, prediction_shape, targets, dtype)
        if not (np.abs(t) == 1).all():
            if not ((t == 0) | (t == 1)).all():
                message = (
                    f"{self!r}: targets run from {t.min():g} to {t.max():g}, expected only -1 and "
                    "1, or only 0 and 1."
                )
                raise ArgumentError(message)
            t = 2.0 * t - 1.0
        return t

    def _terms_shape(self, z: Array, t: np.ndarray[Any, Any]) -> tuple[int, ...]:
        return z.shape if t.ndim == z.ndim else z.shape[:-1]

    def _value(self, z: Array, t: Any, share: Share) -> float:
        if t.ndim == z.ndim:
            terms: Array = np.multiply(z, -t, out=self._array("terms", z.shape, z.dtype))
            terms += self.margin
            slope: Array = np.where(terms > 0, -t, 0)
            np.maximum(terms, 0, out=terms)
            slope *= share
        else:
            terms, slope = self._multiclass(z, t)
            slope *= share if isinstance(share, float) else share[..., np.newaxis]
        # The loss is made of straight pieces, so the gradient is known as soon as the value is.
        self._kept = {"dz": slope}
        if t.ndim < z.ndim:
            self._kept["right"] = int(np.count_nonzero(z.argmax(axis=-1) == t))
        else:
            right = ((z > 0) == (t > 0)).reshape(len(z), -1)
            self._kept["right"] = int(np.count_nonzero(right.all(axis=1)))
        return weighted_sum(terms, share)

    def _multiclass(self, z: Array, t: np.ndarray[Any, Any]) -> tuple[Array, Array]:
        """Return the term of each row, and its slope in every score."""
        labels = t.astype(np.intp, copy=False)[..., np.newaxis]
        excess: Array = z - np.take_along_axis(z, labels, axis=-1)
        excess += self.margin
        if self.multiclass == "weston-watkins":
            np.put_along_axis(excess, labels, 0, axis=-1)
            np.maximum(excess, 0, out=excess)
            slope: Array = (excess > 0).astype(z.dtype)
            slope /= z.shape[-1]
            terms: Array = np.add.reduce(excess, axis=-1) / z.shape[-1]
        else:
            np.put_along_axis(excess, labels, -np.inf, axis=-1)
            rival = excess.argmax(axis=-1)[..., np.newaxis]
            worst = np.take_along_axis(excess, rival, axis=-1)
            slope = np.zeros_like(z)
            np.put_along_axis(slope, rival, (worst > 0).astype(z.dtype), axis=-1)
            terms = np.maximum(worst[..., 0], 0)
        np.put_along_axis(slope, labels, -slope.sum(axis=-1, keepdims=True), axis=-1)
        return terms, slope

    def backward(self) -> Array:
        """Return dz: −s / n where the margin is missed, and the like for several classes.

        Returns
        -------
        dz : ndarray of the shape of the prediction
            Loss gradient at the scores, a fresh array. 0 wherever the margin is met.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept: Array = self._recall("backward")["dz"]
        dz: Array = self._array("dz", kept.shape, kept.dtype)
        np.copyto(dz, kept)
        return dz

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return zeros: between its kinks the loss is straight.

        Parameters
        ----------
        prediction_dot : ndarray of the shape of the prediction
            Change of the scores; leading axes are directions.

        Returns
        -------
        dz_dot : ndarray of that shape
            Zeros.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``prediction_dot`` does not end in the shape of the prediction.
        """
        change = self._tangent(prediction_dot, self._recall("rbackward")["dz"])
        return np.zeros_like(change)

    def count_correct(self) -> int:
        """Count the rows of the last ``forward`` on the right side, or with the right class first.

        Returns
        -------
        count : int
            Number of such rows.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        return int(self._recall("count_correct")["right"])

    def __repr__(self) -> str:
        kind = "" if self.multiclass == KINDS[0] else f", multiclass={self.multiclass!r}"
        return f"Hinge(margin={self.margin:g}{kind})"

"""Cross-entropy of one class out of K, from logits: labels, probabilities, smoothed labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, check_number
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.losses.base import Loss, Share, as_targets, weighted_sum


class CrossEntropy(Loss):
    """Cross-entropy of one class out of K, from logits: softmax and logarithm in one.

        L = mean( ln Σ_k e^{z_k} − z_label )        dz = (softmax(z) − onehot(label)) / N

    L is in nats: a guess among K classes costs ln K. The largest logit of a row is taken off
    first, which changes neither and prevents overflow. Targets may also be rows of probabilities
    t, as mixup makes them; then L = mean( −Σ_k t_k ln softmax(z)_k ). Label smoothing mixes the
    targets with an even guess: t ← (1 − ε) t + ε / K.

    Parameters
    ----------
    label_smoothing : float, default 0
        ε, from 0 to below 1.

    References
    ----------
    Bridle (1990), Neurocomputing, NATO ASI Series 68, 227-236.
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna (2016), CVPR, 2818-2826 (label smoothing).

    Examples
    --------
    >>> loss = CrossEntropy()
    >>> loss.forward(np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0])
    500.0
    >>> loss.backward()
    array([[ 0. ,  0. ],
           [-0.5,  0.5]])
    >>> loss.forward(np.array([[1000.0, 0.0]]), [[0.75, 0.25]])
    250.0
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = check_number(
            label_smoothing, "label_smoothing", "CrossEntropy", below=1
        )

    def check(
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
    ) -> IntArray | Array:
        """Return labels from 0 to K − 1, or rows of probabilities.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape (..., N, K) of the logits.
        targets : array_like of int of shape (..., N), or of float of shape (..., N, K)
            Class labels, or probabilities that add up to 1 in each row (within 0.001).
        dtype : dtype
            Type of the model's output, which probabilities take on.

        Returns
        -------
        targets : ndarray of intp of shape (..., N), or of float of shape (..., N, K)
            The labels or probabilities.

        Raises
        ------
        ShapeError
            If there is not one label, or one row of probabilities, for each row.
        DtypeError
            If the labels are not integers.
        ArgumentError
            If a label is not from 0 to K − 1, or a row does not hold probabilities.
        """
        given = as_targets(self, targets)
        if len(prediction_shape) < 2 or 0 in prediction_shape:
            message = (
                f"{self!r}: logits have shape {prediction_shape}, expected (N, K), N and K ≥ 1."
            )
            raise ShapeError(message)
        if given.shape == prediction_shape and given.dtype.kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):  # found by the sums
                return self._checked_probabilities(given.astype(dtype, copy=False))
        return check_labels(self, prediction_shape, given)

    def _checked_probabilities(self, t: Array) -> Array:
        """Return rows of probabilities."""
        sums = np.add.reduce(t, axis=-1)
        # One comparison that nan fails too.
        if not (t.min() >= 0 and abs(sums - 1.0).max() <= 1e-3):
            message = (
                f"{self!r}: rows of targets add up to {sums.min():g} to {sums.max():g} and their "
                f"least entry is {t.min():g}, expected probabilities that add up to 1. "
                "Divide each row by its sum, or give integer labels."
            )
            raise ArgumentError(message)
        return t

    def _terms_shape(self, z: Array, t: np.ndarray[Any, Any]) -> tuple[int, ...]:  # ruff: ignore[unused-method-argument]  the contract of all losses
        return z.shape[:-1]

    def _value(self, z: Array, t: Any, share: Share) -> float:
        n_classes, epsilon = z.shape[-1], self.label_smoothing
        p: Array = self._array("p", z.shape, z.dtype)
        rows = p.reshape(-1, n_classes)  # a view
        shifted, log_total = self._softmax(z.reshape(-1, n_classes), rows)
        self._kept = {"p": p, "share": share}
        if t.dtype.kind == "f":
            if epsilon:
                t = t * (1.0 - epsilon) + epsilon / n_classes
            mass = np.add.reduce(t, axis=-1, keepdims=True)
            self._kept |= {"t": self._keep(t), "mass": mass}
            log_total *= mass.ravel()
            own: Array = np.add.reduce(t.reshape(-1, n_classes) * shifted, axis=-1)
        else:
            labels = t.ravel().astype(np.intp)
            index = np.arange(labels.size)
            self._kept |= {"places": index * n_classes + labels, "labels": labels}
            own = shifted[index, labels]
            if epsilon:
                own *= 1.0 - epsilon
                own += (epsilon / n_classes) * np.add.reduce(shifted, axis=-1)
        log_total -= own
        return weighted_sum(log_total.reshape(z.shape[:-1]), share)

    def _softmax(self, z: Array, p: Array) -> tuple[Array, Array]:
        """Write softmax(z) into p; return z less its largest entry, and ln Σ e of that, by row."""
        # NumPy goes slowly over many short rows, and fast over few long ones. With up to some 30
        # classes it pays to work on columns: the maximum of ten classes then takes a third of the
        # time at 32 rows, and a tenth at 2,000.
        if z.shape[1] > 32:
            shifted: Array = self._array("shifted", z.shape, z.dtype)
            np.subtract(z, np.maximum.reduce(z, axis=1, keepdims=True), out=shifted)
            np.exp(shifted, out=p)
            total = np.add.reduce(p, axis=1)
            p /= total[:, np.newaxis]
            return shifted, np.log(total, out=total)
        columns: Array = self._array("shifted", z.shape[::-1], z.dtype)
        np.copyto(columns, z.T)
        columns -= np.maximum.reduce(columns, axis=0)
        e: Array = np.exp(columns, out=self._array("e", columns.shape, z.dtype))
        total = np.add.reduce(e, axis=0)
        np.divide(e.T, total[:, np.newaxis], out=p)
        return columns.T, np.log(total, out=total)

    def backward(self) -> Array:
        """Return dz = (softmax(z) − t) / N, where t is 1 at the label, or the probabilities given.

        With row weights 1/N becomes the share of the row.

        Returns
        -------
        dz : ndarray of shape (..., N, K)
            Loss gradient at the logits, in nats per unit of z, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("backward")
        p, share = kept["p"], kept["share"]
        row_share = share if type(share) is float else share[..., np.newaxis]
        dz: Array = self._array("dz", p.shape, p.dtype)
        if "t" in kept:
            np.multiply(p, kept["mass"], out=dz)
            dz -= kept["t"]
            dz *= row_share
            return dz
        epsilon = self.label_smoothing
        if epsilon:
            np.subtract(p, epsilon / p.shape[-1], out=dz)
            dz *= row_share
        else:
            np.multiply(p, row_share, out=dz)
        own = share if type(share) is float else np.broadcast_to(share, p.shape[:-1]).ravel()
        dz.reshape(-1)[kept["places"]] -= own * (1.0 - epsilon)
        return dz

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return p (z_dot − Σ_k p_k z_dot_k) / N, with p = softmax(z): the targets drop out.

        Parameters
        ----------
        prediction_dot : ndarray of shape (..., N, K)
            Change of the logits; leading axes are directions.

        Returns
        -------
        dz_dot : ndarray of that shape
            Change of the gradient.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``prediction_dot`` does not end in the shape of the prediction.
        """
        kept = self._recall("rbackward")
        p, share = kept["p"], kept["share"]
        change = self._tangent(prediction_dot, p)
        mean = (p * change).sum(axis=-1, keepdims=True)
        result: Array = p * (change - mean)
        result *= share if type(share) is float else share[..., np.newaxis]
        if "mass" in kept:
            result *= kept["mass"]
        return result

    def count_correct(self) -> int:
        """Count the rows of the last ``forward`` whose largest logit is that of their label.

        Where targets are probabilities, the most probable class counts as the label.

        Returns
        -------
        count : int
            Number of such rows.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("count_correct")
        p = kept["p"]
        best = p.reshape(-1, p.shape[-1]).argmax(axis=-1)
        if "t" in kept:
            return int(np.count_nonzero(best == kept["t"].argmax(axis=-1).ravel()))
        return int(np.count_nonzero(best == kept["labels"]))

    def __repr__(self) -> str:
        smoothing = f"label_smoothing={self.label_smoothing:g}" if self.label_smoothing else ""
        return f"CrossEntropy({smoothing})"


def check_labels(
    loss: Loss, prediction_shape: tuple[int, ...], labels: np.ndarray[Any, Any]
) -> IntArray:
    """Return integer labels from 0 to K − 1, one for each row of K logits."""
    expected, n_classes = prediction_shape[:-1], prediction_shape[-1]
    if labels.shape != expected:
        hint = ""
        if labels.shape == prediction_shape:
            hint = " They look one-hot: use targets.argmax(axis=-1)."
        elif labels.size == math.prod(expected):
            hint = " Drop the extra axis: targets.reshape(-1)."
        message = f"{loss!r}: targets have shape {labels.shape}, expected {expected}.{hint}"
        raise ShapeError(message)
    if labels.dtype.kind not in "iu":
        message = (
            f"{loss!r}: targets are {labels.dtype}, expected integer class labels. "
            "Convert them with targets.astype(int)."
        )
        raise DtypeError(message)
    # Seen as unsigned, a negative label is huge: one pass finds both kinds of wrong label.
    checked: IntArray = labels.astype(np.intp, copy=False)
    if checked.view(np.uintp).max() >= n_classes:
        message = (
            f"{loss!r}: labels run from {labels.min()} to {labels.max()}, expected 0 to "
            f"{n_classes - 1} for {n_classes} logits. Give the last layer one output a class, "
            "and count classes from 0."
        )
        raise ArgumentError(message)
    return checked

"""Training and validation error of a polynomial fit against its capacity, noise, rows and penalty.

A polynomial in Legendre form with p weights, f(x) = Σ_j w_j P_j(x) for j = 0 … p − 1, is fitted to
n rows of y = sin 4x + noise. The fit minimizes the course's penalized loss,

    1/n Σ (f(x_i) − y_i)² + λ Σ_{j ≥ 1} w_j²

with the bias w_0 left free. For λ = 0 that is least squares, and where more than one fit has the
least error (p > n) it is the one that λ → 0 leads to: the smallest Σ w_j² of all.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats, normals, uniforms

MAX_WEIGHTS = 64
"""The largest capacity, in weights; the curves are computed for 1 … 64."""

VALIDATION_ROWS = 200
"""Rows that no fit sees."""


class Rows(NamedTuple):
    """Inputs and targets, each of shape (n,)."""

    x: Floats
    y: Floats


class Curves(NamedTuple):
    """Mean squared errors for 1 … ``MAX_WEIGHTS`` weights, each of shape (MAX_WEIGHTS,)."""

    training: Floats
    validation: Floats


def truth(x: ArrayLike) -> Floats:
    """Return sin 4x, which the rows follow apart from their noise."""
    return np.sin(4.0 * np.asarray(x, dtype=float))


def _placed(t: Floats) -> Floats:
    """Move points of (−1, 1) outward, so that they lie denser toward both ends."""
    return 0.2 * t + 0.8 * np.sin(np.pi * t / 2)


def training_rows(n: int, noise: float, sample: int) -> Rows:
    """Draw the rows that the polynomial is fitted to.

        t_i = (2 (i + u_i) / n) − 1        x_i = 0.2 t_i + 0.8 sin(π t_i / 2)        i = 0 … n − 1

    with u_i uniform and y_i = sin 4x_i + noise · z_i with z_i standard normal. Each nth of the line
    has its row, and polynomials with as many weights as rows keep a finite error.

    Parameters
    ----------
    n : int
        How many.
    noise : float
        Standard deviation σ of the noise.
    sample : int
        Which draw; another number gives other rows.

    Returns
    -------
    Rows
        x and y, each of shape (n,).
    """
    x = _placed(2.0 * (np.arange(n) + uniforms(4 * sample + 4, n)) / n - 1.0)
    return Rows(x, truth(x) + noise * normals(4 * sample + 5, n))


def validation_rows(noise: float, sample: int) -> Rows:
    """Draw the rows that judge the fit: as the training rows, but independent of each other.

    Parameters
    ----------
    noise : float
        Standard deviation σ of the noise.
    sample : int
        Which draw.

    Returns
    -------
    Rows
        x and y, each of shape (VALIDATION_ROWS,).
    """
    x = _placed(2.0 * uniforms(4 * sample + 6, VALIDATION_ROWS) - 1.0)
    return Rows(x, truth(x) + noise * normals(4 * sample + 7, VALIDATION_ROWS))


def features(x: ArrayLike, p: int) -> Floats:
    """Return the Legendre polynomials P_0 … P_{p−1} at each x.

    Parameters
    ----------
    x : array_like of shape (n,)
        Points between −1 and 1.
    p : int
        How many polynomials, at least 1.

    Returns
    -------
    ndarray of shape (n, p)
        One column for each weight.

    Examples
    --------
    >>> features([0.5], 3)
    array([[ 1.   ,  0.5  , -0.125]])
    """
    table: Floats = np.polynomial.legendre.legvander(np.asarray(x, dtype=float), p - 1)
    return table


def fit_weights(x: ArrayLike, y: ArrayLike, p: int, strength: float) -> Floats:
    """Fit the p weights by penalized least squares, the bias without penalty.

        argmin_w  1/n ‖A w − y‖² + λ Σ_{j ≥ 1} w_j²        A = features(x, p)

    Parameters
    ----------
    x, y : array_like of shape (n,)
        The rows.
    p : int
        Number of weights, the bias included.
    strength : float
        λ. For 0 the minimizer with the smallest Σ_{j ≥ 1} w_j².

    Returns
    -------
    ndarray of shape (p,)
        w_0 … w_{p−1}.

    Examples
    --------
    Two rows at ∓1 with y = −1 and 3, so y = 1 + 2x; with λ = 1 the slope is 2 / (1 + λ):

    >>> fit_weights([-1.0, 1.0], [-1.0, 3.0], 2, 0.0).round(12)
    array([1., 2.])
    >>> fit_weights([-1.0, 1.0], [-1.0, 3.0], 2, 1.0).round(12)
    array([1., 1.])
    """
    A, targets = features(x, p)[:, 1:], np.asarray(y, dtype=float)
    # The free bias takes up the means: what is left is a fit of the centered columns.
    means, mean = A.mean(axis=0), targets.mean()
    centered, rest = A - means, targets - mean
    if strength > 0:
        ridge = np.sqrt(len(targets) * strength) * np.eye(p - 1)
        centered, rest = np.vstack([centered, ridge]), np.append(rest, np.zeros(p - 1))
    w = np.linalg.lstsq(centered, rest, rcond=None)[0]
    return np.append(mean - means @ w, w)


def mean_squared_error(w: Floats, rows: Rows) -> float:
    """Return 1/n Σ (f(x_i) − y_i)² of a fitted polynomial on some rows.

    Parameters
    ----------
    w : ndarray of shape (p,)
        Weights.
    rows : Rows
        Inputs and targets.

    Returns
    -------
    float
        The error, in units of y squared.
    """
    return float(np.mean((features(rows.x, len(w)) @ w - rows.y) ** 2))


def error_curves(n: int, noise: float, strength: float, sample: int) -> Curves:
    """Return both errors of the fits with 1 … ``MAX_WEIGHTS`` weights.

    Parameters
    ----------
    n : int
        Training rows.
    noise : float
        σ.
    strength : float
        λ.
    sample : int
        Which draw of the rows.

    Returns
    -------
    Curves
        Training and validation error; entry p − 1 belongs to p weights.
    """
    train, held = training_rows(n, noise, sample), validation_rows(noise, sample)
    fits = [fit_weights(*train, p, strength) for p in range(1, MAX_WEIGHTS + 1)]
    training, validation = (
        np.array([mean_squared_error(w, rows) for w in fits]) for rows in (train, held)
    )
    return Curves(training, validation)


class OverfittingExplorer(Figure):
    """See how capacity, noise, data and the penalty move training and validation error.

    Parameters
    ----------
    capacity : int, default 18
        Number p of weights, 1 to 64.
    strength : float, default 0.0
        λ of the penalty λ Σ w_j², at least 0.
    n_rows : int, default 20
        Training rows n, 10 to 80.
    noise : float, default 0.3
        Standard deviation σ of the label noise, 0 to 1.
    sample : int, default 1
        Which draw of the rows, 1 to 20.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    capacity, strength, n_rows, noise, sample
        What the controls hold; set them here and the picture follows.
    training_error, validation_error : float
        Mean squared errors of this fit.

    Raises
    ------
    ValueError
        If a value is outside its range.

    References
    ----------
    Belkin, Hsu, Ma & Mandal (2019), PNAS 116, 15849-15854.
    Schaeffer et al. (2023), "Double Descent Demystified", arXiv:2303.14151.
    """

    title = "What closes the gap between training and validation error?"
    purpose = "See what capacity, noise, more rows and a penalty do to the two errors of a fit."
    height = 900

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "capacity": (1, MAX_WEIGHTS),
        "strength": (0, 10),
        "n_rows": (10, 80),
        "noise": (0, 1),
        "sample": (1, 20),
    }

    capacity: int = synced(18)
    strength: float = synced(0.0)
    n_rows: int = synced(20)
    noise: float = synced(0.3)
    sample: int = synced(1)
    training_error: float = synced(0.0)
    validation_error: float = synced(0.0)

    def __init__(
        self,
        *,
        capacity: int = 18,
        strength: float = 0.0,
        n_rows: int = 20,
        noise: float = 0.3,
        sample: int = 1,
        key: str = "",
    ) -> None:
        given = {"capacity": capacity, "strength": strength, "n_rows": n_rows}
        given |= {"noise": noise, "sample": sample}
        for name, value in given.items():
            low, high = self.RANGES[name]
            if not low <= value <= high:
                message = f"OverfittingExplorer: {name} is {value!r}, expected {low:g} to {high:g}."
                raise ValueError(message)
        given |= {"strength": float(strength), "noise": float(noise)}
        super().__init__(key=key, **given)
        self._refresh()
        self._follow(tuple(given), self._refresh)

    def _refresh(self) -> None:
        """Keep the errors true where Python sets a control and no browser is open."""
        train = training_rows(self.n_rows, self.noise, self.sample)
        w = fit_weights(*train, self.capacity, self.strength)
        self.training_error = mean_squared_error(w, train)
        held = validation_rows(self.noise, self.sample)
        self.validation_error = mean_squared_error(w, held)

    def summary(self) -> str:
        """Return the state in one sentence."""
        return (
            f"{self.capacity} weights fitted to {self.n_rows} rows with penalty strength "
            f"{self.strength:g}: training error {self.training_error:.3g}, "
            f"validation error {self.validation_error:.3g}."
        )

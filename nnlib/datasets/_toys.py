"""Points in the plane that no straight line separates, made on the spot."""

from __future__ import annotations

import numpy as np

from nnlib._array import Seed, as_generator, check_count, check_number
from nnlib.datasets._base import Dataset, DatasetInfo

_LICENCE = "generated"
TOY_INFO = (
    DatasetInfo("two_moons", 0, _LICENCE, "generated"),
    DatasetInfo("spirals", 0, _LICENCE, "generated"),
)


def load_two_moons(*, n: int = 200, noise: float = 0.1, rng: Seed = 0) -> Dataset:
    """Make two half circles, each reaching into the other.

    Class 0 is (cos t, sin t) and class 1 is (1 − cos t, ½ − sin t) for t from 0 to π.

    Parameters
    ----------
    n : int, default 200
        Number of points, at least 2; the classes differ by at most one.
    noise : float, default 0.1
        Standard deviation of the normal noise on both coordinates.
    rng : Generator, int or None, default 0
        Where the noise comes from.

    Returns
    -------
    data : Dataset
        X of shape (n, 2), float32; y of 0 and 1, class by class.

    Raises
    ------
    ArgumentError
        If n, noise or rng is outside what it may be.
    """
    n, noise = _checked("two_moons", n, noise, 2)
    counts = (n - n // 2, n // 2)
    t0, t1 = (np.linspace(0, np.pi, count) for count in counts)
    X = np.concatenate([
        np.column_stack([np.cos(t0), np.sin(t0)]),
        np.column_stack([1 - np.cos(t1), 0.5 - np.sin(t1)]),
    ])
    X += as_generator(rng, 'datasets.load("two_moons")').normal(0.0, noise, X.shape)
    y = np.repeat([0, 1], counts).astype(np.int64)
    return _dataset("two_moons", X, y, f"{n} points on two interleaved half circles.")


def load_spirals(
    *, n: int = 300, n_classes: int = 3, noise: float = 0.05, rng: Seed = 0
) -> Dataset:
    """Make arms that wind around the origin.

    Arm k is r (sin φ, cos φ) with r from 0.05 to 1 and φ = 4r + 2πk / n_classes.

    Parameters
    ----------
    n : int, default 300
        Number of points, at least one for each class; classes differ by at most one.
    n_classes : int, default 3
        Number of arms.
    noise : float, default 0.05
        Standard deviation of the normal noise on both coordinates.
    rng : Generator, int or None, default 0
        Where the noise comes from.

    Returns
    -------
    data : Dataset
        X of shape (n, 2), float32; y from 0 to n_classes − 1, class by class.

    Raises
    ------
    ArgumentError
        If n, n_classes, noise or rng is outside what it may be.
    """
    n_classes = check_count(n_classes, "n_classes", 'datasets.load("spirals")', 2)
    n, noise = _checked("spirals", n, noise, n_classes)
    arms, labels = [], []
    for k in range(n_classes):
        count = n // n_classes + (k < n % n_classes)
        r = np.linspace(0.05, 1.0, count)
        phi = 4 * r + 2 * np.pi * k / n_classes
        arms.append(np.column_stack([r * np.sin(phi), r * np.cos(phi)]))
        labels.append(np.full(count, k, np.int64))
    X = np.concatenate(arms)
    X += as_generator(rng, 'datasets.load("spirals")').normal(0.0, noise, X.shape)
    return _dataset("spirals", X, np.concatenate(labels), f"{n} points on {n_classes} spiral arms.")


def _checked(name: str, n: object, noise: object, minimum: int) -> tuple[int, float]:
    where = f'datasets.load("{name}")'
    return check_count(n, "n", where, minimum), check_number(noise, "noise", where)


def _dataset(name: str, X: np.ndarray, y: np.ndarray, description: str) -> Dataset:
    names = tuple(str(k) for k in range(int(y.max()) + 1))
    return Dataset(name, X.astype(np.float32), y, names, description, _LICENCE, "none needed")

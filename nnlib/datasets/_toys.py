"""Points in the plane and on a curve, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnlib._array import Array, Seed, as_array, as_generator, check_count, check_number
from nnlib.datasets._base import Dataset, DatasetInfo
from nnlib.errors import ArgumentError

_LICENCE = "generated"
TOY_INFO = tuple(
    DatasetInfo(name, 0, _LICENCE, "generated")
    for name in ("two_moons", "spirals", "blobs", "circles", "xor", "noisy_sine", "polynomial")
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


def load_blobs(*, n: int = 300, n_classes: int = 3, noise: float = 0.3, rng: Seed = 0) -> Dataset:
    """Make round clouds around the corners of a regular polygon.

    The center of class k is (cos φ, sin φ) with φ = 2πk / n_classes.

    Parameters
    ----------
    n : int, default 300
        Number of points, at least one for each class; classes differ by at most one.
    n_classes : int, default 3
        Number of clouds.
    noise : float, default 0.3
        Standard deviation of a cloud in each direction.
    rng : Generator, int or None, default 0
        Where the points come from.

    Returns
    -------
    data : Dataset
        X of shape (n, 2), float32; y from 0 to n_classes − 1, class by class.

    Raises
    ------
    ArgumentError
        If n, n_classes, noise or rng is outside what it may be.
    """
    n_classes = check_count(n_classes, "n_classes", 'datasets.load("blobs")', 2)
    n, noise = _checked("blobs", n, noise, n_classes)
    y = np.arange(n, dtype=np.int64) * n_classes // n
    phi = 2 * np.pi * y / n_classes
    X = np.column_stack([np.cos(phi), np.sin(phi)])
    X += as_generator(rng, 'datasets.load("blobs")').normal(0.0, noise, X.shape)
    return _dataset("blobs", X, y, f"{n} points in {n_classes} round clouds.")


def load_circles(
    *, n: int = 300, factor: float = 0.5, noise: float = 0.05, rng: Seed = 0
) -> Dataset:
    """Make a ring within a ring.

    Parameters
    ----------
    n : int, default 300
        Number of points, at least 2; the classes differ by at most one.
    factor : float, default 0.5
        Radius of the inner ring, class 1; that of the outer one, class 0, is 1.
    noise : float, default 0.05
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
        If n, factor, noise or rng is outside what it may be.
    """
    where = 'datasets.load("circles")'
    factor = check_number(factor, "factor", where, below=1)
    n, noise = _checked("circles", n, noise, 2)
    counts = (n - n // 2, n // 2)
    phi = np.concatenate([2 * np.pi * np.arange(count) / count for count in counts])
    y = np.repeat([0, 1], counts).astype(np.int64)
    X = np.column_stack([np.cos(phi), np.sin(phi)]) * np.where(y == 1, factor, 1.0)[:, np.newaxis]
    X += as_generator(rng, where).normal(0.0, noise, X.shape)
    return _dataset("circles", X, y, f"{n} points on two rings.")


def load_xor(*, n: int = 200, noise: float = 0.2, rng: Seed = 0) -> Dataset:
    """Make four clouds at (±1, ±1) of which opposite ones belong together.

    Class 1 is where the signs of the coordinates of the center differ.

    Parameters
    ----------
    n : int, default 200
        Number of points, at least 4; the clouds differ by at most one.
    noise : float, default 0.2
        Standard deviation of a cloud in each direction.
    rng : Generator, int or None, default 0
        Where the points come from.

    Returns
    -------
    data : Dataset
        X of shape (n, 2), float32; y of 0 and 1, cloud by cloud.

    Raises
    ------
    ArgumentError
        If n, noise or rng is outside what it may be.

    References
    ----------
    Minsky & Papert (1969), Perceptrons, MIT Press.
    """
    n, noise = _checked("xor", n, noise, 4)
    cloud = np.arange(n) * 4 // n
    X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])[cloud]
    y = np.array([0, 1, 1, 0], np.int64)[cloud]
    X += as_generator(rng, 'datasets.load("xor")').normal(0.0, noise, X.shape)
    return _dataset("xor", X, y, f"{n} points in four clouds, opposite ones of one class.")


def load_noisy_sine(*, n: int = 30, noise: float = 0.2, rng: Seed = 0) -> Dataset:
    """Make noisy values of one wave, y = sin(2πx) for x from 0 to 1.

    The test part is the wave itself, 200 values without noise: what fits the training rows better
    than it fits these has learned the noise.

    Parameters
    ----------
    n : int, default 30
        Number of training rows.
    noise : float, default 0.2
        Standard deviation of the normal noise on y.
    rng : Generator, int or None, default 0
        Where x (uniform, ascending) and the noise come from.

    Returns
    -------
    data : Dataset
        X of shape (n, 1) and y of shape (n,), float32; X_test and y_test with 200 rows.

    Raises
    ------
    ArgumentError
        If n, noise or rng is outside what it may be.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, section 1.1.
    """
    n, noise = _checked("noisy_sine", n, noise, 1)
    generator = as_generator(rng, 'datasets.load("noisy_sine")')
    x, grid = np.sort(generator.random(n)), np.linspace(0.0, 1.0, 200)
    y = np.sin(2 * np.pi * x) + generator.normal(0.0, noise, n)
    return _curve(
        "noisy_sine", x, y, grid, np.sin(2 * np.pi * grid), f"{n} noisy values of sin 2πx."
    )


def load_polynomial(
    *,
    n: int = 30,
    coefficients: Sequence[float] = (0.0, -1.0, 0.0, 2.0),
    noise: float = 0.1,
    rng: Seed = 0,
) -> Dataset:
    """Make noisy values of a polynomial, y = Σ_k c_k xᵏ for x from −1 to 1.

    The test part is the polynomial itself, 200 values without noise.

    Parameters
    ----------
    n : int, default 30
        Number of training rows.
    coefficients : sequence of float, default (0, -1, 0, 2)
        c_0, c_1, …: the default is 2x³ − x.
    noise : float, default 0.1
        Standard deviation of the normal noise on y.
    rng : Generator, int or None, default 0
        Where x (uniform, ascending) and the noise come from.

    Returns
    -------
    data : Dataset
        X of shape (n, 1) and y of shape (n,), float32; X_test and y_test with 200 rows.

    Raises
    ------
    ArgumentError
        If n, coefficients, noise or rng is outside what it may be.
    """
    where = 'datasets.load("polynomial")'
    n, noise = _checked("polynomial", n, noise, 1)
    c = as_array(coefficients, np.dtype(float), f"{where}: coefficients")
    if c.ndim != 1 or not c.size or not np.isfinite(c).all():
        message = f"{where}: coefficients are {coefficients!r:.60}, expected a list of numbers."
        raise ArgumentError(message)
    generator = as_generator(rng, where)
    x, grid = np.sort(generator.uniform(-1.0, 1.0, n)), np.linspace(-1.0, 1.0, 200)
    polyval = np.polynomial.polynomial.polyval
    y = polyval(x, c) + generator.normal(0.0, noise, n)
    text = f"{n} noisy values of a polynomial of degree {len(c) - 1}."
    return _curve("polynomial", x, y, grid, polyval(grid, c), text)


def _checked(name: str, n: object, noise: object, minimum: int) -> tuple[int, float]:
    where = f'datasets.load("{name}")'
    return check_count(n, "n", where, minimum), check_number(noise, "noise", where)


def _dataset(name: str, X: np.ndarray, y: np.ndarray, description: str) -> Dataset:
    names = tuple(str(k) for k in range(int(y.max()) + 1))
    return Dataset(name, X.astype(np.float32), y, names, description, _LICENCE, "none needed")


def _curve(
    name: str, x: Array, y: Array, x_test: Array, y_test: Array, description: str
) -> Dataset:
    X, targets, X_test, targets_test = (a.astype(np.float32) for a in (x, y, x_test, y_test))
    return Dataset(
        name, X[:, np.newaxis], targets, ("y",), description, _LICENCE, "none needed",
        X_test[:, np.newaxis], targets_test, ("x",),
    )  # fmt: skip

"""What every augmentation does: take a batch, draw for each row, give new arrays back."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from nnlib._array import Array, Seed, as_generator, check_count, instance_hint
from nnlib.errors import ArgumentError, DtypeError, ShapeError

Batch: TypeAlias = tuple[Any, Any]
"""Inputs and targets, row by row."""


class Transform(ABC):
    """Change a batch at random, in the way the subclass says.

    A transform is a function (X, y, rng) -> (X, y), as ``fit(..., augment=...)`` takes it. What it
    is given stays as it is; X keeps shape and dtype, and each row draws on its own. Whole numbers,
    such as pixels from 0 to 255, are rounded and held within their range; beyond 2⁵³ a change of
    value is not exact. What only moves numbers, such as a flip, keeps all of them to the bit.
    """

    _moves = False
    """Whether ``_rows`` only moves numbers, and so can do without floats."""

    def __call__(self, X: Any, y: Any, rng: Seed = None) -> Batch:
        """Return the changed batch.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            Inputs.
        y : ndarray of shape (N, ...)
            Their targets.
        rng : Generator, int or None
            Where chance comes from. None differs in every call.

        Returns
        -------
        X, y : ndarray
            New inputs of the same shape, and the targets that belong to them, in new arrays.

        Raises
        ------
        ShapeError
            If rows differ in length, X has the wrong axes, or targets and rows differ in number.
        DtypeError
            If X does not hold real numbers.
        """
        generator = as_generator(rng, f"{self!r}")
        inputs = even(X, f"{self!r}: X")
        targets = even(y, f"{self!r}: y").copy()
        self._check(inputs)
        if targets.ndim == 0 or len(targets) != len(inputs):
            message = (
                f"{self!r}: X has {len(inputs)} rows and y has shape {targets.shape}, expected "
                "one target for each row."
            )
            raise ShapeError(message)
        if not len(inputs):
            return inputs.copy(), targets
        exact = self._moves or inputs.dtype.kind == "f"
        work = inputs if exact else inputs.astype(float_for(inputs.dtype))
        new, new_targets = self._batch(work, targets, generator)
        return like(new, inputs.dtype), new_targets

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        """Raise unless X has the axes that are wanted, and holds numbers."""
        if X.dtype.kind not in "fiub":
            message = (
                f"{self!r}: X is {X.dtype}, expected real numbers. "
                "Convert it with np.asarray(X, dtype=np.float32)."
            )
            raise DtypeError(message)
        if X.ndim < 2:
            message = f"{self!r}: X has shape {X.shape}, expected rows (N, ...)."
            raise ShapeError(message)

    def _batch(self, X: Array, y: Any, rng: np.random.Generator) -> Batch:
        """Return a changed batch; by default the targets stay as they are."""
        return self._rows(X, rng), y

    @abstractmethod
    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        """Return changed rows in a new array; X holds floats, or anything where rows only move."""

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({settings})"


class Compose:
    """Apply several transforms, one after the other.

    Parameters
    ----------
    transforms : list of function (X, y, rng) -> (X, y)
        In order.

    Raises
    ------
    DtypeError
        If one cannot be called.

    Examples
    --------
    >>> from nnlib.augmentation import GaussianNoise, Rotate
    >>> augment = Compose([Rotate(10), GaussianNoise(0.1)])
    >>> X, y = augment(np.zeros((2, 8, 8)), np.array([0, 1]), rng=0)
    >>> X.shape
    (2, 8, 8)
    """

    def __init__(self, transforms: Sequence[Callable[[Any, Any, Any], Batch]]) -> None:
        if not isinstance(transforms, Iterable):
            message = f"Compose: transforms is {transforms!r:.60}, expected a list of transforms."  # type: ignore[unreachable]  # callers need not be typed
            raise DtypeError(message)
        self.transforms = tuple(transforms)
        for transform in self.transforms:
            _check_callable(transform, "Compose")

    def __call__(self, X: Any, y: Any, rng: Seed = None) -> Batch:
        """Return the changed batch; see ``Transform``."""
        generator = as_generator(rng, "Compose")
        if not self.transforms:
            return copy.copy(X), copy.copy(y)
        for transform in self.transforms:
            X, y = transform(X, y, generator)
        return X, y

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


class Sometimes:
    """Apply a transform to each row with probability p, and leave the others alone.

    Parameters
    ----------
    p : float
        From 0 to 1.
    transform : function (X, y, rng) -> (X, y)
        One that keeps the kind of the targets: not ``Mixup``, whose α says how much it mixes.

    Raises
    ------
    ArgumentError
        If p is not from 0 to 1, or, when called, if the transform changes the kind of the targets.
    DtypeError
        If ``transform`` cannot be called.

    Examples
    --------
    >>> from nnlib.augmentation import Shift
    >>> X, y = Sometimes(0.0, Shift(2))(np.eye(3)[np.newaxis], np.array([1]), rng=0)
    >>> bool((X[0] == np.eye(3)).all())
    True
    """

    def __init__(self, p: float, transform: Callable[[Any, Any, Any], Batch]) -> None:
        self.p = check_probability(p, "p", "Sometimes")
        _check_callable(transform, "Sometimes")
        self.transform = transform

    def __call__(self, X: Any, y: Any, rng: Seed = None) -> Batch:
        """Return the changed batch; see ``Transform``."""
        generator = as_generator(rng, "Sometimes")
        targets = even(y, f"{self!r}: y")
        if not isinstance(X, list):
            X = even(X, f"{self!r}: X")
            if X.ndim == 0:
                message = f"{self!r}: X is {X!r:.40}, expected rows (N, ...)."
                raise ShapeError(message)
        if np.ndim(targets) == 0 or len(targets) != len(X):
            message = (
                f"{self!r}: X has {len(X)} rows and y has shape {targets.shape}, expected one "
                "target for each row."
            )
            raise ShapeError(message)
        chosen = generator.random(len(X)) < self.p
        if isinstance(X, list):
            places = np.flatnonzero(chosen)
            part_X, part_y = self.transform([X[i] for i in places], targets[chosen], generator)
            changed = dict(zip(places.tolist(), part_X, strict=True))
            new_X: Any = [changed.get(i, row) for i, row in enumerate(X)]
        else:
            new_X = np.array(X)
            part_X, part_y = self.transform(new_X[chosen], targets[chosen], generator)
            new_X[chosen] = part_X
        part_y = np.asarray(part_y)
        if part_y.shape != targets[chosen].shape or part_y.dtype != targets.dtype:
            message = (
                f"{self!r}: the transform turned targets of shape {targets[chosen].shape} into "
                f"{part_y.shape}, expected the same kind. Use it without Sometimes."
            )
            raise ArgumentError(message)
        new_y = targets.copy()
        new_y[chosen] = part_y
        return new_X, new_y

    def __repr__(self) -> str:
        return f"Sometimes({self.p:g}, {self.transform!r})"


class Reshaped:
    """Apply a transform of images to rows that hold them flattened, as an MLP takes them.

    Parameters
    ----------
    shape : tuple of int
        Shape of one image, (H, W) or (H, W, C).
    transform : function (X, y, rng) -> (X, y)
        Gets images of that shape.

    Raises
    ------
    ArgumentError
        If ``shape`` does not hold whole numbers of at least 1.
    ShapeError
        When called, if the rows do not hold as many numbers.
    DtypeError
        If ``transform`` cannot be called.

    Examples
    --------
    >>> from nnlib.augmentation import Rotate
    >>> augment = Reshaped((8, 8), Rotate(10))
    >>> X, y = augment(np.ones((5, 64)), np.zeros(5, int), rng=0)
    >>> X.shape
    (5, 64)
    """

    def __init__(self, shape: tuple[int, ...], transform: Callable[[Any, Any, Any], Batch]) -> None:
        if not isinstance(shape, tuple | list):
            message = f"Reshaped: shape is {shape!r:.40}, expected that of an image, (H, W)."  # type: ignore[unreachable]  # callers need not be typed
            raise ArgumentError(message)
        self.shape = tuple(check_count(size, "a size in shape", "Reshaped") for size in shape)
        _check_callable(transform, "Reshaped")
        self.transform = transform

    def __call__(self, X: Any, y: Any, rng: Seed = None) -> Batch:
        """Return the changed batch; see ``Transform``."""
        rows = even(X, f"{self!r}: X")
        if rows.ndim < 2 or rows[0:1].size != (len(rows) > 0) * np.prod(self.shape, dtype=int):
            message = (
                f"{self!r}: X has shape {rows.shape}, expected rows of "
                f"{np.prod(self.shape, dtype=int)} numbers."
            )
            raise ShapeError(message)
        images, targets = self.transform(rows.reshape(len(rows), *self.shape), y, rng)
        return images.reshape(rows.shape), targets

    def __repr__(self) -> str:
        return f"Reshaped({self.shape}, {self.transform!r})"


def even(values: Any, where: str) -> np.ndarray[Any, Any]:
    """Return ``values`` as an array, perhaps themselves."""
    try:
        return np.asarray(values)
    except ValueError as error:
        message = f"{where}: the rows differ in length, expected an array. Pad or drop rows."
        raise ShapeError(message) from error


def float_for(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return float32, or float64 if that cannot hold all numbers of the type."""
    return np.promote_types(dtype, np.float32)


def like(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return floats as ``dtype``: whole numbers are rounded and held within their range."""
    if values.dtype == dtype:
        return values
    if dtype.kind in "iu":
        # float32 holds the limits of 16 bits exactly, float64 those of 32.
        limits, wide = np.iinfo(dtype), np.promote_types(values.dtype, float_for(dtype))
        rounded: Array = np.rint(values, dtype=wide)
        top = wide.type(limits.max)
        if int(top) <= limits.max:
            return np.clip(rounded, wide.type(limits.min), top).astype(dtype)
        # No float is the largest number of 64 bits, and the next one is beyond it.
        held = np.clip(rounded, wide.type(limits.min), np.nextafter(top, wide.type(0)))
        return np.where(rounded >= top, np.array(limits.max, dtype), held.astype(dtype))
    if dtype.kind == "b":
        return (values > 0.5).astype(dtype)
    return values.astype(dtype)


def check_probability(value: object, name: str, where: str) -> float:
    """Return ``value`` as a float from 0 to 1."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        number = float(value)
        if 0.0 <= number <= 1.0:
            return number
    message = f"{where}: {name} is {value!r}, expected a number from 0 to 1."
    raise ArgumentError(message)


def check_finite(value: object, name: str, where: str) -> float:
    """Return ``value`` as a finite float."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | complex):
        number = float(value)
        if np.isfinite(number):
            return number
    message = f"{where}: {name} is {value!r}, expected a finite number."
    raise ArgumentError(message)


def check_range(low: object, high: object, names: str, where: str) -> tuple[float, float]:
    """Return two finite numbers, the first not above the second."""
    first, second = check_finite(low, names, where), check_finite(high, names, where)
    if first <= second:
        return first, second
    message = f"{where}: {names} are {low!r} and {high!r}, expected two numbers in rising order."
    raise ArgumentError(message)


def _check_callable(transform: object, where: str) -> None:
    if not callable(transform) or isinstance(transform, type):
        message = (
            f"{where}: {transform!r:.60} is no transform, expected a function (X, y, rng) -> "
            f"(X, y), such as Rotate(10).{instance_hint(transform)}"
        )
        raise DtypeError(message)

"""Every augmentation that keeps labels, with a batch that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.augmentation import (
    Compose,
    Cutout,
    FlipHorizontal,
    FlipVertical,
    Gain,
    GaussianNoise,
    NoiseAtSNR,
    RandomCrop,
    Reshaped,
    Rotate,
    Scale,
    Shift,
    Sometimes,
    TimeShift,
    WordDrop,
)


class Case(NamedTuple):
    """A transform, and the shape of a batch that it takes."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    dtype: type = np.float32


GRAY, COLOR, SOUND = (6, 7, 9), (6, 8, 5, 3), (6, 40)

CASES = {
    "rotate": Case(lambda: Rotate(30), GRAY),
    "rotate, color": Case(lambda: Rotate(170, fill=0.5), COLOR),
    "scale": Case(lambda: Scale(0.7, 1.4), GRAY),
    "shift": Case(lambda: Shift(2), GRAY),
    "shift, color, between pixels": Case(lambda: Shift(2.5, whole=False), COLOR),
    "flip horizontal": Case(FlipHorizontal, GRAY),
    "flip vertical, color": Case(FlipVertical, COLOR),
    "crop": Case(lambda: RandomCrop(2), COLOR),
    "cutout": Case(lambda: Cutout(3), GRAY),
    "cutout, color": Case(lambda: Cutout(4, fill=0.25), COLOR),
    "gaussian noise": Case(lambda: GaussianNoise(1.0), GRAY),
    "time shift": Case(lambda: TimeShift(9), SOUND),
    "gain": Case(Gain, SOUND),
    "noise at a ratio": Case(NoiseAtSNR, SOUND),
    "compose": Case(lambda: Compose([Rotate(20), Shift(1), GaussianNoise(0.1)]), COLOR),
    "sometimes": Case(lambda: Sometimes(0.5, Cutout(3)), GRAY),
    "reshaped": Case(lambda: Reshaped((4, 10), Rotate(40)), SOUND),
    "word drop": Case(lambda: WordDrop(0.4), (6, 20), np.int64),
}


def batch(case: Case, rng: np.random.Generator, dtype: Any = None) -> tuple[Any, Any]:
    """Return rows of the shape of a case, and labels that tell them apart."""
    dtype = np.dtype(dtype or case.dtype)
    if dtype.kind in "iu":
        X = rng.integers(0, 100, case.shape).astype(dtype)
    else:
        X = rng.random(case.shape).astype(dtype)
    return X, np.arange(len(X))

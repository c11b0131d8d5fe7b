"""Augmentation: new training rows from old ones, by changes that keep their meaning.

Each transform is a function (X, y, rng) -> (X, y) of a batch: targets follow, each row draws on its
own, and what it is given stays as it is. ``fit(..., augment=...)`` applies one to training batches
only. Images (N, H, W) or (N, H, W, C): ``Rotate``, ``Scale``, ``Shift``, ``FlipHorizontal``,
``FlipVertical``, ``RandomCrop``, ``Cutout``; recordings (N, T): ``TimeShift``, ``Gain``,
``NoiseAtSNR``; sentences: ``WordDrop``; rows of any kind: ``GaussianNoise``, ``Mixup``.
``Compose``, ``Sometimes`` and ``Reshaped`` put them together.

    >>> import numpy as np
    >>> from nnlib.augmentation import Compose, Rotate, Shift
    >>> augment = Compose([Rotate(10), Shift(2)])
    >>> images, labels = augment(np.ones((5, 28, 28), np.float32), np.arange(5), rng=0)
    >>> images.shape, images.dtype
    ((5, 28, 28), dtype('float32'))
"""

from nnlib.augmentation.affine import Rotate, Scale, Shift, rotate, scale, shift
from nnlib.augmentation.audio import Gain, NoiseAtSNR, TimeShift
from nnlib.augmentation.base import Compose, Reshaped, Sometimes, Transform
from nnlib.augmentation.images import (
    Cutout,
    FlipHorizontal,
    FlipVertical,
    GaussianNoise,
    Mixup,
    RandomCrop,
    mixup,
)
from nnlib.augmentation.text import WordDrop

__all__ = [
    "Compose",
    "Cutout",
    "FlipHorizontal",
    "FlipVertical",
    "Gain",
    "GaussianNoise",
    "Mixup",
    "NoiseAtSNR",
    "RandomCrop",
    "Reshaped",
    "Rotate",
    "Scale",
    "Shift",
    "Sometimes",
    "TimeShift",
    "Transform",
    "WordDrop",
    "mixup",
    "rotate",
    "scale",
    "shift",
]

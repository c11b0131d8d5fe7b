"""Data sets: one ``load(name)`` for what is embedded, generated, or downloaded once.

    >>> from nnlib import datasets
    >>> digits = datasets.load("digits")
    >>> digits.X.shape, digits.X.dtype, digits.y.shape
    ((1797, 64), dtype('float32'), (1797,))
    >>> parts = digits.split(rng=0)
    >>> len(parts.X_train), len(parts.X_validation), len(parts.X_test)
    (1078, 359, 360)

``describe()`` lists all sets with size, licence and place. Larger sets are looked for in the folder
that NNLIB_DATA names, then in the cache, and downloaded only then.
"""

from nnlib.datasets._base import (
    AudioDataset,
    Dataset,
    DatasetInfo,
    SeriesDataset,
    Split,
    TextDataset,
)
from nnlib.datasets._fetch import adopt, cache_folder
from nnlib.datasets._load import describe, load
from nnlib.datasets._worked_example import WorkedEntry, WorkedEpoch, WorkedExample

__all__ = [
    "AudioDataset",
    "Dataset",
    "DatasetInfo",
    "SeriesDataset",
    "Split",
    "TextDataset",
    "WorkedEntry",
    "WorkedEpoch",
    "WorkedExample",
    "adopt",
    "cache_folder",
    "describe",
    "load",
]

"""CIFAR-10: photographs, published as Python pickles, which are read here without trusting them."""

from __future__ import annotations

import io
import pickle  # ruff: ignore[suspicious-pickle-import]  only with the reader below
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlib._array import check_count
from nnlib.datasets._base import Dataset
from nnlib.datasets._catalog import CIFAR10, Download
from nnlib.datasets._fetch import fetch
from nnlib.errors import ArgumentError, DatasetError

SIDE = 32


def load_cifar10(
    source: Download = CIFAR10,
    *,
    n: int | None = None,
    flatten: bool = False,
    download: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> Dataset:
    """Load CIFAR-10, after downloading it if it is not here.

    All of it takes 740 MB of memory.

    Licence: none is stated; its page asks for the citation.

    Parameters
    ----------
    source : Download
        Where it is found.
    n : int, optional
        Only the first n training images, which come in random order: memory and time for those.
    flatten : bool, default False
        Rows of 3072 numbers instead of images (32, 32, 3).
    download : bool, default True
        Whether a missing set may be downloaded.
    base_url : str, optional
        Where to download from, instead of the publisher's address.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    data : Dataset
        50,000 training images in X and y, 10,000 test images in X_test and y_test, float32 from
        0 to 1, channels last: red, green, blue.

    Raises
    ------
    ArgumentError
        If ``n`` is not a number of training images.
    DatasetError
        If the set is missing and cannot be had, or is damaged.

    References
    ----------
    Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report,
    University of Toronto.
    """
    if n is not None:
        n = check_count(n, "n", 'datasets.load("cifar10")')
    folder = fetch(source, download_allowed=download, base_url=base_url, progress=progress)
    *training, test = (folder / file.name for file in source.files)
    batches: list[tuple[NDArray[np.uint8], NDArray[np.int64]]] = []
    while training and (n is None or sum(len(y) for _, y in batches) < n):
        batches.append(read_batch(training.pop(0)))
    total = sum(len(y) for _, y in batches)
    if n is not None and n > total:
        message = f'datasets.load("cifar10"): n is {n}, expected at most {total}, the training set.'
        raise ArgumentError(message)
    X, y = _join(batches, total if n is None else n, flatten=flatten)
    X_test, y_test = _join([read_batch(test)], None, flatten=flatten)
    return Dataset(
        name=source.name,
        X=X,
        y=y,
        target_names=source.target_names,
        description=source.description,
        licence=source.licence,
        citation=source.citation,
        X_test=X_test,
        y_test=y_test,
    )


def read_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one batch file.

    A pickle may call any function when it is read. This reader knows the three names that these
    files hold and gives stand-ins for them, which do no more than keep the bytes.

    Parameters
    ----------
    path : Path
        ``data_batch_1`` ... ``data_batch_5`` or ``test_batch``.

    Returns
    -------
    pixels : ndarray of uint8 of shape (N, 3072)
        1024 red, 1024 green, 1024 blue, row by row.
    labels : ndarray of int64 of shape (N,)
        From 0 to 9.

    Raises
    ------
    DatasetError
        If the file is something else.
    """
    try:
        content = _BatchReader(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        matrix, labels = content[b"data"], np.array(content[b"labels"], np.int64)
        pixels = np.frombuffer(matrix.content, np.uint8).reshape(matrix.shape)
        pixels = pixels.reshape(len(labels), 3 * SIDE * SIDE)
    # A pickle that is none fails in many ways, all of which mean the same here.
    except Exception as error:
        message = f"{path}: not a batch of CIFAR-10 ({error}). Delete it and load again."
        raise DatasetError(message) from error
    return pixels, labels


class _Matrix:
    """What a pickled array becomes: its shape and its bytes."""

    shape: tuple[int, ...] = ()
    content = b""

    def __setstate__(self, state: tuple[int, tuple[int, ...], object, bool, bytes]) -> None:
        _version, self.shape, _dtype, _fortran_order, self.content = state


class _Type:
    """What a pickled dtype becomes: nothing."""

    def __setstate__(self, state: object) -> None:
        """Take what comes."""


class _BatchReader(pickle.Unpickler):  # ruff: ignore[suspicious-pickle-usage]  this is the safe one
    """A pickle reader for which all names but three are refused."""

    def find_class(self, module: str, name: str) -> Any:
        stand_ins = {
            ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Matrix(),
            ("numpy", "ndarray"): _Matrix,
            ("numpy", "dtype"): lambda *_: _Type(),
        }
        if (module, name) not in stand_ins:
            message = f"it asks for {module}.{name}"
            raise pickle.UnpicklingError(message)
        return stand_ins[module, name]


def _join(
    batches: list[tuple[NDArray[np.uint8], NDArray[np.int64]]], n: int | None, *, flatten: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Put the first n images into one float32 array, channels last; batch by batch saves memory."""
    labels = np.concatenate([y for _, y in batches])[:n]
    X = np.empty((len(labels), SIDE, SIDE, 3), np.float32)
    start = 0
    for pixels, _ in batches:
        part = X[start : start + len(pixels)]
        planes = pixels[: len(part)].reshape(-1, 3, SIDE, SIDE)
        np.copyto(part, planes.transpose(0, 2, 3, 1))
        start += len(part)
    X /= np.float32(255)
    return (X.reshape(len(X), -1) if flatten else X), labels

"""MNIST and Fashion-MNIST: gzipped files in the IDX format."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnlib._array import Array
from nnlib.datasets._base import Dataset
from nnlib.datasets._catalog import Download
from nnlib.datasets._fetch import fetch
from nnlib.errors import DatasetError


def load_images(
    source: Download,
    *,
    flatten: bool = True,
    download: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> Dataset:
    """Load MNIST or Fashion-MNIST, after downloading it if it is not here.

    Licences: Fashion-MNIST is MIT, Copyright (c) 2017 Zalando SE; the publishers of MNIST state
    none.

    Parameters
    ----------
    source : Download
        Which of the two.
    flatten : bool, default True
        Rows of 784 pixels; False gives images (28, 28, 1).
    download : bool, default True
        Whether a missing set may be downloaded.
    base_url : str, optional
        Where to download from; the environment variable NNLIB_DATA_URL does the same, with the
        folder of the set appended.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    data : Dataset
        60,000 training rows in X and y, 10,000 test rows in X_test and y_test; pixels from 0 to 1.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Proceedings of the IEEE 86(11), 2278-2324.
    Xiao, Rasul & Vollgraf (2017), arXiv:1708.07747.
    """
    folder = fetch(source, download_allowed=download, base_url=base_url, progress=progress)
    images, labels, test_images, test_labels = (read_idx(folder / f.name) for f in source.files)
    return Dataset(
        name=source.name,
        X=_pixels(images, flatten=flatten),
        y=labels.astype(np.int64),
        target_names=source.target_names,
        description=source.description,
        licence=source.licence,
        citation=source.citation,
        X_test=_pixels(test_images, flatten=flatten),
        y_test=test_labels.astype(np.int64),
    )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of bytes.

    The format: two zero bytes, the type (8 is unsigned bytes), the number of axes, each axis as a
    big-endian 32-bit integer, then the values.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    values : ndarray of uint8
        The array.

    Raises
    ------
    DatasetError
        If the file is not such a file.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        zeros, kind, ndim = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{ndim}I", content[4 : 4 + 4 * ndim])
        # A wrong type goes the way of a wrong size: neither gives an array of this shape.
        offset = 4 + 4 * ndim if (zeros, kind) == (0, 8) else len(content) + 1
        return np.frombuffer(content, np.uint8, offset=offset).reshape(shape)
    except (OSError, EOFError, struct.error, ValueError, zlib.error) as error:
        message = f"{path}: not a gzipped IDX file of bytes ({error}). Delete it and load again."
        raise DatasetError(message) from error


def _pixels(images: NDArray[np.uint8], *, flatten: bool) -> Array:
    """Scale bytes to 0 ... 1 and give rows or (height, width, 1)."""
    pixels = images.astype(np.float32)
    pixels /= np.float32(255)
    return pixels.reshape(len(images), -1) if flatten else pixels[..., np.newaxis]

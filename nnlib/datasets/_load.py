"""``load`` and ``describe``: one door to all data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, overload

from nnlib.datasets._audio import SPOKEN_SAMPLE_INFO, load_spoken_digits, load_spoken_sample
from nnlib.datasets._base import AudioDataset, Dataset, DatasetInfo, SeriesDataset, TextDataset
from nnlib.datasets._breast_cancer import BREAST_CANCER_INFO, load_breast_cancer
from nnlib.datasets._catalog import DOWNLOADS, IMAGE_SETS
from nnlib.datasets._cifar import load_cifar10
from nnlib.datasets._digits import DIGITS_INFO, load_digits
from nnlib.datasets._fetch import locate
from nnlib.datasets._idx import load_images
from nnlib.datasets._series import CO2, NILE, SERIES_INFO, SUNSPOTS, load_series
from nnlib.datasets._text import (
    FILM_INFO,
    load_film_sentences,
    load_labeled_sentences,
    load_review_sentences,
)
from nnlib.datasets._toys import (
    TOY_INFO,
    load_blobs,
    load_circles,
    load_noisy_sine,
    load_polynomial,
    load_spirals,
    load_two_moons,
    load_xor,
)
from nnlib.datasets._worked_example import WORKED_INFO, WorkedExample, load_worked_example
from nnlib.errors import ArgumentError

_DOWNLOAD_OPTIONS = ("download", "base_url", "progress")
_LOADERS: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "blobs": (load_blobs, ("n", "n_classes", "noise", "rng")),
    "breast_cancer": (load_breast_cancer, ()),
    "cifar10": (load_cifar10, ("n", "flatten", *_DOWNLOAD_OPTIONS)),
    "circles": (load_circles, ("n", "factor", "noise", "rng")),
    "co2": (partial(load_series, CO2), ("fill",)),
    "digits": (load_digits, ()),
    "film_sentences": (load_film_sentences, ()),
    "labeled_sentences": (load_labeled_sentences, _DOWNLOAD_OPTIONS),
    "nile": (partial(load_series, NILE), ()),
    "noisy_sine": (load_noisy_sine, ("n", "noise", "rng")),
    "polynomial": (load_polynomial, ("n", "coefficients", "noise", "rng")),
    "review_sentences": (load_review_sentences, _DOWNLOAD_OPTIONS),
    "spirals": (load_spirals, ("n", "n_classes", "noise", "rng")),
    "spoken_digits": (load_spoken_digits, ("length", *_DOWNLOAD_OPTIONS)),
    "spoken_digits_60": (load_spoken_sample, ("length",)),
    "sunspots": (partial(load_series, SUNSPOTS), ()),
    "two_moons": (load_two_moons, ("n", "noise", "rng")),
    "worked_example": (load_worked_example, ()),
    "xor": (load_xor, ("n", "noise", "rng")),
    **{
        name: (partial(load_images, source), ("flatten", *_DOWNLOAD_OPTIONS))
        for name, source in IMAGE_SETS.items()
    },
}
"""By name: the function that loads, and the options it takes."""


@overload
def load(name: Literal["worked_example"]) -> WorkedExample: ...  # type: ignore[overload-overlap]  # the one name among the strings that is no Dataset
@overload
def load(name: Literal["spoken_digits", "spoken_digits_60"], **options: Any) -> AudioDataset: ...
@overload
def load(
    name: Literal["film_sentences", "labeled_sentences", "review_sentences"], **options: Any
) -> TextDataset: ...
@overload
def load(name: Literal["co2", "nile", "sunspots"], **options: Any) -> SeriesDataset: ...
@overload
def load(name: str, **options: Any) -> Dataset: ...
def load(name: str, **options: Any) -> Dataset | WorkedExample:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        - ``"digits"``: 1,797 handwritten digits of 8 × 8 pixels.
        - ``"breast_cancer"``: 569 tumors, 30 measurements each.
        - ``"film_sentences"``: 332 sentences about films, positive and negative.
        - ``"spoken_digits_60"``: 60 recordings; option ``length`` in samples.
        - ``"sunspots"``, ``"co2"``, ``"nile"``: time series; option ``fill`` for co2, which has
          gaps.
        - ``"two_moons"``, ``"spirals"``, ``"blobs"``, ``"circles"``, ``"xor"``: points in the
          plane; options ``n``, ``noise``, ``rng``, also ``n_classes`` (spirals, blobs) and
          ``factor`` (circles).
        - ``"noisy_sine"``, ``"polynomial"``: noisy values of a curve; options ``n``, ``noise``,
          ``rng``, also ``coefficients`` (polynomial).
        - Downloaded once, with options ``download``, ``base_url``, ``progress``: ``"mnist"`` and
          ``"fashion_mnist"``, 70,000 images of 28 × 28 pixels, also ``flatten``; ``"cifar10"``,
          60,000 of 32 × 32 color pixels, also ``flatten`` and ``n``; ``"spoken_digits"``, 3,000
          recordings, also ``length``; ``"review_sentences"``, 10,662, and
          ``"labeled_sentences"``, 3,000.
        - ``"worked_example"``: the 2-2-1 network of unit 01, a ``WorkedExample``.
    **options
        As listed, by name.

    Returns
    -------
    data : Dataset or WorkedExample
        Inputs in ``X``, labels in ``y``, and where they come from.

    Raises
    ------
    ArgumentError
        If there is no such data set or option.
    DatasetError
        If a set is not on this machine and cannot be downloaded.

    Examples
    --------
    >>> load("spirals", n=9, n_classes=3, rng=0).y
    array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    if name not in list(_LOADERS):  # a list, since what came need not be hashable
        known = ", ".join(sorted(_LOADERS))
        message = f"datasets.load: there is no data set {name!r:.60}, expected one of {known}."
        raise ArgumentError(message)
    loader, allowed = _LOADERS[name]
    unknown = sorted(options.keys() - set(allowed))
    if unknown:
        message = (
            f"datasets.load({name!r}): unknown option {', '.join(unknown)}, "
            f"expected {', '.join(allowed) or 'none'}."
        )
        raise ArgumentError(message)
    data: Dataset | WorkedExample = loader(**options)
    return data


def describe() -> tuple[DatasetInfo, ...]:
    """List all data sets with size, licence, and where they are found.

    Returns
    -------
    table : tuple of DatasetInfo
        ``name``, ``size_bytes``, ``licence``, ``location`` and ``available`` of each set.

    Examples
    --------
    >>> {info.name: info.location for info in describe()}["digits"]
    'embedded'
    """
    downloads = []
    for download in DOWNLOADS:
        folder = locate(download)
        place = "not on this machine" if folder is None else str(folder)
        downloads.append(
            DatasetInfo(
                download.name, download.size_bytes, download.licence, place, folder is not None
            )
        )
    embedded = (
        DIGITS_INFO, BREAST_CANCER_INFO, SPOKEN_SAMPLE_INFO, FILM_INFO, *SERIES_INFO, WORKED_INFO
    )  # fmt: skip
    return (*embedded, *TOY_INFO, *downloads)

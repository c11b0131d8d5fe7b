"""``load`` and ``describe``: one door to all data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, overload

from nnlib.datasets._base import Dataset, DatasetInfo
from nnlib.datasets._catalog import DOWNLOADS
from nnlib.datasets._digits import DIGITS_INFO, load_digits
from nnlib.datasets._fetch import locate
from nnlib.datasets._idx import load_images
from nnlib.datasets._toys import TOY_INFO, load_spirals, load_two_moons
from nnlib.datasets._worked_example import WORKED_INFO, WorkedExample, load_worked_example
from nnlib.errors import ArgumentError

_IMAGE_OPTIONS = ("flatten", "download", "base_url", "progress")
_LOADERS: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "digits": (load_digits, ()),
    "spirals": (load_spirals, ("n", "n_classes", "noise", "rng")),
    "two_moons": (load_two_moons, ("n", "noise", "rng")),
    "worked_example": (load_worked_example, ()),
    **{source.name: (partial(load_images, source), _IMAGE_OPTIONS) for source in DOWNLOADS},
}
"""By name: the function that loads, and the options it takes."""


@overload
def load(name: Literal["worked_example"]) -> WorkedExample: ...  # type: ignore[overload-overlap]  # the one name among the strings that is no Dataset
@overload
def load(name: str, **options: Any) -> Dataset: ...
def load(name: str, **options: Any) -> Dataset | WorkedExample:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        - ``"digits"``: 1,797 handwritten digits of 8 × 8 pixels.
        - ``"two_moons"``, ``"spirals"``: points in the plane; options ``n``, ``noise``, ``rng``,
          and ``n_classes`` for spirals.
        - ``"mnist"``, ``"fashion_mnist"``: 70,000 images of 28 × 28 pixels; options ``flatten``,
          ``download``, ``base_url``, ``progress``.
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
    if name not in _LOADERS:
        known = ", ".join(sorted(_LOADERS))
        message = f"datasets.load: there is no data set {name!r}, expected one of {known}."
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
    return (DIGITS_INFO, WORKED_INFO, *TOY_INFO, *downloads)

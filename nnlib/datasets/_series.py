"""Three time series, with their trend, their season and their gaps."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from nnlib._array import Array
from nnlib.datasets._base import DatasetInfo, SeriesDataset
from nnlib.errors import ArgumentError

_LICENCE = "public domain"


@dataclass(frozen=True)
class Series:
    """A series as it is embedded: a file of times and values, and what they are.

    Attributes
    ----------
    name, target, unit : str
        As ``load`` takes it; what is measured, and in what unit.
    size_bytes : int
        Size of the file.
    description, citation : str
        What it is, and whom to thank.
    """

    name: str
    target: str
    unit: str
    size_bytes: int
    description: str
    citation: str


SUNSPOTS = Series(
    "sunspots",
    "sunspot number",
    "spots",
    2_944,
    "Yearly mean number of sunspots, 309 years from 1700 to 2008.",
    "National Geophysical Data Center, yearly sunspot numbers 1700-2008.",
)
CO2 = Series(
    "co2",
    "carbon dioxide",
    "ppmv",
    33_974,
    "Weekly carbon dioxide in the air of Mauna Loa, 2,284 weeks from 1958 to 2001, 59 missing.",
    "C. D. Keeling, T. P. Whorf, Atmospheric CO2 concentrations derived from flask air samples at "
    "sites in the SIO network, Carbon Dioxide Information Analysis Center, 2004.",
)
NILE = Series(
    "nile",
    "yearly flow",
    "10^8 m^3",
    942,
    "Flow of the Nile at Aswan, 100 years from 1871 to 1970.",
    "G. W. Cobb, The Problem of the Nile: Conditional Solution to a Changepoint Problem, "
    "Biometrika 65(2), 243-251, 1978.",
)
SERIES_INFO = tuple(
    DatasetInfo(series.name, series.size_bytes, _LICENCE, "embedded")
    for series in (SUNSPOTS, CO2, NILE)
)


def load_series(source: Series, *, fill: str | None = None) -> SeriesDataset:
    """Load a time series.

    Licence: public domain, as statsmodels states for each of the three, whose files these are.

    Parameters
    ----------
    source : Series
        Which one.
    fill : "linear" or None, default None
        What becomes of missing values, which only ``co2`` has: a straight line between the
        neighbors in time, or nan. A line looks into the future of the gap: fine for a picture, a
        leak where the gap lies at the border of training and test rows.

    Returns
    -------
    data : SeriesDataset
        Values in ``y``, years since the first in ``X`` (of 365.25 days where values come more than
        once a year), dates in ``times``.

    Raises
    ------
    ArgumentError
        If ``fill`` is something else.

    References
    ----------
    Keeling & Whorf (2004), Carbon Dioxide Information Analysis Center.
    Cobb (1978), Biometrika 65(2), 243-251.
    """
    if fill not in (None, "linear"):  # a tuple: what came need not be hashable
        message = f'datasets.load("{source.name}"): fill is {fill!r}, expected "linear" or None.'
        raise ArgumentError(message)
    text = (files("nnlib.datasets") / f"{source.name}.csv").read_text(encoding="ascii")
    rows = list(csv.reader(text.splitlines()))[1:]
    # A year stands for its first of January, a week for the day that its file names.
    days = [f"{t[:4]}-{t[4:6] or '01'}-{t[6:] or '01'}" for t, _ in rows]
    times = np.array(days, "datetime64[D]")
    if all(len(t) == 4 for t, _ in rows):  # yearly: no year counts more than another
        years = times.astype("datetime64[Y]").astype(float)
        years -= years[0]
    else:
        years = (times - times[0]).astype(float) / 365.25
    values: Array = np.array([float(value or "nan") for _, value in rows])
    if fill == "linear":
        known = np.isfinite(values)
        values = np.interp(years, years[known], values[known])
    return SeriesDataset(
        name=source.name,
        X=years.astype(np.float32)[:, np.newaxis],
        y=values.astype(np.float32),
        target_names=(source.target,),
        description=source.description,
        licence=_LICENCE,
        citation=source.citation,
        feature_names=("years since the first value",),
        times=times,
        unit=source.unit,
    )

"""The medical example: breast tumors, benign or malignant."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from nnlib.datasets._base import Dataset, DatasetInfo

_FILE = files("nnlib.datasets") / "breast_cancer.npz"
_LICENCE = "CC BY 4.0 (UCI Machine Learning Repository)"
BREAST_CANCER_INFO = DatasetInfo("breast_cancer", 57_036, _LICENCE, "embedded")


def load_breast_cancer() -> Dataset:
    """Load 569 breast tumors, each described by 30 measurements of its cell nuclei.

    Ten quantities (radius, texture, perimeter, area, smoothness, compactness, concavity, concave
    points, symmetry, fractal dimension), each as mean, standard error and worst value of the nuclei
    in an image. Lengths are in pixels of that image. The columns differ in scale by a factor of
    10⁵, so standardize them. The labels are scikit-learn's: 0 malignant (212), 1 benign (357).

    Licence: Creative Commons Attribution 4.0 International, as the UCI Machine Learning Repository
    states for "Breast Cancer Wisconsin (Diagnostic)".

    Returns
    -------
    data : Dataset
        X of shape (569, 30), float32, with ``feature_names``; y of 0 and 1.

    References
    ----------
    Wolberg, Mangasarian, Street & Street (1993), Breast Cancer Wisconsin (Diagnostic), UCI Machine
    Learning Repository, doi:10.24432/C5DW2B.
    Street, Wolberg & Mangasarian (1993), Proceedings of SPIE 1905, 861-870.
    """
    with _FILE.open("rb") as stream, np.load(stream) as arrays:
        X = arrays["features"]
        y = arrays["labels"].astype(np.int64)
        names = tuple(map(str, arrays["names"]))
    return Dataset(
        name="breast_cancer",
        X=X,
        y=y,
        target_names=("malignant", "benign"),
        description="569 breast tumors with 30 measurements each, 212 of them malignant.",
        licence=_LICENCE,
        citation=(
            "W. Wolberg, O. Mangasarian, N. Street, W. Street, Breast Cancer Wisconsin "
            "(Diagnostic), UCI Machine Learning Repository, 1993, doi:10.24432/C5DW2B."
        ),
        feature_names=names,
    )

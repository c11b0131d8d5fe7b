"""The embedded digits: small enough to ship, real enough to learn from."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from nnlib.datasets._base import Dataset, DatasetInfo

_FILE = files("nnlib.datasets") / "digits.npz"
_LICENCE = "CC BY 4.0 (UCI Machine Learning Repository)"
DIGITS_INFO = DatasetInfo("digits", 45_395, _LICENCE, "embedded")


def load_digits() -> Dataset:
    """Load 1,797 handwritten digits of 8 × 8 pixels.

    The images are counts of dark pixels, 0 to 16, in blocks of 4 × 4 of a 32 × 32 scan; they are
    divided by 16 here. They are the test part of the original set, as scikit-learn distributes it,
    written by 13 people who wrote none of the original training part.

    Licence: Creative Commons Attribution 4.0 International, as the UCI Machine Learning Repository
    states for "Optical Recognition of Handwritten Digits".

    Returns
    -------
    data : Dataset
        X of shape (1797, 64), float32 from 0 to 1; y from 0 to 9.

    References
    ----------
    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, doi:10.24432/C50P49.
    """
    with _FILE.open("rb") as stream, np.load(stream) as arrays:
        X = arrays["images"].astype(np.float32) / np.float32(16)
        y = arrays["labels"].astype(np.int64)
    return Dataset(
        name="digits",
        X=X,
        y=y,
        target_names=tuple("0123456789"),
        description=(
            "1,797 handwritten digits, 8 × 8 pixels from 0 (paper) to 1 (ink), ten classes of "
            "about 180."
        ),
        licence=_LICENCE,
        citation=(
            "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine "
            "Learning Repository, 1998, doi:10.24432/C50P49."
        ),
    )

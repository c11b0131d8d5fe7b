"""The embedded digits as text: what figures that show them send to the browser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVELS = "0123456789abcdefg"
"""The 17 gray levels of a pixel, white first."""


def packed(images: NDArray[np.floating]) -> list[str]:
    """Write images (N, 64) of levels 0 to 1 with one character for each pixel."""
    levels = np.rint(np.asarray(images) * 16).astype(int)
    return ["".join(LEVELS[level] for level in row) for row in levels]


def unpacked(texts: list[str]) -> NDArray[np.float64]:
    """Return the images (N, 64) that ``packed`` has written."""
    return np.array([[LEVELS.index(c) for c in text] for text in texts]) / 16

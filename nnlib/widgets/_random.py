"""Random numbers that Python and the browser draw alike: hashes of a seed and a count.

The i-th number of a stream depends on i and the seed alone, so any of them is there without those
before it. The twin of ``_random.js``; good enough for pictures, and tested for what they need.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def _mixed(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return unsigned integers in which every bit of x counts; products wrap at 32 bits."""
    v: NDArray[Any] = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    v = (v ^ (v >> np.uint32(15))) * np.uint32(0x735A2D97)
    mixed: NDArray[np.uint32] = v ^ (v >> np.uint32(15))
    return mixed


def uniforms(seed: int, n: int, start: int = 0) -> Floats:
    """Return n numbers between 0 and 1, the ends never reached."""
    key = _mixed(np.array([(seed + 0x9E3779B9) % 2**32], np.uint32))
    counts = np.arange(start + 1, start + n + 1, dtype=np.uint64).astype(np.uint32)
    return (_mixed(key ^ _mixed(counts)).astype(np.float64) + 0.5) / 2.0**32


def normals(seed: int, n: int, start: int = 0) -> Floats:
    """Return n standard normal numbers, by Box and Muller; ``start`` is even."""
    u = uniforms(seed, n + n % 2, start)
    radius, angle = np.sqrt(-2.0 * np.log(u[::2])), 2.0 * np.pi * u[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:n]

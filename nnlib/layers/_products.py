"""Products of the rows of many images with one small matrix: all at once, or image by image.

OpenBLAS has a rule of its own for products of up to a million multiplications: it does not copy the
factors into another order first. The rows of one image then take two thirds of the time that they
take as part of a long matrix, but in one thread. So this pays where there is one thread.
"""

from __future__ import annotations

import os
from functools import cache

SMALL = 10**6
"""Up to so many multiplications a product counts as small, in OpenBLAS."""


@cache
def one_thread() -> bool:
    """Return whether the environment asks for one thread in matrix products."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # the first that is set counts
    return next((os.environ[name] for name in names if os.environ.get(name)), "") == "1"


def count_products(n_images: int, places: int, n_in: int, n_out: int) -> int:
    """Return into how many products (places, n_in) by (n_in, n_out) images are cut: all, or 1."""
    # Gradients of the matrix come image by image too, and are added up. With at least as many
    # places as outputs they take no more memory than the windows themselves.
    small = n_out <= places and places * n_in * n_out <= SMALL
    return n_images if small and n_images and one_thread() else 1

"""The networks at which the measures look."""

from __future__ import annotations

import numpy as np

from nnlib.layers import Linear, ReLU, Sequential, Tanh


def linear(n_in: int, n_out: int, **options) -> Linear:
    return Linear(n_in, n_out, rng=n_in + n_out, dtype=np.float64, **options)


def network() -> Sequential:
    return Sequential(linear(4, 5), ReLU(), Sequential(linear(5, 3), Tanh()), linear(3, 2))

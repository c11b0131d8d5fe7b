"""The shared random numbers: spread as they should be, and the same in Python and JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nnlib.widgets._random import normals, uniforms

Node = Callable[[str, str], Any]


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_uniform_numbers_fill_the_unit_interval_evenly(seed: int) -> None:
    """A sound generator fails a test at 1e-4 once in 10 000 seeds; these three are fixed."""
    found = uniforms(seed, 50_000)

    assert 0 < found.min() < found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_normal_numbers_are_normal_and_do_not_depend_on_their_neighbors(seed: int) -> None:
    found = normals(seed, 50_000)

    assert stats.kstest(found, "norm").pvalue > 1e-4
    for gap in (1, 2, 48, 60):  # the widths of the figures too
        # five standard errors of a correlation
        assert abs(np.corrcoef(found[:-gap], found[gap:])[0, 1]) < 5 / 50_000**0.5


def test_streams_of_different_seeds_are_unrelated() -> None:
    found = np.corrcoef([normals(seed, 20_000) for seed in range(6)])

    assert np.abs(found - np.eye(6)).max() < 5 / 20_000**0.5


def test_stream_can_be_entered_anywhere() -> None:
    np.testing.assert_array_equal(normals(3, 10, start=6), normals(3, 16)[6:])
    np.testing.assert_array_equal(uniforms(3, 5, start=7), uniforms(3, 12)[7:])


@pytest.mark.parametrize(("seed", "n", "start"), [(0, 9, 0), (5, 400, 115_200), (2_000_000, 7, 2)])
def test_javascript_draws_the_same(node: Node, seed: int, n: int, start: int) -> None:
    arguments = json.dumps([seed, n, start])

    flat = node("_random.js", f"[...m.uniforms(...{arguments})]")
    bell = node("_random.js", f"[...m.normals(...{arguments})]")

    assert flat == list(uniforms(seed, n, start))
    # log, cos and sin may differ in the last bits
    np.testing.assert_allclose(bell, normals(seed, n, start), rtol=1e-12, atol=1e-15)

"""What is kept in place of a notebook that is too large to be read."""

from __future__ import annotations

import json

import pytest

from grading.oversized import in_place_of, size_of


@pytest.mark.parametrize("n_bytes", [20 * 2**20 + 1, 10**12])
def test_size_comes_back_from_a_line_of_json(n_bytes: int) -> None:
    content = in_place_of(n_bytes)

    assert size_of(content) == n_bytes
    assert json.loads(content)["bytes"] == n_bytes


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"cells": []}',
        b"x" + in_place_of(10**9),
        in_place_of(10**9) * 2,
        in_place_of(10**9).replace(b"1", b"-1"),
        in_place_of(10**9).replace(b"1", b"1" * 20_000),
    ],
)
def test_anything_else_stands_for_itself(content: bytes) -> None:
    assert size_of(content) == 0

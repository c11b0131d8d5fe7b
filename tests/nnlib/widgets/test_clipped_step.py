"""What the figure of clipping claims, against PyTorch, the library and its JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from nnlib.widgets import ClippedStep
from nnlib.widgets.clipped_step import LENGTHS, METHODS, PATTERNS, clip

Node = Callable[[str, str], Any]
LIMITS = (0.25, 1.0, 3.5, 10.0)


@pytest.fixture
def cases(rng: np.random.Generator) -> list[list[float]]:
    return [list(rng.uniform(0.25, 10, size=3)) for _ in range(8)]


def tensors(lengths: list[float]) -> list[torch.Tensor]:
    found = []
    for size, pattern in zip(lengths, PATTERNS, strict=True):
        found.append(torch.nn.Parameter(torch.zeros(len(pattern), dtype=torch.float64)))
        found[-1].grad = torch.tensor(size * pattern)
    return found


def test_patterns_have_length_one() -> None:
    assert [float(np.linalg.norm(pattern)) for pattern in PATTERNS] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("limit", LIMITS)
def test_each_method_is_that_of_pytorch(cases: list[list[float]], limit: float) -> None:
    for lengths in cases:
        for method in METHODS:
            parameters = tensors(lengths)
            if method == "norm":
                torch.nn.utils.clip_grad_norm_(parameters, limit)
            elif method == "tensor":
                for parameter in parameters:
                    torch.nn.utils.clip_grad_norm_([parameter], limit)
            else:
                torch.nn.utils.clip_grad_value_(parameters, limit)

            expected = np.concatenate([p.grad.numpy() for p in parameters])

            # PyTorch adds 1e-6 to the norm before it divides
            np.testing.assert_allclose(clip(lengths, limit, method).entries, expected, rtol=1e-5)


def test_javascript_computes_the_same(node: Node, cases: list[list[float]]) -> None:
    calls = list(product(cases, LIMITS, METHODS))

    answers = node("clipped_step.js", f"{json.dumps(calls)}.map((c) => m.clip(...c))")

    for call, answer in zip(calls, answers, strict=True):
        expected = clip(*call)
        np.testing.assert_allclose(answer["entries"], expected.entries, rtol=1e-12)
        np.testing.assert_allclose(answer["lengths"], expected.lengths, atol=1e-11)
        assert answer["length"] == pytest.approx(expected.length, rel=1e-12)
        # near 0° the arc cosine doubles the number of lost digits
        assert answer["angle"] == pytest.approx(expected.angle, abs=1e-5)


def test_question_is_settled_by_forty_degrees(node: Node) -> None:
    """cos = (8 · 1 + 1 · 1 + 0.5 · 0.5) / (√65.25 · √2.25) = 9.25 / 12.117"""
    found = clip(LENGTHS, 1.0, "tensor")

    assert found.angle == pytest.approx(np.degrees(np.arccos(9.25 / 12.1166)), abs=0.01)
    assert found.angle == pytest.approx(40.2, abs=0.05)
    assert node("clipped_step.js", "m.nearestChoice()") == "by about 40°"


@pytest.mark.parametrize("limit", LIMITS)
def test_global_norm_keeps_the_direction_and_limits_the_length(
    cases: list[list[float]], limit: float
) -> None:
    for lengths in cases:
        found = clip(lengths, limit, "norm")

        assert found.angle == pytest.approx(0, abs=1e-5)
        assert found.length == pytest.approx(min(limit, float(np.linalg.norm(lengths))))


def test_other_methods_turn_the_step_but_keep_it_going_downhill(cases: list[list[float]]) -> None:
    for lengths, method in product(cases, ("tensor", "value")):
        found = clip(lengths, 0.25, method)
        before = np.concatenate([n * p for n, p in zip(lengths, PATTERNS, strict=True)])

        assert 1 < found.angle < 90
        assert (np.sign(found.entries) == np.sign(before)).all()


def test_per_tensor_clipping_does_not_turn_where_all_are_shortened_alike() -> None:
    assert clip((5.0, 5.0, 5.0), 1.0, "tensor").angle == pytest.approx(0, abs=1e-5)
    assert clip((5.0, 5.0, 5.0), 1.0, "value").angle > 1


def test_one_limit_means_three_different_lengths(cases: list[list[float]]) -> None:
    for lengths, limit in product([*cases, [10.0, 10.0, 10.0]], LIMITS):
        assert clip(lengths, limit, "norm").length <= limit + 1e-9
        assert clip(lengths, limit, "tensor").length <= limit * 3**0.5 + 1e-9
        assert clip(lengths, limit, "value").length <= limit * 9**0.5 + 1e-9
    assert clip((10.0, 10.0, 10.0), 1.0, "tensor").length == pytest.approx(3**0.5)
    assert clip((10.0, 10.0, 10.0), 0.25, "value").length == pytest.approx(0.25 * 3)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_below_the_limit_stays_as_it_is(method: str) -> None:
    found = clip((0.5, 0.5, 0.5), 1.0, method)

    assert found.length == pytest.approx(0.75**0.5)
    assert found.lengths == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("method", ["tensor", "value"])
def test_loss_falls_cosine_times_as_fast_per_unit_of_length(method: str) -> None:
    """The loss is linear here, so first order is all of it."""
    found = clip(LENGTHS, 1.0, method)
    gradient = np.concatenate([n * p for n, p in zip(LENGTHS, PATTERNS, strict=True)])

    fall = gradient @ (found.entries / found.length)
    steepest = gradient @ (gradient / np.linalg.norm(gradient))

    assert fall / steepest == pytest.approx(np.cos(np.radians(found.angle)), rel=1e-12)


def test_table_shows_the_numbers_of_python(node: Node, cases: list[list[float]]) -> None:
    states = [{"lengths": lengths, "limit": limit} for lengths in cases for limit in LIMITS]

    tables = node("clipped_step.js", f"{json.dumps(states)}.map(m.readings)")

    for state, table in zip(states, tables, strict=True):
        found = [clip(state["lengths"], state["limit"], method) for method in METHODS]
        whole = float(np.linalg.norm(state["lengths"]))
        expected = [[whole, 0.0, 1.0]] + [
            [f.length, f.angle, np.cos(np.radians(f.angle))] for f in found
        ]
        numbers = [[float(text.rstrip("°")) for text in row] for row in table]
        assert np.abs(np.subtract(numbers, expected)).max(axis=0) == pytest.approx(0, abs=0.0501)
        np.testing.assert_allclose(np.array(numbers)[:, 2], np.array(expected)[:, 2], atol=0.0051)


def test_remark_says_what_the_numbers_bear_out(node: Node, cases: list[list[float]]) -> None:
    presets = [[8.0, 1.0, 0.5], [10.0, 0.5, 0.5], [5.0, 5.0, 5.0], [0.5, 0.5, 0.5]]
    grid = [*product([*cases, *presets], LIMITS, METHODS)]

    remarks = node(
        "clipped_step.js",
        f"{json.dumps(grid)}.map(([lengths, limit, method]) => m.remarkOn({{method, limit}}, "
        "m.clip(lengths, limit, method), Math.hypot(...lengths)))",
    )

    for (lengths, limit, method), remark in zip(grid, remarks, strict=True):
        found, whole = clip(lengths, limit, method), float(np.linalg.norm(lengths))
        if found.length == pytest.approx(whole, abs=1e-9):
            assert "nothing changes" in remark
        elif method == "norm":
            assert f"multiplied by {found.length / whole:.3f}: shorter" in remark
        elif found.angle < 0.05:
            assert "does not turn" in remark
        else:
            cosine = np.cos(np.radians(found.angle))
            assert f"turned by {found.angle:.0f}°" in remark
            assert f"the loss falls {cosine:.2f} times as fast" in remark


def test_results_follow_controls_that_python_sets() -> None:
    figure = ClippedStep()

    figure.method = "tensor"

    assert figure.angle == clip(LENGTHS, 1.0, "tensor").angle
    assert figure.length == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "layer"}, r"method is 'layer', expected one of .*'tensor'"),
        ({"lengths": [1.0, 2.0]}, r"expected three numbers and one, each from 0.25 to 10"),
        ({"limit": 0.0}, r"limit is 0.0, expected three numbers and one"),
    ],
)
def test_unknown_choice_is_refused_with_the_known_ones(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClippedStep(**given)

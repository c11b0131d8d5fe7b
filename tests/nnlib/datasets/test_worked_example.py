"""The worked network: against the numbers of the syllabus, the library, and the slides."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, datasets, fit

ORDER = ("w13", "w23", "w14", "w24", "w35", "w45")

PRINTED_IN_THE_SYLLABUS = {  # to four digits, or as many as stand there
    "a3": 0.755, "a4": 0.68, "y3": 0.6803, "y4": 0.6637, "a5": 0.8014, "y5": 0.6903,
    "error": -0.1903, "delta5": -0.0407, "delta3": -0.00265, "delta4": -0.00817,
}  # fmt: skip


@pytest.fixture
def example() -> datasets.WorkedExample:
    return datasets.load("worked_example")


@pytest.mark.parametrize(("name", "expected"), PRINTED_IN_THE_SYLLABUS.items())
def test_the_first_epoch_is_that_of_the_syllabus(example, name, expected):
    digits = 5 if name in {"delta3", "delta4"} else 4

    assert round(getattr(example.epochs[0], name), digits) == expected


def test_both_updates_are_those_of_the_syllabus(example):
    first, second = ([round(e.new_weights[w], 4) for w in ORDER] for e in example.epochs)

    assert first == [0.0991, 0.7976, 0.3971, 0.5926, 0.2723, 0.8730]
    assert second == [0.0983, 0.7955, 0.3944, 0.5857, 0.2455, 0.8469]
    assert f"{example.epochs[1].y5:.4f}" == "0.6820"
    assert f"{example.y5_after:.4f}" == "0.6739"


def test_the_library_takes_the_same_steps_at_half_the_rate(example):
    """MSE has no ½: rate 0.5 there is rate 1 here. The gradient is −δ times the input."""
    model = example.network()
    x, target = example.x[np.newaxis], [[example.target]]
    first, second = example.epochs
    model.loss_and_gradient(x, target, MSE())
    np.testing.assert_allclose(
        0.5 * model.grad,
        [-first.changes[w] for w in ("w13", "w14", "w23", "w24", "w35", "w45")],
        rtol=1e-12,
    )

    fit(model, x, target, loss=MSE(), optimizer=SGD(model, lr=0.5), epochs=2, progress=False)

    hidden, output = model.layers[0].W, model.layers[2].W
    w = second.new_weights
    np.testing.assert_allclose(hidden, [[w["w13"], w["w14"]], [w["w23"], w["w24"]]], rtol=1e-12)
    np.testing.assert_allclose(output, [[w["w35"]], [w["w45"]]], rtol=1e-12)
    np.testing.assert_allclose(model.forward(x), [[example.y5_after]], rtol=1e-12)


def test_the_second_column_meets_the_digits_of_the_slides(example):
    kept = {entry.symbol: entry.slides for entry in example.sheet}

    expected = {
        "x1 w13": 0.035, "y3": 0.68, "y5": 0.69, "δ5": -0.0406, "w45 new": 0.8731,
        "w35 new": 0.2724, "Δw14": -0.0028, "Δw23": -0.0023, "w23 new": 0.797, "w24 new": 0.5926,
    }  # fmt: skip
    assert {symbol: kept[symbol] for symbol in expected} == expected


def test_entries_differ_from_what_is_printed_exactly_at_the_slips(example):
    wrong = {e.symbol for e in example.sheet if e.printed != f"{e.slides:.{e.decimals}f}"}

    assert wrong == {e.symbol for e in example.sheet if e.slip} == {"x1 w13", "w24 new", "Δw23"}
    printed = {e.symbol: e.printed for e in example.sheet}
    assert (printed["x1 w13"], printed["w24 new"], printed["Δw23"]) == (
        "0.0355",
        "0.5962",
        "0.0023",
    )


def test_truncated_entries_are_marked(example):
    assert {e.symbol for e in example.sheet if e.truncated} == {"Δw14", "Δw23", "w23 new"}


def test_rounded_entries_stay_near_the_exact_ones(example):
    for entry in example.sheet:
        # Each rounds numbers that were rounded before: up to 1.1 units of the last place here.
        assert abs(entry.slides - entry.exact) < 2.0 * 10.0**-entry.decimals, entry.symbol

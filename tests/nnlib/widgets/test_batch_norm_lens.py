"""What the lens on batch norm claims, against PyTorch's layer and the JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from nnlib.widgets import BatchNormLens
from nnlib.widgets.batch_norm_lens import BATCH_SIZES, EPS, JUMP, STEPS, batch, lens, running

Node = Callable[[str, str], Any]


@pytest.mark.parametrize("step", [1, 20, 21, 63])
@pytest.mark.parametrize("batch_size", [2, 8, 64])
def test_both_modes_compute_what_pytorch_does(step: int, batch_size: int) -> None:
    layer = torch.nn.BatchNorm1d(1, eps=EPS, momentum=0.1, dtype=torch.float64)
    torch.nn.init.constant_(layer.weight, 1.5)
    torch.nn.init.constant_(layer.bias, -0.5)

    outputs = {}
    for t in range(1, step + 1):
        z = torch.tensor(batch(t, batch_size, 2.5, 0.75))[:, None]
        outputs["train"] = layer(z).detach().numpy().ravel()
    outputs["eval"] = layer.eval()(z).detach().numpy().ravel()

    found = lens(step, batch_size, 2.5, 0.75, 1.5, -0.5)
    for mode, expected in outputs.items():
        np.testing.assert_allclose(found["y"][mode], expected, rtol=1e-10, atol=1e-12)


def test_javascript_computes_the_same(node: Node, rng: np.random.Generator) -> None:
    cases = [
        [
            int(rng.integers(1, STEPS + 1)),
            int(size),
            float(rng.uniform(-4, 4)),
            float(rng.uniform(0.25, 3)),
            float(rng.uniform(-3, 3)),
            float(rng.uniform(-3, 3)),
        ]
        for size in BATCH_SIZES
    ]

    answers = node("batch_norm_lens.js", f"{json.dumps(cases)}.map((c) => m.lens(...c))")

    for case, answer in zip(cases, answers, strict=True):
        expected = lens(*case)
        assert answer.keys() == expected.keys()
        for name, value in expected.items():
            pairs = [(answer[name][k], value[k]) for k in value] if isinstance(value, dict) else []
            for theirs, mine in pairs or [(answer[name], value)]:
                # sums in another order, divided by the deviation of few rows
                np.testing.assert_allclose(theirs, mine, rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize(("center", "spread"), [(-4.0, 3.0), (0.0, 1.0), (3.0, 0.25)])
def test_training_outputs_have_mean_beta_and_deviation_gamma(
    batch_size: int, center: float, spread: float
) -> None:
    found = lens(30, batch_size, center, spread, gamma=-1.5, beta=0.5)

    y = found["y"]["train"]

    assert y.mean() == pytest.approx(0.5, abs=1e-12)
    shrunk = found["z"].std() / found["std"]["train"]  # by ε, which a narrow batch feels
    assert y.std() == pytest.approx(1.5 * shrunk, rel=1e-12)
    assert shrunk == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_two_rows_leave_as_minus_and_plus_gamma_around_beta(step: int) -> None:
    """Up to ε: with half their distance d, at ± γ d / √(d² + ε)."""
    found = lens(step, 2, gamma=2.0, beta=1.0)
    d = abs(found["z"][0] - found["z"][1]) / 2

    y = sorted(found["y"]["train"])

    reach = 2.0 * d / np.sqrt(d**2 + EPS)
    assert y == pytest.approx([1.0 - reach, 1.0 + reach], rel=1e-9)
    if d > 0.1:
        assert y == pytest.approx([-1.0, 3.0], abs=1e-3)


def test_question_is_settled_by_training_at_zero_and_evaluation_far_above(node: Node) -> None:
    y = lens()["y"]

    assert y["train"].mean() == pytest.approx(0, abs=1e-12)
    assert y["eval"].mean() > 2
    assert node("batch_norm_lens.js", "m.settled()") == (
        "about 0 in training, far above 0 in evaluation"
    )


@pytest.mark.parametrize(
    ("later", "left"), [(1, (0.85, 0.95)), (7, (0.4, 0.55)), (22, (0.05, 0.15))]
)
def test_running_mean_closes_the_gap_by_a_tenth_a_step(
    later: int, left: tuple[float, float]
) -> None:
    """The share left is 0.9^k: 0.90, 0.48 and 0.098; the largest batches blur it least."""
    means, _ = running(256, 4.0, 1.0)

    share = (4.0 - means[JUMP + later]) / 4.0

    assert 0.9**later == pytest.approx(sum(left) / 2, abs=0.03)
    assert left[0] < share < left[1]


def test_both_modes_nearly_agree_fifty_steps_after_the_move() -> None:
    y = lens(71, 256)["y"]

    assert abs(y["eval"].mean() - y["train"].mean()) < 0.2
    assert y["eval"].std() == pytest.approx(1, abs=0.1)


def test_output_of_one_row_depends_on_its_company_less_in_larger_batches() -> None:
    scatter = [lens(71, size)["company"].std() for size in BATCH_SIZES[1:]]

    assert scatter == sorted(scatter, reverse=True)
    assert scatter[0] > 5 * scatter[-1]
    assert scatter[-1] < 0.1


def test_row_beside_one_other_is_only_larger_or_smaller() -> None:
    company = lens(71, 2)["company"]

    np.testing.assert_allclose(np.abs(company), 1, atol=1e-2)
    assert set(np.sign(company)) == {-1.0, 1.0}


def test_gamma_and_beta_can_undo_the_normalization() -> None:
    plain = lens(71, 256)

    found = lens(71, 256, gamma=plain["std"]["train"], beta=plain["mean"]["train"])

    np.testing.assert_allclose(found["y"]["train"], found["z"], atol=1e-12)


def test_preset_of_gamma_and_beta_undoes_it_up_to_the_draw_of_the_batch() -> None:
    found = lens(21, 256, gamma=2.0, beta=3.0)

    assert np.abs(found["y"]["train"] - found["z"]).max() < 0.5


START = {"batch_size": 32, "center": 3.0, "spread": 2.0, "gamma": 1.0, "beta": 0.0, "mode": "train"}
FORM = "[now.step, now.batch_size, now.center, now.spread, now.gamma, now.beta]"


def told(node: Node, function: str, states: list[dict[str, Any]]) -> Any:
    """Return what remarkOn or readings says of each state."""
    call = f"m.{function}(now, m.lens(...{FORM}))"
    return node("batch_norm_lens.js", f"{json.dumps(states)}.map((now) => {call})")


def test_remark_on_evaluation_is_borne_out_by_mean_and_deviation(node: Node) -> None:
    """With γ = 1 and β = 0 training gives mean 0 and deviation 1; evaluation is held to that."""
    grid = product((5, 21, 24, 71), BATCH_SIZES, (-4.0, 0.0, 3.0), (0.25, 3.0))
    states: list[dict[str, Any]] = [
        {**START, "mode": "eval", "step": t, "batch_size": n, "center": c, "spread": w}
        for t, n, c, w in grid
    ]

    seen = set()
    for state, remark in zip(states, told(node, "remarkOn", states), strict=True):
        found = lens(*(state[k] for k in ("step", "batch_size", "center", "spread")))
        mean, std = found["y"]["eval"].mean(), found["y"]["eval"].std()
        gap = found["mean"]["train"] - found["mean"]["eval"]
        lag = state["center"] * 0.9 ** (state["step"] - JUMP) if state["step"] > JUMP else 0.0
        if "nearly agree" in remark:
            assert abs(mean) <= 0.2501
            assert 0.79 < std < 1.2501
            seen.add("agree")
        elif "outputs spread" in remark:
            assert abs(mean) <= 0.2501
            assert ("spread more than" in remark) == (std > 1)
            assert std > 1.2499 or std < 0.8001
            seen.add("deviation")
        else:
            assert abs(mean) >= 0.2499
            assert f"is {abs(gap):.2f} {'below' if mean > 0 else 'above'} the" in remark
            assert ("lags behind the move" in remark) == (lag / gap > 0.5)
            seen.add("lag" if "lags" in remark else "scatter")
    assert seen == {"agree", "deviation", "lag", "scatter"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"step": 21, "mode": "eval"}, "below the batch’s mean: it lags behind the move"),
        ({"step": 21, "mode": "eval", "center": -3.0}, "above the batch’s mean: it lags"),
        ({"step": 71, "mode": "eval", "batch_size": 256}, "both modes nearly agree"),
        ({"step": 22, "mode": "eval", "batch_size": 256, "center": 0.0}, "the outputs spread more"),
        ({"step": 21, "batch_size": 2}, "only which one was larger is left"),
        ({"step": 21, "batch_size": 256, "gamma": 2.0, "beta": 3.0}, "gives back what came in"),
        ({"step": 21, "batch_size": 256, "gamma": 2.0, "beta": -3.0}, "mean is β = −3 and the dev"),
        ({"step": 21, "gamma": 0.0}, "nothing of z is left"),
    ],
)
def test_remark_names_what_the_controls_do(node: Node, change: dict[str, Any], says: str) -> None:
    assert says in told(node, "remarkOn", [{**START, **change}])[0]


@pytest.mark.parametrize(
    "change", [{"step": 21, "mode": "train"}, {"step": 33, "mode": "eval", "gamma": -1.5}]
)
def test_table_shows_the_numbers_of_python(node: Node, change: dict[str, Any]) -> None:
    state = {**START, **change}
    found = lens(21 if state["mode"] == "train" else 33, 32, 3.0, 2.0, state["gamma"], 0.0)

    shown = told(node, "readings", [state])[0]

    y = found["y"][state["mode"]]
    pairs = [
        (found["z"].mean(), found["z"].std()),
        (found["mean"]["eval"], found["std"]["eval"]),
        (y.mean(), y.std()),
        (found["company"].mean(), found["company"].std()),
        (found["alone"], 0.0),
    ]
    numbers = [[float(text.replace("−", "-")) for text in row] for row in shown]
    np.testing.assert_allclose(numbers, pairs, atol=0.0051)


def test_histogram_counts_every_row_once(node: Node) -> None:
    counts = node("batch_norm_lens.js", "m.histogram([-99, -8, -0.1, 0.1, 0.2, 8, 99])")

    assert sum(counts) == 7
    assert (counts[0], counts[19], counts[20], counts[-1]) == (2, 1, 2, 2)


def test_results_follow_controls_that_python_sets() -> None:
    figure = BatchNormLens()

    figure.mode = "eval"

    assert figure.output_mean == lens()["y"]["eval"].mean()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "test"}, r"mode is 'test', expected one of .*'eval'"),
        ({"batch_size": 1}, r"batch_size is 1, expected one of \(2, 4"),
        ({"step": 0}, r"step is 0, expected a whole number from 1 to 80"),
    ],
)
def test_unknown_choice_is_refused_with_the_known_ones(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BatchNormLens(**given)

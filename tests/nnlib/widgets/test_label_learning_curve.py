"""The learning curve: what its runs say, how it is read, and the JavaScript twin."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib.widgets import LabelLearningCurve
from nnlib.widgets._record import recorded
from nnlib.widgets.label_learning_curve import (
    MODELS,
    SEEDS,
    TASKS,
    labels_for,
    mean_and_spread,
    record,
)

Node = Callable[[str, str], Any]
RECORD = recorded("label_learning_curve")


def curve(task: str, model: str, seeds: int = SEEDS) -> Any:
    run = RECORD[task]
    return mean_and_spread(run[model], run["held"], seeds)


def at(task: str, labels: int) -> int:
    return int(RECORD[task]["sizes"].index(labels))


def test_recorded_runs_of_the_first_seed_are_those_that_training_gives() -> None:
    """Rounding differs between machines, and may move a row or two across the boundary."""
    fresh = record(seeds=1)

    for task in TASKS:
        assert fresh[task]["sizes"] == RECORD[task]["sizes"]
        assert fresh[task]["held"] == RECORD[task]["held"]
        for model in MODELS:
            difference = np.abs(np.subtract(fresh[task][model][0], RECORD[task][model][0]))
            assert difference.max() <= 3
            assert len(RECORD[task][model]) == SEEDS


@pytest.mark.parametrize("model", MODELS)
def test_every_label_helps_in_the_mean_and_less_than_the_one_before(model: str) -> None:
    mean, _ = curve("digits", model)
    gains = -np.diff(mean) / np.diff(RECORD["digits"]["sizes"])  # per label, step by step

    assert (gains > 0).all()
    assert (np.diff(gains) < 0).all()


def test_halving_the_error_takes_twice_then_four_times_then_more_labels_than_there_are() -> None:
    sizes = RECORD["digits"]["sizes"]
    mean, _ = curve("digits", "linear")

    factor = {n: labels_for(sizes, mean, mean[at("digits", n)] / 2) / n for n in (20, 80, 320)}

    assert factor[20] == pytest.approx(2, abs=0.15)
    assert factor[80] == pytest.approx(4, abs=0.3)
    assert math.isnan(factor[320])


@pytest.mark.parametrize("model", MODELS)
def test_spread_between_runs_shrinks_with_the_labels(model: str) -> None:
    _, spread = curve("digits", model)

    assert spread[0] > 0.06
    assert spread[-1] < 0.006


def test_one_run_alone_could_call_either_model_the_better_one() -> None:
    linear, hidden = (np.array(RECORD["digits"][model]) for model in MODELS)

    for n in (10, 20, 40, 80):
        lead = (linear - hidden)[:, at("digits", n)]
        assert lead.min() < 0 < lead.max()


def test_hidden_layer_pays_with_many_digits_only() -> None:
    (linear, spread), (hidden, hidden_spread) = (curve("digits", model) for model in MODELS)
    widest = np.maximum(spread, hidden_spread)
    few, many = at("digits", 80), at("digits", 1280)

    assert (np.abs(linear - hidden)[: few + 1] < widest[: few + 1]).all()
    assert linear[many] - hidden[many] > 2 * widest[many]


def test_hidden_layer_never_pays_among_tumors() -> None:
    (linear, spread), (hidden, hidden_spread) = (curve("breast_cancer", model) for model in MODELS)

    assert (linear - hidden < np.maximum(spread, hidden_spread)).all()
    for mean in (linear, hidden):
        assert 0.925 < 1 - mean[at("breast_cancer", 20)] < 0.945


def test_spread_of_two_runs_is_half_their_difference() -> None:
    mean, spread = mean_and_spread([[3, 8], [5, 8], [90, 90]], held=100, seeds=2)

    np.testing.assert_allclose(mean, [0.04, 0.08])
    np.testing.assert_allclose(spread, [0.01, 0])


def test_labels_are_read_off_a_straight_line_between_logarithms() -> None:
    """error = 2 / n: half the error takes twice the labels, wherever it lies."""
    sizes = [10, 20, 80, 160]
    errors = [2 / n for n in sizes]

    assert labels_for(sizes, errors, 2 / 37) == pytest.approx(37)
    assert labels_for(sizes, errors, 0.5) == 10
    assert math.isnan(labels_for(sizes, errors, 0.001))


def test_javascript_reads_the_same_over_random_runs(node: Node, rng: np.random.Generator) -> None:
    cases = []
    for _ in range(40):
        sizes = np.cumsum(rng.integers(5, 90, int(rng.integers(2, 9)))).tolist()
        wrong = rng.integers(1, 60, (int(rng.integers(1, 11)), len(sizes)))
        seeds = int(rng.integers(1, len(wrong) + 1))
        cases.append([sizes, np.sort(wrong)[:, ::-1].tolist(), 61, seeds, float(rng.random())])

    expression = """.map(([sizes, wrong, held, seeds, part]) => {
      const { mean, spread } = m.meanAndSpread(wrong, held, seeds);
      return [mean, spread, m.labelsFor(sizes, mean, part * mean[0])];
    })"""
    found = node("label_learning_curve.js", json.dumps(cases) + expression)

    reached = 0
    for (sizes, wrong, held, seeds, part), (mean, spread, labels) in zip(cases, found, strict=True):
        mine, deviation = mean_and_spread(wrong, held, seeds)
        np.testing.assert_allclose(mean, mine, rtol=1e-12)
        np.testing.assert_allclose(spread, deviation, rtol=1e-9, atol=1e-12)
        wanted = labels_for(sizes, mine, part * mine[0])
        reached += not math.isnan(wanted)
        np.testing.assert_allclose(math.nan if labels is None else labels, wanted, rtol=1e-9)
    assert 5 < reached < 40


@pytest.mark.parametrize("task", TASKS)
def test_remark_calls_a_model_better_only_beyond_the_spread(node: Node, task: str) -> None:
    run = RECORD[task]
    places = [(seeds, i) for seeds in range(1, SEEDS + 1) for i in range(len(run["sizes"]))]

    remarks = node(
        "label_learning_curve.js",
        f"((run) => {json.dumps(places)}.map(([seeds, i]) => {{"
        "const of = (name) => m.meanAndSpread(run[name], run.held, seeds);"
        'return m.remarkOn({seeds}, {linear: of("linear"), hidden: of("hidden")}, i);'
        f"}}))({json.dumps(run)})",
    )

    said = set()
    for (seeds, i), remark in zip(places, remarks, strict=True):
        (linear, a), (hidden, b) = (curve(task, model, seeds) for model in MODELS)
        gap, spread = linear[i] - hidden[i], max(a[i], b[i])
        if abs(gap) < 1e-9:  # sums of the same counts in another order
            assert "equally many errors" in remark
        else:
            lower = "hidden layer" if gap > 0 else "linear model"
            assert f"of the {lower} is lower by {100 * abs(gap):.1f} percentage" in remark
        if seeds == 1:
            assert "One run cannot say" in remark
            continue
        weighed = "too much to call" if abs(gap) < spread else "less than the difference"
        assert f"spread by ± {100 * spread:.1f} (band): {weighed}" in remark
        said.add(weighed)
    assert said == {"too much to call", "less than the difference"} or task == "breast_cancer"


@pytest.mark.parametrize(
    ("task", "model", "seeds", "labels"),
    [
        ("digits", "linear", 10, 80),
        ("digits", "hidden", 4, 1280),
        ("breast_cancer", "linear", 1, 20),
    ],
)
def test_table_shows_the_numbers_of_python(
    node: Node, task: str, model: str, seeds: int, labels: int
) -> None:
    run, i = RECORD[task], at(task, labels)
    mean, spread = curve(task, model, seeds)
    rows = [100 * row[i] / run["held"] for row in run[model][:seeds]]
    goal = labels_for(run["sizes"], mean, mean[i] / 2)

    shown = node(
        "label_learning_curve.js", f'm.readings({json.dumps(run)}, "{model}", {seeds}, {i})'
    )

    reached = not math.isnan(goal)
    assert shown == [
        f"{100 * mean[i]:.1f} %",
        f"± {100 * spread[i]:.1f} %" if seeds > 1 else "one run",
        f"{min(rows):.0f}–{max(rows):.0f} %",
        f"{goal:.0f}" if reached else f"> {run['sizes'][-1]}",
        f"{goal / labels:.1f}" if reached else "–",
    ]


def test_figure_answers_its_question_with_four_times_the_labels(node: Node) -> None:
    found = node("label_learning_curve.js", f"m.halving({json.dumps(RECORD['digits'])})")

    assert found["error"] == pytest.approx(0.123, abs=0.001)
    assert found["labels"] == pytest.approx(333, abs=1)


def test_errors_follow_controls_that_python_sets() -> None:
    figure = LabelLearningCurve(labels=1280, seeds=1)
    run = RECORD["digits"]

    start = list(figure.errors)
    figure.task = "breast_cancer"

    assert start == pytest.approx([run[model][0][-1] / run["held"] for model in MODELS])
    tumors = RECORD["breast_cancer"]
    assert figure.errors == pytest.approx([tumors[m][0][-1] / tumors["held"] for m in MODELS])


def test_sentence_names_the_error_in_percent() -> None:
    assert "with 80 labels the linear model errs on 12.3 %" in LabelLearningCurve().summary()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "speech"}, "task is 'speech', expected one of"),
        ({"scale": "log"}, "scale is 'log', expected one of"),
        ({"labels": 100}, "labels is 100, expected one of"),
        ({"task": "breast_cancer", "labels": 1280}, "labels is 1280, expected one of"),
        ({"seeds": 11}, "seeds is 11, expected one of"),
    ],
)
def test_controls_that_do_not_exist_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelLearningCurve(**given)

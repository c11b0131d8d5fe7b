"""The confusion matrix: its counts, what the figure claims of them, and the JavaScript twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from nnlib import datasets
from nnlib.widgets import ConfusionExplorer
from nnlib.widgets._digit_images import packed, unpacked
from nnlib.widgets._record import recorded
from nnlib.widgets.confusion_explorer import (
    MODELS,
    MODES,
    matrix_of,
    most_confused,
    record,
    shares,
)

Node = Callable[[str, str], Any]
RECORD = recorded("confusion_explorer")
TRUTH = RECORD["truth"]
TRUE = np.array([int(digit) for digit in TRUTH])
SAID = {
    name: np.array([int(digit) for digit in RECORD["said"][i]]) for i, name in enumerate(MODELS)
}
SURE = {name: np.array(RECORD["sure"][i]) / 1000 for i, name in enumerate(MODELS)}
MATRIX = {name: matrix_of(TRUTH, RECORD["said"][i]) for i, name in enumerate(MODELS)}
OFF = ~np.eye(10, dtype=bool)


def test_images_are_rows_of_the_data_that_no_model_has_trained_on() -> None:
    parts = datasets.load("digits").split(validation=0.25, test=0.25, rng=0)

    np.testing.assert_array_equal(unpacked(RECORD["images"]), parts.X_test)
    np.testing.assert_array_equal(TRUE, parts.y_test)


def test_packing_an_image_keeps_all_17_levels() -> None:
    levels = np.arange(68).reshape(1, 68) % 17 / 16

    np.testing.assert_array_equal(unpacked(packed(levels)), levels)


def test_recorded_answers_are_those_that_training_gives() -> None:
    """Rounding differs between machines, so that training ends a little elsewhere."""
    fresh = record()

    assert fresh["truth"] == TRUTH
    for i in range(3):
        theirs, mine = list(fresh["said"][i]), list(RECORD["said"][i])
        assert sum(a != b for a, b in zip(theirs, mine, strict=True)) <= 2
        np.testing.assert_allclose(fresh["sure"][i], RECORD["sure"][i], atol=20)
        np.testing.assert_allclose(fresh["right"][i], RECORD["right"][i], atol=20)


@pytest.mark.parametrize("model", MODELS)
def test_matrix_and_shares_are_those_of_scikit_learn(model: str) -> None:
    rows, columns = (np.diag(shares(MATRIX[model], mode)) for mode in ("rows", "columns"))

    np.testing.assert_array_equal(MATRIX[model], confusion_matrix(TRUE, SAID[model]))
    np.testing.assert_allclose(rows, recall_score(TRUE, SAID[model], average=None))
    np.testing.assert_allclose(columns, precision_score(TRUE, SAID[model], average=None))


def test_eight_and_nine_are_mixed_up_most_and_the_fullest_cell_is_nine_said_eight() -> None:
    both = MATRIX["few"] + MATRIX["few"].T
    others = [both[i, j] for i in range(10) for j in range(i) if (i, j) != (9, 8)]

    assert most_confused(MATRIX["few"]) == (8, 9)
    assert both[8, 9] > max(others)
    assert both[8, 9] > max(both[1, 7], both[4, 9], both[3, 5])
    assert MATRIX["few"][9, 8] == MATRIX["few"][OFF].max() == 10


def test_most_cells_off_the_diagonal_are_empty_and_few_hold_many_of_the_errors() -> None:
    errors = np.sort(MATRIX["few"][OFF])

    assert (errors == 0).mean() > 0.5
    assert errors[-10:].sum() > 0.5 * errors.sum()  # 10 of 90 cells


def test_more_labels_empty_the_cells() -> None:
    errors = {name: int(MATRIX[name][OFF].sum()) for name in MODELS}

    assert errors["linear"] < errors["few"] / 4
    assert MATRIX["linear"][9, 8] <= 2


def test_two_strong_models_err_equally_often_but_the_hidden_layer_is_surer() -> None:
    wrong = {name: SAID[name] != TRUE for name in MODELS}

    assert wrong["linear"].sum() == wrong["hidden"].sum() == 12
    assert SURE["hidden"][wrong["hidden"]].mean() > SURE["linear"][wrong["linear"]].mean() + 0.1


@pytest.mark.parametrize("model", MODELS)
def test_setting_unsure_answers_aside_raises_the_accuracy_of_the_rest(model: str) -> None:
    kept = SURE[model] >= 0.8
    right = SAID[model] == TRUE

    assert right[kept].mean() > right.mean()
    assert not kept.all()


def call(name: str, *arguments: object) -> str:
    return f"m.{name}({', '.join(json.dumps(argument) for argument in arguments)})"


def test_javascript_counts_the_same_over_random_states(
    node: Node, rng: np.random.Generator
) -> None:
    cases = []
    for _ in range(40):
        n = int(rng.integers(1, 120))
        truth, said = ("".join(map(str, rng.integers(0, 10, n))) for _ in range(2))
        cases.append([truth, said, rng.integers(0, 1001, n).tolist(), int(rng.integers(0, 100))])

    expression = """.map(([truth, said, sure, percent]) => {
      const counts = m.matrixOf(truth, said, sure, percent);
      return [counts, m.shares(counts, "rows"), m.shares(counts, "columns"),
        m.mostConfused(counts), m.largestMistake(counts)];
    })"""
    found = node("confusion_explorer.js", json.dumps(cases) + expression)

    for (truth, said, sure, percent), (counts, rows, columns, pair, cell) in zip(
        cases, found, strict=True
    ):
        mine = matrix_of(truth, said, sure, percent)
        np.testing.assert_array_equal(counts, mine)
        np.testing.assert_allclose(rows, shares(mine, "rows"), rtol=1e-15)
        np.testing.assert_allclose(columns, shares(mine, "columns"), rtol=1e-15)
        assert tuple(pair) == most_confused(mine)
        assert mine[tuple(cell)] == mine[OFF].max()


@pytest.mark.parametrize("percent", [0, 60])
@pytest.mark.parametrize("model", MODELS)
def test_remark_and_counts_are_those_of_scikit_learn(node: Node, model: str, percent: int) -> None:
    i = MODELS.index(model)
    kept = SURE[model] >= percent / 100
    true, said = TRUE[kept], SAID[model][kept]
    precision = precision_score(true, said, average=None, labels=range(10), zero_division=0)
    recall = recall_score(true, said, average=None, labels=range(10), zero_division=0)
    cells = [(t, c) for t in range(10) for c in range(10)]

    arguments = json.dumps([TRUTH, RECORD["said"][i], RECORD["sure"][i], percent])
    remarks, facts = node(
        "confusion_explorer.js",
        f"((counts) => [{json.dumps(cells)}.map((c) => m.remarkOn(counts, c)), "
        f"m.readings(counts, {len(TRUTH)})])(m.matrixOf(...{arguments}))",
    )

    for (t, c), remark in zip(cells, remarks, strict=True):
        here = ((true == t) & (said == c)).sum()
        assert remark.startswith(f"{here} images of {t} were called {c}{', right' * (t == c)}")
        assert f"called {t}: recall {recall[t]:.2f}." in remark
        assert f"Of {(said == c).sum()} that were called {c}, " in remark
        assert remark.endswith(f"are {c}: precision {precision[c]:.2f}.")
    right = int((true == said).sum())
    assert facts == [
        str(right),
        str(len(true) - right),
        f"{100 * right / len(true):.1f} %",
        str(len(TRUTH) - len(true)),
    ]


def test_remark_on_a_digit_that_is_left_nowhere_divides_by_nothing(node: Node) -> None:
    remark, facts = node(
        "confusion_explorer.js",
        '((c) => [m.remarkOn(c, [3, 4]), m.readings(c, 2)])(m.matrixOf("34", "34", [5, 5], 90))',
    )

    assert remark == "0 images of 3 were called 4. No 3 is left. Nothing was called 4."
    assert facts == ["0", "0", "none left", "2"]


def test_examples_of_a_cell_are_its_images_worst_first(node: Node) -> None:
    said, sure, right = (RECORD[name][0] for name in ("said", "sure", "right"))

    found = node("confusion_explorer.js", call("examplesOf", TRUTH, said, sure, right, 40, [9, 8]))

    wanted = (TRUE == 9) & (SAID["few"] == 8) & (SURE["few"] >= 0.4)
    assert sorted(found) == np.flatnonzero(wanted).tolist()
    assert len(found) > 2
    assert (np.diff([right[i] for i in found]) >= 0).all()


def test_accuracy_follows_controls_that_python_sets() -> None:
    figure = ConfusionExplorer()
    start = figure.accuracy

    figure.model, figure.percent = "hidden", 50

    kept = SURE["hidden"] >= 0.5
    assert start == pytest.approx(378 / 449)
    assert figure.accuracy == pytest.approx((SAID["hidden"] == TRUE)[kept].mean())
    assert ConfusionExplorer().summary().startswith("378 of 449 held-out digits are right; 8 and 9")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_be_asked_for(mode: str) -> None:
    assert ConfusionExplorer(mode=mode).mode == mode


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "big"}, "model is 'big', expected one of"),
        ({"mode": "all"}, "mode is 'all', expected one of"),
        ({"percent": 100}, "percent is 100, expected 0 to 99"),
        ({"cell": (3, 10)}, r"cell is \(3, 10\), expected a true digit and one said"),
    ],
)
def test_controls_that_do_not_exist_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConfusionExplorer(**given)

"""The decision threshold: its counts, what the figure claims of them, and the JavaScript twin."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score

from nnlib import datasets, widgets
from nnlib.widgets import ThresholdExplorer
from nnlib.widgets._record import recorded
from nnlib.widgets.threshold_explorer import (
    MODELS,
    THRESHOLDS,
    cheapest,
    measures,
    record,
    weighted_counts,
)

FOLDER = Path(widgets.__file__).parent
Node = Callable[[str, str], Any]
RECORD = recorded("threshold_explorer")
LABELS = np.array(RECORD["labels"])
SCORES = {name: np.array(RECORD[name]) for name in MODELS}


def curve(name: str, model: str = "two", ratio: float = 1, share: float | None = None) -> Any:
    """Return one measure at every threshold."""
    rows = [weighted_counts(LABELS, SCORES[model], t, share) for t in THRESHOLDS]
    return np.array([measures(counts, ratio)[name] for counts in rows])


def test_recorded_scores_are_those_that_training_gives() -> None:
    """Rounding differs between machines, so that training ends a little elsewhere."""
    fresh = record()

    assert fresh["labels"] == RECORD["labels"]
    for name in MODELS:
        np.testing.assert_allclose(fresh[name], RECORD[name], atol=2e-3)


def test_labels_are_the_malignant_tumors_of_the_data() -> None:
    assert ((datasets.load("breast_cancer").y == 0) == LABELS).all()
    assert LABELS.sum() == 212


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.85])
def test_counts_and_measures_are_those_of_scikit_learn(model: str, threshold: float) -> None:
    called = (SCORES[model] >= threshold).astype(int)

    counts = weighted_counts(LABELS, SCORES[model], threshold)
    found = measures(counts, ratio=7)

    (tn, fp), (fn, tp) = confusion_matrix(LABELS, called)
    assert [counts[name] for name in ("tn", "fp", "fn", "tp")] == pytest.approx([tn, fp, fn, tp])
    assert found["precision"] == pytest.approx(precision_score(LABELS, called))
    assert found["recall"] == pytest.approx(recall_score(LABELS, called))
    assert found["f1"] == pytest.approx(f1_score(LABELS, called))
    assert found["cost"] == pytest.approx(100 * (fp + 7 * fn) / 569)


def test_another_share_is_what_repeating_rows_gives() -> None:
    """3 of 4 positives: each positive row nine times stands beside each negative row once."""
    labels, scores = np.array([1, 0, 0, 0]), np.array([0.4, 0.6, 0.1, 0.3])
    rows = np.repeat(np.arange(4), np.where(labels == 1, 9, 1))

    weighted = measures(weighted_counts(labels, scores, 0.35, 0.75), 2)
    repeated = measures(weighted_counts(labels[rows], scores[rows], 0.35), 2)

    assert weighted == pytest.approx(repeated)


def test_precision_of_no_call_is_undefined() -> None:
    assert math.isnan(measures(weighted_counts(LABELS, SCORES["two"], 1.0), 1)["precision"])


@pytest.mark.parametrize("model", MODELS)
def test_recall_never_rises_with_the_threshold(model: str) -> None:
    assert (np.diff(curve("recall", model)) <= 1e-12).all()


def test_precision_mostly_rises_with_the_threshold_but_not_always() -> None:
    steps = np.diff(curve("precision"))
    steps = steps[np.isfinite(steps)]

    assert (steps >= 0).mean() > 0.6
    assert (steps < 0).any()
    assert curve("precision")[80] > curve("precision")[50] > curve("precision")[20]


@pytest.mark.parametrize("ratio", [1, 2, 5, 10])
def test_cheapest_threshold_lies_near_one_over_one_plus_the_cost(ratio: int) -> None:
    best, _ = cheapest(LABELS, SCORES["two"], ratio)

    assert best == pytest.approx(1 / (1 + ratio), abs=0.07)


def test_rule_for_the_cheapest_threshold_holds_for_two_measurements_at_the_share_of_training() -> (
    None
):
    off = [abs(cheapest(LABELS, SCORES["two"], r)[0] - 1 / (1 + r)) for r in range(1, 51)]

    assert max(off) < 0.07


@pytest.mark.parametrize("ratio", [1, 2, 5, 10, 20, 50])
def test_cheapest_threshold_moves_up_where_fewer_are_malignant(ratio: int) -> None:
    """The scores are probabilities for the share trained on, too high for a lower one."""
    best = [cheapest(LABELS, SCORES["two"], ratio, share)[0] for share in (None, 0.1, 0.01)]

    assert best[0] < best[1] < best[2]
    assert best[2] > 1 / (1 + ratio) + 0.4


def test_with_30_measurements_few_scores_are_in_the_middle_and_the_rule_is_rough() -> None:
    middle = {name: ((SCORES[name] > 0.1) & (SCORES[name] < 0.9)).mean() for name in MODELS}
    off = [abs(cheapest(LABELS, SCORES["all"], r)[0] - 1 / (1 + r)) for r in (1, 2, 5, 10)]

    assert middle["all"] < 0.1 < 0.4 < middle["two"]
    assert max(off) > 0.2


def test_finding_limits_the_rule_to_where_it_holds() -> None:
    text = (FOLDER / "threshold_explorer.js").read_text(encoding="utf-8")
    finding = "".join(text.split("const FINDING = ")[1].split(";\n")[0].split('" +\n  "'))

    assert "With two measurements, and malignant tumors as frequent as in training" in finding
    assert "Where fewer are malignant the scores are too high, and it lies farther up." in finding


def test_dear_misses_make_the_low_threshold_much_cheaper() -> None:
    costs = curve("cost", ratio=10)

    offered = {t: costs[round(100 * t)] for t in (0.1, 0.3, 0.5, 0.9)}

    assert min(offered, key=offered.__getitem__) == pytest.approx(0.1)
    assert offered[0.5] > 3 * offered[0.1]


def test_rare_illness_leaves_recall_and_the_roc_curve_and_breaks_precision() -> None:
    for name in ("recall", "alarms"):
        np.testing.assert_allclose(curve(name), curve(name, share=0.01))

    assert curve("precision")[50] == pytest.approx(0.69, abs=0.01)
    assert curve("precision", share=0.01)[50] < 0.05


def test_with_all_measurements_the_choice_matters_less() -> None:
    """Between 0.1 and 0.9 the F1 of the better model hardly moves."""
    inner = slice(10, 91)

    spread = {model: np.ptp(curve("f1", model)[inner]) for model in MODELS}

    assert spread["all"] < 0.1 < 0.4 < spread["two"]


def call(name: str, *arguments: object) -> str:
    return f"m.{name}({', '.join(json.dumps(argument) for argument in arguments)})"


def test_javascript_computes_the_same_over_random_states(
    node: Node, rng: np.random.Generator
) -> None:
    cases = []
    for _ in range(50):
        n = int(rng.integers(5, 40))
        labels = np.r_[0, 1, rng.integers(0, 2, n)].tolist()
        scores = rng.choice([0, 0.25, 0.5, 1, *rng.random(5).round(4)], len(labels)).tolist()
        cases.append([labels, scores, int(rng.integers(1, 51)), int(rng.integers(1, 61)) / 100])

    expression = """.map(([labels, scores, ratio, share]) => {
      const points = m.curves(labels, scores, ratio, share);
      return [points.map((p) => Object.values(p)), m.cheapestIndex(points),
        m.areaUnder(labels, scores)];
    })"""
    found = node("threshold_explorer.js", json.dumps(cases) + expression)

    for (labels, scores, ratio, share), (points, best, area) in zip(cases, found, strict=True):
        mine = [
            list(measures(weighted_counts(labels, scores, t, share), ratio).values())
            for t in THRESHOLDS
        ]
        theirs = [[math.nan if v is None else v for v in row] for row in points]
        np.testing.assert_allclose(theirs, mine, rtol=1e-12, atol=1e-12)
        assert THRESHOLDS[best] == cheapest(labels, scores, ratio, share)[0]
        assert area == pytest.approx(roc_auc_score(labels, scores))


STATES = [("two", 0.3, 10, 212 / 569), ("two", 0.81, 10, 0.01), ("all", 0.54, 2, 212 / 569)]


def drawn(node: Node, state: tuple[str, float, float, float], expression: str) -> Any:
    """Evaluate with the state's ``counts``, ``found``, ``points``, ``best`` and ``share``."""
    model, threshold, ratio, share = state
    data = json.dumps([LABELS.tolist(), SCORES[model].tolist(), threshold, ratio, share])
    return node(
        "threshold_explorer.js",
        f"""(([labels, scores, threshold, ratio, share]) => {{
      const counts = m.weightedCounts(labels, scores, threshold, share);
      const [found, points] = [m.measures(counts, ratio), m.curves(labels, scores, ratio, share)];
      const best = m.cheapestIndex(points);
      return {expression};
    }})({data})""",
    )


@pytest.mark.parametrize("state", STATES)
def test_table_and_remark_tell_what_python_computes(
    node: Node, state: tuple[str, float, float, float]
) -> None:
    model, threshold, ratio, share = state
    counts = weighted_counts(LABELS, SCORES[model], threshold, share)
    found = measures(counts, ratio)
    best, least = cheapest(LABELS, SCORES[model], ratio, share)

    shown, remark = drawn(
        node, state, "[m.readings(found, points, best), m.remarkOn(counts, found, 1)]"
    )

    names = ("accuracy", "precision", "recall", "f1")
    assert shown == [
        *(f"{found[name]:.2f}" for name in names),
        f"{found['cost']:.1f}",
        f"{least:.1f}",
        f"{best:.2f}",
    ]
    called, ill = counts["tp"] + counts["fp"], counts["tp"] + counts["fn"]
    assert remark == (
        f"Of {called:.1f} called malignant {counts['tp']:.1f} are: precision "
        f"{found['precision']:.2f}. Of {ill:.1f} malignant ones {counts['tp']:.1f} are found: "
        f"recall {found['recall']:.2f}."
    )


def test_nothing_called_leaves_precision_without_a_number(node: Node) -> None:
    say = "[m.readings(found, points, best)[1], m.remarkOn(counts, found, 0)]"

    shown, remark = drawn(node, ("two", 1.0, 10, 212 / 569), say)

    assert shown == "none called"
    assert remark.startswith("None is called malignant: precision has nothing to divide by. Of 212")


@pytest.mark.parametrize(
    ("view", "across", "up"), [("roc", "alarms", "recall"), ("pr", "recall", "precision")]
)
@pytest.mark.parametrize("share", [212 / 569, 0.01])
def test_curve_dot_and_guess_line_lie_where_python_puts_them(
    node: Node, view: str, across: str, up: str, share: float
) -> None:
    """The square is 216 wide and high, with its lower left corner at (44, 438)."""
    spec = "points, found, share, area: 0.9, left: 44, right: 568, room: 0"

    shapes = drawn(
        node,
        ("two", 0.3, 10, share),
        f'm.againstEachOther({{now: {{view: "{view}"}}, {spec}}})',
    )

    path = next(s[1]["d"] for s in shapes if s[1].get("class") == "nn-cost")
    curve_drawn = np.array([part.split() for part in re.split(r"[ML]", path)[1:]], float)
    xs, ys = curve(across, "two", 10, share), curve(up, "two", 10, share)
    seen = np.isfinite(ys)
    expected = np.c_[44 + 216 * xs[seen], 438 - 216 * ys[seen]]
    np.testing.assert_allclose(curve_drawn, expected, atol=0.051)

    dot = next(s[1]["transform"] for s in shapes if s[1].get("class") == "nn-at nn-at-recall")
    place = [float(v) for v in dot.removeprefix("translate(").removesuffix(")").split()]
    np.testing.assert_allclose(place, [44 + 216 * xs[30], 438 - 216 * ys[30]], atol=0.051)

    guess = next(s[1] for s in shapes if s[1].get("class") == "nn-faint")
    ends = [438, 438 - 216] if view == "roc" else [438 - 216 * share] * 2
    assert [guess["y1"], guess["y2"]] == pytest.approx(ends)
    assert [guess["x1"], guess["x2"]] == [44, 260]


def test_javascript_takes_37_percent_for_the_rows_as_they_are(node: Node) -> None:
    labels = LABELS.tolist()

    assert node("threshold_explorer.js", call("shareOf", labels, 37)) == pytest.approx(212 / 569)
    assert node("threshold_explorer.js", call("shareOf", labels, 36)) == pytest.approx(0.36)


def test_figure_answers_its_question_with_a_tenth(node: Node) -> None:
    expression = call("bestOffered", LABELS.tolist(), SCORES["two"].tolist())

    assert node("threshold_explorer.js", expression) == pytest.approx(0.1)


def test_cost_and_counts_follow_controls_that_python_sets() -> None:
    figure = ThresholdExplorer()
    start = figure.counts

    figure.threshold, figure.ratio = 0.2, 10.0

    assert start == pytest.approx({"tp": 127, "fp": 56, "fn": 85, "tn": 301})
    assert figure.cost == pytest.approx(measures(figure.counts, 10)["cost"])
    assert "at threshold 0.20" in figure.summary()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "three"}, "model is 'three', expected one of"),
        ({"view": "bars"}, "view is 'bars', expected one of"),
        ({"threshold": 1.5}, "threshold is 1.5, expected 0 to 1"),
        ({"percent": 0}, "percent is 0, expected 1 to 60"),
        ({"ratio": 0.0}, "ratio is 0.0, expected 1 to 50"),
    ],
)
def test_controls_that_do_not_exist_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ThresholdExplorer(**given)

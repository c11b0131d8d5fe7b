"""Recorded runs: the rule is the library's, the claims hold on the record, and the twin agrees."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib import EarlyStopping
from nnlib.widgets import EarlyStoppingScrubber
from nnlib.widgets._record import recorded
from nnlib.widgets.early_stopping_scrubber import (
    DELTAS,
    EPOCHS,
    HALVINGS,
    RUNS,
    SLIDES,
    UNIT,
    Decision,
    follow_rule,
    losses_of,
    report,
    train,
)

Node = Callable[[str, str], Any]
TRAINED = RUNS[:-1]
SPLITS = range(1, 2 * HALVINGS + 1)


def decisions(run: str, patience: int, min_delta: float = 0.0) -> list[Decision]:
    return [follow_rule(losses_of(run, s).validation, patience, min_delta) for s in SPLITS]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("min_delta", DELTAS)
def test_rule_is_that_of_the_library(run: str, min_delta: float) -> None:
    for split in (1, 2, 11):
        losses = losses_of(run, split).validation
        for patience in (1, 2, 3, 7, 20, 60):
            theirs = EarlyStopping(patience, min_delta).replay(losses)

            ours = follow_rule(losses, patience, min_delta)

            assert (ours.stopped if ours.early else None) == theirs.stop_epoch
            assert ours.restored == theirs.best_epoch


@pytest.mark.parametrize(
    ("min_delta", "patience", "expected"),
    [
        # 0.0401 − 0.04001 and 0.0401 − 0.03998 are less than 0.001: two epochs of waiting
        (0.001, 2, Decision([0, 0, 1, 2], 4, True, 2)),
        (0.001, 3, Decision([0, 0, 1, 2, 3], 5, True, 2)),
        # without min_delta each is an improvement, down to 0.03998
        (0.0, 1, Decision([0, 0, 0, 0, 1], 5, True, 4)),
        (0.0, 2, Decision([0, 0, 0, 0, 1], 5, False, 4)),
        # 0.0401 − 0.04001 = 0.00009 is too little, 0.0401 − 0.03998 = 0.00012 is enough
        (0.0001, 2, Decision([0, 0, 1, 0, 1], 5, False, 4)),
    ],
)
def test_losses_of_the_slides_by_hand(min_delta: float, patience: int, expected: Decision) -> None:
    assert follow_rule(SLIDES, patience, min_delta) == expected


@pytest.mark.parametrize("run", TRAINED)
def test_record_begins_as_a_fresh_training_does(run: str) -> None:
    """The first epochs only: later ones amplify how a machine rounds."""
    training, rows = train(run, epochs=3)

    kept = recorded("early_stopping_scrubber")[run]
    first = np.random.default_rng(5).permutation(rows.shape[1])[: rows.shape[1] // 2]
    np.testing.assert_allclose(np.array(kept["training"][:3]) * UNIT, training, atol=UNIT)
    np.testing.assert_allclose(np.array(kept["pool"][:3]) * UNIT, rows.mean(axis=1), atol=UNIT)
    half = np.array(kept["halves"][5][:3]) * UNIT
    np.testing.assert_allclose(half, rows[:, first].mean(axis=1), atol=UNIT)


@pytest.mark.parametrize("run", TRAINED)
def test_two_splits_exchange_the_halves_of_the_pool(run: str) -> None:
    one, two = losses_of(run, 7), losses_of(run, 8)

    assert (one.validation, one.test) == (two.test, two.validation)
    assert one.training == two.training
    pool = np.array(recorded("early_stopping_scrubber")[run]["pool"]) * UNIT
    means = (np.array(one.validation) + one.test) / 2
    np.testing.assert_allclose(means, pool, atol=1e-12)
    assert len(pool) == EPOCHS


@pytest.mark.parametrize("run", TRAINED)
def test_an_epoch_that_nobody_chose_shows_no_optimism(run: str) -> None:
    """Exchanging the halves makes both means equal at any fixed epoch."""
    for epoch in (1, 17, 60):
        pairs = [losses_of(run, s) for s in SPLITS]
        gap = [one.test[epoch - 1] - one.validation[epoch - 1] for one in pairs]
        assert sum(gap) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("run", TRAINED)
def test_the_best_of_all_epochs_is_reported_too_well(run: str) -> None:
    """Where the best of all epochs is taken, each pair of splits has an optimism of at least 0."""
    result = report(run, EPOCHS, 0.0)

    assert result.optimism > 0.005
    for split in SPLITS[::2]:
        pair = [losses_of(run, split), losses_of(run, split + 1)]
        at = [int(np.argmin(one.validation)) for one in pair]
        assert sum(one.test[i] - one.validation[i] for one, i in zip(pair, at, strict=True)) >= 0


@pytest.mark.parametrize("run", ["digits", "plateau", "random"])
@pytest.mark.parametrize("patience", [10, 20, 60])
def test_rows_that_choose_report_less_than_rows_that_do_not(run: str, patience: int) -> None:
    assert report(run, patience, 0.0).optimism > 0.015


def test_small_patience_stops_on_the_noise_of_large_steps() -> None:
    early = decisions("jagged", 1)

    assert {(d.stopped, d.restored) for d in early} == {(8, 7)}
    pool = recorded("early_stopping_scrubber")["jagged"]["pool"]
    assert int(np.argmin(pool)) + 1 == 12
    best = [int(np.argmin(losses_of("jagged", s).validation)) + 1 for s in SPLITS]
    assert best.count(12) > len(best) / 2
    assert report("jagged", 5, 0.0).test < report("jagged", 1, 0.0).test


def test_small_patience_stops_on_the_plateau_before_learning_begins() -> None:
    stopped = decisions("plateau", 5)

    assert sum(d.stopped <= 8 for d in stopped) > len(stopped) / 2
    guess = math.log(10)  # the loss of ten equal probabilities
    first = losses_of("plateau", 1)
    assert first.validation[follow_rule(first.validation, 5, 0.0).restored - 1] > guess - 0.1
    assert all(d.restored >= 30 for d in decisions("plateau", 10))
    assert report("plateau", 10, 0.0).test < 0.2 * guess < report("plateau", 5, 0.0).test


def test_restoring_gains_much_on_digits_and_nothing_on_the_plateau() -> None:
    digits, plateau = report("digits", 60, 0.0), report("plateau", 10, 0.0)

    # what the figure's finding says
    assert [f"{v:.3f}" for v in (digits.last, digits.test)] == ["0.977", "0.589"]
    assert plateau.last == pytest.approx(plateau.test, abs=0.01)
    assert plateau.last < plateau.test


@pytest.mark.parametrize(("run", "patience"), [("digits", 1), ("jagged", 1), ("plateau", 1)])
def test_rule_that_stops_soon_may_show_no_optimism(run: str, patience: int) -> None:
    assert report(run, patience, 0.0).optimism == pytest.approx(0, abs=1e-10)
    assert max(d.stopped for d in decisions(run, patience)) <= 10


@pytest.mark.parametrize("run", TRAINED)
def test_larger_patience_costs_epochs_and_little_else(run: str) -> None:
    some, all_epochs = report(run, 10, 0.0), report(run, 60, 0.0)

    assert abs(all_epochs.test - some.test) < 0.02
    assert np.mean([d.stopped for d in decisions(run, 10)]) < EPOCHS - 5


def test_coin_tosses_look_learnable_to_the_rows_that_chose_and_not_to_the_others() -> None:
    result = report("random", 20, 0.0)

    assert result.validation < math.log(2) < result.test
    found = [f"{v:.4f}" for v in (result.validation, math.log(2), result.test)]
    assert found == ["0.6926", "0.6931", "0.7273"]  # what the figure's finding says
    training = losses_of("random").training
    assert training[-1] < 0.5 * training[0]  # the labels are learned by heart all the same


def test_javascript_decides_and_reports_the_same(node: Node, rng: np.random.Generator) -> None:
    kept = recorded("early_stopping_scrubber")
    runs = json.dumps([kept[name] for name in TRAINED])
    cases: list[list[Any]] = [
        [
            str(rng.choice(TRAINED)),
            int(rng.integers(1, 25)),
            int(rng.integers(1, 61)),
            float(rng.choice(DELTAS)),
        ]
        for _ in range(60)
    ]
    cases += [["slides", 1, patience, delta] for patience in (1, 2, 3) for delta in DELTAS]
    call = (
        f"((runs) => {json.dumps(cases)}.map(([run, split, p, d]) => {{"
        " const l = m.lossesOf(runs, run, split);"
        " return [l.training, l.validation, l.test, m.followRule(l.validation, p, d),"
        f" run === 'slides' ? null : m.report(runs, run, p, d)]; }}))({runs})"
    )

    found = node("early_stopping_scrubber.js", call)

    for (run, split, patience, delta), (training, validation, test, rule, means) in zip(
        cases, found, strict=True
    ):
        mine = losses_of(run, split)
        assert (training, validation, test) == tuple(mine)
        assert rule == follow_rule(mine.validation, patience, delta)._asdict()
        if means is not None:
            assert means == pytest.approx(report(run, patience, delta)._asdict(), abs=1e-12)


def remark(node: Node, state: dict[str, Any]) -> str:
    """Return what is said beside the picture."""
    losses = losses_of(state["run"], state["split"]).validation
    rule = follow_rule(losses, state["patience"], state["min_delta"])._asdict()
    call = f"m.remarkOn({json.dumps(state)}, {json.dumps(losses)}, {json.dumps(rule)})"
    return str(node("early_stopping_scrubber.js", call))


def test_remark_says_what_each_preset_shows(node: Node) -> None:
    start, presets = node("early_stopping_scrubber.js", "[m.START, m.PRESETS]")
    expected = {
        "Patience 1": "Stop: one epoch without improvement. The weights of epoch 7 come back."
        " The lowest loss would have come at epoch 12.",
        "Stopped on a plateau": "Stop: 5 epochs in a row without improvement."
        " The weights of epoch 1 come back.",
        "Through the plateau": "Epoch 39 ",
        "Coin tosses": "Epoch 7 ",
        "The slides’ losses": "Stop: 2 epochs in a row without improvement by more than 0.001."
        " The weights of epoch 2 come back.",
    }

    assert [name for name, _ in presets] == list(expected)
    for name, preset in presets:
        assert remark(node, start | preset).startswith(expected[name])


def test_remark_and_table_agree_with_python_at_every_epoch(
    node: Node, rng: np.random.Generator
) -> None:
    states: list[dict[str, Any]] = [
        {
            "run": str(rng.choice(RUNS)),
            "patience": int(rng.integers(1, 12)),
            "min_delta": float(rng.choice(DELTAS)),
            "split": int(rng.integers(1, 25)),
            "epoch": int(rng.integers(1, 6)) if i % 2 else int(rng.integers(1, 61)),
        }
        for i in range(150)
    ]
    states = [s for s in states if s["run"] != "slides" or s["epoch"] <= len(SLIDES)]
    rows: list[Any] = []
    for s in states:
        losses = losses_of(s["run"], s["split"])
        rule = follow_rule(losses.validation, s["patience"], s["min_delta"])
        means = None if s["run"] == "slides" else report(s["run"], s["patience"], s["min_delta"])
        rows.append([s, losses._asdict(), rule._asdict(), means and means._asdict()])
    call = (
        f"{json.dumps(rows)}.map(([s, l, r, w]) =>"
        " [m.remarkOn(s, l.validation, r), m.valuesOf(s, l, r, w)])"
    )

    found = node("early_stopping_scrubber.js", call)

    for (s, losses, rule, means), (text, (now, ruled, mean)) in zip(rows, found, strict=True):
        epoch, stopped, restored = s["epoch"], rule["stopped"], rule["restored"]
        validation, test = losses["validation"], losses["test"]
        assert float(now[1]) == pytest.approx(validation[epoch - 1], abs=5.1e-4)
        assert ruled[:2] == [f"{stopped}{'' if rule['early'] else ' (all)'}", str(restored)]
        assert float(ruled[2]) == pytest.approx(validation[restored - 1], abs=5.1e-4)
        if means:
            assert float(now[0]) == pytest.approx(losses["training"][epoch - 1], abs=5.1e-4)
            assert float(ruled[3]) == pytest.approx(test[restored - 1], abs=5.1e-4)
            order = [means[name] for name in ("validation", "test", "optimism", "last")]
            shown = [float(v.replace("−", "-")) for v in mean]
            assert shown == pytest.approx(order, abs=5.1e-5)
        else:
            assert {now[0], ruled[3], *mean} == {"not recorded"}
        if epoch > stopped:
            assert now[2:] == ["not run", "not run"]
            assert text.startswith(f"Epoch {epoch} is never run")
            continue
        waited = rule["waits"][epoch - 1]
        best = epoch - waited
        assert now[3] == f"{waited} of {s['patience']}"
        assert now[2].endswith(f" ({best})")
        assert float(now[2].split()[0]) == pytest.approx(validation[best - 1], abs=5.1e-4)
        if epoch == stopped and rule["early"]:
            assert text.startswith("Stop: ")
            assert f"The weights of epoch {restored} come back." in text
            lowest = int(np.argmin(validation)) + 1
            would = f"The lowest loss would have come at epoch {lowest}."
            assert (would in text) == (lowest > stopped)
        elif waited:
            assert text.startswith(f"Epoch {epoch} does not improve on epoch {best}")
            assert f"{waited} of {s['patience']} epochs of patience" in text
        else:
            assert "improve" in text
            assert "does not" not in text


def test_decision_follows_controls_that_python_sets() -> None:
    figure = EarlyStoppingScrubber()

    figure.run, figure.patience, figure.min_delta = "slides", 2, 0.001

    assert (figure.stopped, figure.restored) == (4, 2)
    assert "ends after epoch 4 and gets the weights of epoch 2 back" in figure.summary()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"run": "mnist"}, r"run is 'mnist', expected one of \('digits', 'jagged'"),
        ({"patience": 0}, "patience is 0, expected 1 to 60"),
        ({"split": 25}, "split is 25, expected 1 to 24"),
    ],
)
def test_state_outside_its_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EarlyStoppingScrubber(**wrong)

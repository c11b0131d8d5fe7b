"""The record is what training gives, and the figure claims nothing that is not in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlib.widgets
from nnlib import CrossEntropy
from nnlib.curvature import Hessian, classify_critical_point
from nnlib.widgets import SpectrumSlices
from nnlib.widgets._record import recorded
from nnlib.widgets.spectrum_slices import (
    DISTANCES,
    LOG_SCALES,
    LR,
    RANKS,
    count_tall,
    measure,
    measure_rescaled,
    predicted,
    rescaled,
    trained,
)
from tests.nnlib.widgets.figures import COVERED, Show, unlocked

Node = Callable[[str, str], Any]
DATA = recorded("spectrum_slices")
TALL = count_tall(DATA["after"]["eigenvalues"])
PATH = json.dumps(str(Path(nnlib.widgets.__file__).with_name("spectrum_slices.json")))
LOAD = f"JSON.parse((await import('node:fs')).readFileSync({PATH}, 'utf8'))"


@pytest.fixture(scope="module")
def networks() -> Any:
    return trained()


def test_record_is_what_the_training_gives(networks: Any) -> None:
    """The command that makes it anew is ``python -m nnlib.widgets spectrum_slices``."""
    _, after, split = networks

    found = measure(after, split)

    kept = DATA["after"]
    assert found["accuracy"] == kept["accuracy"]
    # another processor rounds otherwise, and 300 steps carry that on
    assert found["loss"] == pytest.approx(kept["loss"], rel=1e-4)
    assert found["norm"] == pytest.approx(kept["norm"], rel=1e-2)
    largest = kept["eigenvalues"][0]
    np.testing.assert_allclose(found["eigenvalues"], kept["eigenvalues"], atol=6e-3 * largest)
    np.testing.assert_allclose(found["eigenvalues"][:12], kept["eigenvalues"][:12], rtol=0.02)
    for mine, theirs in zip(found["slices"][:9], kept["slices"][:9], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0.02, atol=1e-3)


def test_record_of_the_rescaling_is_that_of_the_rescaled_network(networks: Any) -> None:
    _, after, split = networks

    found = measure_rescaled(after, split, 2.0)

    kept = DATA["rescaled"][LOG_SCALES.index(2.0)]
    assert found["accuracy"] == kept["accuracy"]
    for name in ("loss", "largest", "trace", "norm"):
        assert found[name] == pytest.approx(kept[name], rel=1e-3)
    np.testing.assert_allclose(found["slice"], kept["slice"], rtol=0.02, atol=1e-3)


def test_training_used_gradient_descent_below_its_limit(networks: Any) -> None:
    before, after, split = networks
    X = split.X_train.astype(np.float64)

    loss, y = CrossEntropy(), split.y_train
    losses = [loss.forward(model.forward(X), y) for model in (before, after)]

    assert losses == pytest.approx([DATA["before"]["loss"], DATA["after"]["loss"]], rel=1e-4)
    assert 2 / DATA["after"]["eigenvalues"][0] > LR
    assert after.theta.size == len(DATA["after"]["eigenvalues"]) == RANKS[-1] == 910


def test_rescaling_changes_no_output_and_no_prediction(networks: Any) -> None:
    _, after, split = networks
    outputs = after.forward(split.X_test)

    for alpha in (0.125, 0.3, 7.0):
        other = rescaled(after, alpha)
        assert np.linalg.norm(other.theta - after.theta) > 1
        # scaling by α and by 1/α rounds twice
        np.testing.assert_allclose(other.forward(split.X_test), outputs, rtol=1e-9, atol=1e-10)


def test_rescaled_hessian_is_the_old_one_seen_in_other_units(networks: Any) -> None:
    """With θ' = Dθ the Hessian is D⁻¹ H D⁻¹: an identity that the record does not use."""
    _, after, split = networks
    X, y, loss = split.X_train.astype(np.float64), split.y_train, CrossEntropy()
    D = np.concatenate([np.full(64 * 12 + 12, 4.0), np.full(12 * 10, 0.25), np.ones(10)])

    H = Hessian(after, X, y, loss).dense() / D[:, None] / D[None, :]

    kept = DATA["rescaled"][LOG_SCALES.index(2.0)]
    assert np.linalg.eigvalsh(H)[-1] == pytest.approx(kept["largest"], rel=1e-3)
    assert np.trace(H) == pytest.approx(kept["trace"], rel=1e-3)


def test_nine_eigenvalues_stand_out_in_each_of_six_networks() -> None:
    assert DATA["tall"] == [9] * 6
    assert TALL == 9
    assert DATA["after"]["eigenvalues"][9] < 0.5 * DATA["after"]["eigenvalues"][8]


def test_nine_eigenvalues_stand_out_in_a_network_trained_here() -> None:
    _, model, data = trained(seed=1)
    hessian = Hessian(model, data.X_train.astype(np.float64), data.y_train, CrossEntropy())

    assert count_tall(np.linalg.eigvalsh(hessian.dense())[::-1].tolist()) == DATA["tall"][1]


def test_most_directions_are_flat() -> None:
    values = np.array(DATA["after"]["eigenvalues"])
    slices = dict(zip(RANKS, DATA["after"]["slices"], strict=True))

    assert np.mean(np.abs(values) < values[0] / 1000) > 0.8
    assert np.median(values) < 6e-5
    for rank in (100, 200, 300, 910):
        assert np.abs(slices[rank]).max() < 0.02
    for rank in RANKS[:TALL]:
        assert min(slices[rank][0], slices[rank][-1]) > 0.4


def test_prediction_is_good_near_the_network_and_fails_farther_out() -> None:
    after = DATA["after"]
    near, far = [], []
    for i, rank in enumerate(RANKS[:TALL]):
        for t in (-0.1, 0.1, -1.0, 1.0):
            real = after["slices"][i][DISTANCES.index(t)]
            guess = predicted(after["slopes"][i], after["eigenvalues"][rank - 1], t)
            (near if abs(t) < 0.5 else far).append(abs(real - guess) / abs(real))

    assert max(near) < 0.35
    assert np.median(near) < 0.1
    assert np.median(far) > 0.3


def test_slices_have_the_slope_and_curvature_of_the_record() -> None:
    """Differences of the slices know nothing of eigenvalues."""
    of, h = DATA["after"], DISTANCES[21]
    for i, rank in enumerate(RANKS[:TALL]):
        low, high = of["slices"][i][19], of["slices"][i][21]
        # kinks of ReLU lie within 0.05: the Hessian at a point does not see them, a difference does
        assert (high - low) / (2 * h) == pytest.approx(of["slopes"][i], abs=0.03)
        assert (high + low) / h**2 == pytest.approx(of["eigenvalues"][rank - 1], rel=0.2)


@pytest.mark.parametrize("which", [0, 1])
def test_top_eigenvalue_is_the_change_of_the_gradient_along_its_vector(
    networks: Any, which: int
) -> None:
    model, split = networks[which].astype(np.float64), networks[2]
    X, y, loss, h = split.X_train.astype(np.float64), split.y_train, CrossEntropy(), 1e-6
    theta, v = model.theta.copy(), Hessian(model, X, y, loss).spectrum(1, rng=0).eigenvectors[:, 0]

    gradients = []
    for t in (-h, h):
        model.theta = theta + t * v
        gradients.append(model.loss_and_gradient(X, y, loss)[1].copy())

    change = (gradients[1] - gradients[0]) / (2 * h)
    kept = DATA[("before", "after")[which]]["eigenvalues"][0]
    np.testing.assert_allclose(change, kept * v, atol=6e-3 * kept)


def test_place_before_training_is_no_minimum_and_its_last_direction_falls_both_ways() -> None:
    before = DATA["before"]
    last = before["slices"][-1]

    assert before["eigenvalues"][-1] < -0.2
    assert max(last[0], last[10], last[30], last[-1]) < 0
    values = before["eigenvalues"]
    assert classify_critical_point(before["norm"], values) == "not critical"
    assert classify_critical_point(0.0, values) == "saddle"


def test_trained_network_has_almost_no_negative_curvature() -> None:
    before, after = DATA["before"]["eigenvalues"], DATA["after"]["eigenvalues"]

    assert -after[-1] < after[0] / 500
    assert -before[-1] > before[0] / 20


def test_loss_and_accuracy_stay_while_the_sharpness_grows_up_to_35_fold() -> None:
    first = DATA["rescaled"][LOG_SCALES.index(0)]
    ratios = [point["largest"] / first["largest"] for point in DATA["rescaled"]]

    assert {point["loss"] for point in DATA["rescaled"]} == {DATA["after"]["loss"]}
    assert all(point["accuracy"] == first["accuracy"] for point in DATA["rescaled"])
    assert max(ratios) == pytest.approx(35, abs=0.5)
    assert ratios[LOG_SCALES.index(2)] == pytest.approx(7.4, abs=0.1)
    assert first["largest"] == pytest.approx(DATA["after"]["eigenvalues"][0], rel=2e-3)


def test_far_from_one_the_sharpness_grows_with_the_square_of_the_scale() -> None:
    largest = [point["largest"] for point in DATA["rescaled"]]

    for a, b in ((0, 1), (-1, -2)):  # a factor of √2 in α
        assert largest[a] / largest[b] == pytest.approx(2, rel=0.01)


def test_rate_of_the_training_is_above_the_limit_of_the_sharpened_network() -> None:
    assert 2 / DATA["rescaled"][LOG_SCALES.index(2)]["largest"] < LR


def test_javascript_has_the_same_ranks_distances_and_scales(node: Node) -> None:
    assert node("spectrum_slices.js", "m.RANKS") == list(RANKS)
    assert node("spectrum_slices.js", "m.DISTANCES") == list(DISTANCES)
    assert node("spectrum_slices.js", "m.LOG_SCALES") == list(LOG_SCALES)


def test_javascript_computes_the_same(node: Node, rng: np.random.Generator) -> None:
    cases = rng.normal(size=(50, 3)).tolist()
    rows = [sorted(rng.normal(size=40) ** 3, reverse=True) for _ in range(20)]

    guesses = node("spectrum_slices.js", f"{json.dumps(cases)}.map((c) => m.predicted(...c))")
    counts = node("spectrum_slices.js", f"{json.dumps(rows)}.map((r) => m.countTall(r))")

    assert guesses == pytest.approx([predicted(*case) for case in cases], rel=1e-14)
    assert counts == [count_tall(row) for row in rows]


def test_figure_answers_its_questions_from_the_record(node: Node) -> None:
    said = [
        node("spectrum_slices.js", f'm.answerTo("{part}", {LOAD})')
        for part in ("spectrum", "rescaling")
    ]

    assert said == [f"about {TALL}", "the loss stays, the eigenvalue grows"]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"part": "spectrum", "network": "after", "rank": 1, "distance": 0.5}, "stays below"),
        ({"part": "spectrum", "network": "after", "rank": 1, "distance": 0.05}, "right to a tenth"),
        ({"part": "spectrum", "network": "after", "rank": 300, "distance": 1}, "flat direction"),
        ({"part": "spectrum", "network": "before", "rank": 910, "distance": 0.5}, "no minimum"),
        ({"part": "rescaling", "log_scale": 2}, "7.4 times as sharp. The rate 0.5"),
        ({"part": "rescaling", "log_scale": -0.5}, "1.3 times as sharp."),
    ],
)
def test_remark_says_what_the_record_holds(node: Node, state: dict[str, Any], says: str) -> None:
    assert says in node("spectrum_slices.js", f"m.remarkOn({json.dumps(state)}, {LOAD})")


def test_summary_is_about_the_part_that_is_shown() -> None:
    first, second = SpectrumSlices(), SpectrumSlices(part="rescaling", log_scale=2)

    assert first.summary().startswith("9 of 910 eigenvalues of a network after training")
    assert "its loss is 0.0578 as before, its largest eigenvalue 20.3" in second.summary()


@pytest.mark.parametrize("given", [{"rank": 13}, {"part": "slices"}, {"log_scale": 0.3}])
def test_value_that_was_not_recorded_is_refused(given: dict[str, Any]) -> None:
    (name, value) = next(iter(given.items()))

    with pytest.raises(ValueError, match=f"{name} is {value!r}, expected one of"):
        SpectrumSlices(**given)


def test_record_is_small_enough_for_every_notebook_that_shows_it() -> None:
    assert len(json.dumps(DATA)) < 45_000
    assert all(math.isfinite(value) for value in DATA["after"]["eigenvalues"])


@pytest.mark.browser
def test_slider_walks_through_the_eigenvectors(show: Show) -> None:
    shown = unlocked(show, SpectrumSlices())
    rank = shown.frame.get_by_label("eigenvector", exact=True)
    rank.focus()

    seen = []
    for key in ("ArrowRight", "End"):
        shown.press(key)
        row = shown.frame.locator("tr", has=shown.frame.get_by_text("eigenvalue", exact=True))
        seen.append((rank.get_attribute("aria-valuetext"), row.locator("td").inner_text()))

    assert seen == [("number 2 of 910", "1.940"), ("number 910 of 910", "−4.0·10⁻³")]


@pytest.mark.browser
def test_scale_leaves_the_loss_and_moves_the_eigenvalue(show: Show) -> None:
    figure = SpectrumSlices(part="rescaling")
    shown = show(figure)
    shown.drawn(shown.button("the loss stays, the eigenvalue grows").click)
    shown.frame.get_by_label("scale α", exact=True).focus()

    rows = []
    for key in ("End", "Home"):
        shown.press(key)
        rows.append(shown.frame.locator("tr:visible td").all_inner_texts()[:3])

    assert "✓ Agrees" in shown.text(".nn-verdict")
    assert rows == [["0.0578", "93.9 %", "80.69"], ["0.0578", "93.9 %", "95.29"]]


@pytest.mark.browser
@pytest.mark.parametrize("width", [960, 300])
def test_labels_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, SpectrumSlices(), width=width)

    for preset in ("Reset", "A flat one", "Before training, downhill", "Re-scaled, α = 4"):
        shown.button(preset).click()
        assert shown.frame.evaluate(COVERED) == []


@pytest.mark.browser
def test_part_that_is_not_looked_at_is_not_shown(show: Show) -> None:
    shown = unlocked(show, SpectrumSlices())

    before = [shown.frame.get_by_label(name).is_visible() for name in ("distance t", "scale α")]
    shown.frame.locator("label", has_text="re-scaling").click()
    after = [shown.frame.get_by_label(name).is_visible() for name in ("distance t", "scale α")]

    assert (before, after) == ([True, False], [False, True])

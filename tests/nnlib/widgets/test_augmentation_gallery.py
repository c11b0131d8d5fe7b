"""The gallery: its changes, what they do to labels and accuracy, and the JavaScript twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from nnlib import augmentation as library
from nnlib import datasets
from nnlib.widgets import AugmentationGallery
from nnlib.widgets._digit_images import unpacked
from nnlib.widgets._record import recorded
from nnlib.widgets.augmentation_gallery import (
    CENTERS,
    DIGITS,
    LEVELS,
    SECOND,
    SEEDS,
    _run_seed,
    answers,
    augmentation,
    gains,
    transformed,
)

Node = Callable[[str, str], Any]
RECORD = recorded("augmentation_gallery")
IMAGES = unpacked(RECORD["images"])
NORMALS = np.array(RECORD["normals"])
HELD = RECORD["held"]


def gain(name: str, strength: float) -> tuple[float, float, int]:
    runs = RECORD["runs"][name]
    return gains(runs[LEVELS[name].index(strength)], runs[0], HELD)


def accuracy(name: str, strength: float) -> Any:
    """Return the three mean accuracies: as they are, changed likewise, trained without."""
    return 1 - np.mean(RECORD["runs"][name][LEVELS[name].index(strength)], axis=0) / HELD


def test_recorded_runs_of_the_first_seed_are_those_that_training_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rounding differs between machines, and may move some rows across the boundary."""
    few: dict[str, tuple[float, ...]] = {"rotate": (0, 10), "mirror": (0, 1), "mixup": (0, 0.2)}
    monkeypatch.setattr("nnlib.widgets.augmentation_gallery.LEVELS", few)
    fresh: dict[str, list[list[list[int]]]] = {name: [[], []] for name in few}

    _run_seed(datasets.load("digits").split(validation=0.25, test=0.25, rng=0), 0, fresh)

    for name in few:
        for level in (0, 1):
            difference = np.subtract(fresh[name][level][0], RECORD["runs"][name][level][0])
            assert np.abs(difference).max() <= 6


def test_every_change_and_strength_was_run_with_every_seed() -> None:
    for name, levels in LEVELS.items():
        assert np.shape(RECORD["runs"][name]) == (len(levels), SEEDS, 3)


def test_images_on_show_are_held_out_digits_that_the_network_reads_rightly() -> None:
    held = datasets.load("digits").split(validation=0.25, test=0.25, rng=0).X_test

    assert answers(RECORD["network"], IMAGES).argmax(axis=1).tolist() == list(DIGITS)
    for image in IMAGES:
        assert (held == image.astype(np.float32)).all(axis=1).any()


def test_half_a_turn_makes_a_nine_of_the_six_and_a_six_of_the_nine() -> None:
    said = answers(RECORD["network"], transformed(IMAGES, "rotate", 180, NORMALS)).argmax(axis=1)
    turned = np.array(RECORD["turned"])

    assert (said[0], said[1]) == (9, 6)
    assert turned[6, 9] > 0.8 * turned[6].sum()
    assert turned[9].argmax() == 6


def test_mirrored_three_is_no_three_and_eight_and_zero_survive() -> None:
    mirrored, turned = np.array(RECORD["mirrored"]), np.array(RECORD["turned"])

    assert mirrored[3, 3] < 0.1 * mirrored[3].sum()
    for counts in (mirrored, turned):
        assert counts[0, 0] > 0.8 * counts[0].sum()
        assert counts[8, 8] > 0.6 * counts[8].sum()


def test_changes_that_break_labels_harm_every_run() -> None:
    for name, strength in (("rotate", 180), ("rotate", 90), ("mirror", 1), ("upside", 1)):
        mean, _, better = gain(name, strength)
        assert mean < -0.02
        assert better == 0


def test_moves_of_two_pixels_keep_the_label_and_cost_accuracy() -> None:
    """Trained with them the network is steady against moves, and worse on centered digits."""
    mean, spread, better = gain("shift", 2)
    as_they_are, likewise, without = accuracy("shift", 2)

    assert mean < -3 * spread
    assert better == 0
    assert likewise > without + 0.4
    assert as_they_are == pytest.approx(likewise, abs=0.02)


def test_one_pixel_fools_a_network_that_never_saw_it() -> None:
    _, likewise, without = accuracy("shift", 1)
    said = answers(RECORD["network"], transformed(IMAGES, "shift", 1, NORMALS)).argmax(axis=1)

    assert without < 0.6
    assert likewise > 0.8
    assert (said != DIGITS).sum() >= 5


@pytest.mark.parametrize(
    ("name", "strength"), [("rotate", 10), ("shift", 0.5), ("noise", 0.1), ("noise", 0.2)]
)
def test_small_changes_that_occur_help(name: str, strength: float) -> None:
    mean, spread, better = gain(name, strength)

    assert mean > spread > 0
    assert better >= 8


def test_cutting_out_and_mixing_up_cost_accuracy_at_every_strength() -> None:
    for name in ("cutout", "mixup"):
        for strength in LEVELS[name][1:]:
            mean, _, better = gain(name, strength)
            assert mean < -0.01
            assert better <= 2


def test_each_ability_to_read_changed_digits_comes_from_training_with_them() -> None:
    for name in ("rotate", "scale", "shift", "mirror", "upside", "cutout"):
        _, likewise, without = accuracy(name, LEVELS[name][-1])
        assert likewise > without + 0.1


def test_training_uses_the_transforms_of_the_library() -> None:
    kinds = {name: type(augmentation(name, levels[-1])) for name, levels in LEVELS.items()}

    assert kinds == {
        "rotate": library.Rotate,
        "scale": library.Scale,
        "shift": library.Shift,
        "mirror": library.FlipHorizontal,
        "upside": library.FlipVertical,
        "noise": library.GaussianNoise,
        "cutout": library.Cutout,
        "mixup": library.Mixup,
    }


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1])
def test_mixup_shows_the_mean_share_of_the_second_image(alpha: float) -> None:
    """E min(λ, 1 − λ) for λ ~ Beta(α, α), which is symmetric about ½."""
    density = stats.beta(alpha, alpha).pdf

    mean, _ = integrate.quad(lambda v: 2 * v * density(v), 0, 0.5)

    assert SECOND[alpha] == pytest.approx(mean, abs=0.006)


def test_blot_is_centered_and_cut_off_at_the_border() -> None:
    ones = np.ones((6, 64))

    new = transformed(ones, "cutout", 5, NORMALS).reshape(6, 8, 8)

    for image, (row, column) in zip(new, CENTERS, strict=True):
        rows, columns = np.nonzero(image == 0)
        assert rows.min() == row - 2
        assert columns.min() == column - 2
        assert rows.max() == min(7, row + 2)
        assert columns.max() == min(7, column + 2)


def test_upside_down_and_mirror_together_are_half_a_turn() -> None:
    both = transformed(transformed(IMAGES, "mirror", 1, NORMALS), "upside", 1, NORMALS)

    np.testing.assert_array_equal(both, transformed(IMAGES, "rotate", 180, NORMALS))


def test_gain_is_taken_run_by_run() -> None:
    """10 of 100 wrong become 8, and 6 become 7: +2 and −1 points."""
    mean, spread, better = gains([[8, 0, 0], [7, 0, 0]], [[10, 0, 0], [6, 0, 0]], held=100)

    assert (mean, spread, better) == (pytest.approx(0.005), pytest.approx(0.015), 1)


def test_javascript_changes_and_judges_images_the_same(
    node: Node, rng: np.random.Generator
) -> None:
    images = rng.random((6, 64)).round(3)
    cases = [[name, strength] for name, levels in LEVELS.items() for strength in levels]

    data = json.dumps([images.tolist(), NORMALS.tolist(), RECORD["network"], cases])
    expression = f"""(([images, normals, network, cases]) => cases.map(([name, strength]) => {{
      const changed = m.transformed(images, name, strength, normals);
      return [changed, changed.map((image) => m.answers(network, image))];
    }}))({data})"""
    found = node("augmentation_gallery.js", expression)

    for (name, strength), (changed, said) in zip(cases, found, strict=True):
        mine = transformed(images, name, strength, NORMALS)
        np.testing.assert_allclose(changed, mine, atol=1e-12)
        np.testing.assert_allclose(said, answers(RECORD["network"], mine), atol=1e-12)


def test_javascript_has_the_same_strengths_and_gains(node: Node) -> None:
    runs = RECORD["runs"]["rotate"]

    levels = node("augmentation_gallery.js", "m.LEVELS")
    found = node("augmentation_gallery.js", f"m.gains({runs[5]}, {runs[0]}, {HELD})")

    assert levels == {name: list(values) for name, values in LEVELS.items()}
    assert list(found.values()) == pytest.approx(list(gain("rotate", 180)))


STATES = [(name, i) for name, levels in LEVELS.items() for i in range(len(levels))]
EVERY = (
    f"{json.dumps(STATES)}.map(([change, level]) => [{{change, level, marks: [], compared: true}}, "
)


def test_table_shows_the_numbers_of_python(node: Node) -> None:
    shown = node(
        "augmentation_gallery.js",
        f"((runs) => {EVERY}runs[change]]).map(([now, set]) => m.readings(now, set, {HELD})))"
        f"({json.dumps(RECORD['runs'])})",
    )

    for (name, i), cells in zip(STATES, shown, strict=True):
        mean, spread, better = gain(name, LEVELS[name][i])
        rates = [f"{100 * rate:.1f} %" for rate in accuracy(name, LEVELS[name][i])]
        if i:
            sign = "+" if mean > 0 else "" if mean > -0.0005 else "−"
            assert cells[:3] == [
                f"{sign}{abs(100 * mean):.1f}",
                f"± {100 * spread:.1f}",
                f"{better} of 10",
            ]
        else:
            assert cells[:3] == ["0", "0", "–"]
        assert cells[3:] == (rates if name != "mixup" else [rates[0], "–", "–"])


def test_remark_says_help_or_harm_only_beyond_the_spread(node: Node) -> None:
    numbers = [gain(name, LEVELS[name][i])[:2] for name, i in STATES]

    remarks = node(
        "augmentation_gallery.js",
        f"((found) => {EVERY}null]).map(([now], i) => m.remarkOn(now, [6, 9, 3, 8, 0, 2], "
        f"{{mean: found[i][0], spread: found[i][1]}})))({json.dumps(numbers)})",
    )

    for (_, i), (mean, spread), remark in zip(STATES, numbers, remarks, strict=True):
        assert remark.startswith("You marked none. A network that has seen only digits as they are")
        assert "takes none of them for another digit" in remark
        effect = (
            ""
            if i == 0
            else "no difference that exceeds the spread of the runs."
            if abs(mean) < spread
            else "Training with it helps here."
            if mean > 0
            else "Training with it harms here."
        )
        assert remark.split("another digit.")[1].endswith(effect)
        assert (remark.count("Training with it") == 0) == (i == 0)


def test_remark_names_what_the_learner_marked_and_the_model_confuses(node: Node) -> None:
    state = {"change": "rotate", "level": 5, "marks": ["rotate 5 6", "rotate 5 9", "mirror 1 3"]}
    effect = json.dumps({"mean": -0.1, "spread": 0.02})

    remark = node(
        "augmentation_gallery.js",
        f"m.remarkOn({json.dumps(state)}, [9, 6, 3, 8, 0, 2], {effect})",
    )

    assert "You marked 6, 9." in remark
    assert "takes 6 for 9, 9 for 6." in remark


@pytest.mark.parametrize("name", ["rotate", "shift", "noise", "mixup"])
def test_each_curve_of_the_chart_is_its_own_accuracy(node: Node, name: str) -> None:
    """Accuracy 1 lies at height 62 and 0.1 at 210; marks with a place belong to the curves."""
    state = {"change": name, "level": 1}

    _, shapes = node(
        "augmentation_gallery.js",
        f"m.chartShapes({{now: {json.dumps(state)}, set: {RECORD['runs'][name]}, held: {HELD}, "
        "shown: true, room: 0})",
    )

    for k, kind in enumerate(("with", "likewise", "without")):
        marks = [s[1]["transform"] for s in shapes if s[1].get("class") == f"nn-at nn-at-{kind}"]
        heights = [float(text.rstrip(")").split()[1]) for text in marks][1:]  # the first is the key
        rates = np.array([accuracy(name, strength)[k] for strength in LEVELS[name]])
        expected = 210 - (rates - 0.1) / 0.9 * 148
        if name == "mixup" and k:
            assert heights == []
        else:
            np.testing.assert_allclose(heights, expected, atol=0.051)


def test_figure_answers_its_question_with_the_small_turn(node: Node) -> None:
    runs = json.dumps([RECORD["runs"][name] for name in LEVELS])

    found = node("augmentation_gallery.js", f"m.bestOffered({runs}, {HELD})")

    assert found == "turned by up to 10°"


def test_images_follow_controls_that_python_sets() -> None:
    figure = AugmentationGallery(change="shift", level=4)

    figure.change, figure.level = "mirror", 4  # beyond the last level, which then counts

    np.testing.assert_array_equal(figure.changed(), transformed(IMAGES, "mirror", 1, NORMALS))
    assert "training 100 labels with mirror at 1 changes the accuracy by -3.0" in figure.summary()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"change": "blur"}, "change is 'blur', expected one of"),
        ({"change": "mirror", "level": 2}, "level is 2, expected 0 to 1 for mirror"),
    ],
)
def test_controls_that_do_not_exist_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentationGallery(**given)

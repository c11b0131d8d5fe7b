"""The bowl: the factors, the limit 2/λ, and what each preset and sentence of the figure claims."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib.curvature import largest_stable_rate
from nnlib.widgets import QuadraticBowl
from nnlib.widgets.quadratic_bowl import (
    START,
    best_rate,
    descend,
    factors,
    limit,
    steps_until,
)
from tests.nnlib.widgets.figures import COVERED, Show, unlocked

Node = Callable[[str, str], Any]

PRESETS: dict[str, tuple[list[float], float, float, int]] = {
    "Round": ([4, 4], 30, 0.1, 12),
    "Ravine": ([10, 0.5], 30, 0.18, 25),
    "At the limit": ([8, 1], 30, 0.25, 25),
    "Beyond it": ([8, 1], 30, 0.27, 12),
    "Saddle": ([4, -1], -30, 0.2, 24),
}
STEPS = [-0.5, -1e-3, 0.0, 1e-3, 0.5]


def rotated(eigenvalues: list[float], angle: float) -> np.ndarray:
    """Return the Hessian with these eigenvalues, v₁ at an angle in degrees."""
    turn = math.radians(angle)
    V = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return np.asarray(V @ np.diag(eigenvalues) @ V.T)


@pytest.mark.parametrize("name", PRESETS)
def test_run_is_gradient_descent_with_the_whole_hessian(name: str) -> None:
    eigenvalues, angle, lr, n_steps = PRESETS[name]
    H, theta = rotated(eigenvalues, angle), np.array(START)
    points, losses = [theta], [0.5 * theta @ H @ theta]
    for _ in range(n_steps):
        theta = theta - lr * H @ theta
        points.append(theta)
        losses.append(0.5 * theta @ H @ theta)

    run = descend(eigenvalues, angle, lr, n_steps)

    # rounding of the rotation grows with the factor: 1.2 to the 24th is 80
    np.testing.assert_allclose(run["points"], points, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run["losses"], losses, rtol=1e-9, atol=1e-12)


def test_no_direction_disturbs_another(rng: np.random.Generator) -> None:
    eigenvalues, lr = [7.0, 2.0], 0.21
    first, second = factors(eigenvalues, lr)

    c = np.array(descend(eigenvalues, 25.0, lr, 9, start=list(rng.normal(size=2)))["coordinates"])

    powers = np.arange(10)
    np.testing.assert_allclose(c[:, 0], c[0, 0] * first**powers, rtol=1e-12)
    np.testing.assert_allclose(c[:, 1], c[0, 1] * second**powers, rtol=1e-12)


def test_below_the_limit_a_run_ends_at_the_minimum_and_beyond_it_runs_away(
    rng: np.random.Generator,
) -> None:
    for _ in range(50):
        eigenvalues = sorted(rng.uniform(0.2, 10, size=2), reverse=True)
        most = limit(eigenvalues)

        inside, outside = (
            descend(eigenvalues, 30.0, share * most, 4000)["losses"] for share in (0.98, 1.02)
        )

        assert inside[-1] < 1e-6 * inside[0]
        assert outside[-1] > 1e6 * outside[0]


def test_at_the_limit_the_steep_coordinate_keeps_its_size_and_flips() -> None:
    c = np.array(descend(*PRESETS["At the limit"])["coordinates"])

    np.testing.assert_array_equal(c[1:, 0], -c[:-1, 0])
    assert abs(c[-1, 1]) < abs(c[0, 1]) / 100


def test_limit_is_that_of_the_library() -> None:
    for eigenvalues in ([8.0, 1.0], [4.0, 4.0], [3.0, 0.0], [4.0, -1.0], [0.0, 0.0], [-1.0, -2.0]):
        assert limit(eigenvalues) == largest_stable_rate(np.array(eigenvalues))


def test_turning_the_bowl_changes_no_factor_and_no_limit() -> None:
    """Seen from the eigenvectors a run is the same wherever they point."""
    runs = []
    for angle in (0.0, 35.0, -70.0):
        turn = math.radians(angle)
        start = [
            math.cos(turn) * 1.1 - math.sin(turn) * 0.6,
            math.sin(turn) * 1.1 + math.cos(turn) * 0.6,
        ]
        runs.append(descend([8.0, 1.0], angle, 0.2, 10, start=start)["losses"])

    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-12)
    np.testing.assert_allclose(runs[2], runs[0], rtol=1e-12)


def test_round_bowl_is_left_straight_and_in_one_step_at_one_over_lambda() -> None:
    points = np.array(descend(*PRESETS["Round"])["points"])

    across = points[:, 0] * START[1] - points[:, 1] * START[0]
    np.testing.assert_allclose(across, 0, atol=1e-12)
    assert steps_until([4, 4], 0.25) == 1
    assert descend([4, 4], 30, 0.25, 1)["losses"][1] == 0


def test_in_the_ravine_the_flat_direction_decides() -> None:
    """The steep direction forbids the rate that the flat one needs: κ = 20 costs 46 steps."""
    steep, flat = factors(*PRESETS["Ravine"][0::2])
    alone = 1 / 0.5

    best = best_rate([10, 0.5])

    assert steep < 0 < abs(steep) < flat < 1
    assert alone > limit([10, 0.5])
    sizes = [abs(f) for f in factors([10, 0.5], best)]
    assert sizes == pytest.approx([19 / 21, 19 / 21])
    assert steps_until([10, 0.5], best) == math.ceil(math.log(0.01) / math.log(19 / 21)) == 47


def test_best_rate_is_the_best_of_many(rng: np.random.Generator) -> None:
    for _ in range(20):
        eigenvalues = sorted(rng.uniform(0.1, 10, size=2), reverse=True)

        slowest = [
            max(abs(f) for f in factors(eigenvalues, best_rate(eigenvalues) * (1 + change)))
            for change in STEPS
        ]

        assert min(slowest) == slowest[STEPS.index(0.0)]


def test_steps_until_are_those_that_a_run_takes() -> None:
    for eigenvalues, lr in (([8.0, 1.0], 0.1), ([10.0, 0.5], 0.18), ([3.0, 2.0], 0.6)):
        n = int(steps_until(eigenvalues, lr))
        c = np.abs(descend(eigenvalues, 0.0, lr, n, start=[1.0, 1.0])["coordinates"])

        assert c[n].max() <= 0.01 < c[n - 1].max()


@pytest.mark.parametrize("lr", [1e-3, 0.1, 0.6])
def test_saddle_is_left_along_its_negative_eigenvalue_at_every_rate(lr: float) -> None:
    falls = np.diff(descend([4, -1], 30, lr, 40)["losses"])

    assert factors([4, -1], lr)[1] > 1
    assert falls[-1] < 0


def test_preset_saddle_comes_near_before_it_leaves() -> None:
    distances = np.linalg.norm(descend(*PRESETS["Saddle"])["points"], axis=1)

    assert distances.min() < 0.15 * distances[0]
    assert distances[-1] > 10 * distances.min()


def test_start_lies_along_no_eigenvector_that_the_slider_offers() -> None:
    along = math.degrees(math.atan2(START[1], START[0]))

    assert min(abs((along - angle + 45) % 90 - 45) for angle in range(-90, 91, 5)) > 0.5


def test_javascript_computes_the_same(node: Node, rng: np.random.Generator) -> None:
    cases = [
        [
            sorted(rng.uniform(-2, 10, size=2), reverse=True),
            float(rng.uniform(-90, 90)),
            float(rng.uniform(0, 0.6)),
            int(rng.integers(0, 41)),
        ]
        for _ in range(40)
    ] + [list(preset) for preset in PRESETS.values()]

    answers = node("quadratic_bowl.js", f"{json.dumps(cases)}.map((c) => m.descend(...c))")

    for case, answer in zip(cases, answers, strict=True):
        for name, value in descend(*case).items():
            # cosine and sine may differ in the last bit, which a factor of 5 to the 40th enlarges
            scale = np.abs(value).max()
            found = np.array(answer[name], np.float64)  # JSON writes large ones as whole numbers
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * scale)


def test_javascript_finds_the_same_limits_and_counts(node: Node, rng: np.random.Generator) -> None:
    bowls = [sorted(rng.uniform(0.1, 10, size=2), reverse=True) for _ in range(20)]
    bowls += [[4.0, -1.0], [3.0, 0.0], [4.0, 4.0], [-1.0, -2.0]]
    rates = [float(r) for r in rng.uniform(0.01, 0.6, size=len(bowls))]

    call = "[m.limit(b), m.bestRate(b), m.stepsUntil(b, r)].map(String)"
    found = node(
        "quadratic_bowl.js",
        f"{json.dumps(list(zip(bowls, rates, strict=True)))}.map(([b, r]) => {call})",
    )

    for bowl, rate, row in zip(bowls, rates, found, strict=True):
        mine = [limit(bowl), best_rate(bowl), steps_until(bowl, rate)]
        theirs = [float(text.replace("Infinity", "inf")) for text in row]
        np.testing.assert_allclose(theirs, mine, rtol=1e-14)


def test_figure_answers_its_question_with_two_over_the_largest(node: Node) -> None:
    assert node("quadratic_bowl.js", "m.limitOffered()") == f"η = 2/8 = {limit([8, 1]):g}"


@pytest.mark.parametrize(
    ("preset", "says"),
    [
        ("Round", "straight to the minimum"),
        ("Ravine", "v₂ is the slow one"),
        ("At the limit", "jumps from side to side"),
        ("Beyond it", "farther out than before"),
        ("Saddle", "above 1 at every rate"),
    ],
)
def test_remark_says_what_the_preset_does(node: Node, preset: str, says: str) -> None:
    eigenvalues, _, lr, _ = PRESETS[preset]
    state = json.dumps({"eigenvalues": eigenvalues, "lr": lr})

    assert says in node("quadratic_bowl.js", f"m.remarkOn({state})")


@pytest.mark.parametrize(
    ("factor", "fate"),
    [
        (0.5, ["shrinks", "the same"]),
        (-0.5, ["shrinks", "flips"]),
        (-1.0, ["stays", "flips"]),
        (1.0, ["stays", "the same"]),
        (-1.1, ["grows", "flips"]),
        (1.1, ["grows", "the same"]),
        (0.0, ["gone", "–"]),
    ],
)
def test_factor_is_put_into_words(node: Node, factor: float, fate: list[str]) -> None:
    assert node("quadratic_bowl.js", f"m.fate({factor})") == fate


def test_loss_follows_controls_that_python_sets() -> None:
    figure = QuadraticBowl()

    figure.lr = 0.25

    assert figure.loss == descend([8, 1], 30, 0.25, 12)["losses"][-1]


def test_smaller_eigenvalue_first_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eigenvalues are \[1, 8\], expected two, λ₁ ≥ λ₂"):
        QuadraticBowl(eigenvalues=[1, 8])


@pytest.mark.browser
@pytest.mark.parametrize("preset", PRESETS)
def test_preset_shows_the_numbers_of_its_bowl(show: Show, preset: str) -> None:
    shown = unlocked(show, QuadraticBowl())
    eigenvalues, _, lr, _ = PRESETS[preset]

    shown.button(preset).click()
    cells = shown.frame.locator(".nn-table").first.locator("tr:nth-child(2) td").all_inner_texts()

    expected = [f"{f:.3f}".rstrip("0").rstrip(".") for f in factors(eigenvalues, lr)]
    assert [text.replace("−", "-") for text in cells] == expected


@pytest.mark.browser
def test_run_is_hidden_until_the_prediction(show: Show) -> None:
    shown = show(QuadraticBowl())

    before = shown.frame.locator(".nn-pace").count(), shown.text(".nn-tables")
    shown.drawn(shown.button("η = 2/8 = 0.25").click)

    assert before[0] == 0
    assert "?" in before[1]
    assert "limit" not in before[1]
    assert "best rate" not in before[1]
    assert "limit 2/λ₁" in shown.text(".nn-tables")
    assert shown.frame.locator(".nn-pace").count() > 5
    assert "?" not in shown.text(".nn-tables")
    assert "✓ Agrees" in shown.text(".nn-verdict")


@pytest.mark.browser
def test_slider_takes_the_other_eigenvalue_along(show: Show) -> None:
    shown = unlocked(show, QuadraticBowl(eigenvalues=[3.0, 2.9]))
    second = shown.frame.get_by_label("λ₂", exact=True)

    second.focus()
    for _ in range(3):
        shown.press("ArrowRight")

    first = shown.frame.get_by_label("λ₁", exact=True)
    assert (second.input_value(), first.input_value()) == ("3.2", "3.2")


@pytest.mark.browser
@pytest.mark.parametrize("width", [960, 300])
def test_labels_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, QuadraticBowl(), width=width)

    for preset in PRESETS:
        shown.button(preset).click()
        assert shown.frame.evaluate(COVERED) == []
    shown.button("Reset").click()
    shown.frame.get_by_label("turn", exact=True).focus()
    for key in ("Home", *["ArrowRight"] * 36):
        shown.page.keyboard.press(key)
        assert shown.frame.evaluate(COVERED) == []

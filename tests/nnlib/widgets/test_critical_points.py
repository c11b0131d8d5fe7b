"""Kinds of points and Newton's steps: held to the library, to brute force and to the JavaScript."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nnlib.widgets import CriticalPoints
from nnlib.widgets.critical_points import (
    EXAMPLES,
    KINDS,
    TERMS,
    TOLERANCE,
    Case,
    along,
    example,
    kind_of,
    newton,
)
from tests.nnlib.widgets.figures import COVERED, Show, unlocked

Node = Callable[[str, str], Any]
DRAWN = range(60)


def loss(case: Case, place: Any, term: str = "none") -> float:
    return sum(along(case, i, float(c), term)[0] for i, c in enumerate(place))


@pytest.mark.parametrize("number", range(-5, 30))
def test_slope_and_curvature_are_those_of_the_loss(number: int, rng: np.random.Generator) -> None:
    case, h = example(number), 1e-4
    for term in TERMS:
        for i in (0, 1):
            c = float(rng.normal())
            low, here, high = (along(case, i, x, term)[0] for x in (c - h, c, c + h))
            _, slope, bend = along(case, i, c, term)

            # truncation h² and rounding 1e-16 / h², both below 1e-7
            assert slope == pytest.approx((high - low) / (2 * h), abs=1e-6)
            assert bend == pytest.approx((high - 2 * here + low) / h**2, abs=1e-6)


def test_examples_are_one_of_each_kind() -> None:
    assert tuple(kind_of(example(-i - 1)) for i in range(len(EXAMPLES))) == KINDS


def test_each_round_of_five_holds_every_kind_and_none_follows_its_like() -> None:
    kinds = [kind_of(example(i)) for i in DRAWN]

    for i in range(0, len(kinds), 5):
        assert sorted(kinds[i : i + 5]) == sorted(KINDS)
    assert all(a != b for a, b in pairwise(kinds))
    assert len({tuple(kinds[i : i + 5]) for i in range(0, len(kinds), 5)}) > 5


def test_kind_is_what_the_loss_around_the_point_does(rng: np.random.Generator) -> None:
    """Brute force: where the second derivatives decide, a small circle shows the same."""
    circle = [0.01 * np.array([math.cos(a), math.sin(a)]) for a in np.linspace(0, 2 * np.pi, 400)]
    for number in DRAWN:
        case = example(number)
        around = np.array([loss(case, place) for place in circle])
        if kind_of(case) == "minimum":
            assert around.min() > 0
        if kind_of(case) == "maximum":
            assert around.max() < 0
        if kind_of(case) == "saddle":
            # four changes of sign around a saddle, two on a slope
            assert np.sum(np.diff(np.sign(around)) != 0) == 4
        if kind_of(case) == "not critical":
            assert around.min() < 0 < around.max()
            assert np.sum(np.diff(np.sign(around)) != 0) == 2


def test_some_slope_has_only_positive_eigenvalues_and_still_is_no_minimum() -> None:
    slopes = [example(i) for i in DRAWN if kind_of(example(i)) == "not critical"]

    bowls = [case for case in slopes if min(case.eigenvalues) > 0]

    assert len(bowls) > 2
    for case in bowls:
        downhill = -0.05 * np.array(case.gradient)
        assert loss(case, downhill) < 0


def test_hidden_terms_change_neither_gradient_nor_hessian_but_the_kind() -> None:
    flat = example(-4)
    around = {term: [loss(flat, (0.0, c), term) for c in (-0.3, 0.3)] for term in TERMS}

    for term in TERMS:
        assert [along(flat, 1, 0.0, term)[k] for k in (1, 2)] == [0.0, 0.0]
    assert min(around["c4"]) > 0
    assert max(around["-c4"]) < 0
    assert around["c3"][0] < 0 < around["c3"][1]
    assert around["none"] == [0.0, 0.0]


def test_numbers_that_count_as_zero_are_not_always_zero() -> None:
    norms = [math.hypot(*example(i).gradient) for i in DRAWN]
    flats = [min(map(abs, example(i).eigenvalues)) for i in DRAWN]

    assert any(0 < norm < TOLERANCE for norm in norms)
    assert any(0 < value < TOLERANCE for value in flats)


@pytest.mark.parametrize("kind", ["minimum", "maximum", "saddle"])
def test_plain_newton_lands_on_the_point_whatever_its_kind(
    kind: str, rng: np.random.Generator
) -> None:
    for number in DRAWN:
        case = example(number)
        if kind_of(case) == kind:
            start = rng.uniform(-2, 2, size=2)
            # a gradient of 2e-8 counts as zero and moves the landing by less than 1e-7
            np.testing.assert_allclose(newton(case, start)["plain"], 0, atol=1e-7)


def test_plain_newton_climbs_to_maxima_and_the_damped_step_leaves_them(
    rng: np.random.Generator,
) -> None:
    for number in DRAWN:
        case = example(number)
        if kind_of(case) == "maximum":
            start = rng.uniform(0.3, 1, size=2)
            before, plain, damped = newton(case, start)["losses"]
            assert damped < before < plain


def test_damped_step_goes_downhill_from_every_place(rng: np.random.Generator) -> None:
    for number in [*DRAWN, *range(-5, 0)]:
        for term in TERMS:
            case, start = example(number), rng.uniform(-2, 2, size=2)
            before, _, after = newton(case, start, float(rng.uniform(0.05, 2)), term)["losses"]
            assert after < before


def test_step_agrees_with_a_solve_of_the_whole_hessian(rng: np.random.Generator) -> None:
    for number in (0, 1, 2, -1, -3, -5):
        case, start = example(number), rng.normal(size=2)
        turn = math.radians(case.angle)
        V = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        H = V @ np.diag(case.eigenvalues) @ V.T
        theta = V @ start
        gradient = V @ np.array(case.gradient) + H @ theta

        landed = V @ newton(case, start)["plain"]

        np.testing.assert_allclose(landed, theta - np.linalg.solve(H, gradient), atol=1e-12)


def test_plain_newton_is_not_defined_along_a_flat_direction() -> None:
    found = newton(example(-4), (0.9, 1.1))

    assert found["plain"] == []
    assert math.isnan(found["losses"][1])
    assert all(map(math.isfinite, found["damped"]))


def test_javascript_draws_the_same_cases(node: Node) -> None:
    numbers = [*range(-5, 0), *DRAWN]

    found = node(
        "critical_points.js", f"{numbers}.map((i) => [m.example(i), m.kindOf(m.example(i))])"
    )

    for number, (case, kind) in zip(numbers, found, strict=True):
        mine = example(number)
        assert {
            key: list(v) if isinstance(v, tuple) else v for key, v in mine._asdict().items()
        } == case
        assert kind_of(mine) == kind


def test_javascript_takes_the_same_steps(node: Node, rng: np.random.Generator) -> None:
    cases = [
        [int(number), list(rng.uniform(-2.4, 2.4, size=2)), float(rng.uniform(0.05, 2)), str(term)]
        for number in rng.integers(-5, 60, size=60)
        for term in rng.choice(TERMS, size=1)
    ]

    found = node(
        "critical_points.js",
        f"{json.dumps(cases)}.map(([i, s, d, t]) => m.newton(m.example(i), s, d, t))",
    )

    for (number, start, damping, term), theirs in zip(cases, found, strict=True):
        mine = newton(example(number), start, damping, term)
        for name, value in mine.items():
            numbers = [math.nan if v is None else v for v in theirs[name]]  # JSON has no nan
            np.testing.assert_allclose(numbers, value, rtol=1e-12, atol=1e-12)


def test_figure_answers_its_question_with_the_kind_of_the_point_it_describes(node: Node) -> None:
    slope = example(-5)

    assert math.hypot(*slope.gradient) == pytest.approx(1)
    assert slope.eigenvalues == (2.0, 1.0)
    assert node("critical_points.js", "m.kindAsked()") == "not critical: a slope"
    assert kind_of(slope) == "not critical"
    # 0.5 off the slope of 1, and ½ (2 · 0.4² + 1 · 0.3²) = 0.205 on for the curvature
    assert loss(slope, (0.4, -0.3)) == pytest.approx(-0.295)


def test_plain_step_climbs_to_the_saddle_and_the_damped_one_goes_down() -> None:
    saddle = example(-3)

    found = newton(saddle, saddle.start)
    before, plain, damped = found["losses"]

    assert found["plain"] == [0, 0]
    assert damped < before < plain


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (-1, "rises in every direction"),
        (-2, "falls in every direction"),
        (-3, "the signs differ"),
        (-4, "no maximum, since it rises along v₁"),
        (-5, "Both eigenvalues are positive, and yet it is no minimum"),
    ],
)
def test_reason_names_what_decides(node: Node, number: int, says: str) -> None:
    assert says in node("critical_points.js", f"m.reason(m.example({number}))")


def test_flat_case_that_falls_is_called_no_minimum(node: Node) -> None:
    falling = next(
        i
        for i in DRAWN
        if example(i).eigenvalues[1] < -TOLERANCE and kind_of(example(i)) == "degenerate"
    )

    said = node("critical_points.js", f"m.reason(m.example({falling}))")

    assert "no minimum, since it falls along v₂" in said


def test_figure_tells_python_what_a_case_is() -> None:
    figure = CriticalPoints(case=-3)

    assert figure.kind == "saddle"
    assert figure.start == [0.5, 1.1]
    assert "eigenvalues 2 and -1.5" in figure.summary()


def test_case_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"case is -6 and damping 0.1, expected a case from -5 on"):
        CriticalPoints(case=-6)
    with pytest.raises(ValueError, match=r"a damping above 0"):
        CriticalPoints(damping=0.0)


def named(shown: Any, right: bool = True) -> str:
    """Name the case that a figure shows, rightly or not, and return what the figure says."""
    number = int(shown.text(".nn-case-asked").split(".")[0].removeprefix("Case ")) - 1
    kind = KINDS.index(kind_of(example(number)))
    shown.drawn(shown.button(KINDS[kind if right else (kind + 1) % 5]).click)
    return str(shown.text(".nn-said"))


@pytest.mark.browser
def test_kind_is_named_before_anything_is_drawn_and_the_tally_counts(show: Show) -> None:
    shown = unlocked(show, CriticalPoints())
    meshes = shown.frame.locator(".nn-mesh")

    before = meshes.count(), shown.text(".nn-tables"), shown.button("Next case →").is_disabled()
    first = named(shown)
    after = meshes.count()
    shown.drawn(shown.button("Next case →").click)
    between = meshes.count()
    second = named(shown, right=False)

    assert before[0] == between == 0
    assert "?" in before[1]
    assert before[2] is True
    assert after > 100
    assert first.startswith("✓ Right, ")
    assert second.startswith("≠ You said: ")
    assert shown.text(".nn-status") == "1 of 2 named rightly"


@pytest.mark.browser
def test_several_cases_in_a_row_are_named_by_keyboard_alone(show: Show) -> None:
    shown = unlocked(show, CriticalPoints())
    shown.button(KINDS[0]).focus()

    for number in range(7):
        for _ in range(KINDS.index(kind_of(example(number)))):
            shown.page.keyboard.press("Tab")
        shown.press("Enter")  # the focus goes on to "Next case"
        shown.press("Enter")  # and back to the first kind

    assert shown.text(".nn-status") == "7 of 7 named rightly"
    assert shown.text(".nn-case-asked").startswith("Case 8.")


@pytest.mark.browser
def test_hidden_term_changes_the_surface_and_not_the_given_numbers(show: Show) -> None:
    shown = unlocked(show, CriticalPoints())
    shown.drawn(shown.button("Flat direction").click)
    asked = shown.text(".nn-case-asked")
    surfaces = set()

    for label in ("nothing", "c⁴/4", "−c⁴/4", "c³/3"):
        shown.frame.locator(".nn-segments label").get_by_text(label, exact=True).click()
        surfaces.add(
            str(shown.frame.locator(".nn-mesh").evaluate_all("(n) => n.map((m) => m.outerHTML)"))
        )

    assert len(surfaces) == 4
    assert shown.text(".nn-case-asked") == asked


@pytest.mark.browser
def test_examples_do_not_count_and_the_row_of_cases_goes_on(show: Show) -> None:
    shown = unlocked(show, CriticalPoints())
    named(shown)
    shown.drawn(shown.button("Next case →").click)

    shown.drawn(shown.button("Saddle").click)
    said = shown.text(".nn-said")
    shown.drawn(shown.button("Next case →").click)

    assert said.startswith("This is a saddle.")
    assert shown.text(".nn-case-asked").startswith("Case 2.")
    assert shown.text(".nn-status") == "1 of 1 named rightly"


@pytest.mark.browser
@pytest.mark.parametrize("width", [960, 300])
def test_labels_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, CriticalPoints(), width=width)

    assert shown.frame.evaluate(COVERED) == []
    for preset in ("Minimum", "Maximum", "Saddle", "Flat direction", "Slope"):
        shown.button(preset).click()
        assert shown.frame.evaluate(COVERED) == []
    for _ in range(8):
        shown.drawn(shown.button("Next case →").click)
        named(shown)
        assert shown.frame.evaluate(COVERED) == []

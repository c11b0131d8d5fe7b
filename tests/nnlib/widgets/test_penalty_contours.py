"""Penalized optima of two weights against closed forms and scikit-learn, the recipes, the twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model

from nnlib import ElasticNet
from nnlib.widgets import PenaltyContours
from nnlib.widgets.penalty_contours import (
    RATE,
    SHARES,
    descend,
    loss,
    penalty,
    second_moments,
    solution,
)

Node = Callable[[str, str], Any]
OPTIMUM = [1.4, 0.5]
STRENGTHS = np.arange(0, 4.01, 0.05)


def random_states(rng: np.random.Generator, n: int) -> list[list[Any]]:
    """Return kind, strength, optimum and correlation, n times."""
    return [
        [
            str(rng.choice(list(SHARES))),
            float(rng.uniform(0, 4)),
            rng.uniform(-1.5, 1.5, 2).tolist(),
            float(rng.uniform(-0.9, 0.9)),
        ]
        for _ in range(n)
    ]


def test_without_correlation_each_weight_has_its_closed_form() -> None:
    """L2: ŵ / (1 + λ). L1: ŵ less λ/2, no further than 0. Elastic: less λ/4, then / (1 + λ/2)."""
    for strength in STRENGTHS:
        a, b = OPTIMUM
        ridge = [a / (1 + strength), b / (1 + strength)]
        lasso = [max(a - strength / 2, 0), max(b - strength / 2, 0)]
        both = [max(v - strength / 4, 0) / (1 + strength / 2) for v in OPTIMUM]
        for kind, expected in (("L2", ridge), ("L1", lasso), ("elastic", both)):
            assert solution(kind, strength, OPTIMUM, 0.0) == pytest.approx(expected, abs=1e-12)


def test_solution_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    """Its objective is half of ours: a = λ(α/2 + 1 − α) in all, of which λα/2 for Σ|w|."""
    for kind, strength, optimum, correlation in random_states(rng, 30):
        share = SHARES[kind]
        X = np.sqrt(2) * np.linalg.cholesky(second_moments(correlation)).T  # XᵀX / 2 = S
        alpha = strength * (share / 2 + 1 - share)
        theirs = linear_model.ElasticNet(
            alpha=alpha, l1_ratio=strength * share / 2 / alpha, fit_intercept=False,
            tol=1e-14, max_iter=100_000,
        )  # fmt: skip
        theirs.fit(X, X @ optimum)

        found = solution(kind, strength, optimum, correlation)
        assert found == pytest.approx(theirs.coef_.tolist(), abs=1e-5)


def test_no_point_around_the_solution_is_better(rng: np.random.Generator) -> None:
    for kind, strength, optimum, correlation in random_states(rng, 40):
        w = np.array(solution(kind, strength, optimum, correlation))
        least = loss(w, optimum, correlation) + penalty(kind, strength, w)
        for step in rng.normal(size=(50, 2)) * 0.05:
            there = loss(w + step, optimum, correlation) + penalty(kind, strength, w + step)
            assert there >= least


def test_contour_touches_the_ball_and_does_not_enter_it(rng: np.random.Generator) -> None:
    """No point of the ball has a smaller loss than the penalized optimum."""
    for kind, strength, optimum, correlation in random_states(rng, 20):
        w = solution(kind, strength, optimum, correlation)
        directions = rng.normal(size=(200, 2))
        for v in directions:
            inside = penalty(kind, 1.0, v)
            scale = min(1.0, penalty(kind, 1.0, w) / inside) * rng.uniform()
            assert penalty(kind, 1.0, scale * v) <= penalty(kind, 1.0, w) + 1e-12
            assert loss(scale * v, optimum, correlation) >= loss(w, optimum, correlation) - 1e-12


def test_l1_and_the_elastic_net_reach_zero_and_l2_does_not() -> None:
    first = {
        kind: next((s for s in STRENGTHS if solution(kind, s, OPTIMUM, 0.0)[1] == 0), None)
        for kind in SHARES
    }

    assert first["L1"] == pytest.approx(1.0)  # 2 ŵ₂
    assert first["elastic"] == pytest.approx(2.0)  # 4 ŵ₂: a larger λ
    assert first["L2"] is None
    assert min(solution("L2", 1e6, OPTIMUM, 0.0)) > 0


@pytest.mark.parametrize("kind", ["L1", "elastic"])
def test_a_weight_that_is_zero_stays_zero_as_the_strength_grows(kind: str) -> None:
    path = [solution(kind, s, OPTIMUM, 0.0)[1] == 0 for s in STRENGTHS]

    assert path == sorted(path)


def test_l2_with_correlation_passes_through_zero_without_staying() -> None:
    path = np.array([solution("L2", s, [1.4, -0.3], 0.6)[1] for s in np.arange(0, 4, 0.01)])

    assert path[0] < 0 < path[-1]
    assert (np.diff(np.sign(path)) != 0).sum() == 1


def test_l1_drops_one_of_two_correlated_inputs_and_l2_draws_them_together() -> None:
    lasso, ridge = (solution(kind, 1.5, [1.2, 0.4], 0.8) for kind in ("L1", "L2"))

    assert lasso[1] == 0
    assert lasso[0] > 0.7
    assert 0 < ridge[0] - ridge[1] < 0.1 * (1.2 - 0.4) + 0.05


def test_at_a_corner_the_penalty_holds_what_the_loss_would_pull() -> None:
    w = solution("L1", 1.2, OPTIMUM, 0.0)

    slope = (2 * second_moments(0.0) @ (np.array(w) - OPTIMUM))[1]
    assert w[1] == 0
    assert abs(slope) == pytest.approx(1.0)
    assert abs(slope) <= 1.2


@pytest.mark.parametrize("kind", ["L1", "elastic"])
@pytest.mark.parametrize("strength", [2.4, 3.2])
def test_subgradient_steps_jump_across_zero_and_proximal_ones_stay(
    kind: str, strength: float
) -> None:
    rough = descend(kind, strength, OPTIMUM, 0.0, proximal=False)[:, 1]
    exact = descend(kind, strength, OPTIMUM, 0.0, proximal=True)[:, 1]

    late = rough[20:]
    assert (late != 0).all()
    assert (np.diff(np.sign(late)) != 0).any()
    assert np.abs(late).max() > 0.5 * RATE * strength * SHARES[kind]
    assert solution(kind, strength, OPTIMUM, 0.0)[1] == 0
    first = int(np.argmax(exact == 0))
    assert 0 < first < 40
    assert (exact[first:] == 0).all()


@pytest.mark.parametrize("proximal", [True, False])
def test_steps_are_those_of_the_penalty_in_the_library(proximal: bool) -> None:
    optimum, S, mask = np.array([1.2, 0.4]), second_moments(0.5), np.array([True, True])
    theirs = ElasticNet(l1=0.8, l2=0.8, proximal=proximal)
    w = optimum.copy()

    for _ in range(25):
        grad = 2 * S @ (w - optimum)
        theirs.gradient(w, grad, mask)
        w -= RATE * grad
        theirs.prox(w, RATE, mask)

    ours = descend("elastic", 1.6, optimum.tolist(), 0.5, proximal=proximal, steps=25)
    np.testing.assert_allclose(ours[-1], w, atol=1e-14)


def test_proximal_steps_end_at_the_solution(rng: np.random.Generator) -> None:
    """The slowest direction shrinks by 1 − 2η(1 − |ρ|) in a step: ρ = ½ leaves 0.9⁴⁰⁰."""
    for kind, strength, optimum, correlation in random_states(rng, 20):
        walk = descend(kind, strength, optimum, correlation / 2, proximal=True, steps=400)

        expected = solution(kind, strength, optimum, correlation / 2)
        np.testing.assert_allclose(walk[-1], expected, atol=1e-10)


def test_javascript_computes_the_same(node: Node, rng: np.random.Generator) -> None:
    states = random_states(rng, 200)
    call = (
        f"{json.dumps(states)}.map((a) => [m.solution(...a), m.loss(m.solution(...a), a[2], a[3]),"
        " m.penalty(a[0], a[1], m.solution(...a)), m.descend(...a, true), m.descend(...a, false)])"
    )

    found = node("penalty_contours.js", call)

    for (kind, strength, optimum, rho), (w, gap, cost, exact, rough) in zip(
        states, found, strict=True
    ):
        mine = solution(kind, strength, optimum, rho)
        np.testing.assert_allclose(w, mine, atol=1e-12)
        assert [v == 0 for v in w] == [v == 0 for v in mine]
        assert gap == pytest.approx(loss(mine, optimum, rho), abs=1e-12)
        assert cost == pytest.approx(penalty(kind, strength, mine), abs=1e-12)
        ours = descend(kind, strength, optimum, rho, proximal=True)
        np.testing.assert_allclose(exact, ours, atol=1e-12)
        # A sub-gradient step near 0 depends on a sign, which the last bit can decide.
        ours = descend(kind, strength, optimum, rho, proximal=False)
        np.testing.assert_allclose(rough[:15], ours[:15], atol=1e-12)


def test_drawn_contour_has_one_loss_and_the_ball_one_penalty(
    node: Node, rng: np.random.Generator
) -> None:
    states = [
        [*state, level]
        for state, level in zip(random_states(rng, 30), rng.uniform(0.1, 4, 30), strict=True)
    ]
    call = (
        f"{json.dumps(states)}.map(([kind, , optimum, rho, c]) =>"
        " [m.contour(c, optimum, rho), m.ball(m.SHARES[kind], c)])"
    )

    found = node("penalty_contours.js", call)

    for (kind, _, optimum, rho, level), (contour, ball) in zip(states, found, strict=True):
        losses = [loss(w, optimum, rho) for w in contour]
        np.testing.assert_allclose(losses, level, rtol=1e-9)
        np.testing.assert_allclose([penalty(kind, 1.0, w) for w in ball], level, rtol=1e-9)
        for points, center in ((contour, optimum), (ball, [0.0, 0.0])):
            away = np.array(points) - center  # all around it
            turns = np.diff(np.unwrap(np.arctan2(away[:, 1], away[:, 0])))
            assert turns.sum() == pytest.approx(2 * np.pi)


START: dict[str, Any] = {
    "kind": "L1",
    "strength": 0.6,
    "optimum": OPTIMUM,
    "correlation": 0,
    "view": "path",
}


def remarks(node: Node, states: list[dict[str, Any]]) -> list[str]:
    """Return what is said beside the picture in each state."""
    call = (
        f"{json.dumps(states)}.map((s) => {{"
        " const a = [s.kind, s.strength, s.optimum, s.correlation];"
        " return m.remarkOn(s, m.solution(...a), m.descend(...a, s.view === 'proximal')); })"
    )
    return list(node("penalty_contours.js", call))


def test_remark_says_what_each_preset_shows(node: Node) -> None:
    presets = dict(node("penalty_contours.js", "m.PRESETS"))
    expected = {
        # at w₂ = 0 the loss pulls with 2 · 0.5
        "L1 at a corner": "w₂ away from 0 with 1.00; the penalty holds it with up to 1.20.",
        "L2": "nothing holds a weight at 0",
        "Elastic net": "w₂ away from 0 with 1.00; the penalty holds it with up to 1.20.",
        "Correlated inputs": "A corner is touched. The loss would pull w₂",
        "L1 by sub-gradient": "pushes w₂ by ηλ = 0.12: it jumps across 0",
    }

    assert list(presets) == list(expected)
    found = remarks(node, [START | preset for preset in presets.values()])
    for text, says in zip(found, expected.values(), strict=True):
        assert says in text


@pytest.mark.parametrize("strength", [2.8, 3.4, 4.0])
def test_remark_on_two_zero_weights_names_both(node: Node, strength: float) -> None:
    """At (0, 0) the loss pulls with 2 · 1.4 and 2 · 0.5."""
    states = [START | {"strength": strength, "view": view} for view in ("path", "subgradient")]

    path, steps = remarks(node, states)

    assert solution("L1", strength, OPTIMUM, 0.0) == [0.0, 0.0]
    held = f"w₂ with 1.00; the penalty holds each with up to {strength:.2f}"
    assert path.startswith("Both weights are 0: the ball has shrunk to a point.")
    assert f"w₁ away from 0 with 2.80 and {held}" in path
    assert ("pushes both weights" in steps) == (strength > 2.8)


GRID: list[dict[str, Any]] = [
    {"kind": kind, "strength": strength, "optimum": optimum, "correlation": rho}
    for kind in SHARES
    for strength in (0, 0.05, 0.6, 1.0, 1.2, 2.0, 2.4, 2.8, 4.0)
    for optimum in (OPTIMUM, [1.2, 0.4], [1.4, -0.3], [1.0, 0.0], [0.0, 0.0], [-0.5, 0.5])
    for rho in (-0.8, 0, 0.5)
]


def test_remark_on_the_optimum_is_true_wherever_it_is_shown(node: Node) -> None:
    found = remarks(node, [state | {"view": "path"} for state in GRID])

    for state, text in zip(GRID, found, strict=True):
        kind, strength, optimum, rho = state.values()
        w = solution(kind, strength, optimum, rho)
        zeros = w.count(0.0)
        beginning = (
            "λ = 0" if strength == 0
            else "The ball is round" if kind == "L2"
            else ("An edge", "A corner", "Both weights are 0")[zeros]
        )  # fmt: skip
        assert text.startswith(beginning), state


def test_remark_on_the_steps_is_true_wherever_it_is_shown(node: Node) -> None:
    both = {
        view: remarks(node, [state | {"view": view} for state in GRID])
        for view in ("subgradient", "proximal")
    }

    for state, rough_text, exact_text in zip(GRID, *both.values(), strict=True):
        kind, strength, optimum, rho = state.values()
        w = np.array(solution(kind, strength, optimum, rho))
        rough, exact = (
            descend(kind, strength, optimum, rho, proximal=proximal, steps=600)
            for proximal in (False, True)
        )
        zeros = [i for i in (0, 1) if w[i] == 0 and (optimum[i] != 0 or rho != 0)]
        if "stay there" in rough_text:
            np.testing.assert_allclose(rough, [w] * 601, atol=1e-12, err_msg=str(state))
        elif "same" in rough_text:
            assert exact_text == rough_text, state
            np.testing.assert_allclose(rough[-1], w, atol=1e-6, err_msg=str(state))
            np.testing.assert_allclose(exact[-1], w, atol=1e-6, err_msg=str(state))
        elif "just as hard as" in rough_text:
            assert exact_text == rough_text, state
            pulls = np.abs(2 * second_moments(rho) @ (w - optimum))[zeros]
            assert pulls.max() == pytest.approx(strength * SHARES[kind]), state
        else:
            assert "jump" in rough_text, state
            assert ("both weights" in rough_text) == (len(zeros) == 2), state
            late = rough[400:, zeros]
            assert (np.diff(np.sign(late), axis=0) != 0).any(axis=0).all(), state
            still = (exact[:61, zeros] == 0).all(axis=1)
            if "do not suffice" in exact_text:
                assert not still[60], state
                assert (exact[-1, zeros] == 0).all(), state
            else:
                since = int(exact_text.rsplit("step ")[1].split()[0])
                assert still[since:].all(), state
                assert since == 0 or not still[since - 1], state


@pytest.mark.parametrize(
    "state", [START, START | {"kind": "elastic", "strength": 3.2, "correlation": -0.2}]
)
def test_table_shows_the_numbers_of_python(node: Node, state: dict[str, Any]) -> None:
    shown = node("penalty_contours.js", f"m.valuesOf({json.dumps(state)})")

    kind, strength, optimum, rho, _ = state.values()
    w = solution(kind, strength, optimum, rho)
    rough, exact = (
        descend(kind, strength, optimum, rho, proximal=proximal)[-1] for proximal in (False, True)
    )
    for texts, place in zip(shown["places"], (optimum, w, rough, exact), strict=True):
        assert [float(v.replace("−", "-")) for v in texts] == pytest.approx(place, abs=5.1e-5)
    sums = [loss(w, optimum, rho), penalty(kind, strength, w)]
    assert [float(v) for v in shown["totals"]] == pytest.approx(sums, abs=5.1e-4)


def test_question_is_answered_by_the_solutions(node: Node) -> None:
    removes = [
        kind
        for kind in ("L1", "elastic", "L2")
        if any(solution(kind, s, OPTIMUM, 0.0)[1] == 0 for s in STRENGTHS)
    ]

    assert removes == ["L1", "elastic"]
    assert node("penalty_contours.js", "m.settled()") == "L1 and the elastic net"


def test_weights_follow_controls_that_python_sets() -> None:
    figure = PenaltyContours()

    figure.kind, figure.strength = "L2", 1.0

    assert figure.weights == pytest.approx([0.7, 0.25])
    assert figure.summary() == "L2 of strength 1 moves the optimum from (1.4, 0.5) to (0.7, 0.25)."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "L3"}, r"kind is 'L3', expected one of \('L2', 'elastic', 'L1'\)"),
        ({"strength": -1}, "strength is -1, expected 0 to 4"),
        ({"optimum": (0.0, 3.0)}, r"optimum\[1\] is 3.0, expected -1.5 to 1.5"),
        ({"optimum": (0.0,)}, "optimum has 1 numbers, expected 2"),
    ],
)
def test_state_outside_its_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PenaltyContours(**wrong)

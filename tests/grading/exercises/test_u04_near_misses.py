"""Answers of unit 04 that are nearly right lose points whatever the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grading.check.judging import judge
from grading.check.trials import draw_trials, expected_outputs, observe
from grading.exercises import exercise

Answer = Callable[..., Any]
SEEDS = range(20)


def lost(name: str, answer: Answer) -> set[str]:
    """Return the criteria that an answer fails, the same for every seed."""
    each, failed = exercise(name), []
    for seed in SEEDS:
        trials = draw_trials(each, np.random.default_rng(seed))
        expected = expected_outputs(each, trials)
        with np.errstate(all="ignore"):  # some of them divide by 0 or overflow
            verdict = judge(each, trials, observe(each, trials, answer), expected)
        failed.append({finding.criterion for finding in verdict.findings})
    assert all(names == failed[0] for names in failed)
    return failed[0]


def classified(
    length: Callable[[Any], Any] = np.linalg.norm,
    factor: float = 1.0,
    zero: Callable[[float], float] = lambda tolerance: tolerance,
) -> Answer:
    """Return a classification with another length, limit of the slope or limit of flatness."""

    def answer(gradient: Any, H: Any, tolerance: float) -> str:
        if length(gradient) > factor * tolerance:
            return "not critical"
        values, limit = np.linalg.eigvalsh(H), zero(tolerance)
        up, down = np.any(values > limit), np.any(values < -limit)
        if up and down:
            return "saddle"
        if np.any(np.abs(values) <= limit):
            return "degenerate"
        return "minimum" if up else "maximum"

    return answer


def test_the_plain_classification_loses_nothing() -> None:
    assert lost("classify_critical_point", classified()) == set()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(classified(factor=1.2), id="slope-1.2"),
        pytest.param(classified(factor=0.9), id="slope-0.9"),
        pytest.param(classified(length=lambda g: np.abs(g).sum()), id="sum-of-sizes"),
        pytest.param(classified(length=lambda g: np.abs(g).mean()), id="mean-size"),
        pytest.param(classified(zero=lambda _: 0.1), id="flat-0.1"),
        pytest.param(classified(zero=lambda _: 0.01), id="flat-0.01"),
        pytest.param(classified(zero=lambda _: 1e-6), id="flat-1e-6"),
        pytest.param(classified(zero=np.sqrt), id="flat-root"),
        pytest.param(classified(zero=lambda tolerance: 1.5 * tolerance), id="flat-1.5"),
        pytest.param(classified(zero=lambda tolerance: 0.9 * tolerance), id="flat-0.9"),
    ],
)
def test_another_length_or_tolerance_loses_points(answer: Answer) -> None:
    assert lost("classify_critical_point", answer)


def test_a_step_that_skips_nearly_flat_directions_loses_everything() -> None:
    for limit in (lambda _: 0.1, lambda damping: damping / 2):

        def skipping(theta: Any, gradient: Any, H: Any, damping: Any, limit: Any = limit) -> Any:
            values, V = np.linalg.eigh(H)
            parts = np.where(
                np.abs(values) < limit(damping), 0, V.T @ gradient / (np.abs(values) + damping)
            )
            return theta - V @ parts

        assert lost("damped_newton_step", skipping) == {"bowl", "saddle"}


def test_a_flat_direction_is_exactly_flat_in_every_saddle() -> None:
    """Only there does a formula with the sign of the eigenvalue break."""
    each = exercise("damped_newton_step")
    for seed in SEEDS:
        for trial in draw_trials(each, np.random.default_rng(seed)):
            if not trial.is_hand and "saddle" in trial.criteria:
                assert np.any(np.linalg.eigvalsh(trial.case.inputs["H"]) == 0)


def power(steps: Callable[[int], int], every: int = 1, at_the_end: bool = True) -> Answer:
    """Return a power iteration with another number of steps, or scaled now and then only."""

    def answer(product: Any, start: Any, n_steps: int) -> Any:
        v = start / np.linalg.norm(start)
        for i in range(steps(n_steps)):
            v = product(v)
            if i % every == every - 1:
                v = v / np.linalg.norm(v)
        v = v / np.linalg.norm(v) if at_the_end else v
        return float(v @ product(v)), v

    return answer


@pytest.mark.parametrize(
    ("answer", "criterion"),
    [
        pytest.param(power(lambda n: n), None, id="right"),
        pytest.param(power(lambda n: n - 1), "vector", id="one-less"),
        pytest.param(power(lambda n: n + 1), "vector", id="one-more"),
        pytest.param(power(lambda n: n // 2), "vector", id="half"),
        pytest.param(power(lambda _: 20), "vector", id="twenty"),
        pytest.param(power(lambda n: n, every=2), "scale", id="every-second"),
        pytest.param(power(lambda n: n, every=5), "scale", id="every-fifth"),
    ],
)
def test_steps_are_counted_and_lengths_taken_out_each_time(
    answer: Answer, criterion: str | None
) -> None:
    assert lost("power_iteration", answer) == ({criterion} if criterion else set())


@pytest.mark.parametrize(
    "shift",
    [
        lambda z: z.max(),
        lambda z: z.min(axis=1, keepdims=True),
        lambda z: z.mean(axis=1, keepdims=True),
        lambda z: z.max(axis=0),
    ],
    ids=["table", "smallest", "mean", "column"],
)
def test_only_the_largest_logit_of_a_row_is_a_safe_shift(shift: Callable[[Any], Any]) -> None:
    def answer(X: Any, W: Any) -> Any:
        z = X @ W
        p = np.exp(z - shift(z))
        p = p / p.sum(axis=1, keepdims=True)
        S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
        return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size) / len(X)

    assert "large_logits" in lost("softmax_hessian", answer)


SIGNS = [tuple(-1 if j == i else 1 for j in range(6)) for i in range(6)]
GONE = [tuple(0 if j == i else 1 for j in range(6)) for i in range(6)]


@pytest.mark.parametrize("factors", [(1,) * 6, *SIGNS, *GONE])
def test_each_term_of_the_product_counts(factors: tuple[int, ...]) -> None:
    a, b, c, d, e, f = factors

    def answer(X: Any, targets: Any, W1: Any, W2: Any, V1: Any, V2: Any) -> Any:
        h = np.tanh(X @ W1)
        dy = 2 * (h @ W2 - targets) / targets.size
        h_dot = (1 - h**2) * (X @ V1)
        dy_dot = 2 * (a * h_dot @ W2 + b * h @ V2) / targets.size
        dh_dot = c * dy_dot @ W2.T + d * dy @ V2.T
        dz_dot = dh_dot * (1 - h**2) - e * 2 * (dy @ W2.T) * h * h_dot
        return X.T @ dz_dot, f * h_dot.T @ dy + h.T @ dy_dot

    assert bool(lost("hessian_vector_product", answer)) == (factors != (1,) * 6)

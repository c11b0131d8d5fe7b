"""Recognize known wrong answers by running them on the same cases.

An answer shows a misconception if, on every criterion that the misconception fails, it gives the
same outputs as the misconception's own implementation. What matches on more criteria comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grading.check.judging import Verdict, compare
from grading.check.trials import Trial, observe
from grading.exercises import Criterion, Exercise, Misconception
from grading.probes import Observation, Opaque, same

_DIAGNOSIS_RTOL = 1e-7
_DIAGNOSIS_ATOL = 1e-10


def diagnose(
    exercise: Exercise,
    trials: Sequence[Trial],
    observations: Sequence[Observation],
    verdict: Verdict,
) -> tuple[Misconception, ...]:
    """List the known wrong answers that the observations show, the best match first.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    trials : sequence of Trial
        The cases.
    observations : sequence of Observation
        What the learner's answer gave on them.
    verdict : Verdict
        How it was judged; only failed criteria are explained.

    Returns
    -------
    tuple of Misconception
        Each explains at least one failed criterion that those before it leave unexplained.
    """
    failed = {finding.criterion for finding in verdict.findings}
    if not failed or len(observations) < len(trials):
        return ()
    matches = []
    for misconception in exercise.misconceptions:
        if not set(misconception.fails) <= failed:
            continue
        wrong = observe(exercise, trials, misconception.function)
        if _shows(exercise, misconception, trials, observations, wrong):
            matches.append((misconception, _agreement(exercise, trials, observations, wrong)))
    matches.sort(key=lambda match: (-len(match[0].fails), -match[1]))
    named: list[Misconception] = []
    explained: set[str] = set()
    for misconception, _ in matches:
        if not set(misconception.fails) <= explained:
            named.append(misconception)
            explained |= set(misconception.fails)
    return tuple(named)


def _shows(
    exercise: Exercise,
    misconception: Misconception,
    trials: Sequence[Trial],
    seen: Sequence[Observation],
    wrong: Sequence[Observation],
) -> bool:
    return all(
        _alike(criterion, seen[i], wrong[i])
        for criterion in exercise.criteria
        if criterion.name in misconception.fails
        for i, trial in enumerate(trials)
        if criterion.name in trial.criteria
    )


def _agreement(
    exercise: Exercise,
    trials: Sequence[Trial],
    seen: Sequence[Observation],
    wrong: Sequence[Observation],
) -> int:
    """Count the criteria and trials on which two answers give the same."""
    return sum(
        _alike(criterion, seen[i], wrong[i])
        for criterion in exercise.criteria
        for i, trial in enumerate(trials)
        if criterion.name in trial.criteria
    )


def _alike(criterion: Criterion, seen: Observation, wrong: Observation) -> bool:
    if seen.mutated != wrong.mutated:
        return False
    if seen.problem is not None or wrong.problem is not None:
        return (
            seen.problem is not None
            and wrong.problem is not None
            and (seen.problem.kind, seen.problem.type_name, seen.problem.detail)
            == (wrong.problem.kind, wrong.problem.type_name, wrong.problem.detail)
        )
    judged = criterion.judges or tuple(wrong.outputs)
    return all(_equal(seen.outputs[name], wrong.outputs[name]) for name in judged)


def _equal(left: object, right: object) -> bool:
    if same(left, right):
        return True
    if isinstance(left, Opaque) or isinstance(right, Opaque):
        return left == right
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return (
            left.shape == right.shape
            and left.dtype.kind in "biuf"
            and right.dtype.kind in "biuf"
            and np.allclose(left, right, rtol=_DIAGNOSIS_RTOL, atol=_DIAGNOSIS_ATOL, equal_nan=True)
        )
    return compare("", left, right, _DIAGNOSIS_RTOL, _DIAGNOSIS_ATOL) is None

"""Recognize known wrong answers by running them on the same cases.

An answer shows a misconception if, on every criterion that the misconception fails, it gives the
same outputs as the misconception's own implementation. What fails more criteria comes first, as it
explains more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from grading.check.judging import Verdict, compare
from grading.check.trials import Run, Trial, observe_one
from grading.exercises import Criterion, Exercise, Misconception
from grading.probes import Observation, Opaque, same

_DIAGNOSIS_RTOL = 1e-7
_DIAGNOSIS_ATOL = 1e-10


def diagnose(
    exercise: Exercise,
    trials: Sequence[Trial],
    observations: Sequence[Observation],
    verdict: Verdict,
    run: Run = observe_one,
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
    run : callable
        Runs a known wrong answer on one trial; whoever judges many may remember.

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
        if set(misconception.fails) <= failed:
            wrong = _Rerun(exercise, trials, misconception, run)
            if wrong.shows_in(observations):
                matches.append(wrong)
    # All of them agree wherever they must fail, and are right elsewhere: nothing else ranks them.
    matches.sort(key=lambda wrong: -len(wrong.misconception.fails))
    named: list[Misconception] = []
    explained: set[str] = set()
    for wrong in matches:
        if not set(wrong.misconception.fails) <= explained:
            named.append(wrong.misconception)
            explained |= set(wrong.misconception.fails)
    return tuple(named)


class _Rerun:
    """A known wrong answer, run on a trial when that trial is looked at, and once only.

    Most are told apart on the first trial, so most trials are never run: a training exercise has
    seven known wrong answers and five trainings for each.
    """

    def __init__(
        self, exercise: Exercise, trials: Sequence[Trial], misconception: Misconception, run: Run
    ) -> None:
        self.misconception = misconception
        self._run = run
        self._exercise = exercise
        self._trials = trials
        self._seen: dict[int, Observation] = {}

    def shows_in(self, observations: Sequence[Observation]) -> bool:
        """Tell whether an answer gives the same wherever this one must fail."""
        return all(
            _alike(criterion, observations[i], self._on(i))
            for i, criterion in self._pairs()
            if criterion.name in self.misconception.fails
        )

    def _pairs(self) -> Iterator[tuple[int, Criterion]]:
        for i, trial in enumerate(self._trials):
            for criterion in self._exercise.criteria:
                if criterion.name in trial.criteria:
                    yield i, criterion

    def _on(self, i: int) -> Observation:
        if i not in self._seen:
            function = self.misconception.function
            self._seen[i] = self._run(self._exercise, self._trials[i], function)
        return self._seen[i]


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
    if isinstance(left, np.ndarray) and isinstance(right, list):
        left = left.tolist()
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(right, float) and not math.isfinite(right):
        return False  # within a share of infinity lies every number
    return compare("", left, right, _DIAGNOSIS_RTOL, _DIAGNOSIS_ATOL) is None

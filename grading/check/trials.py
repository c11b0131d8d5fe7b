"""Which cases an answer is run on, and what comes out of each.

Pure given the generator. The local check and the broker share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.exercises import Case, Exercise, FunctionFixture, HandCase
from grading.probes import Observation


@dataclass(frozen=True)
class Trial:
    """One case, and the criteria that it serves.

    Attributes
    ----------
    case : Case
        The inputs.
    criteria : tuple of str
        Names of the criteria that are judged on it.
    is_hand : bool
        Whether it is a hand case.
    """

    case: Case
    criteria: tuple[str, ...]
    is_hand: bool


def draw_trials(exercise: Exercise, rng: np.random.Generator) -> tuple[Trial, ...]:
    """List the hand cases, then ``n_cases`` random cases of each kind.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    rng : numpy.random.Generator
        Source of the random cases.

    Returns
    -------
    tuple of Trial
        Criteria that share a hand case or a way of drawing share its trials.
    """
    hands: dict[int, tuple[Case, list[str]]] = {}
    draws: dict[Callable[[np.random.Generator], Case], list[str]] = {}
    for criterion in exercise.criteria:
        hands.setdefault(id(criterion.hand), (criterion.hand, []))[1].append(criterion.name)
        draws.setdefault(criterion.draw or exercise.cases, []).append(criterion.name)
    by_hand = [Trial(case, tuple(names), is_hand=True) for case, names in hands.values()]
    at_random = [
        Trial(draw(rng), tuple(names), is_hand=False)
        for draw, names in draws.items()
        for _ in range(exercise.n_cases)
    ]
    return (*by_hand, *at_random)


def observe(
    exercise: Exercise,
    trials: Sequence[Trial],
    target: Callable[..., Any],
) -> list[Observation]:
    """Run ``target`` on every trial, stopping at the first that was not started.

    Parameters
    ----------
    exercise : Exercise
        The declaration, for its probe.
    trials : sequence of Trial
        The cases.
    target : callable
        The learner's object, the reference or a known wrong answer.

    Returns
    -------
    list of Observation
        One a trial.
    """
    observations: list[Observation] = []
    for trial in trials:
        observation = observe_one(exercise, trial, target)
        observations.append(observation)
        if observation.problem is not None and observation.problem.kind == "not_started":
            break
    return observations


def observe_one(exercise: Exercise, trial: Trial, target: Callable[..., Any]) -> Observation:
    """Run ``target`` on one trial.

    Parameters
    ----------
    exercise : Exercise
        The declaration, for its probe.
    trial : Trial
        The case.
    target : callable
        The learner's object, the reference or a known wrong answer.

    Returns
    -------
    Observation
        What happened.
    """
    inputs = {
        name: value.build() if isinstance(value, FunctionFixture) else value
        for name, value in trial.case.inputs.items()
    }
    return exercise.probe.observe(target, inputs)


Run = Callable[[Exercise, Trial, Callable[..., Any]], Observation]
"""Runs a function on one trial, as `observe_one` does."""


def expected_outputs(
    exercise: Exercise, trials: Sequence[Trial], run: Run = observe_one
) -> list[dict[str, Any]]:
    """Compute what a right answer gives: the reference's outputs, by hand where given.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    trials : sequence of Trial
        The cases.
    run : callable
        Runs the reference on one trial; whoever judges many may remember.

    Returns
    -------
    list of dict
        Outputs by name, one dict a trial.

    Raises
    ------
    RuntimeError
        If the reference itself fails, which the proof rules out for what is released.
    """
    outputs = []
    for trial in trials:
        seen = run(exercise, trial, exercise.reference)
        if seen.problem is not None:
            message = f"The reference of {exercise.id!r} fails: {seen.problem.detail}."
            raise RuntimeError(message)
        by_hand = trial.case.expected if isinstance(trial.case, HandCase) else {}
        outputs.append({**seen.outputs, **by_hand})
    return outputs

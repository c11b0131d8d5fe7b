"""What a right answer gives on a case: computed by the reference when somebody asks.

Most criteria compare outputs, but some state properties only, and nobody asks what the reference
gives on their cases. Training a network five times over for nothing was half of the time that unit
01 took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from grading.check.trials import Run, Trial, expected_outputs, observe_one
from grading.exercises import Case, Exercise, HandCase
from grading.probes import Observation, Probe

__all__ = ["Expected", "ReferenceFailedError", "reference_s", "remembered"]

MAX_REMEMBERED = 10_000  # more than all exercises of a course have; each is a few small arrays

_measured: dict[tuple[str, str], float] = {}
"""Seconds that a reference takes for its trials, by version and exercise, once in this process."""


_by_hand: dict[tuple[int, Callable[..., Any], Probe], tuple[Case, Observation]] = {}
"""What functions of ours gave on hand cases, which are the same for every submission."""


class ReferenceFailedError(Exception):
    """A reference of ours stopped with an error: nothing is wrong with the submission."""


def remembered(exercise: Exercise, trial: Trial, target: Callable[..., Any]) -> Observation:
    """Run a function of ours on one trial; on a hand case, once in this process.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    trial : Trial
        The case.
    target : callable
        The reference or a known wrong answer.

    Returns
    -------
    Observation
        What it gives, for reading only.
    """
    if not trial.is_hand:
        return observe_one(exercise, trial, target)
    key = (id(trial.case), target, exercise.probe)
    if key not in _by_hand:
        if len(_by_hand) >= MAX_REMEMBERED:
            _by_hand.clear()
        seen = observe_one(exercise, trial, target)
        _lock(list(seen.outputs.values()))
        _by_hand[key] = trial.case, seen
    return _by_hand[key][1]


def _lock(values: list[Any]) -> None:
    """Make arrays unwritable: what one submission is compared with, the next one is as well."""
    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        elif isinstance(value, list):
            _lock(value)


class Expected(dict[str, Any]):
    """Expected outputs of one trial by name; those worked out by hand are there from the start.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    trial : Trial
        The case.
    """

    def __init__(self, exercise: Exercise, trial: Trial) -> None:
        super().__init__(trial.case.expected if isinstance(trial.case, HandCase) else {})
        self._exercise = exercise
        self._trial = trial
        self._is_whole = False

    def whole(self, run: Run = remembered) -> Expected:
        """Compute what is missing.

        Parameters
        ----------
        run : callable
            Runs the reference on the case.

        Returns
        -------
        Expected
            Itself, with every output.

        Raises
        ------
        ReferenceFailedError
            If the reference fails, which the proof rules out for what is released.
        """
        if not self._is_whole:
            self._is_whole = True
            try:
                self.update(expected_outputs(self._exercise, (self._trial,), run)[0])
            except RuntimeError as error:
                raise ReferenceFailedError(str(error)) from error
        return self

    def __missing__(self, name: str) -> Any:
        if self._is_whole:
            raise KeyError(name)
        return self.whole()[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (
            not self._is_whole and super(Expected, self.whole()).__contains__(name)
        )


def reference_s(version_hash: str, exercise: Exercise, expected: list[Expected]) -> float:
    """Measure how long the reference takes for all its trials, once by version and process.

    Parameters
    ----------
    version_hash : str
        Names the assignment version.
    exercise : Exercise
        The declaration.
    expected : list of Expected
        Those of all trials; they are computed if nothing has been measured yet.

    Returns
    -------
    float
        Seconds.
    """
    key = (version_hash, exercise.id)
    if key not in _measured:
        began = time.perf_counter()
        for each in expected:
            each.whole(observe_one)  # in full, whatever another version has left to remember
        _measured[key] = time.perf_counter() - began
    return _measured[key]

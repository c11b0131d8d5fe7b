"""References run when somebody asks for their outputs, and their failure is ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grading.broker._expecting import (
    Expected,
    ReferenceFailedError,
    reference_s,
    remembered,
)
from grading.check.trials import draw_trials, expected_outputs
from grading.exercises import Exercise, exercise
from grading.probes import Raises


class Counted:
    """A reference that counts its calls."""

    def __init__(self, exercise_of: Exercise) -> None:
        self._reference = exercise_of.reference
        self.n_calls = 0

    def __call__(self, **inputs: Any) -> Any:
        self.n_calls += 1
        return self._reference(**inputs)


def counted(name: str) -> tuple[Exercise, Counted, list[Expected]]:
    declared = exercise(name)
    reference = Counted(declared)
    declared = replace(declared, reference=reference)
    trials = draw_trials(declared, np.random.default_rng(3))
    return declared, reference, [Expected(declared, trial) for trial in trials]


def test_what_is_asked_for_is_what_the_reference_gives() -> None:
    declared = exercise("mlp_gradients")
    trials = draw_trials(declared, np.random.default_rng(3))

    found = [Expected(declared, trial) for trial in trials]

    for lazy, whole in zip(found, expected_outputs(declared, trials), strict=True):
        assert all(name in lazy for name in whole)
        assert all(np.array_equal(lazy[name], value) for name, value in whole.items())
        assert "nonsense" not in lazy


def test_reference_runs_once_a_case_and_only_if_asked() -> None:
    _, reference, expected = counted("mlp_gradients")

    asked = [expected[-1]["dW1"], expected[-1]["dW2"], expected[-2]["dW1"]]

    assert len(asked) == 3
    assert reference.n_calls == 2


def test_values_worked_out_by_hand_need_no_reference() -> None:
    _, reference, expected = counted("mean_squared_error")

    assert expected[0]["loss"] > 0
    assert reference.n_calls == 0


def test_time_of_a_reference_is_measured_once() -> None:
    declared, reference, expected = counted("mean_squared_error")

    first = reference_s("a version", declared, expected)
    n_calls = reference.n_calls
    again = reference_s("a version", declared, expected)

    assert first == again > 0
    assert reference.n_calls == n_calls == len(expected)


def test_reference_that_fails_is_a_defect_of_ours() -> None:
    declared = replace(exercise("mean_squared_error"), reference=lambda y, targets: 1 / 0)
    trial = draw_trials(declared, np.random.default_rng(3))[-1]

    with pytest.raises(ReferenceFailedError, match="mean_squared_error"):
        Expected(declared, trial)["loss"]


def test_functions_of_ours_run_once_on_a_hand_case_and_anew_on_drawn_ones() -> None:
    declared = exercise("mlp_gradients")
    reference = Counted(declared)
    hand, *_, drawn = draw_trials(declared, np.random.default_rng(3))
    again, *_ = draw_trials(declared, np.random.default_rng(4))
    assert (hand.is_hand, drawn.is_hand) == (True, False)

    seen = [remembered(declared, trial, reference) for trial in (hand, again, drawn, drawn)]

    assert reference.n_calls == 3
    assert seen[0] is seen[1]
    other = Counted(declared)
    remembered(declared, hand, other)
    assert other.n_calls == 1


def test_time_is_measured_in_full_whatever_is_remembered() -> None:
    declared = exercise("mlp_gradients")
    reference = Counted(declared)
    declared = replace(declared, reference=reference)
    trials = draw_trials(declared, np.random.default_rng(3))

    for version in ("one", "another"):
        reference.n_calls = 0
        reference_s(version, declared, [Expected(declared, trial) for trial in trials])
        assert reference.n_calls == len(trials)


def test_what_is_remembered_cannot_be_written_into() -> None:
    declared = exercise("mlp_gradients")
    hand = draw_trials(declared, np.random.default_rng(3))[0]

    seen = remembered(declared, hand, declared.reference)

    arrays = [value for value in seen.outputs.values() if isinstance(value, np.ndarray)]
    assert arrays
    assert not any(array.flags.writeable for array in arrays)


def test_another_probe_is_another_observation() -> None:
    declared = exercise("mean_squared_error")
    hand = draw_trials(declared, np.random.default_rng(3))[0]
    other = replace(declared, probe=Raises())

    assert set(remembered(declared, hand, declared.reference).outputs) == {"loss"}
    assert set(remembered(other, hand, declared.reference).outputs) == {"raised"}

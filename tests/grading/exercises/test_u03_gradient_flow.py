"""Unit 03 takes every right answer and names every known wrong one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from grading.check.diagnosis import diagnose
from grading.check.judging import Verdict, judge
from grading.check.solution import source_of
from grading.check.trials import Trial, draw_trials, expected_outputs, observe
from grading.exercises import Exercise, HandCase, Misconception, exercise, exercises_of_unit

EXERCISES = exercises_of_unit("03")
ANSWERS = [
    pytest.param(each, answer, id=f"{each.id}-{answer.__name__}")
    for each in EXERCISES
    for answer in (each.reference, *each.alternatives)
]
MISCONCEPTIONS = [
    pytest.param(each, wrong, id=f"{each.id}-{wrong.name}")
    for each in EXERCISES
    for wrong in each.misconceptions
]


SEEDS = range(5)  # the proof takes more


@cache
def _drawn(name: str, seed: int) -> tuple[tuple[Trial, ...], list[dict[str, Any]]]:
    trials = draw_trials(exercise(name), np.random.default_rng(seed))
    return trials, expected_outputs(exercise(name), trials)


def judged(
    each: Exercise, answer: Callable[..., Any], seed: int
) -> tuple[Verdict, tuple[Misconception, ...]]:
    """Judge an answer on the cases of a seed, and say which known mistakes it shows."""
    trials, expected = _drawn(each.id, seed)
    observations = observe(each, trials, answer)
    verdict = judge(each, trials, observations, expected)
    return verdict, diagnose(each, trials, observations, verdict)


def pasted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Define a function from its source alone, in a namespace that has only NumPy."""
    namespace: dict[str, Any] = {"np": np}
    exec(source_of(function, name), namespace)
    answer: Callable[..., Any] = namespace[name]
    return answer


def test_core_exercises_are_the_five_of_the_syllabus() -> None:
    core = [each.id for each in EXERCISES if each.tier == "core"]

    assert core == [
        "he_normal",
        "clip_by_global_norm",
        "batchnorm_forward",
        "batchnorm_backward",
        "diagnose_run",
    ]


@pytest.mark.parametrize(("each", "answer"), ANSWERS)
def test_right_answers_get_full_points_whatever_the_draw(
    each: Exercise, answer: Callable[..., Any]
) -> None:
    for seed in SEEDS:
        verdict, _ = judged(each, answer, seed)

        assert verdict.findings == ()
        assert verdict.points == each.points


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_known_wrong_answers_fail_what_they_declare_and_are_named(
    each: Exercise, wrong: Misconception
) -> None:
    for seed in SEEDS:
        verdict, known = judged(each, wrong.function, seed)

        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_a_blank_stub_gets_nothing(each: Exercise) -> None:
    def blank(**_: Any) -> None:
        raise NotImplementedError

    verdict, known = judged(each, blank, 0)

    assert not any(verdict.points.values())
    assert known == ()


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_sources_work_when_pasted_into_a_notebook(each: Exercise) -> None:
    for answer in (each.reference, *each.alternatives):
        verdict, _ = judged(each, pasted(answer, each.id), 0)
        assert verdict.findings == ()
    for wrong in each.misconceptions:
        verdict, known = judged(each, pasted(wrong.function, each.id), 0)
        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_all_implementations_take_the_arguments_of_the_reference(each: Exercise) -> None:
    wanted = list(inspect.signature(each.reference).parameters)

    functions = [*each.alternatives, *(wrong.function for wrong in each.misconceptions)]
    assert all(list(inspect.signature(each_).parameters) == wanted for each_ in functions)


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_random_matrices_are_never_square_nor_of_one_row_but_in_evaluation(each: Exercise) -> None:
    """A transposed or wrongly summed result could pass by chance otherwise."""
    for seed in SEEDS:
        for trial in _drawn(each.id, seed)[0]:
            for value in trial.case.inputs.values():
                if not trial.is_hand and isinstance(value, np.ndarray) and value.ndim == 2:
                    assert value.shape[0] != value.shape[1]
                    assert value.shape[0] > 1 or trial.criteria == ("evaluation",)


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_random_cases_differ_from_each_other_and_between_seeds(each: Exercise) -> None:
    answers = [
        repr(outputs) + repr(trial.case.inputs)
        for seed in (0, 1)
        for trial, outputs in zip(*_drawn(each.id, seed), strict=True)
        if not trial.is_hand
    ]

    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_every_judged_output_of_a_hand_case_is_given(each: Exercise) -> None:
    for criterion in each.criteria:
        assert isinstance(criterion.hand, HandCase)
        assert set(criterion.judges) <= set(criterion.hand.expected)


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_messages_are_short_and_lead_on(each: Exercise, wrong: Misconception) -> None:
    n_sentences = sum(wrong.message.count(end) for end in (". ", "? ")) + 1

    assert 2 <= n_sentences <= 4
    assert wrong.message.rstrip()[-1] in ".?"
    assert "return " not in wrong.message

"""Unit 04 takes every right answer and names every known wrong one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grading.check.checking import examine
from grading.check.diagnosis import diagnose
from grading.check.judging import Verdict, judge
from grading.check.lookup import Found
from grading.check.solution import source_of
from grading.check.trials import Trial, draw_trials, expected_outputs, observe
from grading.exercises import Exercise, Misconception, exercise, exercises_of_unit

EXERCISES = exercises_of_unit("04")
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
every_exercise = pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
SEEDS = range(5)  # the proof takes 20

OF_FIXED_SHAPE = {"H"}
"""Inputs that the mathematics makes square."""


@cache
def _drawn(name: str, seed: int) -> tuple[tuple[Trial, ...], list[dict[str, Any]]]:
    trials = draw_trials(exercise(name), np.random.default_rng(seed))
    return trials, expected_outputs(exercise(name), trials)


def judged(
    each: Exercise, answer: Callable[..., Any], seed: int
) -> tuple[Verdict, tuple[Misconception, ...]]:
    """Judge an answer on the cases of a seed, and say which known mistakes it shows."""
    trials, expected = _drawn(each.id, seed)
    with np.errstate(all="ignore"):  # known wrong answers overflow
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
    core = {each.id for each in EXERCISES if each.tier == "core"}

    assert core == {
        "hessian_vector_product",
        "classify_critical_point",
        "power_iteration",
        "largest_stable_rate",
        "damped_newton_step",
    }


@pytest.mark.parametrize(("each", "answer"), ANSWERS)
def test_right_answers_get_full_points_also_when_pasted(
    each: Exercise, answer: Callable[..., Any]
) -> None:
    for seed in SEEDS:
        verdict, _ = judged(each, pasted(answer, each.id) if seed == 0 else answer, seed)

        assert verdict.findings == ()
        assert verdict.points == each.points


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_known_wrong_answers_fail_what_they_declare_and_are_named(
    each: Exercise, wrong: Misconception
) -> None:
    for seed in SEEDS:
        answer = pasted(wrong.function, each.id) if seed == 0 else wrong.function
        verdict, known = judged(each, answer, seed)

        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@every_exercise
def test_a_blank_stub_gets_nothing(each: Exercise) -> None:
    def blank(**_: Any) -> None:
        raise NotImplementedError

    verdict, known = judged(each, blank, 0)

    assert not any(verdict.points.values())
    assert known == ()


@every_exercise
def test_all_implementations_take_the_arguments_of_the_reference(each: Exercise) -> None:
    wanted = list(inspect.signature(each.reference).parameters)

    functions = [*each.alternatives, *(wrong.function for wrong in each.misconceptions)]
    assert all(list(inspect.signature(each_).parameters) == wanted for each_ in functions)


@every_exercise
def test_random_matrices_are_never_square_nor_of_one_row(each: Exercise) -> None:
    """A transposed or wrongly summed result could pass by chance otherwise."""
    for seed in SEEDS:
        for trial in _drawn(each.id, seed)[0]:
            for name, value in trial.case.inputs.items():
                two_axes = isinstance(value, np.ndarray) and value.ndim == 2
                if two_axes and not trial.is_hand and name not in OF_FIXED_SHAPE:
                    assert value.shape[0] != value.shape[1]
                    assert value.shape[0] > 1


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_messages_are_short_and_lead_on(each: Exercise, wrong: Misconception) -> None:
    n_sentences = sum(wrong.message.count(end) for end in (". ", "? ")) + 1

    assert 2 <= n_sentences <= 4
    assert wrong.message.rstrip()[-1] == "?"
    assert "return " not in wrong.message


def test_a_product_fixture_answers_one_vector_at_a_time() -> None:
    """A whole identity matrix would show the matrix in a single call."""
    case = exercise("power_iteration").cases(np.random.default_rng(0)).inputs
    product = case["product"].build()

    assert product(case["start"]).shape == case["start"].shape
    with pytest.raises(ValueError, match="takes one vector of shape"):
        product(np.eye(len(case["start"])))


def test_the_matrix_cannot_be_read_off_column_by_column() -> None:
    for seed in SEEDS:
        case = exercise("power_iteration").cases(np.random.default_rng(seed)).inputs

        assert case["product"].max_calls < len(case["start"])


def test_power_without_renormalization_overflows_on_every_scale_case() -> None:
    each = exercise("power_iteration")
    wrong = next(m for m in each.misconceptions if m.name == "no_renormalization")
    verdict, _ = judged(each, wrong.function, 3)

    (finding,) = verdict.findings
    assert (finding.criterion, finding.stage) == ("scale", "finite")


@pytest.mark.parametrize(
    ("central", "step"),
    [(True, 1e-2), (True, 1e-5), (True, 1e-7), (False, 1e-4), (False, 1e-6), (False, 1e-8)],
)
def test_a_difference_quotient_is_named_whatever_its_step(central: bool, step: float) -> None:
    gradient = next(
        m.function
        for m in exercise("hessian_vector_product").misconceptions
        if m.name == "gradient_instead"
    )

    def quotient(**given: Any) -> tuple[Any, ...]:
        def at(s: float) -> Any:
            moved = {f"W{i}": given[f"W{i}"] + s * given[f"V{i}"] for i in (1, 2)}
            return gradient(**{**given, **moved})

        low = -step if central else 0.0
        return tuple((a - b) / (step - low) for a, b in zip(at(step), at(low), strict=True))

    verdict, _ = judged(exercise("hessian_vector_product"), quotient, 0)

    assert {finding.criterion for finding in verdict.findings} == {"HV1", "HV2"}
    assert all("the mark of a difference quotient" in f.sentence for f in verdict.findings)


@pytest.mark.parametrize(
    ("name", "misconception", "words"),
    [
        ("classify_critical_point", "zero_before_saddle", "flat direction gets the wrong name"),
        ("classify_critical_point", "gradient_ignored", "A slope is called a minimum"),
        ("classify_critical_point", "eigenvalue_must_be_below_tolerance", "ties are wrong"),
        ("largest_stable_rate", "largest_size", "saddles are not"),
        ("hessian_vector_product", "hidden_values_not_moved", "HV2 is off"),
        ("hessian_vector_product", "slope_not_moved", "HV1 is not"),
        ("power_iteration", "size_without_sign", "The sign is wrong"),
        ("power_iteration", "no_renormalization", "NaN, infinity"),
        ("power_iteration", "one_step_too_few", "v is another vector"),
        ("damped_newton_step", "ascent_at_a_saddle", "the saddle is not"),
        ("damped_newton_step", "flat_directions_dropped", "the saddle is not"),
        ("softmax_hessian", "largest_logit_not_subtracted", "NaN or infinity"),
        ("hessian_diagonal", "divided_by_k", "standard error is off"),
        ("gauss_newton_product", "slope_missing_backward", "GV1 is not"),
        ("fisher_diagonal", "true_for_both", "The empirical one is off"),
        ("lanczos", "without_reorthogonalization", "eigenvalues repeat"),
    ],
)
def test_hint_is_titled_by_the_symptom(
    name: str, misconception: str, words: str, home: Path
) -> None:
    wrong = next(m for m in exercise(name).misconceptions if m.name == misconception)

    hint = examine(exercise(name), Found(wrong.function)).hint

    assert hint is not None
    assert words in hint.symptom

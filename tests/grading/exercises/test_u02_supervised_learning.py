"""Unit 02 takes every right answer and names every known wrong one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
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

EXERCISES = exercises_of_unit("02")
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

    assert sorted(core) == [
        "confusion_matrix",
        "minibatches",
        "precision_recall_f1",
        "standardize",
        "stratified_split",
    ]


@pytest.mark.parametrize(("each", "answer"), ANSWERS)
def test_right_answers_get_full_points_whatever_the_draw(
    each: Exercise, answer: Callable[..., Any]
) -> None:
    for seed in range(5):  # the proof takes 20
        verdict, _ = judged(each, answer, seed)

        assert verdict.findings == ()
        assert verdict.points == each.points


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some divide by zero: that is the mistake
@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_known_wrong_answers_fail_what_they_declare_and_are_named(
    each: Exercise, wrong: Misconception
) -> None:
    for seed in range(5):  # the proof takes 20
        verdict, known = judged(each, wrong.function, seed)

        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@every_exercise
def test_a_blank_stub_gets_nothing(each: Exercise) -> None:
    def blank(**_: Any) -> None:
        raise NotImplementedError

    verdict, known = judged(each, blank, 0)

    assert not any(verdict.points.values())
    assert known == ()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as above
@every_exercise
def test_sources_work_when_pasted_into_a_notebook(each: Exercise) -> None:
    for answer in (each.reference, *each.alternatives):
        verdict, _ = judged(each, pasted(answer, each.id), 0)
        assert verdict.findings == ()
    for wrong in each.misconceptions:
        verdict, known = judged(each, pasted(wrong.function, each.id), 0)
        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@every_exercise
def test_all_implementations_take_the_arguments_of_the_reference(each: Exercise) -> None:
    wanted = list(inspect.signature(each.reference).parameters)

    functions = [*each.alternatives, *(wrong.function for wrong in each.misconceptions)]
    assert all(list(inspect.signature(each_).parameters) == wanted for each_ in functions)


@every_exercise
def test_random_cases_differ_from_each_other_and_between_seeds(each: Exercise) -> None:
    inputs = [
        repr(trial.case.inputs)
        for seed in (0, 1)
        for trial in _drawn(each.id, seed)[0]
        if not trial.is_hand
    ]

    assert len(set(inputs)) == len(inputs)


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_messages_are_short_and_lead_on(each: Exercise, wrong: Misconception) -> None:
    n_sentences = sum(wrong.message.count(end) for end in (". ", "? ")) + 1

    assert 2 <= n_sentences <= 5
    assert wrong.message.rstrip()[-1] in ".?…"
    assert "return " not in wrong.message


def opened(name: str, misconception: str) -> str:
    """Return the title of the hint that a learner with this known wrong answer is pointed to."""
    each = exercise(name)
    function = next(m.function for m in each.misconceptions if m.name == misconception)
    hint = examine(each, Found(function)).hint
    return hint.symptom if hint else ""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as above
@pytest.mark.parametrize(
    ("name", "misconception", "words"),
    [
        ("standardize", "each_part_by_itself", "Z_other is not"),
        ("standardize", "divided_by_zero", "NaN"),
        ("standardize", "tiny_number_added", "very large numbers"),
        ("stratified_split", "remainder_lost", "A row is missing"),
        ("stratified_split", "rounded_up", "too many or too few"),
        ("stratified_split", "class_after_class", "in another order"),
        ("minibatches", "ragged_batch_lost", "missing at the end"),
        ("minibatches", "first_order_every_epoch", "only one epoch"),
        ("minibatches", "targets_not_shuffled", "do not belong to them"),
        ("confusion_matrix", "axes_swapped", "wrong places"),
        ("confusion_matrix", "size_of_the_largest_label", "a class is missing"),
        ("precision_recall_f1", "axes_swapped", "come out exchanged"),
        ("precision_recall_f1", "zero_division", "NaN"),
        ("bag_of_words", "marks_kept", "capitals or marks"),
        ("bag_of_words", "letters_searched", "too large"),
        ("log_power_spectrum", "floor_missing", "Infinity"),
        ("log_power_spectrum", "hop_ignored", "the shape is wrong"),
        ("roc_auc", "ties_count_zero", "equal scores are off"),
        ("roc_auc", "reversed", "even without equal scores"),
    ],
)
def test_hint_is_titled_by_the_symptom(
    name: str, misconception: str, words: str, home: object
) -> None:
    assert words in opened(name, misconception)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as above
@pytest.mark.parametrize(
    ("name", "misconception"),
    [
        ("stratified_split", "mask_of_the_table"),
        ("stratified_split", "places_for_rows"),
        ("bag_of_words", "marks_taken_out_everywhere"),
        ("bag_of_words", "cut_at_all_but_letters"),
        ("log_power_spectrum", "last_start_excluded"),
        ("precision_recall_f1", "guard_of_counts_on_shares"),
    ],
)
def test_the_likeliest_slips_show_in_an_example_made_by_hand(name: str, misconception: str) -> None:
    each = exercise(name)
    trials, _ = _drawn(name, 0)
    wrong = next(m for m in each.misconceptions if m.name == misconception)

    verdict, _ = judged(each, wrong.function, 0)

    assert all(trials[finding.i_trial].is_hand for finding in verdict.findings)


def test_a_split_is_told_which_row_or_class_is_wrong() -> None:
    def first_half_twice(
        targets: np.ndarray, share: float, permutation: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return permutation, permutation[: int(share * len(targets))]

    verdict, _ = judged(exercise("stratified_split"), first_half_twice, 0)

    once, shares, _ = verdict.findings
    assert "5 of 5 rows appear more than once" in once.sentence
    assert "rows of class" in shares.sentence


@pytest.mark.parametrize(("share", "n_held"), [(0.0, 0), (1.0, 5)])
def test_a_share_may_be_nothing_or_everything(share: float, n_held: int) -> None:
    each = exercise("stratified_split")
    targets, permutation = np.array([12, 3, 3, 12, 3]), np.array([3, 1, 0, 4, 2])

    for answer in (each.reference, *each.alternatives):
        train, held = answer(targets, share, permutation)

        assert (len(train), len(held)) == (5 - n_held, n_held)
        assert sorted([*train, *held]) == [0, 1, 2, 3, 4]


def test_some_scores_rank_worse_than_chance_and_some_better() -> None:
    areas = [outputs["auc"] for outputs in _drawn("roc_auc", 0)[1]]

    assert min(areas) < 0.5 < max(areas)


@pytest.mark.parametrize("wrong", [None, 3.5, [0.5], np.array([0, 99]), np.array([[0]])])
def test_a_split_of_no_row_numbers_is_told_so(wrong: Any) -> None:
    verdict, _ = judged(exercise("stratified_split"), lambda **_: (wrong, wrong), 0)

    assert [finding.stage for finding in verdict.findings][:2] == ["property", "property"]
    assert "row" in verdict.findings[0].sentence


def test_a_list_of_batches_is_as_good_as_a_generator() -> None:
    def as_a_list(
        X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
    ) -> list[list[np.ndarray]]:
        generator = exercise("minibatches").reference
        return [[x, t] for x, t in generator(X, targets, batch_size, permutations)]

    verdict, _ = judged(exercise("minibatches"), as_a_list, 0)

    assert verdict.findings == ()

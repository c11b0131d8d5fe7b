"""Unit 05 takes every right answer, names every known wrong one, and agrees with others' code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grading.check.diagnosis import diagnose
from grading.check.judging import Verdict, judge
from grading.check.solution import source_of
from grading.check.trials import draw_trials, expected_outputs, observe
from grading.exercises import Exercise, Misconception
from grading.exercises.u05_regularization import EXERCISES
from grading.exercises.u05_regularization.stopping_cases import SLIDE_LOSSES
from nnlib import EarlyStopping as LibraryEarlyStopping
from nnlib.augmentation import mixup as library_mixup
from nnlib.augmentation import shift
from nnlib.regularizers import L1, L2
from nnlib.regularizers import soft_threshold as library_soft_threshold

BY_ID = {each.id: each for each in EXERCISES}
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


def judged(
    each: Exercise, answer: Callable[..., Any], seed: int
) -> tuple[Verdict, tuple[Misconception, ...]]:
    """Judge an answer on the cases of a seed, and say which known mistakes it shows."""
    trials = draw_trials(each, np.random.default_rng(seed))
    observations = observe(each, trials, answer)
    verdict = judge(each, trials, observations, expected_outputs(each, trials))
    return verdict, diagnose(each, trials, observations, verdict)


def pasted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Define a function or class from its source alone, in a namespace that has only NumPy."""
    namespace: dict[str, Any] = {"np": np}
    exec(source_of(function, name), namespace)
    answer: Callable[..., Any] = namespace[name]
    return answer


def drawn(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = BY_ID[name]
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


def test_core_exercises_are_the_six_of_the_syllabus() -> None:
    core = [each.id for each in EXERCISES if each.tier == "core"]

    assert core == [
        "l2_penalty",
        "soft_threshold",
        "dropout_forward",
        "dropout_backward",
        "EarlyStopping",
        "augment_batch",
    ]


@pytest.mark.parametrize(("each", "answer"), ANSWERS)
def test_right_answers_get_full_points_also_when_pasted(
    each: Exercise, answer: Callable[..., Any]
) -> None:
    for seed in range(3):
        assert judged(each, answer, seed)[0].points == each.points
    assert judged(each, pasted(answer, each.id), 3)[0].points == each.points


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_known_wrong_answers_fail_what_they_declare_and_are_named(
    each: Exercise, wrong: Misconception
) -> None:
    for function in (wrong.function, pasted(wrong.function, each.id)):
        verdict, known = judged(each, function, 0)

        assert {finding.criterion for finding in verdict.findings} == set(wrong.fails)
        assert known[0].name == wrong.name


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_all_implementations_take_the_arguments_of_the_reference(each: Exercise) -> None:
    wanted = list(inspect.signature(each.reference).parameters)

    functions = [*each.alternatives, *(wrong.function for wrong in each.misconceptions)]
    assert all(list(inspect.signature(each_).parameters) == wanted for each_ in functions)


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_messages_are_short_and_ask_the_next_question(each: Exercise, wrong: Misconception) -> None:
    n_sentences = sum(wrong.message.count(end) for end in (". ", "? ")) + 1

    assert 2 <= n_sentences <= 4
    assert wrong.message.rstrip()[-1] == "?"
    assert "return " not in wrong.message


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.id)
def test_random_matrices_are_never_square_nor_of_one_row(each: Exercise) -> None:
    for seed in range(20):
        for trial in draw_trials(each, np.random.default_rng(seed)):
            for value in trial.case.inputs.values():
                if not trial.is_hand and isinstance(value, np.ndarray) and value.ndim == 2:
                    assert value.shape[0] != value.shape[1]
                    assert value.shape[0] > 1


@pytest.mark.parametrize(
    ("name", "penalty"), [("l2_penalty", L2), ("l1_penalty", L1)], ids=["L2", "L1"]
)
def test_penalties_agree_with_autograd_and_the_library(
    name: str, penalty: Any, rng: np.random.Generator
) -> None:
    case = drawn(name, 2, rng)
    theta = torch.tensor(case["theta"], requires_grad=True)
    w = theta[torch.tensor(case["is_weight"])]
    wanted = case["strength"] * (w.square() if penalty is L2 else w.abs()).sum()
    wanted.backward()
    from_library = np.zeros_like(case["theta"])
    penalty(case["strength"]).gradient(case["theta"], from_library, case["is_weight"])

    value, gradient = BY_ID[name].reference(**case)

    assert value == pytest.approx(wanted.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, theta.grad, rtol=1e-12)  # one product
    np.testing.assert_allclose(gradient, from_library, rtol=1e-12)


def test_soft_threshold_is_the_minimum_that_a_search_finds(rng: np.random.Generator) -> None:
    """The step is declared as the u that minimizes ½ (u − w)² + τ |u|."""
    case = drawn("soft_threshold", 1, rng)
    w, t = case["w"], case["threshold"]
    grid = np.linspace(-4, 4, 80_001)  # 1e-4 apart, 0 among them
    cost = 0.5 * (grid - w.reshape(-1, 1)) ** 2 + t * np.abs(grid)
    found = grid[cost.argmin(axis=1)].reshape(w.shape)

    u = BY_ID["soft_threshold"].reference(**case)

    np.testing.assert_allclose(u, found, atol=6e-5)  # half a step of the grid
    np.testing.assert_array_equal(u, library_soft_threshold(w, t))
    torch_u = torch.nn.functional.softshrink(torch.tensor(w), t).numpy()
    np.testing.assert_allclose(u, torch_u, rtol=1e-12)


def test_dropout_keeps_the_mean_and_its_backward_is_that_of_autograd(
    rng: np.random.Generator,
) -> None:
    forward, backward = (BY_ID[f"dropout_{way}"].reference for way in ("forward", "backward"))
    x, rate = rng.uniform(1, 2, size=(400, 500)), 0.3

    y, kept = forward(x, rng.uniform(size=x.shape), rate, True)
    dy = rng.normal(size=x.shape)
    leaf = torch.tensor(x, requires_grad=True)
    (leaf * torch.tensor(kept) / (1 - rate)).backward(torch.tensor(dy))

    standard_error = np.sqrt(np.mean(x**2) * rate / (1 - rate) / x.size)
    assert abs(y.mean() - x.mean()) < 5 * standard_error
    np.testing.assert_allclose(backward(dy, kept, rate, True), leaf.grad, rtol=1e-12)


@pytest.mark.parametrize(
    ("patience", "min_delta", "stops_at", "best_epoch"),
    [(1, 0.0, 5, 4), (2, 1e-4, None, 4), (1, 1e-4, 3, 2), (2, 1e-3, 4, 2)],
)
def test_early_stopping_on_the_losses_of_the_slides(
    patience: int, min_delta: float, stops_at: int | None, best_epoch: int
) -> None:
    """By hand: 0.04001 gains 0.00009 on 0.0401, and 0.03998 gains 0.00012."""
    watch = BY_ID["EarlyStopping"].reference(patience, min_delta, "min")
    stopped = None
    for epoch, value in enumerate(SLIDE_LOSSES, start=1):
        if watch.step(value, np.array([float(epoch)])):
            stopped = epoch
            break

    assert stopped == stops_at
    assert watch.best_epoch == best_epoch
    assert watch.best_weights.tolist() == [float(best_epoch)]


@pytest.mark.parametrize(
    ("patience", "min_delta", "stops_at", "best_epoch"),
    [(2, 0.0, None, 5), (1, 0.0, 3, 2), (2, 0.25, 4, 2), (2, 0.125, 4, 2), (3, 0.3, None, 5)],
)
def test_early_stopping_on_negative_scores_of_which_larger_is_better(
    patience: int, min_delta: float, stops_at: int | None, best_epoch: int
) -> None:
    """By hand, on the best −1.0: −0.875 gains exactly 0.125, and −0.625 gains 0.375."""
    watch = BY_ID["EarlyStopping"].reference(patience, min_delta, "max")
    stopped = None
    for epoch, value in enumerate((-2.0, -1.0, -1.5, -0.875, -0.625), start=1):
        if watch.step(value, np.array([float(epoch)])):
            stopped = epoch
            break

    assert stopped == stops_at
    assert watch.best_epoch == best_epoch


@pytest.mark.parametrize("criterion", [0, 1, 2, 3])
def test_early_stopping_agrees_with_the_library(criterion: int, rng: np.random.Generator) -> None:
    case = drawn("EarlyStopping", criterion, rng)
    values = [value for _, value, _ in case["calls"]]
    watch = BY_ID["EarlyStopping"].reference(*case["build"])
    said = [watch.step(value, weights) for _, value, weights in case["calls"]]

    replayed = LibraryEarlyStopping(*case["build"]).replay(values)

    assert said == [False] * (len(values) - 1) + [True]
    assert replayed.stop_epoch == len(values)
    assert replayed.best_epoch == watch.best_epoch


def test_augmented_copies_are_those_of_the_library(rng: np.random.Generator) -> None:
    case = drawn("augment_batch", 2, rng)
    chosen = case["is_training"]
    originals, down_right = case["images"][chosen], case["shifts"][chosen]
    copies = shift(originals, *down_right.T)

    batch, batch_labels = BY_ID["augment_batch"].reference(**case)

    np.testing.assert_array_equal(batch, np.concatenate([originals, copies])[case["order"]])
    validation = case["images"][~chosen]
    assert not any((image == batch).all(axis=(1, 2)).any() for image in validation)
    for image, label in zip(originals, case["labels"][chosen], strict=True):
        (place,) = np.flatnonzero((batch == image).all(axis=(1, 2)))
        assert batch_labels[place] == label


def test_mixup_agrees_with_the_library(rng: np.random.Generator) -> None:
    case = drawn("mixup", 0, rng)
    one_hot = np.eye(case["n_classes"])[case["labels"]]

    mixed_X, targets = BY_ID["mixup"].reference(**case)

    wanted_X, wanted_targets = library_mixup(case["X"], one_hot, case["order"], case["weight"])
    np.testing.assert_allclose(mixed_X, wanted_X, rtol=1e-12)
    np.testing.assert_allclose(targets, wanted_targets, rtol=1e-12)


def test_weight_decay_is_the_step_of_torch_with_twice_the_strength(
    rng: np.random.Generator,
) -> None:
    case = drawn("weight_decay_step", 0, rng)
    theta = torch.nn.Parameter(torch.tensor(case["theta"]))
    theta.grad = torch.tensor(case["grad"])
    torch.optim.SGD([theta], lr=case["lr"], weight_decay=2 * case["strength"]).step()

    new_theta = BY_ID["weight_decay_step"].reference(**case)

    np.testing.assert_allclose(new_theta, theta.detach().numpy(), rtol=1e-12)


def test_bias_and_variance_add_up_to_the_error_that_is_measured(rng: np.random.Generator) -> None:
    """New noise, drawn often, meets the prediction of every model."""
    case = drawn("bias_variance", 0, rng)
    predictions, truth = case["predictions"], case["truth"]
    noise = rng.normal(scale=np.sqrt(case["noise_variance"]), size=(40_000, 1, truth.size))
    squares = (predictions - truth - noise) ** 2

    *_, expected_error = BY_ID["bias_variance"].reference(**case)

    per_draw = squares.mean(axis=(1, 2))
    assert abs(per_draw.mean() - expected_error) < 5 * per_draw.std() / np.sqrt(len(per_draw))

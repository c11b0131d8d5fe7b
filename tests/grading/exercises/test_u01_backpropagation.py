"""Unit 01 takes every right answer, names every known wrong one, and agrees with PyTorch."""

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
from grading.exercises.u01_backpropagation.training_cases import (
    held_out_accuracy,
    training_run,
)

EXERCISES = exercises_of_unit("01")
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


def seeds_for(each: Exercise) -> range:
    """Return 20 seeds, but 2 where each seed trains a dozen networks; the proof takes more."""
    return range(2 if each.id == "train_mlp" else 20)


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


def drawn_inputs(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = exercise(name)
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


# ---------------------------------------------------------------- contracts


def test_core_exercises_are_the_six_of_the_syllabus() -> None:
    core = [each.id for each in EXERCISES if each.tier == "core"]

    assert core == [
        "forward_2_2_1",
        "deltas_2_2_1",
        "linear_backward",
        "relu_backward",
        "softmax_cross_entropy",
        "mlp_gradients",
    ]


@pytest.mark.parametrize(("each", "answer"), ANSWERS)
def test_right_answers_get_full_points_whatever_the_draw(
    each: Exercise, answer: Callable[..., Any]
) -> None:
    for seed in seeds_for(each):
        verdict, _ = judged(each, answer, seed)

        assert verdict.findings == ()
        assert verdict.points == each.points


@pytest.mark.parametrize(("each", "wrong"), MISCONCEPTIONS)
def test_known_wrong_answers_fail_what_they_declare_and_are_named(
    each: Exercise, wrong: Misconception
) -> None:
    for seed in seeds_for(each):
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
def test_random_matrices_are_never_square_nor_of_one_row(each: Exercise) -> None:
    """A transposed or wrongly summed result could pass by chance otherwise."""
    for seed in seeds_for(each):
        for trial in _drawn(each.id, seed)[0]:
            for value in trial.case.inputs.values():
                if not trial.is_hand and isinstance(value, np.ndarray) and value.ndim == 2:
                    assert value.shape[0] != value.shape[1]
                    assert value.shape[0] > 1


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


# ---------------------------------------------------------------- the worked network


X_WORKED = np.array([0.35, 0.9])
W_WORKED = np.array([0.1, 0.8, 0.4, 0.6, 0.3, 0.9])


def _one_epoch(w: np.ndarray) -> np.ndarray:
    """Update the worked network once: target 0.5, rate 1."""
    y3, y4, y5 = exercise("forward_2_2_1").reference(X_WORKED, w)
    d3, d4, d5 = exercise("deltas_2_2_1").reference(y3, y4, y5, w[4], w[5], 0.5)
    x1, x2 = X_WORKED
    return w + np.array([d3 * x1, d3 * x2, d4 * x1, d4 * x2, d5 * y3, d5 * y4])


def test_worked_network_gives_the_digits_of_the_syllabus() -> None:
    y3, y4, y5 = exercise("forward_2_2_1").reference(X_WORKED, W_WORKED)
    deltas = exercise("deltas_2_2_1").reference(y3, y4, y5, 0.3, 0.9, 0.5)

    assert np.round([y3, y4, y5], 4) == pytest.approx([0.6803, 0.6637, 0.6903])
    assert np.round(deltas, 5) == pytest.approx([-0.00265, -0.00817, -0.04068])


def test_two_epochs_of_the_worked_network_give_the_weights_of_the_syllabus() -> None:
    first = _one_epoch(W_WORKED)
    second = _one_epoch(first)
    outputs = [exercise("forward_2_2_1").reference(X_WORKED, w)[2] for w in (first, second)]

    assert np.round(first, 4) == pytest.approx([0.0991, 0.7976, 0.3971, 0.5926, 0.2723, 0.8730])
    assert np.round(second, 4) == pytest.approx([0.0983, 0.7955, 0.3944, 0.5857, 0.2455, 0.8469])
    assert np.round(outputs, 4) == pytest.approx([0.6820, 0.6739])


def test_slips_of_the_slides_are_found_and_their_truncations_are_not() -> None:
    sheet = [
        ["0.1*0.35", "weighted_sum", [0.1, 0.35, 0.0, 0.0], 0.0355, 4],
        ["new w24", "update", [0.6, 1.0, -0.0082, 0.9], 0.5962, 4],
        ["new w23", "weighted_sum", [1.0, -0.0023, 1.0, 0.8], 0.8023, 4],
        ["cut w23", "weighted_sum", [1.0, -0.0023, 1.0, 0.8], 0.797, 3],
        ["delta5", "output_delta", [0.69, 0.5], -0.0406, 4],
        ["w45", "update", [0.9, 1.0, -0.0406, 0.6637], 0.8731, 4],
    ]

    assert exercise("find_slips").reference(sheet) == ["0.1*0.35", "new w24", "new w23"]


def test_planted_slips_and_honest_entries_keep_their_distance(rng: np.random.Generator) -> None:
    """Slips are off by 2 units of the last place or more, honest entries by less than 0.9."""
    formulas: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda a, b, c, d: a * b + c * d,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, t: y * (1 - y) * (t - y),
        "hidden_delta": lambda y, w, d: y * (1 - y) * w * d,
        "update": lambda w, rate, d, y: w + rate * d * y,
    }
    for criterion in (0, 1):
        for _ in range(100):
            sheet = drawn_inputs("find_slips", criterion, rng)["sheet"]
            slips = exercise("find_slips").reference(sheet)

            off = {
                name: abs(printed - formulas[operation](*inputs)) * 10**decimals
                for name, operation, inputs, printed, decimals in sheet
            }
            assert len(slips) == 3
            assert all(off[name] >= 2 for name in slips)
            assert all(units < 0.9 for name, units in off.items() if name not in slips)


# ---------------------------------------------------------------- against PyTorch


def _leaves(**arrays: np.ndarray) -> list[Any]:
    torch = pytest.importorskip("torch")
    return [torch.tensor(array, requires_grad=True) for array in arrays.values()]


def test_linear_backward_agrees_with_autograd(rng: np.random.Generator) -> None:
    case = drawn_inputs("linear_backward", 0, rng)
    x, W = _leaves(x=case["x"], W=case["W"])
    (b,) = _leaves(b=rng.normal(size=W.shape[1]))
    (x @ W + b).backward(x.new_tensor(case["dy"]))

    results = exercise("linear_backward").reference(**case)

    for got, leaf in zip(results, (x, W, b), strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-12, atol=1e-14)  # only sums reorder


@pytest.mark.parametrize("criterion", [0, 1])
def test_relu_backward_agrees_with_autograd(criterion: int, rng: np.random.Generator) -> None:
    case = drawn_inputs("relu_backward", criterion, rng)
    (x,) = _leaves(x=case["x"])
    x.relu().backward(x.new_tensor(case["dy"]))

    dx = exercise("relu_backward").reference(**case)

    np.testing.assert_array_equal(dx, x.grad)


def test_sigmoid_backward_agrees_with_autograd(rng: np.random.Generator) -> None:
    dy = rng.normal(size=(4, 3))
    (x,) = _leaves(x=rng.normal(size=(4, 3)))
    y = x.sigmoid()
    y.backward(x.new_tensor(dy))

    dx = exercise("sigmoid_backward").reference(y.detach().numpy(), dy)

    np.testing.assert_allclose(dx, x.grad, rtol=1e-12)  # a few products in float64


@pytest.mark.parametrize("criterion", [0, 2])
def test_softmax_cross_entropy_agrees_with_torch(criterion: int, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    case = drawn_inputs("softmax_cross_entropy", criterion, rng)
    (z,) = _leaves(z=case["z"])
    wanted = torch.nn.functional.cross_entropy(z, torch.tensor(case["targets"]))
    wanted.backward()

    loss, dz = exercise("softmax_cross_entropy").reference(**case)

    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    np.testing.assert_allclose(dz, z.grad, rtol=1e-10, atol=1e-14)  # differences p − 1 cancel


def test_mlp_gradients_agree_with_autograd(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    case = drawn_inputs("mlp_gradients", 0, rng)
    weights = {name: case[name] for name in ("W1", "b1", "W2", "b2")}
    W1, b1, W2, b2 = _leaves(**weights)
    z = (torch.tensor(case["X"]) @ W1 + b1).relu() @ W2 + b2
    wanted = torch.nn.functional.cross_entropy(z, torch.tensor(case["targets"]))
    wanted.backward()

    loss, *gradients = exercise("mlp_gradients").reference(**case)

    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    for got, leaf in zip(gradients, (W1, b1, W2, b2), strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-10, atol=1e-13)  # sums reorder


def test_train_mlp_takes_the_steps_of_torch_sgd(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    case = drawn_inputs("train_mlp", 0, rng)
    leaves = _leaves(**{name: case[name] for name in ("W1", "b1", "W2", "b2")})
    W1, b1, W2, b2 = leaves
    optimizer = torch.optim.SGD(leaves, lr=case["lr"])
    for rows in case["batches"]:
        optimizer.zero_grad()
        z = (torch.tensor(case["X"][rows]) @ W1 + b1).relu() @ W2 + b2
        torch.nn.functional.cross_entropy(z, torch.tensor(case["targets"][rows])).backward()
        optimizer.step()

    results = exercise("train_mlp").reference(**case)

    for got, leaf in zip(results, leaves, strict=True):
        np.testing.assert_allclose(got, leaf.detach(), rtol=1e-9, atol=1e-12)  # three steps


@pytest.mark.parametrize("criterion", [0, 1, 2])
def test_backward_graph_agrees_with_autograd(criterion: int, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    operations = {"add": torch.add, "multiply": torch.mul, "exp": torch.exp, "negate": torch.neg}
    case = drawn_inputs("backward_graph", criterion, rng)
    nodes: dict[int, Any] = {}

    def node(i: int) -> Any:
        if i not in nodes:
            operation, parents = case["graph"][i]
            if operation == "input":
                nodes[i] = torch.tensor(case["values"][i], requires_grad=True)
            else:
                nodes[i] = operations[operation](*[node(p) for p in parents])
                nodes[i].retain_grad()
        return nodes[i]

    n = len(case["graph"])
    read = {p for _, parents in case["graph"] for p in parents}
    (output,) = set(range(n)) - read
    node(output).backward()

    gradient = exercise("backward_graph").reference(**case)

    np.testing.assert_allclose([nodes[i].detach() for i in range(n)], case["values"], rtol=1e-12)
    np.testing.assert_allclose(gradient, [nodes[i].grad for i in range(n)], rtol=1e-12)


# ---------------------------------------------------------------- the rest


def test_central_difference_errs_with_the_square_of_the_step() -> None:
    theta, w = np.array([0.3, -2.0]), np.array([1.0, 0.5])

    def f(t: np.ndarray) -> float:
        return float(np.exp(w * t).sum())

    errors = [
        np.abs(exercise("central_difference").reference(f, theta, h) - w * np.exp(w * theta)).max()
        for h in (0.02, 0.01)
    ]

    assert errors[0] / errors[1] == pytest.approx(4, rel=1e-3)  # the next term is of order h⁴


def test_held_out_digits_are_in_no_input_of_the_learner(rng: np.random.Generator) -> None:
    from nnlib import datasets

    X = np.asarray(datasets.load("digits").X, dtype=np.float64)
    case = training_run(rng).inputs

    assert len(case["X"]) == 1347
    given = {row.tobytes() for row in case["X"]}
    assert not any(row.tobytes() in given for row in X[::4])
    assert max(rows.max() for rows in case["batches"]) < len(case["X"])


def test_untrained_weights_are_far_from_the_threshold(rng: np.random.Generator) -> None:
    accuracy = held_out_accuracy(training_run(rng).inputs)

    assert accuracy is not None
    assert accuracy < 0.4


def test_training_with_too_few_right_is_told_with_its_number() -> None:
    each = exercise("train_mlp")

    def untrained(
        W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray, **_: Any
    ) -> tuple[np.ndarray, ...]:
        return W1, b1, W2, b2

    verdict, _ = judged(each, untrained, 0)

    (accuracy,) = [finding for finding in verdict.findings if finding.criterion == "accuracy"]
    assert "held-out digits" in accuracy.sentence
    assert "95%" in accuracy.sentence


@pytest.mark.parametrize("wrong_shape", [np.zeros((64, 5)), None, "weights"])
def test_misshapen_weights_have_no_accuracy(wrong_shape: Any, rng: np.random.Generator) -> None:
    inputs = dict(training_run(rng).inputs)

    assert held_out_accuracy({**inputs, "W1": wrong_shape}) is None

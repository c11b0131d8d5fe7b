"""References and hand examples of unit 01 agree with PyTorch and with calculus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from grading.exercises import exercise
from grading.exercises.u01_backpropagation.training_cases import held_out_accuracy, training_run


def _drawn_inputs(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = exercise(name)
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


def _leaves(**arrays: np.ndarray) -> list[Any]:
    return [torch.tensor(array, requires_grad=True) for array in arrays.values()]


def test_linear_backward_agrees_with_autograd(rng: np.random.Generator) -> None:
    case = _drawn_inputs("linear_backward", 0, rng)
    x, W = _leaves(x=case["x"], W=case["W"])
    (b,) = _leaves(b=rng.normal(size=W.shape[1]))
    (x @ W + b).backward(x.new_tensor(case["dy"]))

    results = exercise("linear_backward").reference(**case)

    for got, leaf in zip(results, (x, W, b), strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-12, atol=1e-14)  # only sums reorder


@pytest.mark.parametrize("criterion", [0, 1])
def test_relu_backward_agrees_with_autograd(criterion: int, rng: np.random.Generator) -> None:
    case = _drawn_inputs("relu_backward", criterion, rng)
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
    case = _drawn_inputs("softmax_cross_entropy", criterion, rng)
    (z,) = _leaves(z=case["z"])
    wanted = torch.nn.functional.cross_entropy(z, torch.tensor(case["targets"]))
    wanted.backward()

    loss, dz = exercise("softmax_cross_entropy").reference(**case)

    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    np.testing.assert_allclose(dz, z.grad, rtol=1e-10, atol=1e-14)  # differences p − 1 cancel


def test_mlp_gradients_agree_with_autograd(rng: np.random.Generator) -> None:
    case = _drawn_inputs("mlp_gradients", 0, rng)
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
    case = _drawn_inputs("train_mlp", 0, rng)
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
    operations = {"add": torch.add, "multiply": torch.mul, "exp": torch.exp, "negate": torch.neg}
    case = _drawn_inputs("backward_graph", criterion, rng)
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


def test_hand_example_of_the_network_agrees_with_autograd() -> None:
    """Two gates open for different rows and one row opens none; some logits are negative."""
    hand = exercise("mlp_gradients").criteria[0].hand
    case = hand.inputs
    W1, b1, W2, b2 = _leaves(**{name: case[name] for name in ("W1", "b1", "W2", "b2")})
    h = (torch.tensor(case["X"]) @ W1 + b1).relu()
    z = h @ W2 + b2
    loss = torch.nn.functional.cross_entropy(z, torch.tensor(case["targets"]))
    loss.backward()

    assert h.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert bool((z < 0).any(dim=1).all())
    assert hand.expected["loss"] == pytest.approx(loss.item(), rel=1e-12)
    for name, leaf in zip(("dW1", "db1", "dW2", "db2"), (W1, b1, W2, b2), strict=True):
        np.testing.assert_allclose(hand.expected[name], leaf.grad, rtol=1e-12, atol=1e-15)


def test_shuffled_graphs_have_too_many_paths_to_follow_each(rng: np.random.Generator) -> None:
    graph = _drawn_inputs("backward_graph", 2, rng)["graph"]
    n_paths: dict[int, int] = {}

    def paths_below(i: int) -> int:
        if i not in n_paths:
            n_paths[i] = sum(map(paths_below, graph[i][1])) or 1
        return n_paths[i]

    assert max(map(paths_below, range(len(graph)))) > 2**30


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


@pytest.mark.parametrize("wrong_shape", [np.zeros((64, 5)), None, "weights"])
def test_misshapen_weights_have_no_accuracy(wrong_shape: Any, rng: np.random.Generator) -> None:
    inputs = dict(training_run(rng).inputs)

    assert held_out_accuracy({**inputs, "W1": wrong_shape}) is None

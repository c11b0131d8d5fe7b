"""The exact Hessian and Hessian-vector products of a small network, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.autograd.functional import hvp as functional_hvp

from nnlib import CrossEntropy, Linear, Sequential, Tanh
from nnlib.curvature import Hessian, hessian_vector_product
from tests.benchmarks.rows import Row, compare
from tests.benchmarks.timing import interleave

ROWS = 100
SIZES = {550: (16, 20, 10), 1935: (44, 35, 10)}
"""By number of parameters: inputs, hidden units, classes."""

TorchLoss = Callable[[torch.Tensor], torch.Tensor]


def network(sizes: tuple[int, ...]) -> tuple[Sequential, np.ndarray, np.ndarray]:
    """Return a tanh network with a batch of inputs and labels."""
    d, h, k = sizes
    rng = np.random.default_rng(0)
    model = Sequential(Linear(d, h, rng=1), Tanh(), Linear(h, k, rng=2))
    return model, rng.normal(size=(ROWS, d)).astype(np.float32), rng.integers(k, size=ROWS)


def torch_loss(model: Sequential, X: np.ndarray, y: np.ndarray) -> TorchLoss:
    """Return the same loss as a function of one flat vector."""
    x, t = torch.from_numpy(X), torch.from_numpy(y)
    places = [(p.slice, p.shape) for p in model.parameters()]

    def loss(theta: torch.Tensor) -> torch.Tensor:
        W1, b1, W2, b2 = (theta[place].reshape(shape) for place, shape in places)
        return torch.nn.functional.cross_entropy(torch.tanh(x @ W1 + b1) @ W2 + b2, t)

    return loss


def rows(rounds: int) -> Iterator[Row]:
    """Yield a row for the whole Hessian, for one product and for 32, at two sizes."""
    for p, sizes in SIZES.items():
        yield from rows_of(p, sizes, rounds)


def rows_of(p: int, sizes: tuple[int, ...], rounds: int) -> Iterator[Row]:
    """Yield the rows of one network."""
    model, X, y = network(sizes)
    assert model.theta.size == p
    loss, theta = torch_loss(model, X, y), torch.from_numpy(model.theta.copy())
    v = np.random.default_rng(1).normal(size=(32, p)).astype(np.float32)
    V, directions = np.ascontiguousarray(v.T), torch.from_numpy(v)

    whole = interleave(
        {
            "nnlib": lambda: Hessian(model, X, y, CrossEntropy()).dense(),
            "torch.func.hessian": lambda: torch.func.hessian(loss)(theta),
        },
        rounds=rounds,
    )
    yield compare(f"exact Hessian, p = {p}", whole, must=9.0, aim=12.0)

    yield from products_from_scratch(p, model, X, y, v[0], rounds)
    yield from products_again(p, model, X, y, v[0], rounds)

    H = Hessian(model, X, y, CrossEntropy())
    gradient = torch.func.grad(loss)

    def forward_over_reverse(direction: torch.Tensor) -> torch.Tensor:
        return torch.func.jvp(gradient, (theta,), (direction,))[1]

    many = torch.func.vmap(forward_over_reverse)
    batch = interleave(
        {"nnlib": lambda: H @ V, "torch.func.vmap": lambda: many(directions)}, rounds=rounds
    )
    yield compare(f"32 Hessian products, p = {p}", batch, must=2.0, aim=3.0)


def products_from_scratch(
    p: int, model: Sequential, X: np.ndarray, y: np.ndarray, v: np.ndarray, rounds: int
) -> Iterator[Row]:
    """Yield the row of one product at a new point: forward, backward, and both along v."""
    loss, theta = torch_loss(model, X, y), torch.from_numpy(model.theta.copy())
    direction, criterion = torch.from_numpy(v), CrossEntropy()
    gradient = torch.func.grad(loss)

    def reverse_twice() -> torch.Tensor:
        leaf = theta.clone().requires_grad_()
        (g,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
        return torch.autograd.grad(g @ direction, leaf)[0]

    times = interleave(
        {
            "nnlib": lambda: hessian_vector_product(model, X, y, criterion, v),
            "torch.autograd.functional.hvp": lambda: functional_hvp(loss, theta, direction),
            "torch.func, forward over reverse": lambda: torch.func.jvp(
                gradient, (theta,), (direction,)
            )[1],
            "torch.autograd, reverse twice": reverse_twice,
        },
        rounds=rounds,
    )
    name = f"one Hessian product, p = {p}"
    yield compare(name, times, must=10.0, aim=15.0)
    yield compare(name, times, peers=["torch.autograd.functional.hvp"])


def products_again(
    p: int, model: Sequential, X: np.ndarray, y: np.ndarray, v: np.ndarray, rounds: int
) -> Iterator[Row]:
    """Yield the row of one more product at the same point: what both sides can keep is kept."""
    loss, direction = torch_loss(model, X, y), torch.from_numpy(v)
    H = Hessian(model, X, y, CrossEntropy())
    leaf = torch.from_numpy(model.theta.copy()).requires_grad_()
    (graph,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)

    def kept_graph() -> torch.Tensor:
        return torch.autograd.grad(graph @ direction, leaf, retain_graph=True)[0]

    times = interleave(
        {"nnlib": lambda: H @ v, "torch.autograd, kept graph": kept_graph}, rounds=rounds
    )
    yield compare(f"one more Hessian product, p = {p}", times)

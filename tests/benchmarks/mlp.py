"""One training step of a multilayer perceptron: forward, loss, backward, Adam."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from nnlib import CrossEntropy, Linear, ReLU, Sequential
from nnlib.optimizers.adam import Adam
from tests.benchmarks.rows import Row, compare
from tests.benchmarks.timing import Work, interleave

SETTINGS = (
    # sizes, batch, must, aim
    ((64, 64, 10), 32, 5.0, 8.0),
    ((64, 64, 10), 128, 3.5, 5.0),
    ((784, 128, 10), 128, 1.3, 1.5),
    ((784, 512, 512, 10), 32, 1.0, 1.3),
    ((784, 512, 512, 10), 512, 1.0, 1.1),
)


def batch_of(sizes: tuple[int, ...], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels of the sizes that a network takes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, sizes[0])).astype(np.float32), rng.integers(sizes[-1], size=n)


def nnlib_step(sizes: tuple[int, ...], n: int, *, fused: bool = True) -> Work:
    """Return one step of nnlib, with or without numba."""
    layers = [layer for a, b in pairwise(sizes) for layer in (Linear(a, b, rng=a), ReLU())][:-1]
    model, loss = Sequential(*layers), CrossEntropy()
    optimizer = Adam(model, lr=1e-4, fused=fused)
    X, y = batch_of(sizes, n)
    before = os.environ.get("NNLIB_FUSED", "")
    os.environ["NNLIB_FUSED"] = "1" if fused else "0"
    model.loss_and_gradient(X, y, loss)  # the setting is read when the first batch is planned
    os.environ["NNLIB_FUSED"] = before

    def step() -> None:
        model.loss_and_gradient(X, y, loss)
        optimizer.step()

    return step


def torch_step(sizes: tuple[int, ...], n: int, **options: bool) -> Work:
    """Return one eager step of PyTorch, with options of its Adam."""
    layers = [
        layer for a, b in pairwise(sizes) for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())
    ][:-1]
    model, loss = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, **options)
    X, y = (torch.from_numpy(a) for a in batch_of(sizes, n))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(X), y).backward()
        optimizer.step()

    return step


def rows(rounds: int) -> Iterator[Row]:
    """Yield one row for each setting: the best of PyTorch's three Adams is the peer."""
    for sizes, n, must, aim in SETTINGS:
        times = interleave(
            {
                "nnlib": nnlib_step(sizes, n),
                "nnlib without numba": nnlib_step(sizes, n, fused=False),
                "torch": torch_step(sizes, n, foreach=False),
                "torch, foreach Adam": torch_step(sizes, n, foreach=True),
                "torch, fused Adam": torch_step(sizes, n, fused=True),
            },
            rounds=rounds,
        )
        peers = [name for name in times.rounds if name.startswith("torch")]
        name = f"MLP {'-'.join(map(str, sizes))}, batch {n}"
        yield compare(name, times, peers=peers, must=must, aim=aim)
        yield compare(f"{name}, without numba", times, ours="nnlib without numba", peers=peers)

"""One training step of a small convolutional network on 28 × 28 images, with plain SGD."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from nnlib import SGD, CrossEntropy, Linear, ReLU, Sequential
from nnlib.layers import Conv2d, Flatten, Layer, MaxPool2d
from tests.benchmarks.add_at import AddAtNetwork
from tests.benchmarks.rows import Row, compare
from tests.benchmarks.timing import Work, interleave

BATCH = 64


def images() -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of images (N, H, W, C) and labels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(BATCH, 28, 28, 1)).astype(np.float32)
    return X, rng.integers(10, size=BATCH)


def build(*, pool_first: bool = True) -> Sequential:
    """Return the network of the benchmark: 16 and 32 channels of 3 × 3, two poolings.

    The largest of four rectified numbers is the rectified largest: pooling before the ReLU is the
    same function with a quarter of the comparisons.
    """

    def bend() -> tuple[Layer, Layer]:
        return (MaxPool2d(2), ReLU()) if pool_first else (ReLU(), MaxPool2d(2))

    return Sequential(
        Conv2d(1, 16, 3, padding=1, rng=1), *bend(),
        Conv2d(16, 32, 3, padding=1, rng=2), *bend(),
        Flatten(), Linear(32 * 7 * 7, 10, rng=3),
    )  # fmt: skip


def nnlib_step(*, pool_first: bool = True) -> Work:
    """Return one step of nnlib."""
    model, loss = build(pool_first=pool_first), CrossEntropy()
    optimizer = SGD(model, lr=0.01)
    X, y = images()

    def step() -> None:
        model.loss_and_gradient(X, y, loss)
        optimizer.step()

    return step


def torch_step(memory_format: torch.memory_format, *, pool_first: bool = True) -> Work:
    """Return one eager step of PyTorch."""
    nn = torch.nn

    def bend() -> tuple[torch.nn.Module, torch.nn.Module]:
        return (nn.MaxPool2d(2), nn.ReLU()) if pool_first else (nn.ReLU(), nn.MaxPool2d(2))

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), *bend(),
        nn.Conv2d(16, 32, 3, padding=1), *bend(),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    ).to(memory_format=memory_format)  # fmt: skip
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    X, y = images()
    x = torch.from_numpy(X.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=memory_format)
    t = torch.from_numpy(y)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), t).backward()
        optimizer.step()

    return step


def add_at_step() -> Work:
    """Return one step of the usual course style: fancy-index im2col, and add.at for its inverse."""
    X, y = images()
    network = AddAtNetwork(rng=np.random.default_rng(1))
    return lambda: network.step(X.transpose(0, 3, 1, 2), y, lr=0.01)


def rows(rounds: int) -> Iterator[Row]:
    """Yield the rows: against PyTorch, in the order that suits it, and the common course style."""
    last = torch.channels_last
    times = interleave(
        {
            "nnlib": nnlib_step(),
            "nnlib, ReLU before pooling": nnlib_step(pool_first=False),
            "torch, channels_last": torch_step(last, pool_first=False),
            "torch, channels_last, pooling first": torch_step(last),
            "torch, contiguous": torch_step(torch.contiguous_format, pool_first=False),
            "im2col with add.at": add_at_step(),
        },
        rounds=rounds,
    )
    name = f"CNN 28 × 28, batch {BATCH}"
    peers = [peer for peer in times.rounds if peer.startswith("torch, channels_last")]
    yield compare(name, times, peers=peers, must=0.9, aim=1.05)
    yield compare(name, times, peers=["im2col with add.at"], must=4.0, aim=6.0)
    yield compare(
        f"{name}, ReLU before pooling", times, ours="nnlib, ReLU before pooling", peers=peers
    )
    yield compare(name, times, peers=["torch, contiguous"])

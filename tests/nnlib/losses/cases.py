"""Every loss, listed once, with random data that fit it and the same function in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from nnlib import MSE, BinaryCrossEntropy, CrossEntropy, Loss


@dataclass(frozen=True)
class LossCase:
    """A loss, the shape of its prediction, and what draws its targets."""

    name: str
    build: Callable[[], Loss]
    shape: tuple[int, ...]
    targets: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    torch_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _labels(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, shape[-1], shape[:-1])


def _cross_entropy(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(z.reshape(-1, z.shape[-1]), t.reshape(-1))


CASES = (
    LossCase("mse", MSE, (5, 3), lambda rng, shape: rng.normal(size=shape), functional.mse_loss),
    LossCase(
        "mse_images", MSE, (2, 4, 3), lambda rng, shape: rng.normal(size=shape), functional.mse_loss
    ),
    LossCase(
        "binary_cross_entropy",
        BinaryCrossEntropy,
        (6, 2),
        lambda rng, shape: rng.integers(0, 2, shape).astype(float),
        functional.binary_cross_entropy_with_logits,
    ),
    LossCase(
        "binary_cross_entropy_soft",
        BinaryCrossEntropy,
        (4, 1),
        lambda rng, shape: rng.uniform(size=shape),
        functional.binary_cross_entropy_with_logits,
    ),
    LossCase("cross_entropy", CrossEntropy, (5, 4), _labels, _cross_entropy),
    LossCase("cross_entropy_sequences", CrossEntropy, (2, 3, 7), _labels, _cross_entropy),
)

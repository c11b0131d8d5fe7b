"""Every loss, listed once, with random data that fit it and the same function in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Hinge, Huber, Loss


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


def _probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


def _soft_cross_entropy(epsilon: float) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def apply(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        n_classes = z.shape[-1]
        t = t.reshape(-1, n_classes) if t.shape == z.shape else t.reshape(-1)
        return functional.cross_entropy(z.reshape(-1, n_classes), t, label_smoothing=epsilon)

    return apply


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def _crammer_singer(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    own = functional.one_hot(t, z.shape[-1]).bool()
    rival = z.masked_fill(own, -torch.inf).amax(dim=-1)
    return torch.relu(1 - z[own].reshape(t.shape) + rival).mean()


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
    LossCase(
        "cross_entropy_smoothed",
        lambda: CrossEntropy(0.1),
        (5, 4),
        _labels,
        _soft_cross_entropy(0.1),
    ),
    LossCase("cross_entropy_soft", CrossEntropy, (6, 3), _probabilities, _soft_cross_entropy(0.0)),
    LossCase(
        "cross_entropy_soft_smoothed_sequences",
        lambda: CrossEntropy(0.2),
        (2, 5, 3),
        _probabilities,
        _soft_cross_entropy(0.2),
    ),
    LossCase(
        "huber", Huber, (5, 2), lambda rng, shape: rng.normal(size=shape), functional.huber_loss
    ),
    LossCase(
        "huber_narrow",
        lambda: Huber(0.3),
        (2, 4, 3),
        lambda rng, shape: rng.normal(size=shape),
        lambda z, t: functional.huber_loss(z, t, delta=0.3),
    ),
    LossCase("hinge_signs", Hinge, (7, 1), _signs, lambda z, t: torch.relu(1 - z * t).mean()),
    LossCase(
        "hinge_yes_or_no",
        lambda: Hinge(0.5),
        (4, 3),
        lambda rng, shape: rng.integers(0, 2, shape).astype(float),
        lambda z, t: torch.relu(0.5 - z * (2 * t - 1)).mean(),
    ),
    LossCase(
        "hinge_weston_watkins",
        lambda: Hinge(1.5),
        (6, 4),
        _labels,
        lambda z, t: functional.multi_margin_loss(z, t, margin=1.5),
    ),
    LossCase(
        "hinge_crammer_singer",
        lambda: Hinge(multiclass="crammer-singer"),
        (2, 5, 4),
        _labels,
        _crammer_singer,
    ),
)

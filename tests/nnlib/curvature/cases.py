"""Plain networks with their losses, and their matrices by torch.func: listed once, used by all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.func import jacrev

from nnlib.layers import LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Tanh
from nnlib.layers.flatten import Flatten
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss

F = torch.nn.functional
ACTIVATIONS = {
    Tanh: torch.tanh,
    Sigmoid: torch.sigmoid,
    ReLU: torch.relu,
    LeakyReLU: lambda z: F.leaky_relu(z, 0.01),
}


def hessian(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Differentiate backward twice; torch's forward mode warns of its own internals."""
    return jacrev(jacrev(function))


@dataclass(frozen=True)
class Case:
    """A plain network in float64, data for it, and a loss."""

    name: str
    layers: Callable[[], Sequence[object]]
    x_shape: tuple[int, ...]
    loss: Loss
    n_outputs: int

    def build(self, rng: np.random.Generator) -> Sequential:
        """Build the model with random parameters: a bias of zero would hide mistakes."""
        model = Sequential(*self.layers())
        model.theta = 0.7 * rng.normal(size=model.theta.size)
        return model

    def data(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        X, n = rng.normal(size=self.x_shape), self.x_shape[0]
        if isinstance(self.loss, CrossEntropy):
            return X, rng.integers(0, self.n_outputs, n)
        if isinstance(self.loss, BinaryCrossEntropy):
            return X, rng.integers(0, 2, (n, self.n_outputs)).astype(float)
        return X, rng.normal(size=(n, self.n_outputs))


def linear(n_in: int, n_out: int, bias: bool = True) -> Linear:
    return Linear(n_in, n_out, bias, rng=0, dtype=np.float64)


CASES = (
    Case("softmax_regression", lambda: (linear(4, 3),), (6, 4), CrossEntropy(), 3),
    Case("tanh", lambda: (linear(5, 4), Tanh(), linear(4, 3)), (7, 5), CrossEntropy(), 3),
    Case(
        "smoothed_labels",
        lambda: (linear(5, 4), Tanh(), linear(4, 3)),
        (7, 5),
        CrossEntropy(label_smoothing=0.2),
        3,
    ),
    Case(
        "three_layers_without_bias",
        lambda: (
            linear(3, 4, bias=False), Sigmoid(), Sequential(linear(4, 2), Tanh()), linear(2, 5)
        ),
        (6, 3),
        MSE(),
        5,
    ),
    Case(
        "four_layers",
        lambda: (
            linear(4, 3), Tanh(), linear(3, 5), Sigmoid(), linear(5, 2), Tanh(), linear(2, 3)
        ),
        (8, 4),
        CrossEntropy(),
        3,
    ),
    Case("relu", lambda: (linear(4, 6), ReLU(), linear(6, 2)), (5, 4), BinaryCrossEntropy(), 2),
    Case(
        "bend_at_the_end",
        lambda: (linear(3, 4), LeakyReLU(), linear(4, 2), Sigmoid()),
        (5, 3),
        MSE(),
        2,
    ),
    Case("two_linear_layers", lambda: (linear(3, 4), linear(4, 2)), (5, 3), MSE(), 2),
    Case(
        "flattened_images",
        lambda: (Flatten(), linear(6, 3), Tanh(), linear(3, 2)),
        (5, 2, 3, 1),
        CrossEntropy(),
        2,
    ),
)  # fmt: skip


def symmetric(eigenvalues: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a symmetric matrix with these eigenvalues, in random directions."""
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    return Q * eigenvalues @ Q.T


def leaves(model: Sequential) -> list[object]:
    return [
        leaf
        for layer in model.layers
        for leaf in (leaves(layer) if isinstance(layer, Sequential) else [layer])
    ]


def outputs(model: Sequential, theta: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    """Compute the model's output in torch, as a function of the flat vector."""
    z, start = X.reshape(len(X), -1), 0
    for leaf in leaves(model):
        if isinstance(leaf, Linear):
            stop = start + leaf.in_features * leaf.out_features
            z = z @ theta[start:stop].reshape(leaf.in_features, leaf.out_features)
            start = stop
            if leaf.bias:
                z, start = z + theta[start : start + leaf.out_features], start + leaf.out_features
        elif not isinstance(leaf, Flatten):
            z = ACTIVATIONS[type(leaf)](z)
    return z


def torch_loss(loss: Loss, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if isinstance(loss, CrossEntropy):
        return F.cross_entropy(z, y, label_smoothing=loss.label_smoothing)
    if isinstance(loss, BinaryCrossEntropy):
        return F.binary_cross_entropy_with_logits(z, y)
    return F.mse_loss(z, y)


def torch_hessian(case: Case, model: Sequential, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    data, targets, theta = torch.tensor(X), torch.tensor(y), torch.tensor(model.theta)
    return hessian(lambda t: torch_loss(case.loss, outputs(model, t, data), targets))(theta).numpy()


def torch_gauss_newton(case: Case, model: Sequential, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Form Jᵀ S J from the Jacobian of the outputs and the loss Hessian in the outputs."""
    data, targets, theta = torch.tensor(X), torch.tensor(y), torch.tensor(model.theta)
    z = outputs(model, theta, data)
    J = jacrev(lambda t: outputs(model, t, data))(theta).reshape(z.numel(), -1)
    S = hessian(lambda u: torch_loss(case.loss, u, targets))(z).reshape(z.numel(), z.numel())
    return (J.T @ S @ J).numpy()


def torch_row_gradients(case: Case, model: Sequential, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    theta = torch.tensor(model.theta)
    rows = [
        jacrev(lambda t, n=n: torch_loss(
            case.loss, outputs(model, t, torch.tensor(X[n : n + 1])), torch.tensor(y[n : n + 1])
        ))(theta)
        for n in range(len(X))
    ]  # fmt: skip
    return torch.stack(rows).numpy()


def torch_true_fisher(case: Case, model: Sequential, X: np.ndarray) -> np.ndarray:
    """Take the expectation over the model's predictions outright, one observation at a time.

    For a normal distribution with variance ½ the gradients are linear in the target, so two
    targets, at one standard deviation to both sides, give their second moment exactly.
    """
    theta, total, count = torch.tensor(model.theta), 0.0, 0
    for n in range(len(X)):
        row = torch.tensor(X[n : n + 1])
        z = outputs(model, theta, row)[0]
        if isinstance(case.loss, CrossEntropy):
            observations = [[(p, lambda u, c=c: -torch.log_softmax(u, 0)[c])
                             for c, p in enumerate(torch.softmax(z, 0))]]  # fmt: skip
        elif isinstance(case.loss, BinaryCrossEntropy):
            observations = [
                [(p, lambda u, k=k: -F.logsigmoid(u[k])),
                 (1 - p, lambda u, k=k: -F.logsigmoid(-u[k]))]
                for k, p in enumerate(torch.sigmoid(z))
            ]  # fmt: skip
        else:
            observations = [
                [(0.5, lambda u, k=k, m=m, s=s: (u[k] - m - s * 0.5**0.5) ** 2) for s in (-1, 1)]
                for k, m in enumerate(z)
            ]
        for targets in observations:
            count += 1
            for probability, loss in targets:
                g = jacrev(lambda t, loss=loss, row=row: loss(outputs(model, t, row)[0]))(theta)
                total = total + probability * torch.outer(g, g)
    return (total / count).numpy()

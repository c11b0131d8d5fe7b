"""The backward pass of batch normalization in training."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u03_gradient_flow.batchnorm_backward_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _cases(rng: np.random.Generator) -> Case:
    n, d = (int(size) for size in rng.choice(np.arange(3, 9), size=2, replace=False))
    return Case({
        "x": rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, size=d) + rng.normal(size=d),
        "gamma": rng.uniform(0.5, 2.0, size=d) * rng.choice([-1.0, 1.0], size=d),
        "dy": rng.normal(size=(n, d)),
        "eps": float(rng.uniform(0.1, 0.4)),
    })


def batchnorm_backward(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, d), dgamma (d,), dbeta (d,) of y = γ x̂ + β, statistics those of the batch."""
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, dgamma, dbeta


def _step_by_step(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(x)
    centered = x - x.mean(axis=0)
    root = np.sqrt((centered**2).mean(axis=0) + eps)
    dgamma = (dy * centered / root).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx_hat = dy * gamma
    droot = -(dx_hat * centered / root**2).sum(axis=0)
    dvar = droot / (2 * root)
    dcentered = dx_hat / root + 2 * centered * dvar / n
    dx = dcentered - dcentered.sum(axis=0) / n
    return dx, dgamma, dbeta


def _by_the_jacobian(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, d = x.shape
    dx, dgamma, dbeta = np.empty((n, d)), np.empty(d), np.empty(d)
    for j in range(d):
        root = np.sqrt(np.var(x[:, j]) + eps)
        x_hat = (x[:, j] - np.mean(x[:, j])) / root
        jacobian = (np.eye(n) - 1 / n - np.outer(x_hat, x_hat) / n) / root
        dx[:, j] = jacobian @ dy[:, j] * gamma[j]
        dgamma[j], dbeta[j] = dy[:, j] @ x_hat, dy[:, j].sum()
    return dx, dgamma, dbeta


# Column 1: mean 3, deviations 1, −1, 1, −1; with ε = 3 the root is 2 and x̂ = ±½.
# Column 2: mean 0, deviations 5, −5, 1, −1; with ε = 3 the root is 4 and x̂ = 5/4, −5/4, ¼, −¼.
# Column 3: mean −2, deviations 1, 1, −1, −1; the root is 2.
# Column 1: g = 2 dy = (8, 0, 0, 0): mean 2, mean of g x̂ 1, so dx = ½ (8 − 2 − ½, −2 + ½, ...).
# Column 2: g = 4 dy = (0, 0, 16, 0): mean 4, mean of g x̂ 1, so dx = ¼ (−4 − 5/4, −4 + 5/4, ...).
# Column 3: g = dy = (2, −2, 6, 2): mean 2, mean of g x̂ −1.
_HAND = HandCase(
    {
        "x": np.array([[4.0, 5.0, -1.0], [2.0, -5.0, -1.0], [4.0, 1.0, -3.0], [2.0, -1.0, -3.0]]),
        "gamma": np.array([2.0, 4.0, 1.0]),
        "dy": np.array([[4.0, 0.0, 2.0], [0.0, 0.0, -2.0], [0.0, 4.0, 6.0], [0.0, 0.0, 2.0]]),
        "eps": 3.0,
    },
    {
        "dx": np.array([
            [2.75, -1.3125, 0.25],
            [-0.75, -0.6875, -1.75],
            [-1.25, 2.9375, 1.75],
            [-0.75, -0.9375, -0.25],
        ]),
        "dgamma": np.array([2.0, 1.0, -4.0]),
        "dbeta": np.array([4.0, 4.0, 8.0]),
    },
)

BATCHNORM_BACKWARD = Exercise(
    id="batchnorm_backward",
    unit="03",
    tier="core",
    title="Batch normalization, backward",
    minutes=22,
    difficulty=4,
    probe=Call(returns=("dx", "dgamma", "dbeta")),
    cases=_cases,
    criteria=(
        Criterion("dx", 3, ("dx",), _HAND),
        Criterion("dgamma", 1, ("dgamma",), _HAND),
        Criterion("dbeta", 1, ("dbeta",), _HAND),
    ),
    reference=batchnorm_backward,
    alternatives=(_step_by_step, _by_the_jacobian),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "dgamma or dbeta is wrong, or I do not know where to begin",
            "Compute x̂ first, as in the forward pass in training. Then y = γ x̂ + β, where one γ "
            "and one β serve all rows, as the bias of a linear layer does. Over what are the "
            "contributions summed? And what stands beside γ?",
            ("dgamma", "dbeta"),
        ),
        Hint(
            "dx is wrong everywhere, dgamma and dbeta are right",
            "Sum the last formula of the text over n, term by term: s times a bracket of three. "
            "The first leaves g of this row alone. The other two have 1/N before a sum over the "
            "rows, which makes a mean: one number for each feature. g is dy after γ, not dy alone.",
            ("dx",),
            ("value",),
        ),
        Hint(
            "I would like to test dx by myself",
            "Two facts need no reference. Adding a constant to a column of x leaves y as it is, so "
            "every column of dx sums to 0. Stretching the column around its mean leaves y nearly "
            "as it is if ε is small, so dx · x̂ nearly sums to 0 there. Which of your terms is "
            "responsible for which?",
            ("dx",),
        ),
    ),
    solution_note=(
        "With s = 1/√(σ² + ε), x̂ = (x − μ) s and g = γ dy, the gradient at x̂. In one column:\n"
        "    ∂μ/∂x_i = 1/N        ∂σ²/∂x_i = 2 (x_i − μ)/N        ∂s/∂x_i = −s² x̂_i / N\n"
        "    ∂x̂_n/∂x_i = s ([n = i] − 1/N) + (x_n − μ) ∂s/∂x_i\n"
        "              = s ([n = i] − 1/N − x̂_n x̂_i / N)\n"
        "Summed against g over n:\n"
        "    dx = s (g − mean g − x̂ · mean(g x̂))\n"
        "The first term is what remains if the statistics were constants, as in evaluation. The\n"
        "second takes out what shifting the column would do, the third what stretching it would\n"
        "do: the forward pass undoes both. γ and β serve all rows, so dγ and dβ sum over them."
    ),
)

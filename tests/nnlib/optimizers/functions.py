"""Standard test functions, each with its gradient and a place to start."""

from __future__ import annotations

import numpy as np
from scipy import optimize


def beale(x):
    r, J = beale_residuals(x), beale_jacobian(x)
    return float(r @ r), 2 * J.T @ r


def beale_residuals(x):
    k = np.arange(1, 4)
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** k)


def beale_jacobian(x):
    k = np.arange(1, 4)
    return np.stack([-(1 - x[1] ** k), x[0] * k * x[1] ** (k - 1)], axis=1)


def powell_residuals(x):
    a, b, c, d = x
    return np.array([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def powell_jacobian(x):
    a, b, c, d = x
    p, q = 2 * (b - 2 * c), 2 * 10**0.5 * (a - d)
    return np.array(
        [[1, 10, 0, 0], [0, 0, 5**0.5, -(5**0.5)], [0, p, -2 * p, 0], [q, 0, 0, -q]], dtype=float
    )


def powell(x):
    r, J = powell_residuals(x), powell_jacobian(x)
    return float(r @ r), 2 * J.T @ r


def rosenbrock(x):
    return float(optimize.rosen(x)), optimize.rosen_der(x)


def rosenbrock_residuals(x):
    return np.array([1 - x[0], 10 * (x[1] - x[0] ** 2)])


def rosenbrock_jacobian(x):
    return np.array([[-1.0, 0.0], [-20 * x[0], 10.0]])


_A = np.random.default_rng(3).normal(size=(30, 12))
_labels = np.sign(_A @ np.linspace(-1, 1, 12) + 0.3 * np.cos(np.arange(30)))


def logistic(x):
    """Logistic regression with a ridge."""
    margins = _labels * (_A @ x)
    p = np.exp(-np.logaddexp(0, margins))
    value = np.logaddexp(0, -margins).mean() + 0.01 * float(x @ x)
    return float(value), -(_A.T @ (_labels * p)) / 30 + 0.02 * x


_Q = np.diag(np.logspace(0, 4, 20))


def ravine(x):
    """A quadratic of condition number 10 000."""
    return 0.5 * float(x @ _Q @ x), _Q @ x


FUNCTIONS = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0]),
    "rosenbrock in ten dimensions": (rosenbrock, [0.5] * 10),
    "beale": (beale, [1.0, 1.0]),
    "powell": (powell, [3.0, -1.0, 0.0, 1.0]),
    "logistic": (logistic, [0.0] * 12),
    "ravine": (ravine, [1.0] * 20),
}

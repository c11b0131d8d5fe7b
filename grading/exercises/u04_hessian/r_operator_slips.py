"""Slips in `hessian_vector_product` that the name of a line alone does not betray."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _gradient_at_the_direction(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,  # ruff: ignore[unused-function-argument]  # replaced by V1
    W2: np.ndarray,  # ruff: ignore[unused-function-argument]  # replaced by V2
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ V1)
    dy = 2 * (h @ V2 - targets) / targets.size
    return X.T @ ((dy @ V2.T) * (1 - h**2)), h.T @ dy


def _hidden_values_moved_without_slope(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = X @ V1
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _only_dy_moved_on_the_way_back(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    return X.T @ ((dy_dot @ W2.T) * slope), h_dot.T @ dy + h.T @ dy_dot


def _slope_of_the_change(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = (1 - h**2) * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * (1 - h**2) + (dy @ W2.T) * (1 - h_dot**2)
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _sign_of_slope_change_lost(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope + 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _output_change_without_h(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _targets_moved(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2 - targets) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


SLIPS: tuple[Misconception, ...] = (
    Misconception(
        "gradient_at_the_direction",
        _gradient_at_the_direction,
        ("HV2", "HV1"),
        "This is the gradient of another network, with V1 and V2 as its weights: V stands where W "
        "was. The weights stay at W1 and W2 and begin to move along V1 and V2. By how much does "
        "each line change then?",
    ),
    Misconception(
        "hidden_values_moved_without_slope",
        _hidden_values_moved_without_slope,
        ("HV2", "HV1"),
        "The dot of h is X V1 for you. That is the dot of X W1, before the tanh. By which factor "
        "does the tanh pass a small change on?",
    ),
    Misconception(
        "only_dy_moved_on_the_way_back",
        _only_dy_moved_on_the_way_back,
        ("HV1",),
        "HV2 is right. On the way back to HV1 only dy moves: W2 and the slope 1 − h² both stand "
        "still. dW1 is made of two products, dy W2ᵀ and dh · (1 − h²). Which factors are missing a "
        "dot?",
    ),
    Misconception(
        "slope_of_the_change",
        _slope_of_the_change,
        ("HV1",),
        "HV2 is right. As the dot of 1 − h² you take 1 − ḣ², the same formula with a dot put on h. "
        "The 1 does not move, and h² is a product of two moving factors. What is its dot?",
    ),
    Misconception(
        "sign_of_slope_change_lost",
        _sign_of_slope_change_lost,
        ("HV1",),
        "HV2 is right. The dot of 1 − h² has the right size and the wrong sign. When h grows from "
        "0.5 to 0.6, does 1 − h² rise or fall?",
    ),
    Misconception(
        "output_change_without_h",
        _output_change_without_h,
        ("HV2", "HV1"),
        "The change of the output holds only the part that comes from W2. y = h W2 is a product of "
        "two things that move. What does a move of h alone do to y?",
    ),
    Misconception(
        "targets_moved",
        _targets_moved,
        ("HV2", "HV1"),
        "The targets stand in your dot of dy. They are given numbers, the same wherever the "
        "weights go. What is the change of something that stands still?",
    ),
)

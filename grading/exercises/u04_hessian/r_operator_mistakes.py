"""Known wrong answers to `hessian_vector_product`."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _gradient_instead(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,  # ruff: ignore[unused-function-argument]  # no direction
    V2: np.ndarray,  # ruff: ignore[unused-function-argument]  # no direction
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    dy = 2 * (h @ W2 - targets) / targets.size
    return X.T @ ((dy @ W2.T) * (1 - h**2)), h.T @ dy


def _gradient_times_direction(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    dy = 2 * (h @ W2 - targets) / targets.size
    return X.T @ ((dy @ W2.T) * (1 - h**2)) * V1, (h.T @ dy) * V2


def _outer_product_of_the_gradient(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    dy = 2 * (h @ W2 - targets) / targets.size
    dW2 = h.T @ dy
    dW1 = X.T @ ((dy @ W2.T) * (1 - h**2))
    along = np.sum(dW1 * V1) + np.sum(dW2 * V2)
    return along * dW1, along * dW2


def _gauss_newton_for_hessian(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy_dot = 2 * ((slope * (X @ V1)) @ W2 + h @ V2) / targets.size
    return X.T @ ((dy_dot @ W2.T) * slope), h.T @ dy_dot


def _central_difference(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    step, sums = 1e-4, []
    for sign in (1, -1):
        U1, U2 = W1 + sign * step * V1, W2 + sign * step * V2
        h = np.tanh(X @ U1)
        dy = 2 * (h @ U2 - targets) / targets.size
        sums.append((X.T @ ((dy @ U2.T) * (1 - h**2)), h.T @ dy))
    (up1, up2), (down1, down2) = sums
    return (up1 - down1) / (2 * step), (up2 - down2) / (2 * step)


def _forward_difference(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    step, sums = 1e-4, []
    for U1, U2 in ((W1 + step * V1, W2 + step * V2), (W1, W2)):
        h = np.tanh(X @ U1)
        dy = 2 * (h @ U2 - targets) / targets.size
        sums.append((X.T @ ((dy @ U2.T) * (1 - h**2)), h.T @ dy))
    (up1, up2), (here1, here2) = sums
    return (up1 - here1) / step, (up2 - here2) / step


def _layers_taken_apart(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dh = 2 * (h @ W2 - targets) / targets.size @ W2.T
    h_dot = slope * (X @ V1)
    dh_dot = 2 * (h_dot @ W2) / targets.size @ W2.T
    return X.T @ (dh_dot * slope - 2 * dh * h * h_dot), h.T @ (2 * (h @ V2) / targets.size)


def _output_change_without_v2(
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
    dy_dot = 2 * (h_dot @ W2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _way_back_not_moved(
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
    dz_dot = (dy_dot @ W2.T) * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _slope_not_moved(
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
    return X.T @ (dh_dot * slope), h_dot.T @ dy + h.T @ dy_dot


def _slope_moved_with_z(
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
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * (X @ V1)
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


def _hidden_values_not_moved(
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
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h.T @ dy_dot


def _divided_by_rows_only(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / len(X)
    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / len(X)
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * (dy @ W2.T) * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot


BOTH = ("HV2", "HV1")

MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "gradient_instead",
        _gradient_instead,
        BOTH,
        "This is the gradient at W1 and W2, whatever the direction. A product with the Hessian "
        "says how that gradient changes. How does each line change when the weights move along "
        "V1 and V2?",
    ),
    Misconception(
        "gradient_times_direction",
        _gradient_times_direction,
        BOTH,
        "The gradient is multiplied by the direction, entry by entry. That is a product of first "
        "derivatives; it would call a straight slope curved. Which derivative is a curvature the "
        "derivative of?",
    ),
    Misconception(
        "outer_product_of_the_gradient",
        _outer_product_of_the_gradient,
        BOTH,
        "This is g (g·v), the outer product of the gradient with itself times v. Where the "
        "gradient is 0 it is 0 too, yet a minimum is curved. What changes there when we move "
        "along v?",
    ),
    Misconception(
        "gauss_newton_for_hessian",
        _gauss_newton_for_hessian,
        BOTH,
        "This is the Gauss-Newton product: only dy moves, while the way back is held still. It is "
        "the Hessian of a network whose outputs were straight lines in the weights. In hᵀ dy, "
        "which other factor moves along V?",
    ),
    Misconception(
        "central_difference",
        _central_difference,
        BOTH,
        "Near, but a difference of two gradients: its step leaves an error that an exact product "
        "does not have. No step is needed, because each line of the gradient can be differentiated "
        "by itself. What is the derivative of the line h = tanh(X W1) along V1?",
    ),
    Misconception(
        "forward_difference",
        _forward_difference,
        BOTH,
        "A one-sided difference of gradients, with an error in proportion to the step. Asked is "
        "the exact product, which needs no second point. What is the derivative of the line "
        "h = tanh(X W1) along V1?",
    ),
    Misconception(
        "layers_taken_apart",
        _layers_taken_apart,
        BOTH,
        "HV1 knows only V1, and HV2 only V2, as if the other layer stood still. The Hessian has "
        "blocks that join both layers. When W2 moves, does the gradient of W1 stay the same?",
    ),
    Misconception(
        "output_change_without_v2",
        _output_change_without_v2,
        BOTH,
        "The change of the output holds the part that comes through h only. y = h W2 is a product "
        "of two things that move. What does a move of W2 alone do to y?",
    ),
    Misconception(
        "divided_by_rows_only",
        _divided_by_rows_only,
        BOTH,
        "Everything is too large by the number of outputs: you divide by the rows. The loss of "
        "this course is a mean over rows and outputs. Over how many numbers is that mean taken?",
    ),
    Misconception(
        "way_back_not_moved",
        _way_back_not_moved,
        ("HV1",),
        "HV2 is right. In HV1 the step from dy back to dh uses W2 as if it stood still. "
        "dh = dy W2ᵀ: which of its two factors move along V?",
    ),
    Misconception(
        "slope_not_moved",
        _slope_not_moved,
        ("HV1",),
        "HV2 is right. In HV1 the slope 1 − h² of the tanh stands still, while h moves: the bend "
        "of the tanh is lost. What is the change of 1 − h² when h changes by a little?",
    ),
    Misconception(
        "slope_moved_with_z",
        _slope_moved_with_z,
        ("HV1",),
        "HV2 is right. The slope 1 − h² is moved as if h changed as much as z = X W1 does. "
        "Between z and h stands the tanh. By how much does h change when z changes by X V1?",
    ),
    Misconception(
        "hidden_values_not_moved",
        _hidden_values_not_moved,
        ("HV2",),
        "HV1 is right. dW2 = hᵀ dy, and you let only dy move. When W1 moves along V1, what else "
        "in that product changes?",
    ),
)

"""The backward passes of two layers: linear and ReLU."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call

# ---------------------------------------------------------------- linear_backward


def _linear_cases(rng: np.random.Generator) -> Case:
    n, d_in, d_out = rng.choice(np.arange(2, 9), size=3, replace=False)
    return Case({
        "x": rng.normal(size=(n, d_in)),
        "W": rng.normal(size=(d_in, d_out)),
        "dy": rng.normal(size=(n, d_out)) / n,
    })


def linear_backward(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (N, d_in), dW (d_in, d_out), db (d_out,) of y = x W + b; dy holds the 1/N."""
    dx = dy @ W.T
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dx, dW, db


def _linear_by_einsum(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dx = np.einsum("no,io->ni", dy, W)
    dW = np.einsum("ni,no->io", x, dy)
    db = np.einsum("no->o", dy)
    return dx, dW, db


def _linear_row_by_row(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[1])
    for i in range(len(x)):
        dx[i] = W @ dy[i]
        dW += np.outer(x[i], dy[i])
        db += dy[i]
    return dx, dW, db


def _bias_gradient_not_summed(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, x.T @ dy, dy.copy()


def _bias_gradient_averaged(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, x.T @ dy, dy.mean(axis=0)


def _averaged_twice(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(x)
    return dy @ W.T, x.T @ dy / n, dy.sum(axis=0) / n


def _weight_gradient_transposed(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, dy.T @ x, dy.sum(axis=0)


def _bias_summed_over_features(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, x.T @ dy, dy.sum(axis=1)


def _input_gradient_with_w_not_transposed(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dx = dy @ W
    return dx, x.T @ dy, dy.sum(axis=0)


def _upstream_overwritten(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dy /= len(x)
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


_LINEAR_HAND = HandCase(
    {
        "x": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "W": np.array([[1.0, 0.0, 2.0, 1.0], [0.0, 1.0, 1.0, 3.0], [2.0, 1.0, 0.0, 1.0]]),
        "dy": np.array([[1.0, 0.0, -1.0, 2.0], [0.0, 2.0, 1.0, -1.0]]),
    },
    {
        "dx": np.array([[1.0, 5.0, 4.0], [1.0, 0.0, 1.0]]),
        "dW": np.array([[1.0, 8.0, 3.0, -2.0], [2.0, 10.0, 3.0, -1.0], [3.0, 12.0, 3.0, 0.0]]),
        "db": np.array([1.0, 2.0, 0.0, 1.0]),
    },
)

LINEAR_BACKWARD = Exercise(
    id="linear_backward",
    unit="01",
    tier="core",
    title="Backward through a linear layer",
    minutes=12,
    difficulty=2,
    probe=Call(returns=("dx", "dW", "db")),
    cases=_linear_cases,
    criteria=(
        Criterion("dx", 1, ("dx",), _LINEAR_HAND),
        Criterion("dW", 2, ("dW",), _LINEAR_HAND),
        Criterion("db", 1, ("db",), _LINEAR_HAND),
    ),
    reference=linear_backward,
    alternatives=(_linear_by_einsum, _linear_row_by_row),
    misconceptions=(
        Misconception(
            "bias_gradient_not_summed",
            _bias_gradient_not_summed,
            ("db",),
            "`db` has one row for each example. One bias serves all rows of the batch, so their "
            "gradients meet in it. Which axis of `dy` counts the rows?",
        ),
        Misconception(
            "bias_gradient_averaged",
            _bias_gradient_averaged,
            ("db",),
            "`db` is an average over the rows. The loss is a mean and `dy` already holds its 1/N. "
            "What happens to that 1/N if you divide again?",
        ),
        Misconception(
            "averaged_twice",
            _averaged_twice,
            ("dW", "db"),
            "`dW` and `db` are divided by N although `dy` holds the 1/N of the mean loss. Averaged "
            "twice, the step of a batch of 100 is 100 times too short. Where was the first "
            "division?",
        ),
        Misconception(
            "weight_gradient_transposed",
            _weight_gradient_transposed,
            ("dW",),
            "`dW` is turned: (d_out, d_in). A gradient has the shape of what it belongs to, and "
            "`W` is (d_in, d_out). Which factor must then come first?",
        ),
        Misconception(
            "bias_summed_over_features",
            _bias_summed_over_features,
            ("db",),
            "`db` has one entry for each row: the sum runs along the features. There are as many "
            "biases as outputs. Which axis must vanish, and which must stay?",
        ),
        Misconception(
            "input_gradient_with_W_not_transposed",
            _input_gradient_with_w_not_transposed,
            ("dx", "dW", "db"),
            "`dy` is (N, d_out) and `W` is (d_in, d_out), so their inner sizes do not meet. `W` "
            "carried x forward from d_in to d_out. What leads back from d_out to d_in?",
        ),
        Misconception(
            "upstream_overwritten",
            _upstream_overwritten,
            ("dx", "dW", "db"),
            "`dy` was divided by N in place, so the caller's own array has changed. It already "
            "held the 1/N of the mean loss. What is left for you to divide?",
        ),
    ),
    hints=(
        Hint(
            "I do not know which product to take",
            "Write the shapes down: x (N, d_in), W (d_in, d_out), dy (N, d_out). Each gradient has "
            "the shape of what it belongs to. For dx and dW only one way of multiplying two of "
            "these matrices, turned where necessary, has that shape.",
            ("dx", "dW"),
        ),
        Hint(
            "db is refused",
            "In y = x W + b the same b is added to every row. Push b[0] up by 1: the first output "
            "of every row rises by 1, and the loss changes by all their dy together.",
            ("db",),
        ),
        Hint(
            "matmul complains, or a result is transposed or too small",
            "Three lines. dx: dy times W turned. dW: x turned, times …; check that rows meet rows, "
            "because the sum over the batch happens inside this product. db: dy summed over its "
            "rows. Nothing is divided: dy holds the 1/N.",
            ("dx", "dW"),
        ),
    ),
    solution_note=(
        "y[n,o] = Σ_i x[n,i] W[i,o] + b[o]. Take each derivative entry by entry:\n"
        "    ∂L/∂x[n,i] = Σ_o dy[n,o] W[i,o]          dx = dy Wᵀ      (N, d_in)\n"
        "    ∂L/∂W[i,o] = Σ_n x[n,i] dy[n,o]          dW = xᵀ dy      (d_in, d_out)\n"
        "    ∂L/∂b[o]   = Σ_n dy[n,o]                 db = Σ_rows dy  (d_out,)\n"
        "Each sum runs over the index that the left side does not have. W and b are shared by all\n"
        "rows, so rows are summed; x is not, so every row keeps its own gradient. The loss is a\n"
        "mean over the batch and its 1/N came in with dy: dividing again would average twice."
    ),
)

# ---------------------------------------------------------------- relu_backward


def _relu_cases(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    x = rng.uniform(0.1, 2.0, size=(n, d)) * rng.choice([-1.0, 1.0], size=(n, d))
    return Case({"x": x, "dy": rng.normal(size=(n, d))})


def _relu_cases_with_zeros(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    x = rng.uniform(0.1, 2.0, size=(n, d)) * rng.choice([-1.0, 1.0], size=(n, d))
    x.flat[rng.choice(x.size, size=3, replace=False)] = 0.0
    return Case({"x": x, "dy": rng.normal(size=(n, d))})


def relu_backward(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return dx, shaped like x, of y = max(x, 0), with slope 0 at x = 0."""
    return dy * (x > 0)


def _relu_by_where(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.where(x > 0, dy, 0.0)


def _relu_on_a_copy(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dx = dy.copy()
    dx[x <= 0] = 0.0
    return dx


def _upstream_ignored(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # it is ignored
    return (x > 0).astype(float)


def _mask_from_upstream(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # no x
    return dy * (dy > 0)


def _relu_value_for_slope(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * np.maximum(x, 0)


def _slope_one_at_zero(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * (x >= 0)


def _slope_half_at_zero(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * np.heaviside(x, 0.5)


def _upstream_changed_in_place(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dy[x <= 0] = 0.0
    return dy


def _identity(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # x plays no part
    return dy


RELU_BACKWARD = Exercise(
    id="relu_backward",
    unit="01",
    tier="core",
    title="Backward through a ReLU",
    minutes=6,
    difficulty=1,
    probe=Call(returns=("dx",)),
    cases=_relu_cases,
    criteria=(
        Criterion(
            "slope",
            2,
            ("dx",),
            HandCase(
                {
                    "x": np.array([[2.0, -1.0, 0.5], [-3.0, 4.0, -0.5]]),
                    "dy": np.array([[10.0, 20.0, -30.0], [-40.0, 50.0, 60.0]]),
                },
                {"dx": np.array([[10.0, 0.0, -30.0], [0.0, 50.0, 0.0]])},
            ),
        ),
        Criterion(
            "kink",
            1,
            ("dx",),
            HandCase(
                {
                    "x": np.array([[0.0, -1.0, 3.0], [2.0, 0.0, -2.0]]),
                    "dy": np.array([[5.0, 6.0, 7.0], [-8.0, -9.0, 4.0]]),
                },
                {"dx": np.array([[0.0, 0.0, 7.0], [-8.0, 0.0, 0.0]])},
            ),
            draw=_relu_cases_with_zeros,
        ),
    ),
    reference=relu_backward,
    alternatives=(_relu_by_where, _relu_on_a_copy),
    misconceptions=(
        Misconception(
            "upstream_ignored",
            _upstream_ignored,
            ("slope", "kink"),
            "This is the slope of the ReLU, 0 or 1, alone. The chain rule multiplies it with what "
            "arrives from the layer above. Which argument brings that?",
        ),
        Misconception(
            "mask_from_upstream",
            _mask_from_upstream,
            ("slope", "kink"),
            "The gradient passes where `dy` is positive. Whether the gate is open was decided in "
            "the forward pass, by x. May a negative gradient pass an open gate?",
        ),
        Misconception(
            "relu_value_for_slope",
            _relu_value_for_slope,
            ("slope", "kink"),
            "`dy` is multiplied with max(x, 0), the value of the ReLU. Backward needs its "
            "derivative. How steep is the ReLU at x = 2, and how steep at x = 5?",
        ),
        Misconception(
            "slope_one_at_zero",
            _slope_one_at_zero,
            ("kink",),
            "At x = 0 the gradient passes. The ReLU has a kink there and no derivative, so a "
            "convention decides; the stub states it. Does your comparison include 0?",
        ),
        Misconception(
            "slope_half_at_zero",
            _slope_half_at_zero,
            ("kink",),
            "At x = 0 half of the gradient passes. Any slope from 0 to 1 can be defended at the "
            "kink, so the course fixes one, the same as PyTorch. Which does the stub name?",
        ),
        Misconception(
            "upstream_changed_in_place",
            _upstream_changed_in_place,
            ("slope", "kink"),
            "The values are right, but they are written into the caller's `dy`. In a network with "
            "branches another layer still needs that array. How do you get an array of your own?",
        ),
        Misconception(
            "identity",
            _identity,
            ("slope", "kink"),
            "`dy` comes back unchanged, as if every gate were open. Where x was negative the ReLU "
            "gave 0 whatever x was. How much does the loss change there when x moves a little?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Draw max(x, 0). Left of 0 it is flat, right of 0 it rises by 1 for each 1 of x. The "
            "derivative has two values only.",
        ),
        Hint(
            "dx is wrong in many entries",
            "Two factors meet in every entry: the slope of the ReLU at this x, and the gradient "
            "that arrives from above. Look at the entries of the hand example one by one. Which of "
            "the two did you leave out or take from the wrong array?",
            ("slope",),
        ),
        Hint(
            "dx is wrong only where x is exactly 0",
            "The stub says: slope 0 at x = 0. So dx = dy times (1 where x … 0, else 0). Which sign "
            "of comparison leaves 0 out?",
            ("kink",),
        ),
    ),
    solution_note=(
        "y = max(x, 0) acts entry by entry, so its Jacobian is diagonal:\n"
        "    dy/dx = 1 where x > 0,   0 where x < 0,   and by convention 0 where x = 0\n"
        "    dx = dy · (x > 0)\n"
        "The comparison gives True and False, which multiply as 1 and 0. The mask comes from\n"
        "the forward input x: dy only passes through, with its sign. The convention at 0 is also\n"
        "PyTorch's; on random real numbers it hardly ever matters, on inputs full of exact zeros\n"
        "(the black background of an image) it does."
    ),
)

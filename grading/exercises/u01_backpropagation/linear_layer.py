"""The backward pass of a linear layer."""
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
    dx = np.einsum("nk,ik->ni", dy, W)
    dW = np.einsum("ni,nk->ik", x, dy)
    db = np.einsum("nk->k", dy)
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


def _weight_gradient_averaged(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, x.T @ dy / len(x), dy.sum(axis=0)


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


def _last_row_only(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dW = np.zeros_like(W)
    for i in range(len(x)):
        dW = np.outer(x[i], dy[i])
    return dy @ W.T, dW, dy.sum(axis=0)


def _bias_gradient_as_a_row(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dy @ W.T, x.T @ dy, dy.sum(axis=0, keepdims=True)


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
            "weight_gradient_averaged",
            _weight_gradient_averaged,
            ("dW",),
            "`dW` is divided by N. The loss is a mean and `dy` already holds its 1/N, so the "
            "product only has to sum over the rows. Why is `db`, which you did not divide, right?",
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
            "`dW` is transposed: (d_out, d_in). A gradient has the shape of what it belongs to, "
            "and `W` is (d_in, d_out). Which factor must then come first?",
        ),
        Misconception(
            "last_row_only",
            _last_row_only,
            ("dW",),
            "`dW` holds the product of the last row alone: in a loop over the rows, `=` overwrites "
            "what the rows before have given. All rows went through the same `W`. What do you do "
            "with their contributions?",
        ),
        Misconception(
            "bias_summed_over_features",
            _bias_summed_over_features,
            ("db",),
            "`db` has one entry for each row: the sum runs along the features. There are as many "
            "biases as outputs. Which axis must vanish, and which must stay?",
        ),
        Misconception(
            "bias_gradient_as_a_row",
            _bias_gradient_as_a_row,
            ("db",),
            "`db` is a matrix of one row, (1, d_out), as `keepdims=True` leaves it. The bias is a "
            "vector, (d_out,), and its gradient has the same shape. What happens to the summed "
            "axis without `keepdims`?",
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
        # Errors and shapes open the first, or the second if only db failed; numbers the last.
        Hint(
            "matmul complains, or I do not know which product to take",
            "Write the shapes down: x (N, d_in), W (d_in, d_out), dy (N, d_out). `@` needs equal "
            "sizes where its two factors meet. Each gradient has the shape of what it belongs to. "
            "For dx and dW only one way of multiplying two of these matrices, transposed (`.T`) "
            "where necessary, has that shape.",
            ("dx",),
            ("problem", "shape", "value"),
        ),
        Hint(
            "db has the wrong shape",
            "In y = x W + b the same b is added to every row. Push b[0] up by 1: the first output "
            "of every row rises by 1, and the loss changes by all their dy together. So db has one "
            "entry for each output, and the rows are gone.",
            ("db",),
            ("type", "shape"),
        ),
        Hint(
            "The shapes are right, but the numbers are off by a factor or too small",
            "Nothing is divided: dy holds the 1/N. W and b serve every row of the batch, so what "
            "the rows give is summed. For db you sum dy over its rows. For dW the product sums by "
            "itself where rows meet rows: x transposed (`.T`) comes first.",
            ("dx", "dW", "db"),
            ("value",),
        ),
    ),
    solution_note=(
        "y[n,k] = Σ_i x[n,i] W[i,k] + b[k]. Take each derivative entry by entry:\n"
        "    ∂L/∂x[n,i] = Σ_k dy[n,k] W[i,k]          dx = dy Wᵀ      (N, d_in)\n"
        "    ∂L/∂W[i,k] = Σ_n x[n,i] dy[n,k]          dW = xᵀ dy      (d_in, d_out)\n"
        "    ∂L/∂b[k]   = Σ_n dy[n,k]                 db = Σ_rows dy  (d_out,)\n"
        "Each sum runs over the index that the left side does not have. W and b are shared by all\n"
        "rows, so rows are summed; x is not, so every row keeps its own gradient. The loss is a\n"
        "mean over the batch and its 1/N came in with dy: dividing again would average twice."
    ),
)

"""Exercises of unit 00: the mean squared error, and the shapes of a forward and backward pass."""
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

# ---------------------------------------------------------------- mean_squared_error


def _mse_cases(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(2, 9), size=2, replace=False)
    return Case({"y": rng.normal(size=(n, d)), "targets": rng.normal(size=(n, d))})


def _mse_vectors(rng: np.random.Generator) -> Case:
    n = int(rng.integers(3, 9))
    return Case({"y": rng.normal(size=n), "targets": rng.normal(size=n)})


def mean_squared_error(y: np.ndarray, targets: np.ndarray) -> float:
    """Average the squared differences over all entries."""
    return float(np.mean((y - targets) ** 2))


def _mse_by_dot(y: np.ndarray, targets: np.ndarray) -> float:
    difference = (y - targets).ravel()
    return float(difference @ difference) / difference.size


def _mse_by_loop(y: np.ndarray, targets: np.ndarray) -> float:
    total = 0.0
    for predicted, wanted in zip(y.ravel(), targets.ravel(), strict=True):
        total += (predicted - wanted) ** 2
    return total / y.size


def _sum_instead_of_mean(y: np.ndarray, targets: np.ndarray) -> float:
    return float(np.sum((y - targets) ** 2))


def _stray_half(y: np.ndarray, targets: np.ndarray) -> float:
    return float(0.5 * np.mean((y - targets) ** 2))


def _mean_over_rows_only(y: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.mean((y - targets) ** 2, axis=0)


def _divided_by_rows_only(y: np.ndarray, targets: np.ndarray) -> float:
    return float(np.sum((y - targets) ** 2) / len(y))


def _not_squared(y: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(np.abs(y - targets)))


def _squared_after_the_mean(y: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(y - targets) ** 2)


def _mean_of_the_differences(y: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(y - targets))


def _returned_after_the_first_entry(y: np.ndarray, targets: np.ndarray) -> float:
    total = 0.0
    for predicted, wanted in zip(y.ravel(), targets.ravel(), strict=True):
        total += (predicted - wanted) ** 2
        return total / y.size
    return total


_MEAN_SQUARED_ERROR = Exercise(
    id="mean_squared_error",
    unit="00",
    tier="core",
    title="The mean squared error of a batch",
    minutes=5,
    difficulty=1,
    probe=Call(returns=("loss",)),
    cases=_mse_cases,
    criteria=(
        Criterion(
            "matrix",
            2,
            ("loss",),
            HandCase(
                {
                    "y": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
                    "targets": np.array([[1.0, 0.0], [3.0, 1.0], [4.0, 6.0]]),
                },
                {"loss": 14 / 6},
            ),
        ),
        Criterion(
            "vector",
            1,
            ("loss",),
            HandCase(
                {"y": np.array([1.0, 2.0, 4.0]), "targets": np.array([1.0, 0.0, 1.0])},
                {"loss": 13 / 3},
            ),
            draw=_mse_vectors,
        ),
    ),
    reference=mean_squared_error,
    alternatives=(_mse_by_dot, _mse_by_loop),
    misconceptions=(
        Misconception(
            "sum_instead_of_mean",
            _sum_instead_of_mean,
            ("matrix", "vector"),
            "The squares are added up but not averaged, so a batch twice as large has twice the "
            "loss. By how many entries do you divide?",
        ),
        Misconception(
            "stray_half",
            _stray_half,
            ("matrix", "vector"),
            "A factor ½ stands in front. Some books put it there to make the derivative shorter; "
            "in this course the mean squared error has none, as in PyTorch.",
        ),
        Misconception(
            "mean_over_rows_only",
            _mean_over_rows_only,
            ("matrix",),
            "The mean runs over the rows only, so one number for each column comes back. A loss is "
            "one number: which argument of `np.mean` limits it to one axis?",
        ),
        Misconception(
            "divided_by_rows_only",
            _divided_by_rows_only,
            ("matrix",),
            "The sum is divided by the number of rows. Each row holds several outputs, and the "
            "mean counts every entry: rows times outputs.",
        ),
        Misconception(
            "not_squared",
            _not_squared,
            ("matrix", "vector"),
            "This is the mean absolute error: the differences are made positive but not squared. "
            "Squaring is what makes a large miss cost more than two small ones.",
        ),
        Misconception(
            "squared_after_the_mean",
            _squared_after_the_mean,
            ("matrix", "vector"),
            "The mean is taken first and squared afterwards, so misses above and below cancel. "
            "Square each difference before averaging.",
        ),
        Misconception(
            "mean_of_the_differences",
            _mean_of_the_differences,
            ("matrix", "vector"),
            "The differences are averaged as they are, not squared. A miss of +3 and one of −3 "
            "would add up to no loss at all. What makes both of them count?",
        ),
        Misconception(
            "returned_after_the_first_entry",
            _returned_after_the_first_entry,
            ("matrix", "vector"),
            "Only the first entry is counted: the `return` stands inside the loop, which ends with "
            "it. How far must `return` be indented to run after the loop?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Three steps, from the inside out: subtract, square each entry, take the mean. NumPy "
            "does each of them for a whole array at once.",
        ),
        Hint(
            "The loss has a shape, but should be a number",
            "`np.mean(a)` averages over everything; `np.mean(a, axis=0)` averages over the rows "
            "and leaves one number a column.",
            ("matrix",),
            ("shape",),
        ),
        Hint(
            "The loss is too large or too small by a factor",
            "Write the hand example out: 0, 4, 0, 9, 1, 0 are the squares. Their sum is 14. Which "
            "number of entries turns 14 into the expected value?",
            ("matrix", "vector"),
            ("value",),
        ),
    ),
    solution_note=(
        "L = mean over rows n and outputs k of (y[n,k] − t[n,k])².\n"
        "NumPy subtracts and squares entry by entry, and np.mean without an axis divides by the\n"
        "number of entries N·d, whatever the shape. The result is a NumPy scalar; float() turns\n"
        "it into a plain number."
    ),
)

# ---------------------------------------------------------------- predict_shapes


def _shape_cases(rng: np.random.Generator) -> Case:
    n, d_in, d_hidden, d_out = (
        int(size) for size in rng.choice(np.arange(2, 40), size=4, replace=False)
    )
    return Case({"n": n, "d_in": d_in, "d_hidden": d_hidden, "d_out": d_out})


def predict_shapes(n: int, d_in: int, d_hidden: int, d_out: int) -> tuple[tuple[int, ...], ...]:
    """Give every gradient the shape of what it belongs to."""
    h, y = (n, d_hidden), (n, d_out)
    dW2, db2 = (d_hidden, d_out), (d_out,)
    dh = h
    dW1, db1 = (d_in, d_hidden), (d_hidden,)
    return h, y, dW2, db2, dh, dW1, db1


def _shapes_by_computing(
    n: int, d_in: int, d_hidden: int, d_out: int
) -> tuple[tuple[int, ...], ...]:
    x, W1, b1 = np.ones((n, d_in)), np.ones((d_in, d_hidden)), np.ones(d_hidden)
    W2, b2 = np.ones((d_hidden, d_out)), np.ones(d_out)
    h = x @ W1 + b1
    y = h @ W2 + b2
    return h.shape, y.shape, W2.shape, b2.shape, h.shape, W1.shape, b1.shape


def _shapes_as_lists(n: int, d_in: int, d_hidden: int, d_out: int) -> list[list[int]]:
    sizes = {"h": [n, d_hidden], "y": [n, d_out]}
    weights = [[d_hidden, d_out], [d_out]], [[d_in, d_hidden], [d_hidden]]
    return [sizes["h"], sizes["y"], *weights[0], sizes["h"], *weights[1]]


def _bias_gradient_per_row(
    n: int, d_in: int, d_hidden: int, d_out: int
) -> tuple[tuple[int, ...], ...]:
    h, y = (n, d_hidden), (n, d_out)
    return h, y, (d_hidden, d_out), (n, d_out), h, (d_in, d_hidden), (n, d_hidden)


def _weights_transposed(
    n: int, d_in: int, d_hidden: int, d_out: int
) -> tuple[tuple[int, ...], ...]:
    h, y = (n, d_hidden), (n, d_out)
    return h, y, (d_out, d_hidden), (d_out,), h, (d_hidden, d_in), (d_hidden,)


def _batch_axis_last(n: int, d_in: int, d_hidden: int, d_out: int) -> tuple[tuple[int, ...], ...]:
    h, y = (d_hidden, n), (d_out, n)
    return h, y, (d_hidden, d_out), (d_out,), h, (d_in, d_hidden), (d_hidden,)


def _hidden_gradient_like_weights(
    n: int, d_in: int, d_hidden: int, d_out: int
) -> tuple[tuple[int, ...], ...]:
    h, y = (n, d_hidden), (n, d_out)
    return h, y, (d_hidden, d_out), (d_out,), (d_hidden, d_out), (d_in, d_hidden), (d_hidden,)


def _bias_as_a_row(n: int, d_in: int, d_hidden: int, d_out: int) -> tuple[tuple[int, ...], ...]:
    h, y = (n, d_hidden), (n, d_out)
    return h, y, (d_hidden, d_out), (1, d_out), h, (d_in, d_hidden), (1, d_hidden)


def _second_layer_last(n: int, d_in: int, d_hidden: int, d_out: int) -> tuple[tuple[int, ...], ...]:
    h, y = (n, d_hidden), (n, d_out)
    return h, y, (d_in, d_hidden), (d_hidden,), h, (d_hidden, d_out), (d_out,)


_SHAPES_HAND = HandCase(
    {"n": 5, "d_in": 3, "d_hidden": 4, "d_out": 2},
    {
        "h": [5, 4],
        "y": [5, 2],
        "dW2": [4, 2],
        "db2": [2],
        "dh": [5, 4],
        "dW1": [3, 4],
        "db1": [4],
    },
)

_PREDICT_SHAPES = Exercise(
    id="predict_shapes",
    unit="00",
    tier="core",
    title="The shapes in a two-layer network, forward and backward",
    minutes=8,
    difficulty=1,
    probe=Call(returns=("h", "y", "dW2", "db2", "dh", "dW1", "db1")),
    cases=_shape_cases,
    criteria=(
        Criterion("forward", 1, ("h", "y"), _SHAPES_HAND),
        Criterion("weight_gradients", 1, ("dW2", "dW1"), _SHAPES_HAND),
        Criterion("bias_gradients", 1, ("db2", "db1"), _SHAPES_HAND),
        Criterion("hidden_gradient", 1, ("dh",), _SHAPES_HAND),
    ),
    reference=predict_shapes,
    alternatives=(_shapes_by_computing, _shapes_as_lists),
    misconceptions=(
        Misconception(
            "bias_gradient_per_row",
            _bias_gradient_per_row,
            ("bias_gradients",),
            "The bias gradient has one row for each example. One bias serves all rows of the "
            "batch, so it has one gradient, with the shape of the bias itself.",
        ),
        Misconception(
            "weights_transposed",
            _weights_transposed,
            ("weight_gradients",),
            "The weight gradients are transposed: (out, in) in place of (in, out). Here "
            "y = x W + b, so W has one row for each input.",
        ),
        Misconception(
            "batch_axis_last",
            _batch_axis_last,
            ("forward", "hidden_gradient"),
            "The examples stand in columns. In this course each example is a row, so the batch "
            "size comes first: (N, features).",
        ),
        Misconception(
            "hidden_gradient_like_weights",
            _hidden_gradient_like_weights,
            ("hidden_gradient",),
            "`dh` has the shape of W2. It is the gradient at the hidden values h, and a gradient "
            "has the shape of what it belongs to.",
        ),
        Misconception(
            "bias_as_a_row",
            _bias_as_a_row,
            ("bias_gradients",),
            "The bias gradients are matrices of one row, (1, d). The biases of this course are "
            "vectors, (d,), and so are their gradients.",
        ),
        Misconception(
            "second_layer_last",
            _second_layer_last,
            ("weight_gradients", "bias_gradients"),
            "The gradients of the two layers have changed places. Backward begins at the output, "
            "so `dW2` and `db2` come first in the result. Which layer does the gradient reach "
            "last?",
        ),
    ),
    hints=(
        Hint(
            "I do not know the shape of a gradient",
            "One rule answers all five: a gradient tells, for every entry of something, how the "
            "loss changes with it. So it has the shape of that something.",
        ),
        Hint(
            "h or y is refused",
            "In x @ W the inner sizes meet and vanish: (N, d_in) @ (d_in, d_hidden) leaves "
            "(N, d_hidden).",
            ("forward", "hidden_gradient"),
        ),
        Hint(
            "A bias gradient is refused",
            "Look at b1 in `x @ W1 + b1`: it has one entry a column, (d_hidden,). How many rows "
            "are in the batch makes no difference to it.",
            ("bias_gradients", "weight_gradients"),
        ),
    ),
    solution_note=(
        "Forward, the inner sizes meet: (N, d_in)(d_in, d_hidden) = (N, d_hidden), and so on.\n"
        "Backward nothing has to be worked out: ∂L/∂A has one entry for every entry of A, so it\n"
        "has the shape of A. The batch size N appears only where A itself has a row per example."
    ),
)

EXERCISES = (_MEAN_SQUARED_ERROR, _PREDICT_SHAPES)

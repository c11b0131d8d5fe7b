"""Bias and variance of a learning method, from many models."""
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


def _cases(rng: np.random.Generator) -> Case:
    n_models, n_points = rng.choice(np.arange(4, 10), size=2, replace=False)
    truth = rng.normal(size=n_points)
    shape = (n_models, n_points)
    tilt = rng.uniform(0.3, 0.9) * rng.choice([-1.0, 1.0], size=n_points)
    return Case({
        "predictions": truth + tilt + rng.normal(scale=0.5, size=shape),
        "truth": truth,
        "noise_variance": float(rng.uniform(0.3, 0.8)),
    })


def bias_variance(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    """Return bias², variance and expected squared error, each a mean over the points."""
    mean_prediction = predictions.mean(axis=0)
    bias_squared = np.mean((mean_prediction - truth) ** 2)
    variance = np.mean((predictions - mean_prediction) ** 2)
    expected_error = bias_squared + variance + noise_variance
    return bias_squared, variance, expected_error


def _point_by_point(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    n_points = predictions.shape[1]
    bias_squared = variance = 0.0
    for m in range(n_points):
        column = predictions[:, m]
        bias_squared += (column.mean() - truth[m]) ** 2 / n_points
        variance += column.var() / n_points
    return bias_squared, variance, bias_squared + variance + noise_variance


def _from_the_whole_error(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    error = np.mean((predictions - truth) ** 2)
    variance = np.var(predictions, axis=0).mean()
    return error - variance, variance, error + noise_variance


def _variance_over_points(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    variance = predictions.var(axis=1).mean()
    return bias_squared, variance, bias_squared + variance + noise_variance


def _unbiased_variance(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    variance = predictions.var(axis=0, ddof=1).mean()
    return bias_squared, variance, bias_squared + variance + noise_variance


def _bias_averaged_before_squaring(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean(predictions.mean(axis=0) - truth) ** 2
    variance = predictions.var(axis=0).mean()
    return bias_squared, variance, bias_squared + variance + noise_variance


def _error_taken_for_bias(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions - truth) ** 2)
    variance = predictions.var(axis=0).mean()
    return bias_squared, variance, bias_squared + variance + noise_variance


def _bias_not_squared(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias = np.mean(np.abs(predictions.mean(axis=0) - truth))
    variance = predictions.var(axis=0).mean()
    return bias, variance, bias + variance + noise_variance


def _noise_left_out(
    predictions: np.ndarray,
    truth: np.ndarray,
    noise_variance: float,  # ruff: ignore[unused-function-argument]  # it is left out
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    variance = predictions.var(axis=0).mean()
    return bias_squared, variance, bias_squared + variance


def _spread_for_variance(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    spread = predictions.std(axis=0).mean()
    return bias_squared, spread, bias_squared + spread + noise_variance


def _mean_over_everything(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean() - truth) ** 2)
    variance = predictions.var()
    return bias_squared, variance, bias_squared + variance + noise_variance


def _noise_squared(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    variance = predictions.var(axis=0).mean()
    return bias_squared, variance, bias_squared + variance + noise_variance**2


def _error_taken_for_variance(
    predictions: np.ndarray, truth: np.ndarray, noise_variance: float
) -> tuple[float, float, float]:
    bias_squared = np.mean((predictions.mean(axis=0) - truth) ** 2)
    variance = np.mean((predictions - truth) ** 2)
    return bias_squared, variance, bias_squared + variance + noise_variance


_HAND = HandCase(
    {
        "predictions": np.array([[1.0, 5.0, 2.0], [3.0, 7.0, 2.0]]),
        "truth": np.array([0.0, 6.0, 4.0]),
        "noise_variance": 0.25,
    },
    {"bias_squared": 8 / 3, "variance": 2 / 3, "expected_error": 43 / 12},
)
_VARIANCE = ("variance", "expected error")
_BIAS = ("bias", "expected error")

BIAS_VARIANCE = Exercise(
    id="bias_variance",
    unit="05",
    tier="further",
    title="Bias and variance",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("bias_squared", "variance", "expected_error")),
    cases=_cases,
    criteria=(
        Criterion("bias", 1, ("bias_squared",), _HAND),
        Criterion("variance", 1, ("variance",), _HAND),
        Criterion("expected error", 1, ("expected_error",), _HAND),
    ),
    reference=bias_variance,
    alternatives=(_point_by_point, _from_the_whole_error),
    misconceptions=(
        Misconception(
            "variance_over_points",
            _variance_over_points,
            _VARIANCE,
            "This is the spread of one model's curve along x, averaged over the models. The "
            "question is how much the models differ from one another at the same x. Which axis "
            "counts the models?",
        ),
        Misconception(
            "unbiased_variance",
            _unbiased_variance,
            _VARIANCE,
            "The variance is divided by R − 1. In this course variances are biased unless said: "
            "divided by R. Only then do the parts add up to the error exactly. Can you test that?",
        ),
        Misconception(
            "bias_averaged_before_squaring",
            _bias_averaged_before_squaring,
            _BIAS,
            "The deviations of all points are averaged first and squared afterwards, so being too "
            "high at one x pays for being too low at another. In which order do the square and the "
            "mean over the points have to come?",
        ),
        Misconception(
            "error_taken_for_bias",
            _error_taken_for_bias,
            _BIAS,
            "This is the whole squared error of the models: it holds the variance already, which "
            "is then counted twice. Bias is about the mean of the models. What has to be averaged "
            "before it is compared with the truth?",
        ),
        Misconception(
            "bias_not_squared",
            _bias_not_squared,
            _BIAS,
            "This is the mean size of the bias. Squared errors add up only with its square. Which "
            "power has the text between the triple quotes?",
        ),
        Misconception(
            "noise_left_out",
            _noise_left_out,
            ("expected error",),
            "A new measurement is not the truth, it scatters around it. Even a perfect model is "
            "wrong by that much. Which argument has not been used?",
        ),
        Misconception(
            "spread_for_variance",
            _spread_for_variance,
            _VARIANCE,
            "This is a standard deviation, in the unit of the predictions. The squared error has "
            "that unit squared. Which of the two measures of spread can be added to it?",
        ),
        Misconception(
            "mean_over_everything",
            _mean_over_everything,
            ("bias", "variance", "expected error"),
            "One mean is taken over all models and all points together. Then a curve that rises "
            "counts as variance, though all models may agree on it. Which axis counts the "
            "models, and which the points?",
        ),
        Misconception(
            "noise_squared",
            _noise_squared,
            ("expected error",),
            "The noise is squared once more. `noise_variance` is σ² already, an amount in the "
            "unit of a squared error. What do you get if σ² is 0.5: which number must be added?",
        ),
        Misconception(
            "error_taken_for_variance",
            _error_taken_for_variance,
            _VARIANCE,
            "This is the whole squared error of the models: it holds bias² already, which is "
            "then counted twice. Variance asks how far the models are from their own mean. From "
            "what did you subtract the truth?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the shapes do not fit",
            "`predictions` has a row for each model and a column for each point. The mean model "
            "has one value a point: average over the rows, axis 0. It has the shape of `truth`.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "bias_squared or variance is off",
            "At one point: the mean of the models minus the truth, squared, is bias². The mean of "
            "(model − mean model)² is the variance. Do this at every point, and average over the "
            "points at the very end.",
            ("bias", "variance"),
        ),
        Hint(
            "Only the expected error is off",
            "Three parts add up: what the models get wrong together, how much they differ from one "
            "another, and what no model can know. The third is given.",
            ("expected error",),
        ),
    ),
    solution_note=(
        "At one point let p be a model's prediction, p̄ its mean over the models, f the truth, and\n"
        "y = f + ε a new measurement with noise ε of mean 0. Then\n"
        "    p − y = (p − p̄) + (p̄ − f) − ε\n"
        "Square and average over models and noise. The mixed terms vanish, since p − p̄ and ε have\n"
        "mean 0 and do not depend on each other:\n"
        "    E (p − y)² = variance + bias² + noise\n"
        "The mean over the points keeps the sum. Only the bias² of the mean model can be small\n"
        "while the error is large: then the models disagree, and more data or a penalty helps."
    ),
)

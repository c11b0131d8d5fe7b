"""One fold: build, preprocess, train, judge. What goes to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from nnlib._array import Array, IntArray, as_array, instance_hint
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.model_selection.preprocessing import Preprocessor
from nnlib.optimizers import Optimizer
from nnlib.training import Callback, fit

Build: TypeAlias = Callable[[np.random.Generator], Sequential]
"""A function rng -> model, called anew for each fold."""

Scorer: TypeAlias = Callable[[Any, Any], float]
"""A function (targets, output of the model) -> score."""


@dataclass(frozen=True)
class Recipe:
    """How every fold is trained and judged; nothing in it belongs to one fold."""

    build: Build
    optimizer: Callable[[Sequential], Optimizer]
    loss: Loss
    epochs: int
    batch_size: int
    preprocess: Callable[[], Preprocessor] | None = None
    scoring: Mapping[str, Scorer] | None = None
    callbacks: Callable[[], Sequence[Callback]] | None = None
    fit_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fold:
    """The rows of one fold, and the seed of everything random in it."""

    number: int
    X_train: np.ndarray[Any, Any]
    y_train: np.ndarray[Any, Any]
    X_test: np.ndarray[Any, Any]
    y_test: np.ndarray[Any, Any]
    seed: int


@dataclass
class Outcome:
    """What training one fold gave."""

    model: Sequential
    scores: dict[str, float]
    seconds: float


def take(
    number: int, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any],
    train: IntArray, test: IntArray, seed: int,
) -> Fold:  # fmt: skip
    """Return copies of the rows of one fold: whoever trains it sees no others."""
    return Fold(number, X[train], y[train], X[test], y[test], seed)


def start(recipe: Recipe, fold: Fold) -> tuple[Sequential, np.random.Generator, Array, Array]:
    """Return the model of a fold, its generator, and its inputs as preprocessed."""
    rng = np.random.default_rng(fold.seed)
    model = recipe.build(rng)
    if not isinstance(model, Sequential):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"cross_validate: build(rng) gave {model!r:.60}, expected a Sequential."
            f"{instance_hint(model)}"
        )
        raise DtypeError(message)
    X_train, X_test = prepared(recipe.preprocess, fold)
    dtype = model.dtype
    where = f"cross_validate: fold {fold.number}: X"
    inputs = as_array(X_train, dtype, where), as_array(X_test, dtype, where)
    for rows in inputs:
        if not np.isfinite(rows).all():
            bad = int(np.count_nonzero(~np.isfinite(rows)))
            message = f"{where} holds nan or infinity in {bad} places. Drop or fill those rows."
            raise ArgumentError(message)
    return model, rng, *inputs


def prepared(
    preprocess: Callable[[], Preprocessor] | None, fold: Fold
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the inputs of a fold, transformed by what was fitted on its training rows."""
    if preprocess is None:
        return fold.X_train, fold.X_test
    transformer = preprocess()
    if not (hasattr(transformer, "fit") and hasattr(transformer, "transform")):
        message = (
            f"cross_validate: preprocess() gave {transformer!r:.60}, expected an object with fit "
            "and transform. Give a class or function, such as preprocess=Standardizer."
        )
        raise ArgumentError(message)
    transformer.fit(fold.X_train)
    parts = []
    for rows in (fold.X_train, fold.X_test):
        out = np.asarray(transformer.transform(rows))
        if out.ndim < 2 or len(out) != len(rows):
            message = (
                f"cross_validate: transform turned {rows.shape} into {out.shape}, expected as many "
                "rows."
            )
            raise ShapeError(message)
        parts.append(out)
    return parts[0], parts[1]


def optimizer_for(recipe: Recipe, model: Sequential) -> Optimizer:
    """Return the optimizer of a model, after a look at what the function gave."""
    optimizer = recipe.optimizer(model)
    if not isinstance(optimizer, Optimizer) or optimizer.model is not model:  # type: ignore[redundant-expr]  # functions need not be typed
        message = (
            f"cross_validate: optimizer(model) gave {optimizer!r:.60}, expected an optimizer of "
            "that model, such as lambda model: SGD(model, lr=0.1)."
        )
        raise DtypeError(message)
    return optimizer


def train_one(recipe: Recipe, fold: Fold) -> Outcome:
    """Train and judge one fold with ``fit``."""
    begin = perf_counter()
    model, rng, X_train, X_test = start(recipe, fold)
    optimizer = optimizer_for(recipe, model)
    try:
        fit(
            model, X_train, fold.y_train, loss=recipe.loss, optimizer=optimizer,
            epochs=recipe.epochs, batch_size=recipe.batch_size, rng=rng, progress=False,
            callbacks=() if recipe.callbacks is None else recipe.callbacks(),
            **recipe.fit_options,
        )  # fmt: skip
        scores = judge(recipe, model, X_test, fold.y_test)
    except NonFiniteError as error:
        raise in_fold(error, fold.number) from error
    return Outcome(model, scores, perf_counter() - begin)


def in_fold(error: NonFiniteError, number: int) -> NonFiniteError:
    """Say in which fold training went wrong."""
    named = NonFiniteError(f"cross_validate: fold {number}: {error}")
    named.history = error.history
    return named


def judge(recipe: Recipe, model: Sequential, X: Array, y: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return the scores of a trained model on rows that it has not seen."""
    with np.errstate(over="ignore", invalid="ignore"):  # reported by the loss
        output = model.predict(X)
    if recipe.scoring is not None:
        return {name: float(score(y, output)) for name, score in recipe.scoring.items()}
    scores = {"loss": recipe.loss.forward(output, y)}
    correct = recipe.loss.count_correct()
    if correct is not None:
        scores["accuracy"] = correct / len(X)
    return scores


def check_recipe(recipe: Recipe, where: str) -> None:
    """Refuse what cannot work before anything is trained."""
    check_loss(recipe.loss, where)
    functions: dict[str, object] = {"build": recipe.build, "optimizer": recipe.optimizer}
    functions |= {
        name: value
        for name, value in (("preprocess", recipe.preprocess), ("callbacks", recipe.callbacks))
        if value is not None
    }
    for name, value in functions.items():
        if not callable(value):
            kind = "rng -> model" if name == "build" else "model -> optimizer"
            if name in {"preprocess", "callbacks"}:
                kind = "() -> " + ("preprocessor" if name == "preprocess" else "list of callbacks")
            message = f"{where}: {name} is {value!r:.60}, expected a function {kind}."
            raise DtypeError(message)
    if recipe.scoring is not None:
        given: Mapping[str, object] = recipe.scoring
        bad = [name for name, score in given.items() if not callable(score)]
        if bad or not recipe.scoring:
            message = (
                f"{where}: scoring holds {bad or 'nothing'}, expected functions "
                "(targets, output) -> number by name."
            )
            raise DtypeError(message)

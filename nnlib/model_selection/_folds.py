"""One fold: build, preprocess, train, judge. What goes to a worker, and what comes back."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from nnlib._array import Array, IntArray, as_array, as_whole_numbers, instance_hint
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

    def own(self) -> Recipe:
        """Return a recipe for one task, whose parts with a memory no other task uses."""
        options = {
            name: value if name == "validation_data" else copy.deepcopy(value)
            for name, value in self.fit_options.items()
        }
        return replace(self, loss=copy.deepcopy(self.loss), fit_options=options)


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
class Started:
    """A fold that is ready to be trained."""

    fold: Fold
    model: Sequential
    rng: np.random.Generator
    X: Array
    X_test: Array
    seconds: float


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


TAKEN: WeakKeyDictionary[Sequential, object] = WeakKeyDictionary()
"""The models that a fold of this process was given, as long as they live."""


def start(recipe: Recipe, fold: Fold) -> Started:
    """Return a fold with its model, its generator, and its inputs as preprocessed."""
    begin = perf_counter()
    rng = np.random.default_rng(fold.seed)
    model = recipe.build(rng)
    if not isinstance(model, Sequential):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"cross_validate: build(rng) gave {model!r:.60}, expected a Sequential."
            f"{instance_hint(model)}"
        )
        raise DtypeError(message)
    mine = object()
    if TAKEN.setdefault(model, mine) is not mine:  # one step, so that no thread comes between
        raise ArgumentError(used_before(fold.number))
    X_train, X_rest = prepared(recipe.preprocess, fold)
    where = f"cross_validate: fold {fold.number}: X"
    X: Any
    X_test: Any
    if model.takes_integers:
        X, X_test = as_whole_numbers(X_train, where), as_whole_numbers(X_rest, where)
    else:
        X, X_test = (as_array(rows, model.dtype, where) for rows in (X_train, X_rest))
    for rows in (X, X_test):
        if not np.isfinite(rows).all():
            bad = int(np.count_nonzero(~np.isfinite(rows)))
            message = f"{where} holds nan or infinity in {bad} places. Drop or fill those rows."
            raise ArgumentError(message)
    return Started(fold, model, rng, X, X_test, perf_counter() - begin)


def used_before(number: int) -> str:
    """Say that a fold was given the model of another one."""
    return (
        f"cross_validate: fold {number}: build(rng) gave a model that another fold was given "
        "before, expected a new one. Create it inside build, with weights drawn from rng."
    )


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
    own = recipe.own()
    return train_started(own, start(own, fold))


def train_started(recipe: Recipe, started: Started) -> Outcome:
    """Train and judge a fold that is ready, by a recipe that no other task uses now."""
    begin = perf_counter()
    fold, model = started.fold, started.model
    optimizer = optimizer_for(recipe, model)
    try:
        fit(
            model, started.X, fold.y_train, loss=recipe.loss, optimizer=optimizer,
            epochs=recipe.epochs, batch_size=recipe.batch_size, rng=started.rng, progress=False,
            callbacks=() if recipe.callbacks is None else recipe.callbacks(),
            **recipe.fit_options,
        )  # fmt: skip
        scores = judge(recipe, model, started.X_test, fold.y_test)
    except NonFiniteError as error:
        raise in_fold(error, fold.number) from error
    return Outcome(model, scores, started.seconds + perf_counter() - begin)


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
        bad = int(output.size - np.count_nonzero(np.isfinite(output)))
        if bad:  # labels made of them would be some labels, and look like others
            message = f"{bad} of {output.size} predictions for test rows are nan or infinite."
            raise NonFiniteError(message)
        return {name: as_score(score(y, output), name) for name, score in recipe.scoring.items()}
    scores = {"loss": recipe.loss.forward(output, y)}
    correct = recipe.loss.count_correct()
    if correct is not None:
        scores["accuracy"] = correct / len(X)
    return scores


def as_score(value: object, name: str) -> float:
    """Return what a scorer gave as a float."""
    if np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiub":  # type: ignore[arg-type]  # whatever it gave
        return float(value)  # type: ignore[arg-type]  # a number, as just seen
    what = f"{value!r:.60}"
    if isinstance(value, np.ndarray):
        what = f"an array of shape {value.shape}"
    message = f"cross_validate: the scorer {name!r} gave {what}, expected one number."
    raise DtypeError(message)


SET_HERE = frozenset({
    "model",
    "X",
    "y",
    "loss",
    "optimizer",
    "epochs",
    "batch_size",
    "callbacks",
    "rng",
    "progress",
})
"""Arguments of ``fit`` that each fold is given anyway."""


def check_fit_options(options: object, where: str) -> None:
    """Refuse what ``fit`` does not take, or is given anyway."""
    if not isinstance(options, Mapping):
        message = (
            f"{where}: fit_options is {options!r:.60}, expected a dictionary, such as "
            "{'penalty': L2(1e-3)}."
        )
        raise DtypeError(message)
    allowed = [name for name in inspect.signature(fit).parameters if name not in SET_HERE]
    for name in options:
        if name not in allowed:
            why = "which each fold is given anyway" if name in SET_HERE else "which fit has not"
            message = f"{where}: fit_options holds {name!r}, {why}, expected some of {allowed}."
            raise ArgumentError(message)


def check_recipe(recipe: Recipe, where: str) -> None:
    """Refuse what cannot work before anything is trained."""
    check_loss(recipe.loss, where)
    check_fit_options(recipe.fit_options, where)
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
        given: object = recipe.scoring
        if not isinstance(given, Mapping):
            held = f"is {given!r:.60}"
        else:
            bad = [name for name, score in given.items() if not callable(score)]
            held = f"holds {bad or 'nothing'}" if bad or not given else ""
        if held:
            message = (
                f"{where}: scoring {held}, expected functions (targets, output) -> number by name."
            )
            raise DtypeError(message)

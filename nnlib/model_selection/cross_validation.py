"""Cross-validation: train on some rows, judge on others, several times over."""

from __future__ import annotations

import os
import pickle  # ruff: ignore[suspicious-pickle-import]  only asked whether it can, never read
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import IntArray, Seed, as_generator, check_count
from nnlib._progress import Progress
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.model_selection._folds import (
    Build,
    Fold,
    Outcome,
    Recipe,
    Scorer,
    check_recipe,
    start,
    take,
    train_one,
    train_started,
    used_before,
)
from nnlib.model_selection._stacked import (
    MEMORY_LIMIT_BYTES,
    MOST_AT_ONCE,
    grouped,
    train_stacked,
    why_not_stacked,
)
from nnlib.model_selection.preprocessing import Preprocessor
from nnlib.model_selection.results import CVResult
from nnlib.optimizers import Optimizer
from nnlib.training import Callback

Splits = list[tuple[IntArray, IntArray]]


class Splitter(Protocol):
    """What gives the folds: a splitter of this package, or one of scikit-learn's."""

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterable[tuple[IntArray, IntArray]]:
        """Yield the row numbers (train, test) of each fold."""


def cross_validate(
    build: Build,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Splitter | Iterable[tuple[IntArray, IntArray]],
    loss: Loss,
    optimizer: Callable[[Sequential], Optimizer],
    epochs: int = 1,
    batch_size: int = 32,
    groups: ArrayLike | None = None,
    scoring: Mapping[str, Scorer] | None = None,
    preprocess: Callable[[], Preprocessor] | None = None,
    callbacks: Callable[[], Sequence[Callback]] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
    stacked: bool | str = "auto",
    rng: Seed = None,
    progress: bool = False,
) -> CVResult:
    """Train a new model on each fold, and judge it on the rows that it has not seen.

    Each fold has a seed of its own, drawn from ``rng``: its weights and the order of its rows do
    not depend on how or when the other folds run. So the folds one after the other, in threads, in
    processes or all at once give the same results. All but the last are equal bit for bit; stacked
    folds add the same numbers in another order, which in float64 changes parameters by some 1e-12
    of their size, and in float32 by some 1e-5 after a few hundred steps. Each fold has a copy of
    the loss and of ``fit_options``; the functions given must not share anything that they change.

    Parameters
    ----------
    build : function rng -> Sequential
        Makes the model of a fold, a new one each time; it must draw from ``rng`` only.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets, as the loss wants them.
    cv : splitter or list of (train, test)
        For example ``KFold(5)``.
    loss : Loss
        What training minimizes.
    optimizer : function model -> Optimizer
        For example ``lambda model: SGD(model, lr=0.1)``.
    epochs, batch_size : int
        As in ``fit``.
    groups : ndarray of shape (N,), optional
        For splitters that keep groups together.
    scoring : dict of str to function (targets, output) -> float, optional
        What is measured on the test rows; ``output`` is what the last layer puts out. By default
        the loss, and the accuracy if the loss is about classes.
    preprocess : function () -> object with fit and transform, optional
        Made anew for each fold and fitted on its training rows only, such as ``Standardizer``.
    callbacks : function () -> list of Callback, optional
        Made anew for each fold.
    fit_options : dict, optional
        Further arguments of ``fit``, such as ``{"penalty": L2(1e-3)}``.
    executor : concurrent.futures.Executor, optional
        Where folds run: a thread or process pool, or a Dask client's ``get_executor()``. A process
        pool needs functions that pickle takes: defined at the top of a module.
    stacked : {"auto", True, False}
        Whether folds train at once, as one model with a stack axis: for small models about twice
        as fast. ``"auto"`` does it where models, optimizer and memory allow and no executor is
        given; True raises where they do not. Where training diverges the folds run again, one by
        one, so that the error is the same.
    rng : Generator, int or None
        Seeds the folds. The splitter has its own.
    progress : bool, default False
        Show a bar over the folds, on stdout.

    Returns
    -------
    result : CVResult
        Scores, models and row numbers, in the order of the splitter.

    Raises
    ------
    ShapeError
        If X and y do not fit each other or the model.
    DtypeError
        If an argument is something else than it should be.
    ArgumentError
        If a value is outside what it may be, a split is no split, or folds cannot be stacked or
        sent to a process.
    NonFiniteError
        If training diverged; the message names the first fold that did, and ``history`` holds its
        completed epochs.

    References
    ----------
    Stone (1974), Journal of the Royal Statistical Society B 36, 111-147.

    Examples
    --------
    >>> from nnlib import SGD, CrossEntropy, Linear, datasets
    >>> from nnlib.model_selection import KFold
    >>> moons = datasets.load("two_moons", n=200, noise=0.1, rng=0)
    >>> result = cross_validate(
    ...     lambda rng: Sequential(Linear(2, 2, rng=rng)), moons.X, moons.y,
    ...     cv=KFold(5, shuffle=True, rng=0), loss=CrossEntropy(),
    ...     optimizer=lambda model: SGD(model, lr=0.5), epochs=20, rng=1)
    >>> result.scores["accuracy"].shape, 0.8 < result.mean("accuracy") < 1
    ((5,), True)
    """
    where = "cross_validate"
    recipe = Recipe(
        build, optimizer, loss, check_count(epochs, "epochs", where, minimum=0),
        check_count(batch_size, "batch_size", where), preprocess, scoring, callbacks,
        {} if fit_options is None else fit_options,
    )  # fmt: skip
    inputs, targets = checked_rows(X, y, where)
    check_recipe(recipe, where)
    if stacked not in (True, False, "auto"):
        message = f"{where}: stacked is {stacked!r}, expected True, False or 'auto'."
        raise ArgumentError(message)
    splits = checked_splits(cv, inputs, targets, groups, where)
    seeds = draw_seeds(rng, len(splits), where)
    if executor is not None:
        check_executor(executor, recipe, where)
    bar = Progress(len(splits), "fold", wanted=progress)
    try:
        return run_folds(recipe, inputs, targets, splits, seeds, executor, stacked, bar)
    finally:
        bar.close()


def run_folds(
    recipe: Recipe,
    X: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    splits: Splits,
    seeds: list[int],
    executor: Executor | None = None,
    stacked: bool | str = "auto",
    bar: Progress | None = None,
) -> CVResult:
    """Run checked folds, and put what they give in order."""
    bar = bar or Progress(0, "fold", wanted=False)

    def fold(i: int) -> Fold:
        return take(i, X, y, *splits[i], seeds[i])

    at_once = 1
    fold_bytes = X[:1].nbytes * max(len(train) for train, _ in splits)
    together = stacked is True or (stacked == "auto" and executor is None and len(splits) > 1)
    if together:
        reason = why_not_stacked(recipe, fold(0))
        if executor is not None:
            reason = "an executor runs folds one by one"
        if reason and stacked is True:
            raise ArgumentError(NOT_STACKED.format(reason))
        at_once = min(MOST_AT_ONCE, MEMORY_LIMIT_BYTES // max(fold_bytes, 1))
        together = not reason and (stacked is True or at_once > 1)
    outcomes: list[Outcome] = []
    if together:
        for first in range(0, len(splits), max(at_once, 1)):
            some = [fold(i) for i in range(first, min(first + max(at_once, 1), len(splits)))]
            got, at_the_same_time = _trained_together(recipe, some, forced=stacked is True)
            outcomes += got
            together &= at_the_same_time
            bar.advance(len(some))
    elif executor is None:
        for i in range(len(splits)):
            outcomes.append(train_one(recipe, fold(i)))
            bar.advance()
    else:
        # Each fold that waits holds a copy of its rows: no more of them wait than fit in memory.
        waiting = max(4 * n_workers(executor), MEMORY_LIMIT_BYTES // max(fold_bytes, 1))
        outcomes = gathered(
            lambda i: executor.submit(train_one, recipe, fold(i)), len(splits), waiting, bar
        )
        seen: set[int] = set()
        for i, outcome in enumerate(outcomes):
            if id(outcome.model) in seen:
                raise ArgumentError(used_before(i))
            seen.add(id(outcome.model))
    names = list(outcomes[0].scores)
    return CVResult(
        scores={name: np.array([o.scores[name] for o in outcomes]) for name in names},
        models=[outcome.model for outcome in outcomes],
        splits=splits,
        seconds=np.array([outcome.seconds for outcome in outcomes]),
        stacked=together,
    )


NOT_STACKED = "cross_validate: stacked=True, but {}. Use stacked='auto'."


def _trained_together(
    recipe: Recipe, folds: list[Fold], *, forced: bool
) -> tuple[list[Outcome], bool]:
    """Train folds at once, or one by one where they differ; and say whether at once."""
    own = recipe.own()
    started = [start(own, fold) for fold in folds]
    groups, reason = grouped(own, started)
    if reason and forced:
        raise ArgumentError(NOT_STACKED.format(reason))
    if reason:
        return [train_started(own, each) for each in started], False
    try:
        return train_stacked(own, groups), True
    except NonFiniteError:  # one by one, the first fold that diverges is named, with its history
        return [train_one(recipe, fold) for fold in folds], False


def n_workers(executor: Executor) -> int:
    """Return how many tasks an executor runs at once, or a guess."""
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1


def gathered(
    submit: Callable[[int], Future[Any]], n: int, waiting: int, bar: Progress
) -> list[Any]:
    """Return all results in order, with so many waiting; if one fails, start no further ones."""
    futures: list[Future[Any]] = []
    results = []
    try:
        for i in range(n):
            while len(futures) < min(n, i + waiting):
                futures.append(submit(len(futures)))
            results.append(futures[i].result())
            bar.advance()
    finally:
        for future in futures:
            future.cancel()
    return results


def checked_rows(
    X: ArrayLike, y: ArrayLike, where: str
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return inputs and targets as arrays with the same number of rows."""
    try:
        inputs, targets = np.asarray(X), np.asarray(y)
    except ValueError as error:
        message = (
            f"{where}: the rows of X or y differ in length, expected arrays. Pad or drop rows."
        )
        raise ShapeError(message) from error
    if inputs.ndim < 2 or targets.ndim == 0 or len(inputs) != len(targets) or not len(inputs):
        message = (
            f"{where}: X has shape {inputs.shape} and y has shape {targets.shape}, expected "
            "(N, ...) and one target for each of the N ≥ 1 rows."
        )
        raise ShapeError(message)
    return inputs, targets


def checked_splits(
    cv: object, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any], groups: ArrayLike | None,
    where: str,
) -> Splits:  # fmt: skip
    """Return the folds of a splitter, after checking that no test row is trained on."""
    if groups is not None and np.shape(groups) != (len(X),):
        message = (
            f"{where}: groups has shape {np.shape(groups)}, expected ({len(X)},), one for each row."
        )
        raise ShapeError(message)
    if hasattr(cv, "split") and not isinstance(cv, type):
        pairs = cv.split(X, y, groups)
    elif isinstance(cv, Iterable) and not isinstance(cv, str | bytes | Mapping):
        pairs = cv
    else:
        message = (
            f"{where}: cv is {cv!r:.60}, expected a splitter such as KFold(5), or pairs of row "
            "numbers (train, test)."
        )
        raise DtypeError(message)
    n, splits = len(X), []
    for i, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            message = f"{where}: fold {i} of cv is {pair!r:.60}, expected a pair (train, test)."
            raise DtypeError(message)
        train, test = (_row_numbers(part, n, f"{where}: fold {i} of cv") for part in pair)
        trained = np.zeros(n, bool)
        trained[train] = True
        shared = test[trained[test]]
        if shared.size:
            message = (
                f"{where}: fold {i} of cv trains on {np.unique(shared).size} of its test rows, "
                f"such as row {shared.min()}, expected none."
            )
            raise ArgumentError(message)
        splits.append((train, test))
    if not splits:
        message = f"{where}: cv gives no folds, expected at least one."
        raise ArgumentError(message)
    return splits


def _row_numbers(part: ArrayLike, n: int, where: str) -> IntArray:
    rows = np.asarray(part)
    if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
        message = f"{where} holds {part!r:.60}, expected row numbers, at least one."
        raise DtypeError(message)
    if rows.min() < 0 or rows.max() >= n:
        message = f"{where} names rows {rows.min()} to {rows.max()}, expected 0 to {n - 1}."
        raise ArgumentError(message)
    return rows.astype(np.intp, copy=False)


def draw_seeds(rng: Seed, n: int, where: str) -> list[int]:
    """Return one seed a fold, so that no fold depends on another."""
    return [int(seed) for seed in as_generator(rng, where).integers(2**63, size=n)]


def check_executor(executor: object, task: object, where: str) -> None:
    """Refuse what is no executor, and for a process pool what cannot be sent to it."""
    if not callable(getattr(executor, "submit", None)) or isinstance(executor, type):
        message = (
            f"{where}: executor is {executor!r:.60}, expected a concurrent.futures executor, such "
            "as ThreadPoolExecutor(2)."
        )
        raise DtypeError(message)
    if not isinstance(executor, ProcessPoolExecutor):
        return
    parts = vars(task) if hasattr(task, "__dict__") else {"the task": task}
    for name, part in parts.items():
        try:
            pickle.dumps(part)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            message = (
                f"{where}: {name} is {part!r:.80}, which cannot be sent to another process "
                f"({error}). Define it with def at the top of a module, or use threads."
            )
            raise ArgumentError(message) from error

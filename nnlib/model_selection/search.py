"""Search: cross-validate many settings, and choose one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import IntArray, Seed, as_generator, check_count
from nnlib._progress import Progress
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError
from nnlib.model_selection._folds import Recipe, check_recipe
from nnlib.model_selection.cross_validation import (
    Splits,
    Splitter,
    check_executor,
    checked_rows,
    checked_splits,
    draw_seeds,
    gathered,
    run_folds,
)
from nnlib.model_selection.results import CVResult
from nnlib.model_selection.search_result import Candidate, SearchResult, deciding

Trial: TypeAlias = Callable[..., Mapping[str, Any]]
"""A function of the parameters searched, giving arguments of ``cross_validate`` by name."""

SETTINGS = (
    "build", "optimizer", "loss", "epochs", "batch_size", "preprocess", "scoring", "callbacks",
    "fit_options",
)  # fmt: skip
"""What a trial may set; the rest is the same for all candidates."""


def grid_search(
    trial: Trial,
    grid: Mapping[str, Iterable[Any]],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Splitter | Iterable[tuple[IntArray, IntArray]],
    score: str | None = None,
    mode: str | None = None,
    groups: ArrayLike | None = None,
    executor: Executor | None = None,
    rng: Seed = None,
    progress: bool = False,
    **common: Any,
) -> SearchResult:
    """Cross-validate every combination of the values given.

    All candidates see the same folds and the same seeds, so that they differ in nothing but their
    settings; where and in which order they run changes nothing. A candidate whose training
    diverges, or whose score is not finite, counts as the worst.

    Parameters
    ----------
    trial : function (**params) -> dict
        What ``cross_validate`` is to be called with for these parameters: ``build``, ``optimizer``,
        ``epochs`` and so on.
    grid : dict of str to list
        Values of each parameter; the last one varies fastest.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets.
    cv : splitter or list of (train, test)
        Cut once, for all candidates.
    score : str, optional
        The score that decides; by default the accuracy if there is one, else the first.
    mode : {"max", "min"}, optional
        Whether more is better; by default ``"min"`` for ``"loss"`` and ``"max"`` for
        ``"accuracy"``. A score of your own is taken by its name, such as ``"mse"`` or ``"f1"``;
        where that tells nothing, the mode must be given.
    groups : ndarray of shape (N,), optional
        For splitters that keep groups together.
    executor : concurrent.futures.Executor, optional
        Where candidates run; each with its folds at once, where they stack.
    rng : Generator, int or None
        Seeds the folds.
    progress : bool, default False
        Show a bar over candidates, on stdout.
    **common
        What a trial may set, too, for all candidates: ``build``, ``optimizer``, ``loss``,
        ``epochs``, ``batch_size``, ``preprocess``, ``scoring``, ``callbacks``, ``fit_options``.
        Where a trial sets it, that counts.

    Returns
    -------
    result : SearchResult
        All candidates, and ``best``.

    Raises
    ------
    DtypeError
        If an argument is something else than it should be.
    ArgumentError
        If a value is outside what it may be.
    NonFiniteError
        If training diverged for every candidate.

    Examples
    --------
    >>> from nnlib import SGD, CrossEntropy, Linear, Sequential, datasets
    >>> from nnlib.model_selection import KFold
    >>> moons = datasets.load("two_moons", n=100, noise=0.1, rng=0)
    >>> def trial(lr):
    ...     return {"optimizer": lambda model: SGD(model, lr=lr)}
    >>> result = grid_search(
    ...     trial, {"lr": [0.0001, 0.5]}, moons.X, moons.y, cv=KFold(4, shuffle=True, rng=0),
    ...     build=lambda rng: Sequential(Linear(2, 2, rng=rng)), loss=CrossEntropy(), epochs=20,
    ...     score="loss", rng=1)
    >>> result.best.params
    {'lr': 0.5}
    """
    return _search(
        "grid_search", trial, grid_points(grid), X, y, cv=cv, score=score, mode=mode,
        groups=groups, executor=executor, rng=rng, progress=progress, common=common,
    )  # fmt: skip


def random_search(
    trial: Trial,
    distributions: Mapping[str, Callable[[np.random.Generator], Any]],
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_candidates: int,
    cv: Splitter | Iterable[tuple[IntArray, IntArray]],
    score: str | None = None,
    mode: str | None = None,
    groups: ArrayLike | None = None,
    executor: Executor | None = None,
    rng: Seed = None,
    progress: bool = False,
    **common: Any,
) -> SearchResult:
    """Cross-validate settings drawn at random.

    Where few of the parameters matter, that finds good values of those sooner than a grid of as
    many points, which tries each value again and again.

    Parameters
    ----------
    trial : function (**params) -> dict
        As in ``grid_search``.
    distributions : dict of str to function rng -> value
        Such as ``{"lr": lambda rng: 10 ** rng.uniform(-4, 0)}``.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets.
    n_candidates : int
        How many are drawn.
    cv, score, mode, groups, executor, progress
        As in ``grid_search``.
    rng : Generator, int or None
        Draws the settings, then seeds the folds.
    **common
        As in ``grid_search``.

    Returns
    -------
    result : SearchResult
        All candidates, and ``best``.

    Raises
    ------
    DtypeError
        If an argument is something else than it should be.
    ArgumentError
        If a value is outside what it may be.
    NonFiniteError
        If training diverged for every candidate.

    References
    ----------
    Bergstra & Bengio (2012), Journal of Machine Learning Research 13, 281-305.

    Examples
    --------
    >>> from nnlib import SGD, CrossEntropy, Linear, Sequential, datasets
    >>> from nnlib.model_selection import KFold
    >>> moons = datasets.load("two_moons", n=100, noise=0.1, rng=0)
    >>> result = random_search(
    ...     lambda lr: {"optimizer": lambda model: SGD(model, lr=lr)},
    ...     {"lr": lambda rng: 10 ** rng.uniform(-3, 0)}, moons.X, moons.y, n_candidates=3,
    ...     cv=KFold(4, shuffle=True, rng=0), loss=CrossEntropy(), epochs=5, rng=1,
    ...     build=lambda rng: Sequential(Linear(2, 2, rng=rng)))
    >>> len(result), 0.001 < result.best.params["lr"] < 1
    (3, True)
    """
    generator = as_generator(rng, "random_search")
    points = random_points(distributions, n_candidates, generator)
    return _search(
        "random_search", trial, points, X, y, cv=cv, score=score, mode=mode,
        groups=groups, executor=executor, rng=generator, progress=progress, common=common,
    )  # fmt: skip


def grid_points(grid: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """Return every combination of values, the last parameter varying fastest."""
    if not isinstance(grid, Mapping):
        message = f"grid_search: grid is {grid!r:.60}, expected a dictionary of lists."  # type: ignore[unreachable]  # callers need not be typed
        raise DtypeError(message)
    values: list[list[Any]] = []
    for name, choices in grid.items():
        if isinstance(choices, str) or not np.iterable(choices):
            message = f"grid_search: {name} is {choices!r:.60}, expected a list of values."
            raise DtypeError(message)
        values.append(list(choices))
        if not values[-1]:
            message = f"grid_search: {name} has no values, expected at least one."
            raise ArgumentError(message)
    return [dict(zip(grid, point, strict=True)) for point in product(*values)]


def random_points(
    distributions: Mapping[str, Callable[[np.random.Generator], Any]],
    n_candidates: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Draw settings one after the other."""
    check_count(n_candidates, "n_candidates", "random_search")
    if not isinstance(distributions, Mapping) or not all(map(callable, distributions.values())):  # type: ignore[redundant-expr]  # callers need not be typed
        message = (
            f"random_search: distributions are {distributions!r:.60}, expected functions "
            "rng -> value by name."
        )
        raise DtypeError(message)
    return [{name: draw(rng) for name, draw in distributions.items()} for _ in range(n_candidates)]


def _search(
    where: str,
    trial: Trial,
    points: list[dict[str, Any]],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Splitter | Iterable[tuple[IntArray, IntArray]],
    score: str | None,
    mode: str | None,
    groups: ArrayLike | None,
    executor: Executor | None,
    rng: Seed,
    progress: bool,
    common: Mapping[str, Any],
) -> SearchResult:
    """Cross-validate every point on the same folds."""
    if mode not in (None, "max", "min"):
        message = f"{where}: mode is {mode!r}, expected 'max', 'min' or None."
        raise ArgumentError(message)
    inputs, targets = checked_rows(X, y, where)
    recipes = [recipe_of(trial, params, common, where) for params in points]
    if len({None if recipe.scoring is None else tuple(recipe.scoring) for recipe in recipes}) > 1:
        message = f"{where}: candidates have scores of different names, expected the same for all."
        raise ArgumentError(message)
    if recipes[0].scoring is not None:
        score, mode = deciding(list(recipes[0].scoring), score, mode, where)
    splits = checked_splits(cv, inputs, targets, groups, where)
    seeds = draw_seeds(rng, len(splits), where)
    bar = Progress(len(points), "candidate", wanted=progress)
    try:
        if executor is None:
            outcomes = []
            for recipe in recipes:
                outcomes.append(run_candidate(recipe, inputs, targets, splits, seeds))
                bar.advance()
        else:
            check_executor(executor, recipes[0], where)
            outcomes = gathered(
                lambda i: executor.submit(
                    run_candidate, recipes[i], inputs, targets, splits, seeds
                ),
                len(recipes), len(recipes), bar,
            )  # fmt: skip
    finally:
        bar.close()
    candidates = [
        Candidate(params, result, failure)
        for params, (result, failure) in zip(points, outcomes, strict=True)
    ]
    return _chosen(candidates, score, mode, where)


def _chosen(
    candidates: list[Candidate], score: str | None, mode: str | None, where: str
) -> SearchResult:
    """Return the result after finding the score that decides."""
    done = [candidate.result for candidate in candidates if candidate.result is not None]
    if not done:
        message = f"{where}: training diverged for every candidate. {candidates[0].failure}"
        raise NonFiniteError(message)
    score, mode = deciding(list(done[0].scores), score, mode, where)
    if not any(math.isfinite(result.mean(score)) for result in done):
        message = f"{where}: {score!r} is nan or infinite for every candidate. Take smaller steps."
        raise NonFiniteError(message)
    return SearchResult(candidates, score, mode)


def check_names(trial: Trial, params: Mapping[str, Any], where: str) -> None:
    """Refuse a trial that cannot be called with the parameters searched."""
    try:
        signature = inspect.signature(trial)
    except ValueError:  # a compiled function may not tell
        return
    try:
        signature.bind(**params)
    except TypeError as error:
        message = (
            f"{where}: trial takes {signature}, but the parameters searched are {sorted(params)}, "
            f"expected the same names ({error})."
        )
        raise ArgumentError(message) from error


def check_common(common: Mapping[str, Any], where: str) -> None:
    """Refuse what no candidate may be given."""
    unknown = sorted(common.keys() - set(SETTINGS))
    if unknown:
        message = f"{where}: unknown arguments {unknown}, expected some of {SETTINGS}."
        raise ArgumentError(message)


def recipe_of(
    trial: Trial, params: Mapping[str, Any], common: Mapping[str, Any], where: str
) -> Recipe:
    """Return how a candidate is trained, after checking what its trial gave."""
    if callable(trial):
        check_names(trial, params, where)
    own: object = trial(**params) if callable(trial) else trial  # type: ignore[redundant-expr]  # callers need not be typed
    if not isinstance(own, Mapping):
        message = (
            f"{where}: trial gave {own!r:.60}, expected a dictionary of arguments for "
            "cross_validate, such as {'optimizer': ...}."
        )
        raise DtypeError(message)
    settings = {**common, **own}
    unknown, missing = (
        sorted(settings.keys() - set(SETTINGS)),
        sorted({"build", "optimizer", "loss"} - settings.keys()),
    )
    if unknown or missing:
        message = (
            f"{where}: unknown arguments {unknown}, missing {missing}. A trial may set {SETTINGS}."
        )
        raise ArgumentError(message)
    recipe = Recipe(**({"epochs": 1, "batch_size": 32} | settings))
    check_count(recipe.epochs, "epochs", where, minimum=0)
    check_count(recipe.batch_size, "batch_size", where)
    check_recipe(recipe, where)
    return recipe


def run_candidate(
    recipe: Recipe,
    X: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    splits: Splits,
    seeds: Sequence[int],
) -> tuple[CVResult | None, str]:
    """Cross-validate one candidate; what diverges is reported, not raised."""
    try:
        return run_folds(recipe, X, y, splits, list(seeds)), ""
    except NonFiniteError as error:
        return None, str(error)

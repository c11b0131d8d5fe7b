"""Nested cross-validation: judge the whole procedure, choosing included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, Seed, as_generator
from nnlib._progress import Progress
from nnlib.metrics._labels import as_rows
from nnlib.model_selection.cross_validation import (
    Splitter,
    checked_rows,
    checked_splits,
    draw_seeds,
    run_folds,
)
from nnlib.model_selection.results import CVResult
from nnlib.model_selection.search import (
    Trial,
    check_common,
    grid_search,
    random_search,
    recipe_of,
)
from nnlib.model_selection.search_result import SearchResult


@dataclass
class NestedResult:
    """What nested cross-validation found.

    Attributes
    ----------
    outer : CVResult
        Scores of the chosen settings on the outer test rows: the honest ones.
    searches : list of SearchResult
        The inner search of each outer fold.
    chosen : list of dict
        The parameters chosen in each outer fold. If they differ much, choosing is unstable.
    """

    outer: CVResult
    searches: list[SearchResult]
    chosen: list[dict[str, Any]]

    def optimism(self) -> float:
        """Return how much better the best inner score looks than the honest one, on average.

        Returns
        -------
        optimism : float
            In the unit of the score; positive if the inner scores flatter, whatever its mode.
        """
        first = self.searches[0]
        inner = float(np.mean([search.mean(search.best_index) for search in self.searches]))
        sign = 1.0 if first.mode == "max" else -1.0
        return sign * (inner - self.outer.mean(first.score))

    def table(self) -> list[dict[str, Any]]:
        """Return one row an outer fold: sizes, scores, and the parameters chosen.

        Returns
        -------
        rows : list of dict
            Ready for ``pandas.DataFrame``, or for printing.
        """
        return [row | params for row, params in zip(self.outer.table(), self.chosen, strict=True)]

    def __repr__(self) -> str:
        return f"NestedResult({self.outer!r})"


def nested_cross_validate(
    trial: Trial,
    space: Mapping[str, Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    outer: Splitter | Iterable[tuple[IntArray, IntArray]],
    inner: Splitter,
    n_candidates: int | None = None,
    complexity: Callable[[dict[str, Any]], Any] | None = None,
    score: str | None = None,
    mode: str | None = None,
    groups: ArrayLike | None = None,
    executor: Executor | None = None,
    rng: Seed = None,
    progress: bool = False,
    **common: Any,
) -> NestedResult:
    """Search anew on the training rows of every outer fold, and judge the choice on its test rows.

    The best score of a search is the best of many, so part of it is luck. Here the rows that judge
    have chosen nothing: the inner loop is given copies of the outer training rows, and no others.

    Parameters
    ----------
    trial : function (**params) -> dict
        As in ``grid_search``.
    space : dict of str to list, or to function rng -> value
        A grid; or distributions, if ``n_candidates`` is given.
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N,) or (N, ...)
        Targets.
    outer : splitter or list of (train, test)
        Gives the rows that judge.
    inner : splitter
        Cuts the outer training rows.
    n_candidates : int, optional
        Draw so many settings at random instead of trying all.
    complexity : function params -> number, optional
        Choose by the one-standard-error rule, the simplest by this order; by default the best.
    score, mode, executor
        As in ``grid_search``.
    groups : ndarray of shape (N,), optional
        For splitters that keep groups together, in both loops.
    rng : Generator, int or None
        Seeds everything.
    progress : bool, default False
        Show a bar over the outer folds, on stdout.
    **common
        As in ``grid_search``.

    Returns
    -------
    result : NestedResult
        Honest scores, inner searches, and what was chosen.

    Raises
    ------
    DtypeError
        If an argument is something else than it should be.
    ArgumentError
        If a value is outside what it may be.
    NonFiniteError
        If training diverged for every candidate, or for the chosen one on the outer rows.

    References
    ----------
    Cawley & Talbot (2010), Journal of Machine Learning Research 11, 2079-2107.

    Examples
    --------
    >>> from nnlib import SGD, CrossEntropy, Linear, Sequential, datasets
    >>> from nnlib.model_selection import KFold
    >>> moons = datasets.load("two_moons", n=120, noise=0.1, rng=0)
    >>> result = nested_cross_validate(
    ...     lambda lr: {"optimizer": lambda model: SGD(model, lr=lr)}, {"lr": [0.0001, 0.5]},
    ...     moons.X, moons.y, outer=KFold(3, shuffle=True, rng=0),
    ...     inner=KFold(2, shuffle=True, rng=0), score="loss", loss=CrossEntropy(), epochs=20,
    ...     build=lambda rng: Sequential(Linear(2, 2, rng=rng)), rng=1)
    >>> result.chosen
    [{'lr': 0.5}, {'lr': 0.5}, {'lr': 0.5}]
    """
    where = "nested_cross_validate"
    generator = as_generator(rng, where)
    inputs, targets = checked_rows(X, y, where)
    check_common(common, where)
    parts = None if groups is None else as_rows(groups, "groups", where)
    splits = checked_splits(outer, inputs, targets, parts, where)
    seeds = draw_seeds(generator, 2 * len(splits), where)
    bar = Progress(len(splits), "outer fold", wanted=progress)
    searches, chosen, judged = [], [], []
    try:
        for fold, (train, test) in enumerate(splits):
            options: dict[str, Any] = {
                "cv": inner, "score": score, "mode": mode, "executor": executor,
                "groups": None if parts is None else parts[train],
                "rng": seeds[2 * fold], **common,
            }  # fmt: skip
            rows = inputs[train], targets[train]
            if n_candidates is None:
                search = grid_search(trial, space, *rows, **options)
            else:
                options["n_candidates"] = n_candidates
                search = random_search(trial, space, *rows, **options)
            candidate = search.best if complexity is None else search.one_standard_error(complexity)
            recipe = recipe_of(trial, candidate.params, common, where)
            seed = [seeds[2 * fold + 1]]
            judged.append(run_folds(recipe, inputs, targets, [(train, test)], seed))
            searches.append(search)
            chosen.append(candidate.params)
            bar.advance()
    finally:
        bar.close()
    return NestedResult(_joined(judged), searches, chosen)


def _joined(parts: list[CVResult]) -> CVResult:
    """Put results of one fold each together."""
    scores: dict[str, Array] = {
        name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores
    }
    return CVResult(
        scores=scores,
        models=[part.models[0] for part in parts],
        splits=[part.splits[0] for part in parts],
        seconds=np.concatenate([part.seconds for part in parts]),
    )

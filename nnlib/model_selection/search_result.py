"""What a search gives back: its candidates, the best, and the simplest that is nearly as good."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.model_selection.results import CVResult

LESS_IS_BETTER = frozenset({
    "loss",
    "error",
    "mse",
    "rmse",
    "mae",
    "mape",
    "nll",
    "brier",
    "ece",
    "perplexity",
    "deviance",
})
"""Words in the name of a score of which less is better."""

MORE_IS_BETTER = frozenset({
    "accuracy",
    "precision",
    "recall",
    "f1",
    "auc",
    "r2",
    "likelihood",
    "correlation",
    "iou",
})
"""Words in the name of a score of which more is better."""


def deciding(names: list[str], score: str | None, mode: str | None, where: str) -> tuple[str, str]:
    """Return the score that decides and its mode, from what was asked and the names there are."""
    if score is None:
        score = "accuracy" if "accuracy" in names else names[0]
    elif score not in names:
        message = f"{where}: score is {score!r}, expected one of {names}."
        raise ArgumentError(message)
    if mode is not None:
        return score, mode
    words = set(re.findall(r"[a-z]+\d*", score.lower()))
    less, more = bool(words & LESS_IS_BETTER), bool(words & MORE_IS_BETTER)
    if less == more or words & {"neg", "negative", "minus"}:
        message = (
            f"{where}: mode is missing, and the name {score!r} does not tell whether more is "
            "better. Give mode='max' or mode='min'."
        )
        raise ArgumentError(message)
    return score, "min" if less else "max"


@dataclass
class Candidate:
    """One setting and how it did.

    Attributes
    ----------
    params : dict
        The parameters given to the trial.
    result : CVResult or None
        Its cross-validation; None if training diverged.
    failure : str
        What the error said, if training diverged.
    """

    params: dict[str, Any]
    result: CVResult | None
    failure: str = ""


@dataclass
class SearchResult:
    """All candidates of a search, in the order in which they were proposed.

    Attributes
    ----------
    candidates : list of Candidate
        Each with its cross-validation, on the same folds and from the same seeds.
    score : str
        The score that decides.
    mode : {"max", "min"}
        Whether more of it is better.
    """

    candidates: list[Candidate]
    score: str
    mode: str

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.candidates)

    def mean(self, i: int) -> float:
        """Return the mean score of a candidate.

        Parameters
        ----------
        i : int
            Which candidate.

        Returns
        -------
        mean : float
            nan if its training diverged.
        """
        result = self.candidates[i].result
        return float("nan") if result is None else result.mean(self.score)

    @property
    def best_index(self) -> int:
        """The candidate with the best mean score; of equals the first.

        A mean that is nan or infinite is never the best.

        Raises
        ------
        NonFiniteError
            If none is finite.
        """
        sign = 1.0 if self.mode == "max" else -1.0
        means = {i: sign * self.mean(i) for i in range(len(self)) if math.isfinite(self.mean(i))}
        if not means:
            message = f"SearchResult: {self.score!r} is nan or infinite for every candidate."
            raise NonFiniteError(message)
        return max(means, key=lambda i: means[i])

    @property
    def best(self) -> Candidate:
        """The candidate with the best mean score.

        Its score is the best of many, so it flatters: ``nested_cross_validate`` is the fair judge.
        """
        return self.candidates[self.best_index]

    def one_standard_error(self, complexity: Callable[[dict[str, Any]], Any]) -> Candidate:
        """Return the simplest candidate whose mean is within one standard error of the best.

        The differences within that range are chance as likely as not, so the simpler model is
        taken.

        Parameters
        ----------
        complexity : function params -> number
            What to order by; less is simpler. For a penalty that is its negative strength.

        Returns
        -------
        candidate : Candidate
            The simplest; of equally simple ones that with the best score.

        References
        ----------
        Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, 3.4.3.
        """
        result = self.best.result
        assert result is not None  # ruff: ignore[assert]  narrows the type: its mean is finite
        error = result.standard_error(self.score)
        error = 0.0 if math.isnan(error) else error  # a single fold tells nothing about chance
        best = self.mean(self.best_index)
        near = [
            i
            for i in range(len(self))
            if abs(self.mean(i) - best) <= error  # nan is never near
        ]
        sign = -1.0 if self.mode == "max" else 1.0
        chosen = min(
            near, key=lambda i: (complexity(self.candidates[i].params), sign * self.mean(i))
        )
        return self.candidates[chosen]

    def table(self) -> list[dict[str, Any]]:
        """Return one row a candidate: its parameters, mean, standard error and seconds.

        Returns
        -------
        rows : list of dict
            Ready for ``pandas.DataFrame``, or for printing.
        """
        rows = []
        for i, candidate in enumerate(self.candidates):
            result = candidate.result
            nan = float("nan")
            rows.append(
                candidate.params
                | {
                    self.score: self.mean(i),
                    "standard_error": nan if result is None else result.standard_error(self.score),
                    "seconds": nan if result is None else float(result.seconds.sum()),
                }
            )
        return rows

    def __repr__(self) -> str:
        if not any(math.isfinite(self.mean(i)) for i in range(len(self))):
            return f"SearchResult({len(self)} candidates, none with a finite {self.score})"
        return (
            f"SearchResult({len(self)} candidates, best {self.score} "
            f"{self.mean(self.best_index):.4g} with {self.best.params})"
        )

"""Sample the runs of a text of tokens: winnowing.

A run is a number of neighboring tokens, in which own names are numbered in the order of their first
use, so that it stays the same when names are changed or statements elsewhere move. Of every few
neighboring runs, the one with the smallest hash is kept. So any stretch of `RUN` + `WINDOW` - 1
tokens that two texts share leaves at least one fingerprint in both.
Schleimer, Wilkerson and Aiken (2003), Winnowing, SIGMOD. That a name is written as the distance to
where it last stood is from Baker (1993), A theory of parameterized pattern matching, STOC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grading.similarity._tokens import Token

__all__ = ["fingerprints", "known_runs", "runs"]

RUN = 9
"""Tokens in a run. Shorter ones are in every program."""

WINDOW = 4
"""Neighboring runs of which one is kept."""

Hashes = NDArray[np.uint64]

_NOTHING = np.zeros(0, dtype=np.uint64)
_TAKEN_OUT = np.uint64(2**64 - 1)
_FACTORS = np.random.default_rng(1993).integers(2**63, size=RUN, dtype=np.uint64) | np.uint64(1)


def runs(tokens: Sequence[Token] | None) -> Hashes:
    """Hash every run.

    Parameters
    ----------
    tokens : sequence of Token or None
        A normalized tree; None for code that could not be parsed.

    Returns
    -------
    ndarray of uint64
        One hash for each place at which a run begins; the same in every run of the program.
    """
    if tokens is None or len(tokens) < RUN:
        return _NOTHING
    labels = np.array([token.label for token in tokens], dtype=np.uint64)
    back = np.array(_distances(tokens), dtype=np.uint64)
    codes = sliding_window_view(labels, RUN)
    # Within a run, a name is 1 where it stands first, else 1 + the way back to where it stood.
    steps = sliding_window_view(back, RUN)
    inside = steps <= np.arange(RUN, dtype=np.uint64)
    names = np.where(inside, steps, 0) + np.uint64(1)
    mixed = np.where(codes == 0, names, codes) * _FACTORS
    hashes: Hashes = mixed.sum(axis=1, dtype=np.uint64)
    return np.minimum(hashes ^ (hashes >> np.uint64(29)), _TAKEN_OUT - np.uint64(1))


def known_runs(tokenized: Iterable[Sequence[Token] | None]) -> Hashes:
    """Hash all runs of code that everybody may have.

    Parameters
    ----------
    tokenized : iterable of sequence of Token
        Normalized trees.

    Returns
    -------
    ndarray of uint64
        Sorted, each once.
    """
    return np.unique(np.concatenate([_NOTHING, *map(runs, tokenized)]))


def fingerprints(
    tokens: Sequence[Token] | None, known: Hashes = _NOTHING
) -> dict[int, tuple[int, ...]]:
    """Keep a fair sample of the runs that are not known.

    Parameters
    ----------
    tokens : sequence of Token or None
        A normalized tree; None for code that could not be parsed.
    known : ndarray of uint64, optional
        Hashes that do not count.

    Returns
    -------
    dict of int to tuple of int
        Places at which a run begins, by its hash.
    """
    hashes = runs(tokens)
    hashes = np.where(np.isin(hashes, known), _TAKEN_OUT, hashes)
    padded = np.append(hashes, np.full(max(0, WINDOW - len(hashes)), _TAKEN_OUT))
    windows = sliding_window_view(padded, WINDOW)
    last_least = WINDOW - 1 - windows[:, ::-1].argmin(axis=1)
    places = np.unique(np.arange(len(windows)) + last_least)
    kept: dict[int, tuple[int, ...]] = {}
    for place in places.tolist():
        if padded[place] != _TAKEN_OUT:
            hash_ = int(padded[place])
            kept[hash_] = (*kept.get(hash_, ()), place)
    return kept


def _distances(tokens: Sequence[Token]) -> list[int]:
    """Count the tokens back to where the same name stood; more than a run where it is new."""
    last: dict[str, int] = {}
    distances = []
    for i, token in enumerate(tokens):
        distances.append(i - last.get(token.name, -len(tokens) - RUN) if token.name else 0)
        if token.name:
            last[token.name] = i
    return distances

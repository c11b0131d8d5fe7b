"""Kinds of cases that every set must have, one after the other."""

from __future__ import annotations

import numpy as np


def turn(rng: np.random.Generator, n_kinds: int) -> int:
    """Return 1, 2, ..., n_kinds - 1, 0, 1, ... in successive calls with one generator.

    The generator counts its calls to ``spawn``, which change none of the numbers it draws.

    Parameters
    ----------
    rng : numpy.random.Generator
        The generator of a set of cases.
    n_kinds : int
        How many kinds take turns.

    Returns
    -------
    int
        Index of the kind, from 0 to ``n_kinds - 1``.

    Raises
    ------
    TypeError
        If the generator does not count what it spawns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [turn(rng, 3) for _ in range(5)]
    [1, 2, 0, 1, 2]
    """
    rng.spawn(1)
    seeds = rng.bit_generator.seed_seq
    if not isinstance(seeds, np.random.SeedSequence):
        message = "the generator must come from np.random.default_rng, which counts what it spawns"
        raise TypeError(message)
    return seeds.n_children_spawned % n_kinds

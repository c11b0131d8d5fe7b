"""Find pairs of answers to one exercise that share what is peculiar."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from grading.similarity._fingerprints import RUN, fingerprints, known_runs
from grading.similarity._tokens import Token, tokens_of

__all__ = ["ExerciseMatches", "Match", "Source", "compare_exercise"]

ENOUGH = 8
"""Peculiar fingerprints that an answer needs to be compared at all."""

SHARE_OF_CLASS = 0.10
"""What more than this share of the class has is not peculiar."""

FEW = 4
"""What up to so many learners share stays peculiar in a small class, too."""

CONTAINED = 0.6
"""Pairs are listed if at least this share of the smaller answer's fingerprints is in the other."""


@dataclass(frozen=True)
class Source:
    """One answer: whose it is, and the code."""

    owner: str
    text: str


@dataclass(frozen=True)
class Match:
    """Two answers that resemble each other.

    Attributes
    ----------
    exercise : str
        Id of the exercise.
    left, right : Source
        The answers, owners in alphabetical order.
    shared : int
        Peculiar fingerprints that both have.
    contained : float
        The share of the smaller one's peculiar fingerprints that the other has, from 0 to 1.
    left_lines, right_lines : frozenset of int
        Lines, from 1, that shared runs touch.
    """

    exercise: str
    left: Source
    right: Source
    shared: int
    contained: float
    left_lines: frozenset[int]
    right_lines: frozenset[int]


@dataclass(frozen=True)
class ExerciseMatches:
    """What was found in one exercise.

    Attributes
    ----------
    exercise : str
        Its id.
    n_answers : int
        Answers that were looked at.
    n_unreadable : int
        Answers that are no Python, or too large.
    n_too_little : int
        Answers in which too little is peculiar to compare them.
    matches : tuple of Match
        The most shared first.
    """

    exercise: str
    n_answers: int
    n_unreadable: int
    n_too_little: int
    matches: tuple[Match, ...] = field(default=())


def compare_exercise(
    exercise: str, sources: Sequence[Source], public: Iterable[str]
) -> ExerciseMatches:
    """Compare all answers to an exercise.

    Parameters
    ----------
    exercise : str
        Its id.
    sources : sequence of Source
        Answers, one for each learner.
    public : iterable of str
        Code that everybody may have: the released stub, the reference, other right answers, known
        mistakes.

    Returns
    -------
    ExerciseMatches
        Pairs, and how many answers could not be compared.
    """
    parsed: dict[str, tuple[Token, ...] | None] = {}
    for source in sources:
        if source.text not in parsed:
            parsed[source.text] = tokens_of(source.text)
    known = known_runs(tokens_of(text) for text in public)
    printed = {text: fingerprints(tokens, known) for text, tokens in parsed.items()}
    spread = Counter(run for source in sources for run in printed[source.text])
    most = max(FEW, int(SHARE_OF_CLASS * len(sources)))
    common = {run for run, n in spread.items() if n > most}
    left = {text: prints.keys() - common for text, prints in printed.items()}
    enough = [source for source in sources if len(left[source.text]) >= ENOUGH]
    pairs = _pairs(enough, left)
    matches = [
        _match(exercise, enough[i], enough[j], parsed, printed, left)
        for (i, j), n in pairs.items()
        if _contained(n, enough[i], enough[j], left) >= CONTAINED and n >= ENOUGH
    ]
    matches.sort(key=lambda one: (-one.shared, -one.contained, one.left.owner, one.right.owner))
    unreadable = sum(parsed[source.text] is None for source in sources)
    return ExerciseMatches(
        exercise=exercise,
        n_answers=len(sources),
        n_unreadable=unreadable,
        n_too_little=len(sources) - len(enough) - unreadable,
        matches=tuple(matches),
    )


def _pairs(sources: Sequence[Source], left: dict[str, set[int]]) -> Counter[tuple[int, int]]:
    """Count shared fingerprints by pair, through an index from fingerprint to answers."""
    index: dict[int, list[int]] = defaultdict(list)
    for i, source in enumerate(sources):
        for run in left[source.text]:
            index[run].append(i)
    pairs: Counter[tuple[int, int]] = Counter()
    for owners in index.values():
        pairs.update(combinations(owners, 2))
    return pairs


def _contained(n: int, one: Source, other: Source, left: dict[str, set[int]]) -> float:
    return n / min(len(left[one.text]), len(left[other.text]))


def _match(
    exercise: str,
    one: Source,
    other: Source,
    parsed: dict[str, tuple[Token, ...] | None],
    printed: dict[str, dict[int, tuple[int, ...]]],
    left: dict[str, set[int]],
) -> Match:
    first, second = sorted((one, other), key=lambda source: source.owner)
    shared = left[first.text] & left[second.text]
    lines = []
    for source in (first, second):
        tokens = parsed[source.text] or ()
        touched = {
            tokens[k].line
            for run in shared
            for start in printed[source.text][run]
            for k in range(start, start + RUN)
        }
        lines.append(frozenset(touched))
    return Match(
        exercise=exercise,
        left=first,
        right=second,
        shared=len(shared),
        contained=_contained(len(shared), first, second, left),
        left_lines=lines[0],
        right_lines=lines[1],
    )

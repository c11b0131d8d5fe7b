"""Compare the answers of a whole assignment."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grading.check.solution import source_of
from grading.exercises import Exercise
from grading.reporting import Work, declared, solution_sources
from grading.similarity._comparing import ExerciseMatches, Match, Source, compare_exercise

__all__ = ["UnitMatches", "compare_unit"]


@dataclass(frozen=True)
class UnitMatches:
    """What was found in an assignment.

    Attributes
    ----------
    slug, title : str
        The assignment.
    n_learners : int
        Learners whose answers were looked at.
    exercises : tuple of ExerciseMatches
        In the order of the notebook.
    same_file : tuple of tuple of str
        Ids of learners who handed in the very same file, as members of a group do, but for files
        in which no answer was filled in; only one of each is compared.
    names : mapping of str to str
        Names by id.
    """

    slug: str
    title: str
    n_learners: int
    exercises: tuple[ExerciseMatches, ...]
    same_file: tuple[tuple[str, ...], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[tuple[str, str], list[Match]]]:
        """Matches by pair of learners, those with the most in common first."""
        found: dict[tuple[str, str], list[Match]] = defaultdict(list)
        for exercise in self.exercises:
            for match in exercise.matches:
                found[match.left.owner, match.right.owner].append(match)
        return sorted(found.items(), key=lambda pair: (-sum(m.shared for m in pair[1]), pair[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as plain data, without code."""
        return {
            "assignment": self.slug,
            "learners": self.n_learners,
            "same_file": [list(ids) for ids in self.same_file],
            "exercises": [
                {
                    "exercise": each.exercise,
                    "answers": each.n_answers,
                    "unreadable": each.n_unreadable,
                    "too_little_evidence": each.n_too_little,
                }
                for each in self.exercises
            ],
            "pairs": [
                {
                    "learners": list(pair),
                    "exercises": [
                        {
                            "exercise": match.exercise,
                            "shared": match.shared,
                            "contained": round(match.contained, 3),
                        }
                        for match in matches
                    ],
                }
                for pair, matches in self.pairs
            ],
        }


def compare_unit(
    works: Iterable[Work],
    slug: str,
    title: str,
    exercises: Mapping[str, Exercise],
    released: Mapping[str, str],
    step: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> UnitMatches:
    """Compare the answers of an assignment, exercise by exercise.

    Parameters
    ----------
    works : iterable of Work
        One for each learner; only the answers are kept of each.
    slug, title : str
        The assignment.
    exercises : mapping of str to Exercise
        Its declarations.
    released : mapping of str to str
        Cells as they were given out, by name.
    step : callable, default iter
        Wraps the list of exercises, to show progress.

    Returns
    -------
    UnitMatches
        What was found.
    """
    answers: dict[str, list[Source]] = {}
    owners: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    filled: set[str] = set()
    n_learners = 0
    for work in works:
        if work.result is None or not work.result.notebooks:
            continue
        n_learners += 1
        names[work.learner.id] = work.learner.name
        owners.setdefault(work.result.submission, []).append(work.learner.id)
        if len(owners[work.result.submission]) > 1:
            continue
        for book in work.result.notebooks:
            for name, text in solution_sources(book.autograded).items():
                known = answers.setdefault(name, [])
                if text.strip() and text.strip() != released.get(name, "").strip():
                    known.append(Source(work.learner.id, text))
                    filled.add(work.result.submission)
    found = [
        compare_exercise(name, answers[name], public_sources(name, exercises, released))
        for name in step(list(answers))
    ]
    return UnitMatches(
        slug=slug,
        title=title,
        n_learners=n_learners,
        exercises=tuple(found),
        same_file=tuple(
            tuple(ids) for file, ids in owners.items() if len(ids) > 1 and file in filled
        ),
        names=names,
    )


def public_sources(
    name: str, exercises: Mapping[str, Exercise], released: Mapping[str, str]
) -> Iterator[str]:
    """Yield the code that everybody may have of an exercise.

    Parameters
    ----------
    name : str
        The exercise, or another cell that learners fill.
    exercises : mapping of str to Exercise
        Declarations.
    released : mapping of str to str
        Cells as they were given out, by name.

    Yields
    ------
    str
        The stub, the reference, the alternatives, the known mistakes.
    """
    yield released.get(name, "")
    exercise = declared(exercises, name)
    if exercise is None:
        return
    wrong = [misconception.function for misconception in exercise.misconceptions]
    for function in (exercise.reference, *exercise.alternatives, *wrong):
        try:
            yield source_of(function, exercise.id)
        except (OSError, TypeError, ValueError, SyntaxError):  # made by another function
            target = inspect.unwrap(getattr(function, "func", function))
            try:
                yield inspect.cleandoc(inspect.getsource(target))
            except (OSError, TypeError):
                continue

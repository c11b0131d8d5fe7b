"""What an exercise declares: its probe, cases, points, references and known wrong answers.

A declaration is data and small pure functions. It is read by the check in a learner's notebook, by
the proof, by the build and by the broker, and it knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from grading.probes import Probe

Function = Callable[..., Any]

STAGES = (
    "problem", "unreached", "order", "constant",
    "type", "shape", "inputs", "finite", "value", "property",
)  # fmt: skip
"""Kinds of failure, as ``grading.check`` names them."""

LIMIT_S = 1.5
"""The longest that an answer may run; with stopping it and the report, a check stays below 2 s."""


@dataclass(frozen=True)
class Case:
    """One set of inputs, by argument name."""

    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class HandCase(Case):
    """A case whose expected outputs were worked out by hand, so that a learner can follow them.

    Attributes
    ----------
    expected : mapping of str to object
        Expected outputs by name. The proof holds the reference to them.
    """

    expected: Mapping[str, Any] = field(default_factory=dict)


Draw = Callable[[np.random.Generator], Case]


@dataclass(frozen=True)
class Property:
    """A statement about inputs and outputs that a right answer satisfies.

    Attributes
    ----------
    name : str
        What holds, as a phrase: ``"at least 95 % of the held-out digits are right"``.
    broken : callable
        ``broken(inputs, outputs)`` returns one sentence that names the breach, or None.
    """

    name: str
    broken: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Criterion:
    """A part of an exercise that earns points by itself.

    A criterion passes when its hand case and all its random cases pass.

    Attributes
    ----------
    name : str
        Short name, shown in the report: ``"dW"``.
    points : float
        Points it earns, above 0.
    judges : tuple of str
        Names of the outputs it compares; may be empty where only properties are judged.
    hand : HandCase
        The worked example, shown in full when it fails.
    draw : callable or None
        Draws a random case; None takes the exercise's ``cases``.
    properties : tuple of Property
        Further statements, tested on every case of the criterion.
    """

    name: str
    points: float
    judges: tuple[str, ...]
    hand: HandCase
    draw: Draw | None = None
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True)
class Misconception:
    """A known wrong answer, rejected by the proof and told to the learner by name.

    Attributes
    ----------
    name : str
        What was done instead, in snake case: ``"bias_gradient_not_summed"``.
    function : callable
        The wrong implementation.
    fails : tuple of str
        Names of exactly those criteria that it must fail.
    message : str
        What the learner is told: what happened and a question or fact that leads on.
    """

    name: str
    function: Function
    fails: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Hint:
    """A fold of help, titled by the symptom that a learner sees.

    Attributes
    ----------
    symptom : str
        The title: ``"db has one row too many"``.
    text : str
        The help.
    criteria : tuple of str
        Criteria whose failure makes the report point here; empty fits any.
    stages : tuple of str
        Kinds of failure that it is about, from ``STAGES``. Among the hints that fit the criteria,
        one that names the kind at hand comes first; empty names none.
    """

    symptom: str
    text: str
    criteria: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """The declaration of one exercise.

    Attributes
    ----------
    id : str
        The function's name; unique in the course.
    unit : str
        Two digits: ``"01"``.
    tier : {"core", "further"}
        Core exercises are graded; the others show in progress only.
    title : str
        What the learner builds, in a few words.
    minutes : int
        Time a learner needs.
    difficulty : int
        From 1 to 5.
    probe : Probe
        How the learner's object is run.
    cases : callable
        ``cases(rng)`` draws a random case.
    criteria : tuple of Criterion
        What is judged, in the order of the report.
    reference : callable
        The answer that the others are held to.
    alternatives : tuple of callable
        At least two other right answers.
    misconceptions : tuple of Misconception
        At least four known wrong answers.
    hints : tuple of Hint
        Three folds of help.
    solution_note : str
        The derivation, shown with the solution.
    rtol, atol : float
        Tolerances: an output passes if abs(got − expected) <= atol + rtol·abs(expected).
    n_cases : int
        Random cases a criterion, at least 5.
    limit_s : float
        Wall-clock seconds after which the learner's code counts as endless, 1.5 at most.
    sandbox_modules : tuple of str
        Packages beside the standard library that the answer may import while graded.
    """

    id: str
    unit: str
    tier: Literal["core", "further"]
    title: str
    minutes: int
    difficulty: int
    probe: Probe
    cases: Draw
    criteria: tuple[Criterion, ...]
    reference: Function
    alternatives: tuple[Function, ...]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[Hint, ...]
    solution_note: str
    rtol: float = 1e-6
    atol: float = 1e-9
    n_cases: int = 5
    limit_s: float = LIMIT_S
    sandbox_modules: tuple[str, ...] = ("numpy",)

    def __post_init__(self) -> None:
        """Refuse a declaration that breaks the contract, naming the rule."""
        broken = [rule for rule, holds in _rules(self).items() if not holds]
        if broken:
            message = f"Exercise {self.id!r}: {broken[0]}."
            raise ValueError(message)

    @property
    def points(self) -> dict[str, float]:
        """Points by criterion."""
        return {criterion.name: criterion.points for criterion in self.criteria}

    @property
    def total(self) -> float:
        """All points of the exercise."""
        return float(sum(self.points.values()))

    @property
    def graded_total(self) -> float:
        """Points that count in the grade: all for a core exercise, none for a further one."""
        return self.total if self.tier == "core" else 0.0


def _rules(exercise: Exercise) -> dict[str, bool]:
    names = [criterion.name for criterion in exercise.criteria]
    wrong = [misconception.name for misconception in exercise.misconceptions]
    return {
        "the id must be a function name": exercise.id.isidentifier(),
        "at least one criterion is needed": bool(names),
        "criteria must have different names": len(set(names)) == len(names),
        "every criterion must earn more than 0 points": all(
            criterion.points > 0 for criterion in exercise.criteria
        ),
        "at least 2 alternatives are needed": len(exercise.alternatives) >= 2,
        "at least 4 misconceptions are needed": len(wrong) >= 4,
        "misconceptions must have different names": len(set(wrong)) == len(wrong),
        "a misconception must fail at least one criterion, and only declared ones": all(
            misconception.fails and set(misconception.fails) <= set(names)
            for misconception in exercise.misconceptions
        ),
        "exactly 3 hints are needed": len(exercise.hints) == 3,
        "a hint may point to declared criteria only": all(
            set(hint.criteria) <= set(names) for hint in exercise.hints
        ),
        f"a hint's stages must be among {', '.join(STAGES)}": all(
            set(hint.stages) <= set(STAGES) for hint in exercise.hints
        ),
        "at least 5 random cases are needed": exercise.n_cases >= 5,
        f"the time limit must lie above 0 and be {LIMIT_S:g} s at most": (
            0 < exercise.limit_s <= LIMIT_S
        ),
        "difficulty runs from 1 to 5": 1 <= exercise.difficulty <= 5,
    }

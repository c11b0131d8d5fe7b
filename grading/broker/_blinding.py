"""What a learner is told about a failure that showed on a hidden case only.

On the worked example, which everybody can read, the full sentence stands. On a hidden case the
sentence names the kind of failure and the output, and holds no number of the case: neither values
nor shapes, and no message of an exception, which may quote them. What an answer smuggles out in
names of its own making is of no use, since another submission gets other cases.
"""

from __future__ import annotations

import builtins
import re
from dataclasses import replace

from grading.check.explaining import explanation
from grading.check.judging import Finding, problem_sentence
from grading.check.trials import Trial
from grading.exercises import Exercise
from grading.probes import Observation, Problem, shortened

__all__ = ["told"]

_AS_IT_STANDS = {"unreached", "order", "constant", "inputs"}
"""Stages whose sentences hold names only."""

_BY_STAGE = {
    "type": "{} has the wrong type.",
    "shape": "{} has the wrong shape.",
    "finite": "{} holds NaN or infinity.",
    "value": "{} has wrong values.",
}
_START = "It is right on the worked example, but wrong on others:"


def told(
    exercise: Exercise,
    finding: Finding,
    trials: tuple[Trial, ...],
    observations: list[Observation],
    source: str,
) -> str:
    """Write the sentence about one failed criterion.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    finding : Finding
        What was found.
    trials : tuple of Trial
        All cases.
    observations : list of Observation
        What was seen on them.
    source : str
        The learner's answer, from which a quoted line is taken.

    Returns
    -------
    str
        One or two sentences.
    """
    if finding.stage in _AS_IT_STANDS:
        return finding.sentence
    trial = trials[finding.i_trial]
    seen = observations[finding.i_trial]
    if seen.problem is not None:
        problem = believable(seen.problem, source)
        if trial.is_hand or problem.kind == "endless":
            return problem_sentence(problem, tuple(trial.case.inputs))
        return _hidden_problem(problem)
    if trial.is_hand:
        return finding.sentence
    if finding.stage == "property":
        return f"{_START} {_property(exercise, finding, trial, seen)}"
    sentence = _BY_STAGE.get(finding.stage, "{} is not as expected.")
    return f"{_START} {sentence.format(f'`{finding.output}`')}"


def believable(problem: Problem, source: str) -> Problem:
    """Take from a problem what the sandbox may have invented: a line that the answer lacks, a name.

    Parameters
    ----------
    problem : Problem
        What came out of the sandbox.
    source : str
        The answer's source.

    Returns
    -------
    Problem
        The same, where it agrees with the source.
    """
    lines = source.split("\n")
    line = problem.line
    text = shortened(lines[line - 1].strip(), 80) if line and 0 < line <= len(lines) else ""
    if text != problem.text:
        line, text = None, ""  # it happened in another cell, or nowhere
    return replace(problem, type_name=_type_name(problem.type_name, source), line=line, text=text)


def _type_name(name: str, source: str) -> str:
    """Return the name of a type that Python or the answer defines; others may carry anything."""
    kind = vars(builtins).get(name)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    if known or name in {"LinAlgError", "AxisError", "UFuncTypeError", "_UFuncOutputCastingError"}:
        return name
    written = re.search(rf"class\s+{re.escape(name)}\b", source) if name.isidentifier() else None
    return name if written else "an error"


def _hidden_problem(problem: Problem) -> str:
    where = f" in line {problem.line} of its cell" if problem.line else ""
    if problem.kind == "arity":
        return f"{_START} the number of results is off there."
    if problem.kind == "arguments":
        return f"{_START} the arguments do not fit there."
    if problem.kind == "not_started":
        return f"{_START} NotImplementedError is raised{where}."
    stopped = (
        f"It is right on the worked example, but on others it stopped with {problem.type_name}"
    )
    # The line of code comes from the answer itself, and an explanation of ours may be static.
    meaning = explanation(replace(problem, names=(), shapes=()))
    if re.search(r"\d", meaning):
        meaning = ""
    if problem.text:
        return "\n".join(filter(None, [f"{stopped}{where}:", f"    {problem.text}", meaning]))
    return " ".join(filter(None, [f"{stopped}{where}.", meaning]))


def _property(exercise: Exercise, finding: Finding, trial: Trial, seen: Observation) -> str:
    """Name the property that is broken, in the words of its declaration."""
    criterion = next(each for each in exercise.criteria if each.name == finding.criterion)
    for statement in criterion.properties:
        if statement.broken(trial.case.inputs, seen.outputs):
            return f"it does not hold that {statement.name}."
    return "a property does not hold."

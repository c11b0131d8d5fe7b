"""Compare what an answer gave with what is expected, and put the difference in one sentence.

Pure: observations and expected outputs in, a verdict out. It runs outside the learner's process
when a grade is at stake; the check in the notebook uses the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from grading.check.comparing import compare as compare
from grading.check.explaining import explanation
from grading.check.patterns import constant_outputs, other_order
from grading.check.trials import Trial
from grading.exercises import Criterion, Exercise
from grading.probes import Observation, Problem

_BY_OUTPUT = {"type", "shape", "finite", "value"}
"""Stages in which an output was compared with its expected value."""


@dataclass(frozen=True)
class Finding:
    """The first thing that is wrong about one criterion.

    Attributes
    ----------
    criterion : str
        Name of the criterion.
    stage : str
        ``"problem"``, ``"unreached"``, ``"order"``, ``"constant"``, ``"type"``, ``"shape"``,
        ``"inputs"``, ``"finite"``, ``"value"`` or ``"property"``.
    sentence : str
        What was wrong and what was expected.
    i_trial : int
        Index of the trial in which it showed.
    output : str
        Name of the output, or empty.
    expected, got : object
        Plain values to show, or None.
    """

    criterion: str
    stage: str
    sentence: str
    i_trial: int
    output: str = ""
    expected: Any = None
    got: Any = None


@dataclass(frozen=True)
class Verdict:
    """Points by criterion and, for each that failed, the first finding."""

    points: dict[str, float]
    findings: tuple[Finding, ...]

    @property
    def total(self) -> float:
        """Points earned, a builtin float."""
        return float(sum(self.points.values()))


def judge(
    exercise: Exercise,
    trials: Sequence[Trial],
    observations: Sequence[Observation],
    expected: Sequence[dict[str, Any]],
    unread: Sequence[str] = (),
) -> Verdict:
    """Judge every criterion on its trials.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    trials : sequence of Trial
        The cases that were to be run.
    observations : sequence of Observation
        What was seen; shorter than ``trials`` where the run was stopped, and what is missing fails.
    expected : sequence of dict
        Expected outputs by name, one dict a trial.
    unread : sequence of str
        Arguments that the answer never uses, where that is known; only sentences depend on it.

    Returns
    -------
    Verdict
        Points and findings.
    """
    points: dict[str, float] = {}
    findings: list[Finding] = []
    for criterion in exercise.criteria:
        finding = _first_finding(exercise, criterion, trials, observations, expected)
        points[criterion.name] = 0.0 if finding else float(criterion.points)
        if finding:
            findings.append(finding)
    return Verdict(points, _seen_together(exercise, observations, expected, findings, unread))


def _seen_together(
    exercise: Exercise,
    observations: Sequence[Observation],
    expected: Sequence[dict[str, Any]],
    findings: Sequence[Finding],
    unread: Sequence[str],
) -> tuple[Finding, ...]:
    """Say what shows only when all trials are looked at: results swapped, or always the same."""
    if not any(finding.stage in _BY_OUTPUT for finding in findings):
        return tuple(findings)
    order = other_order(exercise, observations, expected)
    if order:
        return tuple(
            replace(finding, stage="order", sentence=order)
            if finding.stage in _BY_OUTPUT
            else finding
            for finding in findings
        )
    constant = constant_outputs(observations, expected, unread)
    return tuple(
        replace(finding, stage="constant", sentence=constant[finding.output])
        if finding.stage in {"shape", "value"} and finding.output in constant
        else finding
        for finding in findings
    )


def _first_finding(
    exercise: Exercise,
    criterion: Criterion,
    trials: Sequence[Trial],
    observations: Sequence[Observation],
    expected: Sequence[dict[str, Any]],
) -> Finding | None:
    for i_trial, trial in enumerate(trials):
        if criterion.name not in trial.criteria:
            continue
        if i_trial >= len(observations):
            sentence = "It was not reached, because the run was stopped before."
            return Finding(criterion.name, "unreached", sentence, i_trial)
        finding = _judge_trial(
            exercise, criterion, i_trial, trial, observations[i_trial], expected[i_trial]
        )
        if finding and finding.stage == "inputs":
            also = _wrong_as_well(exercise, criterion, trials, observations, expected)
            return replace(finding, sentence=" ".join(filter(None, [finding.sentence, also])))
        if finding:
            return finding
    return None


def _wrong_as_well(
    exercise: Exercise,
    criterion: Criterion,
    trials: Sequence[Trial],
    observations: Sequence[Observation],
    expected: Sequence[dict[str, Any]],
) -> str:
    """Say, without a number, what is wrong beside changed inputs: a copy alone would earn 0."""
    wrong: dict[str, None] = {}
    breaks = False
    for trial, seen, right in zip(trials, observations, expected, strict=False):
        if criterion.name not in trial.criteria or seen.problem is not None:
            continue
        for output in criterion.judges:
            got = seen.outputs[output]
            if compare(output, got, right[output], exercise.rtol, exercise.atol):
                wrong[f"`{output}`"] = None
        breaks = breaks or any(
            statement.broken(trial.case.inputs, seen.outputs) for statement in criterion.properties
        )
    if wrong:
        return f"Besides, the values of {' and '.join(wrong)} are wrong."
    return "Besides, what it returns is wrong." if breaks else ""


def _judge_trial(
    exercise: Exercise,
    criterion: Criterion,
    i_trial: int,
    trial: Trial,
    seen: Observation,
    expected: dict[str, Any],
) -> Finding | None:
    name = criterion.name
    if seen.problem is not None:
        sentence = problem_sentence(seen.problem, tuple(trial.case.inputs))
        return Finding(name, "problem", sentence, i_trial)
    for output in criterion.judges:
        found = compare(
            output, seen.outputs[output], expected[output], exercise.rtol, exercise.atol
        )
        if found and found[0] in {"type", "shape"}:
            return Finding(name, *found, i_trial, output, expected[output], seen.outputs[output])
    if seen.mutated:
        return Finding(name, "inputs", _changed_sentence(seen), i_trial)
    for output in criterion.judges:
        found = compare(
            output, seen.outputs[output], expected[output], exercise.rtol, exercise.atol
        )
        if found:
            return Finding(name, *found, i_trial, output, expected[output], seen.outputs[output])
    for statement in criterion.properties:
        breach = statement.broken(trial.case.inputs, seen.outputs)
        if breach:
            return Finding(name, "property", breach, i_trial)
    return None


def problem_sentence(problem: Problem, arguments: Sequence[str] = ()) -> str:
    """Say why an answer gave no output, and what that means.

    Parameters
    ----------
    problem : Problem
        What the probe wrote down.
    arguments : sequence of str
        Names of the function's arguments.

    Returns
    -------
    str
        A sentence, and one that explains it where the message is known. The learner's line of
        code stands on a line of its own, indented by four spaces.
    """
    where = f" in line {problem.line} of its cell" if problem.line else ""
    sentences = {
        "arity": f"The number of results is off: {problem.detail}.",
        "arguments": f"The arguments do not fit: {problem.detail}. Keep the signature as it "
        "was given.",
        "endless": problem.detail,
        "not_started": f"NotImplementedError is raised{where}. Delete that line once your own code "
        "stands there.",
    }
    if problem.kind in sentences:
        return sentences[problem.kind]
    stopped = f"It stopped with {problem.type_name}{where}"
    detail = f"{problem.detail.rstrip('.')}." if problem.detail else ""
    meaning = explanation(problem, arguments)
    if problem.text:
        return "\n".join(filter(None, [f"{stopped}:", f"    {problem.text}", detail, meaning]))
    return " ".join(filter(None, [f"{stopped}: {detail}" if detail else f"{stopped}.", meaning]))


def _changed_sentence(seen: Observation) -> str:
    names = seen.mutated
    listed = " and ".join(f"`{name}`" for name in names)
    if names == seen.rounded:
        one = len(names) == 1
        what = f"input {listed} differs" if one else f"inputs {listed} differ"
        return (
            f"The {what} from before in {'its' if one else 'their'} last digits: subtracting what "
            "was added does not restore a float; work on a copy."
        )
    what = f"input {listed} was" if len(names) == 1 else f"inputs {listed} were"
    return (
        f"The {what} changed while the function ran. Work on a copy: whoever passed it in still "
        "needs it."
    )

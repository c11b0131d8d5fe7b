"""Compare what an answer gave with what is expected, and put the difference in one sentence.

Pure: observations and expected outputs in, a verdict out. It runs outside the learner's process
when a grade is at stake; the check in the notebook uses the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.check.trials import Trial
from grading.exercises import Criterion, Exercise
from grading.probes import Observation, Opaque, Problem, same


@dataclass(frozen=True)
class Finding:
    """The first thing that is wrong about one criterion.

    Attributes
    ----------
    criterion : str
        Name of the criterion.
    stage : str
        ``"problem"``, ``"type"``, ``"shape"``, ``"inputs"``, ``"finite"``, ``"value"`` or
        ``"property"``.
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
    return Verdict(points, tuple(findings))


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
            return Finding(criterion.name, "problem", sentence, i_trial)
        finding = _judge_trial(
            exercise, criterion, i_trial, trial, observations[i_trial], expected[i_trial]
        )
        if finding:
            return finding
    return None


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
        return Finding(name, "problem", problem_sentence(seen.problem), i_trial)
    for output in criterion.judges:
        found = compare(
            output, seen.outputs[output], expected[output], exercise.rtol, exercise.atol
        )
        if found and found[0] in {"type", "shape"}:
            return Finding(name, *found, i_trial, output, expected[output], seen.outputs[output])
    if seen.mutated:
        sentence = (
            f"The input {_listed(seen.mutated)} was changed while the function ran. "
            "Work on a copy: whoever passed it in still needs it."
        )
        return Finding(name, "inputs", sentence, i_trial)
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


def problem_sentence(problem: Problem) -> str:
    """Say in one sentence why an answer gave no output.

    Parameters
    ----------
    problem : Problem
        What the probe wrote down.

    Returns
    -------
    str
        The sentence.
    """
    where = f" in line {problem.line} of its cell (`{problem.text}`)" if problem.line else ""
    sentences = {
        "arity": f"The number of results is off: {problem.detail}.",
        "arguments": f"The arguments do not fit: {problem.detail}. Keep the signature of the stub.",
        "endless": f"The function did not come to an end: {problem.detail}.",
        "not_started": f"NotImplementedError is raised{where}. Delete that line once your own code "
        "stands above it.",
    }
    detail = f": {problem.detail}" if problem.detail else ""
    return sentences.get(problem.kind, f"It stopped with {problem.type_name}{where}{detail}.")


def compare(name: str, got: Any, expected: Any, rtol: float, atol: float) -> tuple[str, str] | None:
    """Compare one output with its expected value.

    Parameters
    ----------
    name : str
        The output's name, for the sentence.
    got, expected : object
        Plain values.
    rtol, atol : float
        Relative and absolute tolerance.

    Returns
    -------
    tuple of (stage, sentence) or None
        None if they agree.

    Examples
    --------
    >>> compare("db", np.zeros(3), np.zeros(2), 1e-6, 1e-9)
    ('shape', 'db has shape (3,), expected (2,).')
    """
    if isinstance(expected, np.ndarray):
        return _compare_arrays(name, got, expected, rtol, atol)
    if isinstance(expected, bool | str) or expected is None:
        return None if same(got, expected) else _differs(name, got, expected)
    if isinstance(expected, int | float):
        return _compare_numbers(name, got, expected, rtol, atol)
    return _compare_lists(name, got, expected, rtol, atol)


def _differs(name: str, got: Any, expected: Any) -> tuple[str, str]:
    if type(got) is not type(expected):
        return "type", f"{name} is {_kind(got)}, expected {_kind(expected)}."
    return "value", f"{name} is {got!r}, expected {expected!r}."


def _compare_numbers(
    name: str, got: Any, expected: float, rtol: float, atol: float
) -> tuple[str, str] | None:
    if isinstance(got, np.ndarray) and got.shape == () and got.dtype.kind in "biuf":
        got = got.item()
    if isinstance(got, np.ndarray):
        return "shape", f"{name} is an array of shape {got.shape}, expected one number."
    if isinstance(got, bool) or not isinstance(got, int | float):
        return "type", f"{name} is {_kind(got)}, expected a number."
    if not np.isfinite(got):
        return "finite", f"{name} is {got}, expected a finite number near {expected:.6g}."
    if abs(got - expected) <= atol + rtol * abs(expected):
        return None
    factor = _common_factor(np.array([got]), np.array([expected]))
    return "value", f"{name} is {got:.6g}, expected {expected:.6g}{factor}."


def _compare_arrays(
    name: str, got: Any, expected: np.ndarray[Any, Any], rtol: float, atol: float
) -> tuple[str, str] | None:
    if not isinstance(got, np.ndarray):
        mend = " Return a NumPy array." if isinstance(got, list) else ""
        return "type", f"{name} is {_kind(got)}, expected an array of shape {expected.shape}.{mend}"
    if got.dtype.kind not in "biuf":
        return "type", f"{name} has dtype {got.dtype}, expected {expected.dtype}."
    if got.shape != expected.shape:
        turned = " It looks transposed." if got.shape == expected.shape[::-1] else ""
        return "shape", f"{name} has shape {got.shape}, expected {expected.shape}.{turned}"
    if expected.dtype.kind == "f" and got.dtype.kind == "f" and got.dtype.itemsize < 8:
        return "type", f"{name} has dtype {got.dtype}, expected float64: precision was lost."
    if not np.isfinite(got).all():
        n_bad = int((~np.isfinite(got)).sum())
        return "finite", f"{name} has {n_bad} of {got.size} entries that are NaN or infinite."
    difference = np.abs(got.astype(float) - expected.astype(float))
    wrong = difference > atol + rtol * np.abs(expected.astype(float))
    if not wrong.any():
        return None
    where = np.unravel_index(int(np.argmax(difference)), difference.shape)
    factor = _common_factor(got, expected)
    return "value", (
        f"{name} is wrong in {int(wrong.sum())} of {wrong.size} entries; the largest difference "
        f"is {difference.max():.3g}, at {_index(where)}{factor}."
    )


def _compare_lists(
    name: str, got: Any, expected: list[Any], rtol: float, atol: float
) -> tuple[str, str] | None:
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, list):
        return "type", f"{name} is {_kind(got)}, expected a list of {len(expected)}."
    if len(got) != len(expected):
        return "shape", f"{name} has {len(got)} entries, expected {len(expected)}."
    for i, (left, right) in enumerate(zip(got, expected, strict=True)):
        found = compare(f"{name}[{i}]", left, right, rtol, atol)
        if found:
            return found
    return None


def _common_factor(got: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> str:
    """Name the factor between two arrays where one number explains every entry."""
    scale = np.abs(expected).max(initial=0.0)
    if not scale > 0 or not np.isfinite(got).all():
        return ""
    large = np.abs(expected) > 1e-6 * scale
    ratios = got[large].astype(float) / expected[large]
    ratio = float(np.median(ratios))
    if (
        abs(ratio) < 1e-12
        or abs(ratio - 1) < 1e-6
        or not np.allclose(got, ratio * expected, rtol=1e-6)
    ):
        return ""
    if expected.size == 1 and not (np.isclose(ratio, -1) or np.isclose(ratio * 2 % 1, 0)):
        return ""  # one entry: any two numbers have a ratio, only a plain one is telling
    if np.isclose(ratio, -1):
        return "; the sign is opposite" if expected.size == 1 else "; every sign is opposite"
    every = "it is" if expected.size == 1 else "every entry is"
    return f"; {every} {ratio:.4g} times what is expected"


def _kind(value: Any) -> str:
    if isinstance(value, Opaque):
        return f"of type {value.type_name}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None:
        return "None (is the return line missing?)"
    names = {bool: "a bool", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return names[type(value)]


def _index(where: tuple[Any, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in where)}]"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)

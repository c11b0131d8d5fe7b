"""Step 4, judge: compare what was seen with what is expected, and find words for it.

The comparison is that of the learner's own check, run here, where the learner's code is not. Weird
values may make it stumble: that fails the exercise with a sentence, and nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grading.assignments import CHECK_PREFIX, AssignmentVersion
from grading.broker._answers import Answer
from grading.broker._blinding import told
from grading.broker._expecting import ReferenceFailedError, remembered
from grading.broker._mending import Mended, max_points
from grading.broker._observing import CellError, sentence_alone
from grading.broker._reading import printable, tame
from grading.broker._running import CellRun, End, ExerciseRun, Ran
from grading.check.checking import hint_for
from grading.check.diagnosis import diagnose
from grading.check.judging import Verdict, judge
from grading.exercises import Exercise, Hint, Misconception
from grading.limits import MEGABYTE, Limits
from grading.probes import Methods, Observation
from grading.results import CellResult, CellState, CriterionResult

__all__ = ["Judged", "judge_one", "judge_submission", "unjudged"]


@dataclass(frozen=True)
class Judged:
    """The verdict on one exercise: what is recorded, and what it rests on.

    Attributes
    ----------
    cell : CellResult
        What is recorded.
    exercise : Exercise
        The declaration.
    verdict : Verdict or None
        None where nothing was run.
    observations : list of Observation
        What was judged, with our own last one where the run ended.
    misconceptions : tuple of Misconception
        Known wrong answers that were recognized.
    hint : Hint or None
        What the learner should open.
    """

    cell: CellResult
    exercise: Exercise
    verdict: Verdict | None = None
    observations: tuple[Observation, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    hint: Hint | None = None


def judge_submission(
    version: AssignmentVersion,
    mended: Mended,
    ran: Ran,
    limits: Limits,
    early: Mapping[str, Judged] | None = None,
) -> dict[str, Judged]:
    """Judge every exercise.

    Parameters
    ----------
    version : AssignmentVersion
        What was released.
    mended : Mended
        The answers.
    ran : Ran
        What was seen.
    limits : Limits
        For sentences about them.
    early : mapping of str to Judged, optional
        Exercises that were judged while others ran.

    Returns
    -------
    dict of str to Judged
        By exercise, in the order of the notebook.
    """
    known = early or {}
    return {
        name: known[name] if name in known else judge_one(version, mended, ran, limits, name)
        for name in version.exercises
    }


def judge_one(
    version: AssignmentVersion, mended: Mended, ran: Ran, limits: Limits, name: str
) -> Judged:
    """Judge one exercise.

    Parameters
    ----------
    version, mended, ran, limits
        As for `judge_submission`.
    name : str
        Which.

    Returns
    -------
    Judged
        Its verdict.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the values come from anywhere
        return _judged(
            version.exercises[name],
            max_points(version)[name],
            mended.answers.get(name, Answer(name, "", False, True)),
            ran.answers.get(name, CellRun()),
            ran.exercises[name],
            limits,
        )


def unjudged(exercise: Exercise, max_score: float, state: CellState, sentence: str) -> Judged:
    """Return a verdict without points, for an exercise that did not run.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    max_score : float
        Points of its cell.
    state : CellState
        What happened.
    sentence : str
        What is told.

    Returns
    -------
    Judged
        0 points for every criterion.
    """
    criteria = tuple(CriterionResult(c.name, c.points, 0.0) for c in exercise.criteria)
    cell = CellResult(
        CHECK_PREFIX + exercise.id,
        0.0,
        max_score,
        state,
        exercise.id,
        criteria=criteria,
        message=sentence,
    )
    return Judged(cell, exercise)


def _judged(
    exercise: Exercise,
    max_score: float,
    answer: Answer,
    cell: CellRun,
    run: ExerciseRun,
    limits: Limits,
) -> Judged:
    if answer.is_unwritten:
        return unjudged(exercise, max_score, "not_started", "Not started.")
    judged_before = 0 < len(run.trials) == len(run.observations)
    if cell.end and not judged_before:
        said = _not_reached(cell.end) if cell.is_unreached else _ended_cell(cell.end, limits)
        return unjudged(exercise, max_score, cell.end, said)
    if cell.error is not None and not _took_effect(cell.error, answer):
        return unjudged(exercise, max_score, "student_error", _stopped_cell(cell.error))
    if not run.trials or (run.is_unreached and not run.observations):
        state: CellState = run.end or "killed"
        return unjudged(exercise, max_score, state, _not_reached(state))
    if run.found not in {"", "yes"}:
        state = "student_error" if cell.error is not None else "failed_tests"
        return unjudged(exercise, max_score, state, _absent(exercise, run.found, cell.error))
    if any(seen.problem and seen.problem.kind == "not_started" for seen in run.observations):
        sentence = "`raise NotImplementedError` is still reached, so nothing could be judged."
        return unjudged(exercise, max_score, "not_started", sentence)
    return _compared(exercise, max_score, answer, cell, run, limits)


def _compared(
    exercise: Exercise,
    max_score: float,
    answer: Answer,
    cell: CellRun,
    run: ExerciseRun,
    limits: Limits,
) -> Judged:
    seen = list(run.observations)
    if run.end and len(seen) < len(run.trials):
        seen.append(sentence_alone(_ended_run(run, limits)))
    try:
        verdict = judge(exercise, run.trials, seen, run.expected)
        known = diagnose(exercise, run.trials, seen, verdict, remembered)
        criteria = _criteria(exercise, verdict, run, seen, answer.source)
        hint = _hint(exercise, verdict)
    except ReferenceFailedError:  # a defect of ours, which is not the learner's
        raise
    except Exception:  # ruff: ignore[blind-except]  # values that no comparison foresaw
        sentence = "It returned values that cannot be compared with what is asked for."
        return unjudged(exercise, max_score, "failed_tests", sentence)
    score = min(verdict.total, max_score) if exercise.tier == "core" else 0.0
    state: CellState = "failed_tests" if verdict.findings else "ok"
    if verdict.findings:
        state = run.end or ("student_error" if cell.error is not None else state)
    result = CellResult(
        CHECK_PREFIX + exercise.id,
        float(score),
        max_score,
        state,
        exercise.id,
        criteria,
        tuple(misconception.name for misconception in known),
        hint.symptom if hint else "",
        _stopped_cell(cell.error) if cell.error is not None else "",
    )
    return Judged(result, exercise, verdict, tuple(seen), known, hint)


def _criteria(
    exercise: Exercise,
    verdict: Verdict,
    run: ExerciseRun,
    seen: list[Observation],
    source: str,
) -> tuple[CriterionResult, ...]:
    findings = {finding.criterion: finding for finding in verdict.findings}
    results = []
    for criterion in exercise.criteria:
        finding = findings.get(criterion.name)
        if finding is None:
            points = float(criterion.points)
            results.append(CriterionResult(criterion.name, points, points))
            continue
        hidden = not run.trials[finding.i_trial].is_hand
        sentence = printable(told(exercise, finding, run.trials, seen, source))
        results.append(
            CriterionResult(
                criterion.name, float(criterion.points), 0.0, finding.stage, sentence, hidden
            )
        )
    return tuple(results)


def _hint(exercise: Exercise, verdict: Verdict) -> Hint | None:
    if not verdict.findings:
        return None
    first = min(verdict.findings, key=lambda finding: finding.stage == "unreached")
    return hint_for(exercise, verdict, first)


def _took_effect(error: CellError, answer: Answer) -> bool:
    """Tell whether the definition ran before its cell stopped further down."""
    begins = answer.code.line_of(answer.name)
    return begins is not None and error.line is not None and error.line > begins


def _stopped_cell(error: CellError) -> str:
    where = f" in line {error.line}" if error.line else ""
    message = f": {error.message}" if error.message else ""
    return f"Its cell stopped with {tame(error.type_name, 40)}{where}{message}".rstrip(".") + "."


def _ended_cell(end: End, limits: Limits) -> str:
    sentences = {
        "timeout": f"Its cell did not come to an end within {limits.cell_s:g} s, so nothing could "
        "be judged.",
        "memory": f"Its cell took more than {limits.memory_bytes / MEGABYTE:,.0f} MB of memory, so "
        "nothing could be judged.",
    }
    return sentences.get(end, "Its cell ended the process that ran it, so nothing could be judged.")


def _ended_run(run: ExerciseRun, limits: Limits) -> str:
    n_done = len(run.observations)
    where = f"in case {n_done + 1} of {len(run.trials)}" if n_done else "in the first case"
    sentences = {
        "timeout": f"It was stopped at its time limit without a result, {where}: it is very slow, "
        "or does not end there.",
        "memory": f"It took more than {limits.memory_bytes / MEGABYTE:,.0f} MB of memory {where}.",
    }
    return sentences.get(run.end, f"It ended the process that ran it, {where}.")


def _not_reached(state: str) -> str:
    if state == "timeout":
        return "It was not reached within the time for the whole notebook."
    return "It was not reached: the cells before it ended their process too often."


def _absent(exercise: Exercise, found: str, error: CellError | None) -> str:
    wanted = "class" if isinstance(exercise.probe, Methods) else "function"
    if found == "missing":
        stopped = f" {_stopped_cell(error)}" if error is not None else ""
        return f"`{exercise.id}` is not defined.{stopped}"
    came = {"class": "a class", "function": "a function"}.get(found, "a value")
    return f"`{exercise.id}` is {came}, not a {wanted}."

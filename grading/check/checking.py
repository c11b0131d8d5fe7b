"""The steps of one check: find, run, judge, diagnose, record, report."""

from __future__ import annotations

import sys
import threading
import warnings
import zlib

import numpy as np

from grading import progress
from grading.check.diagnosis import diagnose
from grading.check.judging import Finding, Verdict, judge
from grading.check.lookup import Found, find, is_defined, watch_cells
from grading.check.patterns import unread_arguments
from grading.check.report import Evidence, Report, Row, State, report_text
from grading.check.silencing import silenced
from grading.check.solution import solution_text
from grading.check.trials import Trial, draw_trials, expected_outputs, observe
from grading.check.watchdog import watch
from grading.exercises import Exercise, Hint, Misconception
from grading.exercises import exercise as declared
from grading.probes import Methods, Observation, Problem, restored, shortened
from grading.refusals import Refusal

_SAYS_ALL = {"problem", "unreached", "inputs", "order", "constant"}
"""Stages whose sentence needs no hint beside it."""

_passed: set[str] = set()
_under_way: list[str] = []


class CheckInterruptedError(KeyboardInterrupt):
    """The stop button ended a check; a notebook shows one line in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(name: str) -> float:
    """Judge the learner's function called ``name`` and show a report.

    Parameters
    ----------
    name : str
        The exercise's id, which is the name of the function.

    Returns
    -------
    float
        Points earned; always 0.0 for exercises under "Going further", which are not graded.

    Raises
    ------
    CheckInterruptedError
        If the user presses the stop button.
    RuntimeError
        If the function that is being checked calls ``check`` itself.
    """
    if _under_way:
        message = f"check({_under_way[0]!r}) runs this function already; call check outside of it"
        raise RuntimeError(message)
    _under_way.append(str(name))
    try:
        watch_cells()
        report = _judged(name)
        _show(report)
    except KeyboardInterrupt:
        message = f"The check of {name!r} was interrupted: nothing was recorded."
        raise CheckInterruptedError(message) from None
    finally:
        _under_way.clear()
    counts = report.exercise is not None and report.exercise.tier == "core"
    return float(report.earned) if counts else 0.0


def _judged(name: object) -> Report:
    """Judge, and turn every way in which that cannot be done into one sentence."""
    if not isinstance(name, str):
        wanted = getattr(name, "__name__", "name_of_the_function")
        sentence = f'`check` takes the name of the function in quotes: `check("{wanted}")`.'
        return Report("check", "unknown", sentence)
    try:
        exercise = declared(name)
    except KeyError as error:
        return Report(name, "unknown", _of_another_course(name) or str(error.args[0]))
    try:
        return examine(exercise, find(name, wants_class=isinstance(exercise.probe, Methods)))
    except Exception as error:  # ruff: ignore[blind-except]  # a learner gets a sentence in any case
        _passed.discard(name)
        sentence = (
            f"The check itself stopped with {type(error).__name__}: {shortened(str(error))}. If a "
            "cell has changed NumPy or Python, restart the kernel and run the notebook again."
        )
        return Report(name, "failed", sentence, exercise)


def _of_another_course(name: str) -> str:
    """Say what becomes of an answer that this installation has no exercise for; else nothing."""
    if not is_defined(name):
        return ""
    return (
        f"`{name}` is graded after you hand in: its cases are not on this machine. If you meant "
        "another exercise, look at the spelling of its name."
    )


def passed(*names: str) -> bool:
    """Tell whether exercises have passed their check in this session, for cells they drive.

    Prints what is missing, so that a driving cell can simply stop.

    Parameters
    ----------
    *names : str
        Ids of exercises.

    Returns
    -------
    bool
        True if each has full points.
    """
    missing = [name for name in names if name not in _passed]
    if missing:
        listed = ", ".join(missing)
        print(f"not started: this cell runs once your check of {listed} passes.")  # ruff: ignore[print]
    return not missing


def examine(exercise: Exercise, found: Found, seed: int | None = None) -> Report:
    """Run an answer through all cases of its exercise.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    found : Found
        The learner's object, or why there is none.
    seed : int, optional
        Seed of the random cases; by default one that stays the same for an exercise, so that the
        numbers in the report hold still while a learner works on them.

    Returns
    -------
    Report
        What to show. The attempt is recorded, unless recording is off or nothing was started.
    """
    _passed.discard(exercise.id)
    if found.target is None:
        return _without_answer(exercise, found)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the answer may hold anything, and stderr stays empty
        return _examined(exercise, found, seed)


def _examined(exercise: Exercise, found: Found, seed: int | None) -> Report:
    rng = np.random.default_rng(zlib.crc32(exercise.id.encode()) if seed is None else seed)
    trials = draw_trials(exercise, rng)
    observations, remark = _run(exercise, trials, found)
    if any(seen.problem and seen.problem.kind == "not_started" for seen in observations):
        return _left_in(exercise, observations)
    expected = expected_outputs(exercise, trials)
    verdict = judge(exercise, trials, observations, expected, _unread(exercise, found))
    known = diagnose(exercise, trials, observations, verdict)
    if not verdict.findings:
        _passed.add(exercise.id)
    remark = " ".join(
        filter(None, [remark, _record(exercise, found, verdict, known, observations)])
    )
    return _report(exercise, trials, verdict, known, remark)


def _run(
    exercise: Exercise, trials: tuple[Trial, ...], found: Found
) -> tuple[list[Observation], str]:
    """Run the answer under the watchdog; an endless one leaves its mark in the last observation."""
    observations: list[Observation] = []
    target = found.target
    assert target is not None  # ruff: ignore[assert]  # the caller has looked
    abandoned = threading.Event()

    def work() -> None:
        for trial in trials:
            observations.extend(observe(exercise, (trial,), target))
            problem = observations[-1].problem
            if abandoned.is_set() or (problem and problem.kind == "not_started"):
                return

    try:
        with restored(), silenced():
            outcome = watch(work, exercise.limit_s)
    finally:
        abandoned.set()  # a thread left behind begins no further case
    if outcome.error is not None:
        raise outcome.error
    observations = observations[: len(trials)]  # a copy: a thread left behind may go on
    remark = _printed(observations)
    if not outcome.finished and len(observations) < len(trials):
        if outcome.still_running:
            remark = "It could not be stopped and still runs: restart the kernel (Kernel menu)."
        observations.append(Observation(problem=_endless(exercise, len(observations), len(trials))))
    return observations, remark


def _endless(exercise: Exercise, n_done: int, n_trials: int) -> Problem:
    detail = f"It was stopped after {exercise.limit_s:g} s without a result"
    if n_done:
        detail += f", in case {n_done + 1} of {n_trials}: it is very slow, or does not end there."
    else:
        detail += ". Which loop never meets its end?"
    return Problem("endless", detail)


def _printed(observations: list[Observation]) -> str:
    n_printed = sum(seen.n_printed for seen in observations)
    if n_printed == 0:
        return ""
    start = next(seen.printed for seen in observations if seen.n_printed)
    start = " ".join(start.split())[:80]
    return f"While it was checked it printed {n_printed:,} characters, beginning with: {start}"


def _without_answer(exercise: Exercise, found: Found) -> Report:
    state: State = "not started" if found.not_started else "failed"
    rows = tuple(Row(c.name, c.points, 0.0) for c in exercise.criteria)
    return Report(exercise.id, state, found.reason, exercise, rows if state == "failed" else ())


def _left_in(exercise: Exercise, observations: list[Observation]) -> Report:
    problem = observations[-1].problem
    where = f" (line {problem.line} of its cell)" if problem and problem.line else ""
    sentence = (
        f"`raise NotImplementedError`{where} is still reached. Delete that line once your own "
        "code stands there."
    )
    rows = tuple(Row(c.name, c.points, 0.0) for c in exercise.criteria)
    return Report(exercise.id, "failed", sentence, exercise, rows)


def _record(
    exercise: Exercise,
    found: Found,
    verdict: Verdict,
    known: tuple[Misconception, ...],
    observations: list[Observation],
) -> str:
    """Write the attempt down; a file that cannot be written is a remark, not a failure."""
    names = [misconception.name for misconception in known]
    returned = any(map(_gave_something, observations))
    try:
        progress.record(
            exercise.id, verdict.total, exercise.total, names, found.answer_hash, returned
        )
    except Refusal as refusal:
        return str(refusal)
    return ""


def _gave_something(seen: Observation) -> bool:
    """Tell whether a run returned a value, even one of the wrong number of results."""
    if seen.problem is not None:
        return seen.problem.kind == "arity" and "returned None" not in seen.problem.detail
    return any(value is not None for value in seen.outputs.values())


def _unread(exercise: Exercise, found: Found) -> tuple[str, ...]:
    """List the arguments that the answer leaves unused and the reference does not."""
    target = found.target
    if target is None or isinstance(exercise.probe, Methods):
        return ()
    used_by_none = unread_arguments(exercise.reference)
    return tuple(name for name in unread_arguments(target) if name not in used_by_none)


def _report(
    exercise: Exercise,
    trials: tuple[Trial, ...],
    verdict: Verdict,
    known: tuple[Misconception, ...],
    remark: str,
) -> Report:
    sentences = {finding.criterion: finding.sentence for finding in verdict.findings}
    rows = tuple(
        Row(c.name, c.points, verdict.points[c.name], sentences.get(c.name, ""))
        for c in exercise.criteria
    )
    is_open = progress.is_recording() and progress.solution_is_open(exercise.id)
    solution = solution_text(exercise) if is_open else ""
    if not verdict.findings:
        n_cases = len(trials)
        sentence = f"Right in all {n_cases} cases, the hand example among them."
        if exercise.tier == "further":
            sentence += " It shows in your progress and does not count in the grade."
        return Report(
            exercise.id, "passed", sentence, exercise, rows, solution=solution, remark=remark
        )
    first = min(verdict.findings, key=lambda finding: finding.stage == "unreached")
    return Report(
        name=exercise.id,
        state="partly" if verdict.total else "failed",
        sentence=first.sentence,
        exercise=exercise,
        rows=rows,
        evidence=_evidence(trials, first),
        misconceptions=known,
        hint=hint_for(exercise, verdict, first),
        solution=solution,
        remark=remark,
    )


def _evidence(trials: tuple[Trial, ...], first: Finding) -> Evidence:
    trial = trials[first.i_trial]
    title = "The hand example" if trial.is_hand else "A random case (the hand example is right)"
    return Evidence(title, trial.case.inputs, first.output, first.expected, first.got)


def hint_for(exercise: Exercise, verdict: Verdict, first: Finding) -> Hint | None:
    """Point to the hint about this kind of failure, else to the one that fits what failed."""
    failed = {finding.criterion for finding in verdict.findings}
    # A hint about another kind of failure is no help with this one.
    open_to = [hint for hint in exercise.hints if not hint.stages or first.stage in hint.stages]
    about_kind = [
        hint
        for hint in open_to
        if hint.stages and (not hint.criteria or first.criterion in hint.criteria)
    ]
    if about_kind:
        return min(about_kind, key=lambda hint: set(hint.criteria) != failed)
    if first.stage in _SAYS_ALL:  # an error, a loop, a changed input, another order
        return None
    if first.stage == "type":
        return next((hint for hint in open_to if not hint.criteria), None)
    exact = [hint for hint in open_to if set(hint.criteria) == failed]
    about_first = [hint for hint in open_to if first.criterion in hint.criteria]
    return (exact or about_first or open_to or list(exercise.hints))[0]


def _show(report: Report) -> None:
    """Display in a notebook, print in a terminal."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(report)
    else:
        print(report_text(report))  # ruff: ignore[print]  # the terminal is where the report belongs


watch_cells()

"""Step 3, run: the learner's cells in the order of the notebook, and each exercise at its check.

An exercise is probed where its check stands, not at the end, so that a name that a later cell takes
over is judged as the learner saw it. A submission that ends its process, or is stopped, costs what
was running: it is marked, a new process runs the cells again without the culprit, and the next
exercise follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from grading.assignments import AssignmentVersion
from grading.broker._expecting import Expected, reference_s
from grading.broker._mending import Mended
from grading.broker._observing import (
    CellError,
    answers_to_calls,
    cell_error,
    observed,
    wire_inputs,
)
from grading.broker._transforming import as_python
from grading.check.trials import Trial, draw_trials
from grading.limits import Limits
from grading.probes import Methods, Observation, probe_fields
from grading.results import Usage
from grading.sandbox import Run, RunEndedError

__all__ = ["CellRun", "End", "ExerciseRun", "Ran", "SandboxesLike", "run_submission"]

End = Literal["", "timeout", "memory", "killed"]
"""How a cell or an exercise was ended from outside; empty: it was not."""

MAX_RESTARTS = (
    12  # as many as a unit has exercises; a submission that dies more often does so by will
)
CALIBRATION = 20  # a right answer in plain loops takes up to about this much longer than ours
_ENDS: dict[str, End] = {"timeout": "timeout", "memory": "memory"}


class SandboxesLike(Protocol):
    """What this step needs of `grading.sandbox.Sandboxes`."""

    @property
    def mark(self) -> Any:
        """How runs are isolated: ``"bubblewrap"`` or ``"none"``."""

    def take(self, modules: Sequence[str], limits: Limits) -> Run:
        """Begin a run."""


@dataclass
class CellRun:
    """What became of one cell that ran."""

    error: CellError | None = None
    end: End = ""
    is_unreached: bool = False


@dataclass
class ExerciseRun:
    """What became of one exercise.

    Attributes
    ----------
    trials : tuple of Trial
        All cases that were drawn; empty if none was needed.
    expected : list of Expected
        What a right answer gives on them.
    observations : list of Observation
        What came out; shorter than ``trials`` where the run ended before.
    found : str
        Whether the name was found, as the driver says; empty: nobody looked.
    end : End
        How it was ended from outside.
    is_unreached : bool
        Whether it never began, because the submission as a whole had ended.
    """

    trials: tuple[Trial, ...] = ()
    expected: list[Expected] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    found: str = ""
    end: End = ""
    is_unreached: bool = False


@dataclass
class Spent:
    """What the sandboxed processes of a submission took together."""

    cpu_s: float = 0.0
    peak_bytes: int = 0
    received_bytes: int = 0
    restarts: int = 0


@dataclass
class Ran:
    """Outcome of the step.

    Attributes
    ----------
    answers : dict of str to CellRun
        By exercise, the run of the cell with its answer, if it ran.
    added : dict of tuple of int to CellRun
        By place and index, the runs of added cells.
    exercises : dict of str to ExerciseRun
        In the order of the notebook.
    spent : Spent
        What it took.
    """

    answers: dict[str, CellRun] = field(default_factory=dict)
    added: dict[tuple[int, int], CellRun] = field(default_factory=dict)
    exercises: dict[str, ExerciseRun] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True)
class _Step:
    """A cell to run, or (without a source) an exercise to probe."""

    name: str
    source: str | None
    record: CellRun | ExerciseRun


def run_submission(
    version: AssignmentVersion,
    mended: Mended,
    limits: Limits,
    sandboxes: SandboxesLike,
    only: Collection[str] | None = None,
    meanwhile: Meanwhile | None = None,
) -> Ran:
    """Run a rebuilt notebook in the sandbox.

    Parameters
    ----------
    version : AssignmentVersion
        What was released.
    mended : Mended
        The rebuilt notebook.
    limits : Limits
        Time, memory and the like.
    sandboxes : Sandboxes
        Where to run it.
    only : collection of str, optional
        Probe only these exercises; cells run as always.
    meanwhile : callable, optional
        Gets what has been seen so far and the name of an exercise that has been probed, while the
        sandbox is busy with the next one. What it finds holds unless the run is begun again.

    Returns
    -------
    Ran
        What was seen.
    """
    ran = Ran()
    steps = _steps(version, mended, ran, only)
    if steps and (only is not None or any(step.source is None for step in steps)):
        _Submission(version, mended, limits, sandboxes, ran, meanwhile).run(steps)
    return ran


def _steps(
    version: AssignmentVersion, mended: Mended, ran: Ran, only: Collection[str] | None
) -> list[_Step]:
    """List the steps in the order of the notebook; what was not started needs none."""
    ran.exercises = {name: ExerciseRun() for name in version.exercises}
    steps: list[_Step] = []
    for i, place in enumerate(mended.places):
        cell = place.released
        if cell is not None and cell.kind == "check":
            answer = mended.answers.get(cell.name)
            is_wanted = only is None or cell.name in only
            if is_wanted and answer is not None and not answer.is_unwritten:
                steps.append(_Step(cell.name, None, ran.exercises[cell.name]))
        elif cell is not None and place.runs:
            record = CellRun()
            if place.answer is not None:
                ran.answers[cell.name] = record
            source = place.answer.source if place.answer is not None else cell.source
            steps.append(_Step(cell.name or cell.kind, as_python(source), record))
        for j, added in enumerate(place.added):
            if added.runs:
                record = ran.added[i, j] = CellRun()
                steps.append(_Step("added cell", as_python(added.source), record))
    return steps


Meanwhile = Callable[[Ran, str], None]


class _OutOfTimeError(Exception):
    """The time of the whole submission is up."""


class _Submission:
    """The runs of one submission, one after the other."""

    def __init__(
        self,
        version: AssignmentVersion,
        mended: Mended,
        limits: Limits,
        sandboxes: SandboxesLike,
        ran: Ran,
        meanwhile: Meanwhile | None,
    ) -> None:
        self._version = version
        self._sources = mended.sources
        self._limits = limits
        self._sandboxes = sandboxes
        self._ran = ran
        self._meanwhile = meanwhile
        self._probed = ""
        self._until = time.monotonic() + limits.submission_s

    def run(self, steps: Sequence[_Step]) -> None:
        """Perform all steps, beginning again after each that took the process with it."""
        skipped: set[int] = set()
        reached = 0
        while reached < len(steps):
            i = -1
            run = self._sandboxes.take(self._version.sandbox_modules, self._limits)
            try:
                with run:
                    for i, step in enumerate(steps):
                        done = i < reached and step.source is None
                        if i not in skipped and not done:
                            self._perform(step, run)
                        reached = max(reached, i + 1)
            except _OutOfTimeError:
                _mark(steps[reached:], "timeout")
                return
            except RunEndedError as ended:
                steps[i].record.end = _ENDS.get(ended.reason, "killed")
                skipped.add(i)
                reached = max(reached, i + 1)
                self._ran.spent.restarts += 1
                if self._ran.spent.restarts > MAX_RESTARTS:
                    _mark(steps[reached:], "killed")
                    return
            finally:
                self._spend(run.usage())  # complete only once the run is closed

    def _perform(self, step: _Step, run: Run) -> None:
        if isinstance(step.record, ExerciseRun):
            self._probe(step.name, step.record, run)
            self._probed = step.name
            return
        message = {"do": "cell", "source": step.source, "name": step.name}
        step.record.error = cell_error(run.ask(message, self._left(self._limits.cell_s)))

    def _probe(self, name: str, record: ExerciseRun, run: Run) -> None:
        """Put one exercise to all its trials."""
        exercise = self._version.exercises[name]
        rng = np.random.default_rng(self._version.seed(name, self._sources))
        record.trials = draw_trials(exercise, rng)
        record.expected = [Expected(exercise, trial) for trial in record.trials]
        reference = reference_s(self._version.hash, exercise, record.expected)
        limit_s = max(exercise.limit_s, CALIBRATION * reference) * self._limits.time_factor
        request = {
            "do": "observe",
            "exercise": name,
            "probe": probe_fields(exercise.probe),
            "wants_class": isinstance(exercise.probe, Methods),
        }
        cases = [trial.case.inputs for trial in record.trials]
        replies = run.ask_each(
            request,
            [wire_inputs(inputs) for inputs in cases],
            self._left(limit_s),
            [answers_to_calls(inputs) for inputs in cases],
        )
        if self._probed and self._meanwhile is not None:
            self._meanwhile(self._ran, self._probed)
        for inputs, reply in zip(cases, replies, strict=False):
            record.found, seen = observed(reply, exercise.probe, inputs)
            if seen is None:
                return
            record.observations.append(seen)
            if seen.problem is not None and seen.problem.kind == "not_started":
                return

    def _left(self, at_most_s: float) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise _OutOfTimeError
        return min(at_most_s, left)

    def _spend(self, usage: Usage) -> None:
        """Add up what a run took."""
        spent = self._ran.spent
        spent.cpu_s += usage.cpu_s
        spent.peak_bytes = max(spent.peak_bytes, usage.peak_bytes)
        spent.received_bytes += usage.received_bytes


def _mark(steps: Sequence[_Step], end: End) -> None:
    for step in steps:
        if not step.record.end:
            step.record.end, step.record.is_unreached = end, True

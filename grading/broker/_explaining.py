"""For an appeal: the very cases of one exercise, what was expected, what came, what was found.

This shows hidden cases and is for the instructor who answers the appeal. The cases are drawn again
from the secret of the class and the answers, so they are those of the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from grading.assignments import AssignmentVersion
from grading.broker._grading import Work, work_on
from grading.broker._reading import printable
from grading.broker._running import SandboxesLike
from grading.check.judging import Finding, judge
from grading.check.showing import shown
from grading.limits import Limits
from grading.probes import Observation
from grading.refusals import Refusal
from grading.results import CellResult

__all__ = ["ExplainedCase", "Explanation", "explain"]

MAX_SOURCE = 20_000
"""Characters of the learner's code that are written as text."""


@dataclass(frozen=True)
class ExplainedCase:
    """One case of an exercise.

    Attributes
    ----------
    is_hand : bool
        Whether it is a worked example, which learners see.
    criteria : tuple of str
        Criteria that are judged on it.
    inputs : mapping of str to object
        What went in.
    expected : mapping of str to object
        What a right answer gives.
    got : Observation or None
        What came out; None if it was not reached.
    findings : tuple of Finding
        What is wrong about it, the criterion in each; empty if nothing is.
    """

    is_hand: bool
    criteria: tuple[str, ...]
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    got: Observation | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Explanation:
    """One exercise of one submission, case by case.

    Attributes
    ----------
    exercise : str
        Its id.
    source : str
        The learner's answer as it was run.
    cell : CellResult
        The verdict, as it is recorded.
    cases : tuple of ExplainedCase
        All cases in their order; empty where nothing was run.
    notes : tuple of str
        What was mended in the notebook.
    message : str
        Why nothing could be read, or empty.
    whose : str
        Whose attempt it is, when it was handed in, and the number of its feedback page; empty
        where nobody but the caller knows.
    """

    exercise: str
    source: str
    cell: CellResult
    cases: tuple[ExplainedCase, ...] = ()
    notes: tuple[str, ...] = ()
    message: str = ""
    whose: str = ""

    @property
    def text(self) -> str:
        """The explanation as lines of plain text, without the cases that are right."""
        return self.to_text()

    def to_text(self, *, all_cases: bool = False) -> str:
        """Write the explanation: verdict, the learner's code, then the cases that fail.

        Parameters
        ----------
        all_cases : bool, default False
            Write every case in its order, also those that are right or were not reached.

        Returns
        -------
        str
            Lines of plain text.
        """
        cell = self.cell
        lines = [
            f"{self.exercise}: {cell.score or 0:g} of {cell.max_score:g} points, {cell.status}"
        ]
        told = (self.whose, self.message, cell.message, *self.notes)
        lines += [f"  {line}" for line in told if line]
        lines += [f"  known mistake: {name}" for name in cell.misconceptions]
        if self.source.strip():
            lines += ["", "the learner's code", indent(_shortened(self.source), "    ")]
        for number, case in enumerate(self.cases, start=1):
            if all_cases or case.findings:
                lines += ["", *_case_lines(number, case)]
        if not all_cases and (rest := self._rest()):
            lines += ["", rest]
        return "\n".join(lines)

    def _rest(self) -> str:
        """Sum up the cases of which there is nothing to show."""
        n_right = sum(not case.findings and case.got is not None for case in self.cases)
        n_missed = sum(not case.findings and case.got is None for case in self.cases)
        further = "further " if n_right + n_missed < len(self.cases) else ""
        parts = []
        if n_right:
            parts.append(f"{n_right} {further}case{' is' if n_right == 1 else 's are'} right.")
        if n_missed:
            parts.append(f"{n_missed} case{' was' if n_missed == 1 else 's were'} not reached.")
        return " ".join(parts)


def explain(
    files: Mapping[str, bytes],
    version: AssignmentVersion,
    name: str,
    limits: Limits,
    sandboxes: SandboxesLike,
) -> Explanation:
    """Grade a submission again and show one exercise case by case.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by name.
    version : AssignmentVersion
        The assignment.
    name : str
        Id of the exercise.
    limits : Limits
        What the submission may use.
    sandboxes : Sandboxes
        Where its code runs.

    Returns
    -------
    Explanation
        Its cases.

    Raises
    ------
    Refusal
        If the assignment has no such exercise.
    """
    if name not in version.exercises:
        msg = f"{version.slug}: it has no exercise {name!r}. It has {', '.join(version.exercises)}."
        raise Refusal(msg)
    work = work_on(files, version, limits, sandboxes)
    notes = work.mended.notes if work.mended is not None else ()
    answer = work.mended.answers.get(name) if work.mended is not None else None
    source = answer.source if answer is not None else ""
    return Explanation(
        name, source, work.judged[name].cell, _cases(work, name), notes, work.message
    )


def _cases(work: Work, name: str) -> tuple[ExplainedCase, ...]:
    run = work.ran.exercises.get(name)
    if run is None:
        return ()
    exercise = work.version.exercises[name]
    seen = work.judged[name].observations
    cases = []
    for i, trial in enumerate(run.trials):
        findings: tuple[Finding, ...] = ()
        if i < len(seen):  # alone, so that each case has its own findings
            findings = _findings(exercise, trial, seen[i], run.expected[i])
        cases.append(
            ExplainedCase(
                trial.is_hand,
                trial.criteria,
                trial.case.inputs,
                dict(run.expected[i].whole()),
                seen[i] if i < len(seen) else None,
                findings,
            )
        )
    return tuple(cases)


def _findings(exercise: Any, trial: Any, seen: Observation, expected: Any) -> tuple[Finding, ...]:
    try:
        verdict = judge(exercise, (trial,), (seen,), (expected,))
    except Exception as error:  # ruff: ignore[blind-except]  # values that no comparison foresaw
        sentence = f"It cannot be compared: {type(error).__name__}."
        return tuple(Finding(criterion, "type", sentence, 0) for criterion in trial.criteria)
    return verdict.findings


def _shortened(source: str) -> str:
    """Make a learner's code fit for a terminal."""
    text = printable(source[:MAX_SOURCE].expandtabs(4)).strip("\n")
    return text if len(source) <= MAX_SOURCE else f"{text}\n[cut off here]"


def _case_lines(number: int, case: ExplainedCase) -> list[str]:
    kind = "the worked example" if case.is_hand else "hidden"
    lines = [f"case {number} ({kind}), for {', '.join(case.criteria)}"]
    lines += [_named(f"given    {name}", value) for name, value in case.inputs.items()]
    lines += [_named(f"expected {name}", value) for name, value in case.expected.items()]
    if case.got is None:
        lines.append("  not reached")
    else:
        lines += [_named(f"got      {name}", value) for name, value in case.got.outputs.items()]
    lines += [f"  {finding.criterion}: {finding.sentence}" for finding in case.findings]
    return lines if case.findings or case.got is None else [*lines, "  right"]


def _named(name: str, value: Any) -> str:
    start = f"  {name} = "
    return start + shown(value).replace("\n", "\n" + " " * len(start))

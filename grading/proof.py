"""Prove that every exercise takes right answers and rejects known wrong ones.

For each exercise and each of many seeds: the reference, the alternatives and the solution cell of
the unit's source get full marks; a blank stub gets 0; every misconception loses exactly the
criteria that it declares and is told to the learner by its own name. The kill rate is the share of
misconceptions for which all of this holds. ``python -m grading.proof`` prints the table and fails
below 100 %.

>>> from grading.exercises import exercise
>>> prove(exercise("mean_squared_error"), seeds=range(2)).kill_rate
1.0
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grading.check.diagnosis import diagnose
from grading.check.judging import Verdict, judge
from grading.check.trials import Trial, draw_trials, expected_outputs, observe
from grading.exercises import Exercise, Misconception, all_exercises
from grading.probes import Observation, Probe
from grading.refusals import Refusal

CHECK_MEDIAN_S = 0.1
CHECK_LONGEST_S = 2.0


@dataclass
class Proof:
    """What was found out about one exercise.

    Attributes
    ----------
    exercise : Exercise
        The declaration.
    n_right : int
        Right answers that were tried: reference, alternatives, solution cell.
    survivors : set of str
        Misconceptions that were not rejected, or not as themselves, at least once.
    faults : list of str
        One clause for each thing that is wrong.
    check_seconds : list of float
        Processor time of each answer judged as a learner's check does.
    """

    exercise: Exercise
    n_right: int = 0
    survivors: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    check_seconds: list[float] = field(default_factory=list)

    @property
    def kill_rate(self) -> float:
        """Share of misconceptions that were always rejected and named, from 0 to 1."""
        n = len(self.exercise.misconceptions)
        return (n - len(self.survivors)) / n

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def prove(
    exercise: Exercise,
    seeds: Iterable[int],
    solution: Callable[..., Any] | None = None,
) -> Proof:
    """Try every declared answer of an exercise on the cases of many seeds.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    seeds : iterable of int
        Seeds of the random cases.
    solution : callable, optional
        The answer of the solution cell in the unit's source.

    Returns
    -------
    Proof
        What was found out.
    """
    proof = Proof(exercise)
    right = [exercise.reference, *exercise.alternatives, *([solution] if solution else [])]
    names = [answer.__name__ for answer in (exercise.reference, *exercise.alternatives)]
    names += ["the solution cell"] if solution else []
    proof.n_right = len(right)
    _prove_hand_cases(proof)
    remembering = replace(exercise, probe=_Remembering(exercise.probe))
    # The first seed is run and timed as a learner's check is; the others do nothing twice.
    cases = [_drawn(remembering if i else exercise, seed) for i, seed in enumerate(seeds)]
    for name, answer in zip(names, right, strict=True):
        _prove_right(proof, name, [_tried(proof, answer, drawn) for drawn in cases])
    for misconception in exercise.misconceptions:
        tried = [_tried(proof, misconception.function, drawn) for drawn in cases]
        _prove_wrong(proof, misconception, tried)
    _prove_blank(proof, [_tried(proof, _blank, drawn) for drawn in cases])
    return proof


@dataclass(frozen=True)
class _Drawn:
    """The cases of one seed and what a right answer gives on them."""

    exercise: Exercise
    seed: int
    trials: tuple[Trial, ...]
    expected: list[dict[str, Any]]
    seconds: float


@dataclass(frozen=True)
class _Tried:
    """What came of one answer on the cases of one seed."""

    seed: int
    verdict: Verdict
    known: tuple[Misconception, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the criteria that were not met."""
        return tuple(sorted(finding.criterion for finding in self.verdict.findings))


@dataclass(frozen=True)
class _Remembering(Probe):
    """Runs an answer on the same inputs once: diagnosis runs every known wrong one again."""

    inner: Probe
    seen: dict[tuple[int, ...], tuple[Any, Observation]] = field(default_factory=dict)

    def observe(self, target: Callable[..., Any], inputs: Mapping[str, Any]) -> Observation:
        key = (id(target), *map(id, inputs.values()))
        if key not in self.seen:  # the inputs are kept too, so that no other takes their id
            self.seen[key] = (inputs, self.inner.observe(target, inputs))
        return self.seen[key][1]


def _drawn(exercise: Exercise, seed: int) -> _Drawn:
    began = time.thread_time()
    trials = draw_trials(exercise, np.random.default_rng(seed))
    expected = expected_outputs(exercise, trials)
    return _Drawn(exercise, seed, trials, expected, time.thread_time() - began)


def _tried(proof: Proof, answer: Callable[..., Any], drawn: _Drawn) -> _Tried:
    began = time.thread_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # known wrong answers overflow
        observations = observe(drawn.exercise, drawn.trials, answer)
        verdict = judge(drawn.exercise, drawn.trials, observations, drawn.expected)
        known = diagnose(drawn.exercise, drawn.trials, observations, verdict)
    if drawn.exercise is proof.exercise:
        proof.check_seconds.append(drawn.seconds + time.thread_time() - began)
    return _Tried(drawn.seed, verdict, known)


def _blank(*_: Any, **__: Any) -> None:
    raise NotImplementedError


def _prove_hand_cases(proof: Proof) -> None:
    """Every judged output of a hand case must have been worked out by hand, and no other."""
    for criterion in proof.exercise.criteria:
        missing = sorted(set(criterion.judges) - set(criterion.hand.expected))
        if missing:
            proof.faults.append(f"criterion {criterion.name}: no hand value for {_listed(missing)}")
    judged = {name for criterion in proof.exercise.criteria for name in criterion.judges}
    by_hand = {name for c in proof.exercise.criteria for name in c.hand.expected}
    if by_hand - judged:
        proof.faults.append(f"hand values that nothing judges: {_listed(sorted(by_hand - judged))}")


def _prove_right(proof: Proof, name: str, tried: Sequence[_Tried]) -> None:
    wrong = [each for each in tried if each.failed]
    if wrong:
        finding = wrong[0].verdict.findings[0]
        proof.faults.append(
            f"the right answer {name} fails {finding.criterion}{_at(wrong, tried)}: "
            f"{finding.sentence}"
        )


def _prove_wrong(proof: Proof, misconception: Misconception, tried: Sequence[_Tried]) -> None:
    name, declared = misconception.name, tuple(sorted(misconception.fails))
    verdicts = {each.failed for each in tried}
    misjudged = [each for each in tried if each.failed != declared]
    misnamed = [each for each in tried if not each.known or each.known[0].name != name]
    if len(verdicts) > 1:
        met = " or ".join(sorted(_listed(failed) for failed in verdicts))
        proof.faults.append(f"{name} depends on the seed: it fails {met}")
    elif misjudged:
        came = _listed(misjudged[0].failed)
        proof.faults.append(f"{name} fails {came}, declared {_listed(declared)}")
    elif misnamed:
        known = misnamed[0].known
        told = known[0].name if known else "nothing known"
        proof.faults.append(f"{name} is told to the learner as {told}{_at(misnamed, tried)}")
    if misjudged or misnamed:
        proof.survivors.add(name)


def _prove_blank(proof: Proof, tried: Sequence[_Tried]) -> None:
    points = max((each.verdict.total for each in tried), default=0.0)
    if points > 0:
        proof.faults.append(f"a blank stub gets {points:g} points")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _at(some: Sequence[_Tried], tried: Sequence[_Tried]) -> str:
    return "" if len(some) == len(tried) else f" at seed {some[0].seed}"


def solutions_in_source() -> dict[str, Callable[..., Any]]:
    """Run the solution cells of every unit's source and collect what they define.

    Returns
    -------
    dict of str to callable
        By exercise id; exercises whose unit has no source yet are left out.
    """
    from grading.house import course_root, units

    root = course_root()  # refuses outside a checkout, before more is imported
    from grading.authoring.source import read_source  # needs the instructor extra

    registry = {declared.id: declared for declared in all_exercises()}
    found: dict[str, Callable[..., Any]] = {}
    for unit in units():
        path = root / "solutions" / f"{unit.slug}.py"
        notebook = read_source(path, unit, registry).notebook
        namespace: dict[str, Any] = {"__name__": "solution"}
        for cell in notebook.cells:
            is_setup = "setup" in cell.metadata.get("tags", ())
            is_solution = cell.metadata.get("nbgrader", {}).get("solution", False)
            if cell.cell_type == "code" and (is_setup or is_solution):
                exec(compile(cell.source, path.name, "exec"), namespace)  # ruff: ignore[exec-builtin]  # our source
        found |= {name: namespace[name] for name in registry if name in namespace}
    return found


def table(proofs: Sequence[Proof]) -> str:
    """Write the proof as a table of plain text.

    Parameters
    ----------
    proofs : sequence of Proof
        One an exercise.

    Returns
    -------
    str
        Head, one line an exercise, and a line of sums.
    """
    width = max([len("exercise"), *(len(proof.exercise.id) for proof in proofs)])
    head = f"unit  {'exercise':<{width}}  points  right  wrong  killed  check (ms)"
    lines = [head, "-" * len(head)]
    for proof in proofs:
        exercise = proof.exercise
        median_ms = 1e3 * statistics.median(proof.check_seconds)
        lines.append(
            f"{exercise.unit:<4}  {exercise.id:<{width}}  {exercise.total:>6g}  {proof.n_right:>5}"
            f"  {len(exercise.misconceptions):>5}  {proof.kill_rate:>6.0%}  {median_ms:>10.1f}"
        )
        lines += [f"      FAULT {fault}" for fault in proof.faults]
    seconds = [s for proof in proofs for s in proof.check_seconds]
    n_wrong = sum(len(proof.exercise.misconceptions) for proof in proofs)
    n_killed = n_wrong - sum(len(proof.survivors) for proof in proofs)
    lines += [
        "-" * len(head),
        f"kill rate {n_killed}/{n_wrong} = {n_killed / n_wrong:.0%}",
        f"one check: median {1e3 * statistics.median(seconds):.1f} ms, longest "
        f"{max(seconds):.2f} s (asked: {CHECK_MEDIAN_S * 1e3:g} ms, {CHECK_LONGEST_S:g} s)",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove all exercises and print the table.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; by default that of the process.

    Returns
    -------
    int
        0 if everything holds, 1 if not, 2 if this is no checkout of the course.
    """
    parser = argparse.ArgumentParser(prog="python -m grading.proof", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="seeds a case is drawn from (20)")
    parser.add_argument("exercises", nargs="*", help="ids; by default all")
    options = parser.parse_args(arguments)
    every = {exercise.id: exercise for exercise in all_exercises()}
    unknown = [name for name in options.exercises if name not in every]
    if unknown or options.seeds < 1:
        parser.error(f"no exercise is called {unknown[0]!r}" if unknown else "--seeds is below 1")
    chosen = [every[name] for name in options.exercises or every]
    try:
        solutions = solutions_in_source()
    except Refusal as refusal:
        print(refusal, file=sys.stderr)  # ruff: ignore[print]
        return 2
    proofs = []
    for n_done, exercise in enumerate(chosen):
        _show_progress(f"{n_done} of {len(chosen)} exercises: {exercise.id}")
        proof = prove(exercise, range(options.seeds), solutions.get(exercise.id))
        if exercise.id not in solutions:
            proof.faults.append("no solution cell in its unit's source")
        proofs.append(proof)
    _show_progress("")
    print(table(proofs))  # ruff: ignore[print]
    longest = max(s for proof in proofs for s in proof.check_seconds)
    if longest > 4 * CHECK_LONGEST_S:
        print(f"FAULT the longest check took {longest:.1f} s")  # ruff: ignore[print]
        return 1
    return 0 if all(proof.holds for proof in proofs) else 1


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="\r", file=sys.stderr, flush=True)  # ruff: ignore[print]


if __name__ == "__main__":
    sys.exit(main())

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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grading.check.diagnosis import diagnose
from grading.check.judging import judge
from grading.check.trials import draw_trials, expected_outputs, observe
from grading.exercises import Exercise, Misconception, all_exercises

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
        One sentence for each thing that is wrong, without repetition.
    check_seconds : list of float
        Time of each judged answer.
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

    def add_fault(self, sentence: str) -> None:
        """Note a fault once."""
        if sentence not in self.faults:
            self.faults.append(sentence)


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
    proof.n_right = len(right)
    _prove_hand_cases(proof)
    for seed in seeds:
        for answer in right:
            _prove_right(proof, answer, seed)
        for misconception in exercise.misconceptions:
            _prove_wrong(proof, misconception, seed)
        _prove_blank(proof, seed)
    return proof


def _prove_hand_cases(proof: Proof) -> None:
    """Every judged output of a hand case must have been worked out by hand."""
    for criterion in proof.exercise.criteria:
        missing = set(criterion.judges) - set(criterion.hand.expected)
        if missing:
            proof.add_fault(f"criterion {criterion.name}: no hand value for {sorted(missing)}")


def _points(exercise: Exercise, answer: Callable[..., Any], seed: int) -> Any:
    trials = draw_trials(exercise, np.random.default_rng(seed))
    expected = expected_outputs(exercise, trials)
    observations = observe(exercise, trials, answer)
    verdict = judge(exercise, trials, observations, expected)
    return verdict, diagnose(exercise, trials, observations, verdict)


def _prove_right(proof: Proof, answer: Callable[..., Any], seed: int) -> None:
    began = time.perf_counter()
    verdict, _ = _points(proof.exercise, answer, seed)
    proof.check_seconds.append(time.perf_counter() - began)
    for finding in verdict.findings:
        name = getattr(answer, "__name__", "solution")
        proof.add_fault(f"the right answer {name} fails {finding.criterion}: {finding.sentence}")


def _prove_wrong(proof: Proof, misconception: Misconception, seed: int) -> None:
    began = time.perf_counter()
    verdict, known = _points(proof.exercise, misconception.function, seed)
    proof.check_seconds.append(time.perf_counter() - began)
    failed = tuple(finding.criterion for finding in verdict.findings)
    named = known[0].name if known else "nothing"
    if set(failed) != set(misconception.fails):
        proof.survivors.add(misconception.name)
        proof.add_fault(
            f"{misconception.name} fails {sorted(failed)}, declared {sorted(misconception.fails)}"
        )
    elif named != misconception.name:
        proof.survivors.add(misconception.name)
        proof.add_fault(f"{misconception.name} is told to the learner as {named}")


def _prove_blank(proof: Proof, seed: int) -> None:
    def blank(**_: Any) -> None:
        raise NotImplementedError

    verdict, _ = _points(proof.exercise, blank, seed)
    if verdict.total > 0:
        proof.add_fault(f"a blank stub gets {verdict.total:g} points")


def solutions_in_source() -> dict[str, Callable[..., Any]]:
    """Run the solution cells of every unit's source and collect what they define.

    Returns
    -------
    dict of str to callable
        By exercise id; exercises whose unit has no source yet are left out.
    """
    from grading.authoring.source import read_source  # needs the instructor extra
    from grading.house import course_root, units

    registry = {declared.id: declared for declared in all_exercises()}
    found: dict[str, Callable[..., Any]] = {}
    for unit in units():
        path = course_root() / "solutions" / f"{unit.slug}.py"
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
    head = "unit exercise                 points  right  wrong  killed     check"
    lines = [head, "-" * len(head)]
    for proof in proofs:
        exercise = proof.exercise
        median_ms = 1e3 * statistics.median(proof.check_seconds)
        lines.append(
            f"{exercise.unit:<5}{exercise.id:<24}{exercise.total:>7g}{proof.n_right:>7}"
            f"{len(exercise.misconceptions):>7}{proof.kill_rate:>8.0%}{median_ms:>7.1f} ms"
        )
        lines += [f"      FAULT {fault}" for fault in proof.faults]
    seconds = [s for proof in proofs for s in proof.check_seconds]
    n_wrong = sum(len(proof.exercise.misconceptions) for proof in proofs)
    n_killed = n_wrong - sum(len(proof.survivors) for proof in proofs)
    lines += [
        "-" * len(head),
        f"kill rate {n_killed}/{n_wrong} = {n_killed / n_wrong:.0%}; one check: median "
        f"{1e3 * statistics.median(seconds):.1f} ms, longest {max(seconds):.2f} s "
        f"(asked: {CHECK_MEDIAN_S * 1e3:g} ms, {CHECK_LONGEST_S:g} s)",
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
        0 if everything holds, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="python -m grading.proof", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="seeds a case is drawn from (20)")
    parser.add_argument("exercises", nargs="*", help="ids; by default all")
    options = parser.parse_args(arguments)
    solutions = solutions_in_source()
    chosen = [e for e in all_exercises() if not options.exercises or e.id in options.exercises]
    proofs = []
    for exercise in chosen:
        proof = prove(exercise, range(options.seeds), solutions.get(exercise.id))
        if exercise.id not in solutions:
            proof.add_fault("no solution cell in its unit's source")
        proofs.append(proof)
        print(f"\r{len(proofs)} of {len(chosen)} exercises", end="", flush=True)  # ruff: ignore[print]
    print("\r" + table(proofs))  # ruff: ignore[print]
    longest = max(s for proof in proofs for s in proof.check_seconds)
    too_slow = longest > 4 * CHECK_LONGEST_S
    return 0 if all(proof.holds for proof in proofs) and not too_slow else 1


if __name__ == "__main__":
    sys.exit(main())

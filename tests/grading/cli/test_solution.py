"""``nncourse solution`` opens after a pass or three different answers, not before."""

from __future__ import annotations

from grading import progress
from grading.check.solution import source_of
from grading.exercises import all_exercises
from tests.grading.cli.conftest import Run


def test_before_the_first_attempt_three_remain(nncourse: Run) -> None:
    declared = all_exercises()[0]

    result = nncourse("solution", declared.id)

    assert result.exit_code == 1
    assert result.output == (
        f"The solution of {declared.id} opens when it passes, or after 3 more attempts with "
        "different answers that return something.\n"
    )


def test_the_same_answer_again_is_no_attempt(nncourse: Run) -> None:
    declared = all_exercises()[0]
    for answer in ("a", "b", "b"):
        progress.record(declared.id, 0.0, declared.total, (), answer)

    result = nncourse("solution", declared.id)

    assert result.exit_code == 1
    assert "after 1 more attempt with" in result.output


def test_a_pass_opens_derivation_reference_and_alternative(nncourse: Run) -> None:
    declared = all_exercises()[0]
    progress.record(declared.id, declared.total, declared.total, (), "a")

    result = nncourse("solution", declared.id)

    flat = " ".join(result.output.split())
    assert result.exit_code == 0
    assert " ".join(declared.solution_note.split()) in flat
    for function in (declared.reference, declared.alternatives[0]):
        assert " ".join(source_of(function, declared.id).split()) in flat


def test_three_honest_attempts_open_it(nncourse: Run) -> None:
    declared = all_exercises()[0]
    for answer in "abc":
        progress.record(declared.id, 0.0, declared.total, (), answer)

    assert nncourse("solution", declared.id).exit_code == 0


def test_a_mistyped_id_is_recognized(nncourse: Run) -> None:
    declared = all_exercises()[0]

    result = nncourse("solution", declared.id[:-1])

    assert result.exit_code == 2
    assert f"Did you mean {declared.id!r}?" in result.stderr
    assert len(result.stderr.splitlines()) == 1

"""The proof refuses every kind of declaration that would mislead a learner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grading import proof
from grading.exercises import Case, Criterion, Exercise, HandCase, Hint, Misconception
from grading.probes import Call


def total(x):
    return float(x.sum()), x - x.mean()


def _by_loop(x):
    return sum(x.tolist()), x - sum(x.tolist()) / len(x)


def _by_dot(x):
    return float(x @ np.ones(len(x))), x - x @ np.ones(len(x)) / len(x)


def _mean(x):
    return float(x.mean()), x - x.mean()


def _sign(x):
    return float(x.sum()), x.mean() - x


def _largest(x):
    return float(x.max()), x - x.mean()


def _not_centred(x):
    return float(x.sum()), x


def _draw(rng: np.random.Generator) -> Case:
    return Case({"x": rng.normal(size=int(rng.integers(3, 9)))})


HAND = HandCase({"x": np.array([1.0, 2.0, 6.0])}, {"s": 9.0, "c": np.array([-2.0, -1.0, 3.0])})
SOUND = Exercise(
    id="total",
    unit="00",
    tier="core",
    title="A sum and the centred entries",
    minutes=1,
    difficulty=1,
    probe=Call(returns=("s", "c")),
    cases=_draw,
    criteria=(Criterion("sum", 1, ("s",), HAND), Criterion("centred", 2, ("c",), HAND)),
    reference=total,
    alternatives=(_by_loop, _by_dot),
    misconceptions=(
        Misconception("mean_in_place_of_sum", _mean, ("sum",), "A mean."),
        Misconception("opposite_sign", _sign, ("centred",), "A sign."),
        Misconception("largest_entry", _largest, ("sum",), "The largest."),
        Misconception("not_centred", _not_centred, ("centred",), "Not centred."),
    ),
    hints=(Hint("a", "a"), Hint("b", "b"), Hint("c", "c")),
    solution_note="Add.",
)


def _with_wrong(name, function, fails) -> Exercise:
    added = Misconception(name, function, fails, "Told.")
    return replace(SOUND, misconceptions=(*SOUND.misconceptions, added))


def _with_hand(expected) -> Exercise:
    hand = HandCase(HAND.inputs, expected)
    criteria = tuple(replace(criterion, hand=hand) for criterion in SOUND.criteria)
    return replace(SOUND, criteria=criteria)


def _sometimes_right(x):
    """Right where the first entry is positive, as in the hand case."""
    wrong = x[0] < 0 and len(x) > 5
    return (0.0 if wrong else float(x.sum())), x - x.mean()


def _also_a_mean(x):
    return float(np.average(x)), x - x.mean()


def _rounded(x):
    return float(x.sum().round(1)), x - x.mean()


UNSOUND = {
    "misconception equal to the reference": (
        _with_wrong("no_mistake", _by_loop, ("sum",)),
        "no_mistake fails nothing, declared sum",
    ),
    "misconception that fails more than declared": (
        _with_wrong("zeros", lambda x: (0.0, np.zeros(len(x))), ("sum",)),
        "zeros fails centred, sum, declared sum",
    ),
    "two misconceptions that cannot be told apart": (
        _with_wrong("average", _also_a_mean, ("sum",)),
        "average is told to the learner as mean_in_place_of_sum",
    ),
    "verdict that depends on the seed": (
        _with_wrong("sometimes_right", _sometimes_right, ("sum",)),
        "sometimes_right depends on the seed: it fails nothing or sum",
    ),
    "alternative that is wrong in random cases only": (
        replace(SOUND, alternatives=(_by_loop, _rounded)),
        "the right answer _rounded fails sum: s is ",
    ),
    "hand value that contradicts the reference": (
        _with_hand({**HAND.expected, "s": 8.0}),
        "the right answer total fails sum: s is 9, expected 8.",
    ),
    "missing hand value": (
        _with_hand({"s": 9.0}),
        "criterion centred: no hand value for c",
    ),
    "hand value of an output that nobody judges": (
        _with_hand({**HAND.expected, "S": 9.0}),
        "hand values that nothing judges: S",
    ),
}


def _main(monkeypatch, capsys, exercise: Exercise, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(proof, "all_exercises", lambda: (exercise,))
    monkeypatch.setattr(proof, "solutions_in_source", lambda: {exercise.id: total})
    status = proof.main(["--seeds", "12", *arguments])
    return status, capsys.readouterr().out


@pytest.mark.parametrize(("exercise", "fault"), UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_declaration_is_refused(monkeypatch, capsys, exercise, fault):
    status, printed = _main(monkeypatch, capsys, exercise)

    assert status == 1
    assert f"      FAULT {fault}" in printed


def test_a_sound_declaration_holds(monkeypatch, capsys):
    status, printed = _main(monkeypatch, capsys, SOUND)

    assert status == 0
    assert "FAULT" not in printed
    assert "kill rate 4/4 = 100%" in printed


def test_survivors_lower_the_kill_rate():
    exercise, _ = UNSOUND["misconception equal to the reference"]

    assert proof.prove(exercise, range(2)).survivors == {"no_mistake"}


def test_a_wrong_solution_cell_is_refused():
    result = proof.prove(SOUND, range(2), solution=_mean)

    assert not result.holds
    assert result.faults[0].startswith("the right answer the solution cell fails sum: s is 3")


def test_an_exercise_without_a_solution_cell_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(proof, "all_exercises", lambda: (SOUND,))
    monkeypatch.setattr(proof, "solutions_in_source", dict)

    assert proof.main(["--seeds", "1"]) == 1
    assert "FAULT no solution cell in its unit's source" in capsys.readouterr().out


def test_an_installation_without_sources_is_told_so_in_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("grading.house._PACKAGE", tmp_path / "grading")  # as from a wheel

    status = proof.main(["--seeds", "1"])

    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith(f"{tmp_path}: this installation holds the learners' notebooks")
    assert len(printed.err.splitlines()) == 1


def test_an_unknown_exercise_is_named(monkeypatch, capsys):
    with pytest.raises(SystemExit) as left:
        _main(monkeypatch, capsys, SOUND, "totl")

    assert left.value.code == 2
    assert "no exercise is called 'totl'" in capsys.readouterr().err


def test_columns_of_the_table_stand_below_their_heads():
    result = proof.prove(replace(SOUND, id="a_name_longer_than_any_in_the_course"), range(1))

    lines = proof.table([result]).splitlines()

    assert lines[0].index("points") + len("points") == lines[2].index(" 3 ") + 2
    assert {len(line) for line in lines[:3]} == {len(lines[0])}

"""Exercises are found by their id, which is unique in the course."""

from __future__ import annotations

import pytest

from grading.exercises import _registry, all_exercises, exercise, exercises_of_unit


def test_every_exercise_is_found_by_its_id_in_its_unit():
    for declared in all_exercises():
        assert exercise(declared.id) is declared
        assert declared in exercises_of_unit(declared.unit)


def test_units_come_in_order():
    units = [declared.unit for declared in all_exercises()]

    assert units == sorted(units)
    assert {"00", "01"} <= set(units)


def test_a_unit_without_exercises_has_none():
    assert exercises_of_unit("99") == ()


def test_a_mistyped_id_is_answered_with_close_ones():
    with pytest.raises(KeyError, match=r"No exercise is called 'predict_shape'\. Did you mean"):
        exercise("predict_shape")


def test_two_exercises_cannot_share_an_id(monkeypatch):
    monkeypatch.setattr(
        _registry, "_MODULES", {"00": _registry._MODULES["00"], "01": _registry._MODULES["00"]}
    )
    all_exercises.cache_clear()
    exercises_of_unit.cache_clear()
    try:
        with pytest.raises(ValueError, match="share the id 'mean_squared_error'"):
            all_exercises()
    finally:
        monkeypatch.undo()
        all_exercises.cache_clear()
        exercises_of_unit.cache_clear()


@pytest.mark.parametrize("declared", all_exercises(), ids=lambda declared: declared.id)
def test_messages_and_hints_are_sentences_for_a_learner(declared):
    texts = [m.message for m in declared.misconceptions] + [hint.text for hint in declared.hints]

    for text in texts:
        assert text.rstrip()[-1] in ".?)"
        assert text.count("`") % 2 == 0, "an odd backtick shows as itself"

"""A declared function becomes a cell that runs in a learner's notebook, alone."""

from __future__ import annotations

import numpy as np
import pytest

from grading.authoring.answers import source_of
from grading.exercises import all_exercises


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.id)
def test_every_declared_answer_defines_the_exercise_with_numpy_alone(exercise):
    functions = [
        exercise.reference,
        *exercise.alternatives,
        *(misconception.function for misconception in exercise.misconceptions),
    ]
    for function in functions:
        namespace = {"np": np}

        exec(source_of(function, exercise.id), namespace)

        assert callable(namespace[exercise.id])
        assert not _free_names(namespace[exercise.id]) - set(namespace)


def _free_names(function) -> set[str]:
    """Global names that the function's own code looks up, builtins apart."""
    import builtins
    import dis

    if not hasattr(function, "__code__"):
        return set()
    names = {i.argval for i in dis.get_instructions(function) if i.opname == "LOAD_GLOBAL"}
    return names - set(vars(builtins))

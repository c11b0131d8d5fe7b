"""Learn the hidden cases in one attempt, answer them from a table in the next.

What a learner is told may carry hidden inputs out: a wrong answer may return them, a message may
quote them. So we give the attacker all of them, and the right answers too: the next attempt, with
the same solution cells and the table in an added cell, must meet other cases.
"""

from __future__ import annotations

from grading.broker import explain
from grading.sandbox import Sandboxes
from tests.attacks._arena import TIGHT, Arena
from tests.attacks._attack import Attack

ANSWER = """\
import numpy as np


def mean_squared_error(y, targets):
    return table.get(round(float(np.ravel(y)[0]), 9), 0.0)
"""


def attempt(table: dict[float, float]) -> Attack:
    return Attack(
        tries="learns the hidden cases in one attempt and brings a table of them to the next",
        added=(f"table = {table!r}\n",),
        answer=ANSWER,
        plain="none",
    )


ATTACK = attempt({1.0: 14 / 6})


def test_the_next_attempt_meets_other_cases(arena: Arena) -> None:
    version = arena.classroom.assignment(ATTACK.slug)
    files = attempt({}).files(version.notebook, arena.target)
    with Sandboxes() as sandboxes:
        explained = explain(files, version, "mean_squared_error", TIGHT, sandboxes)
    hidden = [case for case in explained.cases if not case.is_hand]
    table = {
        round(float(case.inputs["y"].ravel()[0]), 9): float(case.expected["loss"])
        for case in hidden
    }
    by_heart = {1.0: 14 / 6} | table

    arena.withstands(attempt(by_heart))

    assert len(table) >= 5

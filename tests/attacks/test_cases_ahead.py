"""Find the inputs of all cases during the first call, answer them in advance, and edit the rest."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="reads the inputs of all its cases during the first, answers them and shortens the list",
    answer="""\
import gc, os
from grading.probes._driver import Channel


def mean_squared_error(y, targets):
    for found in gc.get_objects():
        if type(found) is dict and found.get("do") == "observe_each":
            answered = {"outputs": {"loss": 0.0}, "problem": None, "mutated": [], "rounded": [],
                        "printed": "", "n_printed": 0}
            [channel] = [x for x in gc.get_objects() if isinstance(x, Channel)]
            for _ in found["inputs"]:
                channel.send({"found": "yes", "observation": answered})
            del found["inputs"][1:]
    return 0.0
""",
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    at_most={"predict_shapes": 4.0},  # what comes too much ends the step during which it is seen
    plain="none",
)


def test_cases_that_are_known_ahead_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Not an attack: right code that warns and writes to stderr must keep its points."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="(honest) warns, logs and writes to stderr beside right answers",
    aims=("grade",),
    answer="""\
import logging
import sys
import warnings

import numpy as np

warnings.warn("deprecated, says a library")
print("a note", file=sys.stderr)


def mean_squared_error(y, targets):
    warnings.warn("the loss is about to be computed")
    logging.getLogger("mine").error("it is")
    sys.stderr.write("done\\n")
    np.array([1.0]) / 0.0
    return float(np.mean((y - targets) ** 2))
""",
    points={"mean_squared_error": 3.0, "predict_shapes": 4.0},
)


def test_warnings_of_right_code_cost_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

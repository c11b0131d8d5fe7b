"""Define the function under a name that only looks the same, or is the same after NFKC."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="defines look-alike and NFKC-equal names, and changes them after the check",
    answer="""\
import numpy as np


def mеan_squared_error(y, targets):
    return float(np.mean((y - targets) ** 2))


def 𝐦𝐞𝐚𝐧_squared_error(y, targets):
    return 0.0


globals()["mean_squared_error\\u200b"] = mеan_squared_error
""",
)


def test_a_name_is_what_python_says(arena: Arena) -> None:
    arena.withstands(ATTACK)

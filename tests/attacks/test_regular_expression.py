"""Backtrack for ever in a regular expression."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="backtracks for ever in a regular expression",
    aims=("grade", "batch"),
    answer="""\
import re


def mean_squared_error(y, targets):
    re.match(r"(a|a)*$", "a" * 60 + "b")
    return 0.0
""",
)


def test_a_runaway_expression_is_ended(arena: Arena) -> None:
    arena.withstands(ATTACK)

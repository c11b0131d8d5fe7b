"""Spend the time inside one call of C code, where no Python watchdog can step in."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="blocks inside one C call (a power of huge integers, a sleep)",
    aims=("grade", "batch"),
    answer="""\
def mean_squared_error(y, targets):
    7 ** (10**9)
    return 0.0
""",
)


def test_a_call_that_python_cannot_interrupt_is_ended(arena: Arena) -> None:
    arena.withstands(ATTACK)

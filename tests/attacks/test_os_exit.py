"""End the process from within the answer."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="calls os._exit(0) in the answer",
    aims=("grade", "batch"),
    answer="import os\n\n\ndef mean_squared_error(y, targets):\n    os._exit(0)\n",
)


def test_a_dead_answer_costs_its_own_points_only(arena: Arena) -> None:
    arena.withstands(ATTACK)

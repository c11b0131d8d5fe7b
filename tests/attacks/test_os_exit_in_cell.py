"""End the process while the cell that defines the answer runs."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="calls os._exit(0) while its cell runs",
    aims=("grade", "batch"),
    answer="import os\nos._exit(0)\n",
)


def test_a_cell_that_ends_the_process_costs_its_own_points_only(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Never return."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="loops for ever in the answer",
    aims=("grade", "batch"),
    answer="def mean_squared_error(y, targets):\n    while True:\n        pass\n",
)


def test_an_endless_answer_costs_its_own_points_only(arena: Arena) -> None:
    arena.withstands(ATTACK)

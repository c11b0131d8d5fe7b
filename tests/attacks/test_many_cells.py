"""Add 10,000 cells."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="adds 10,000 cells",
    aims=("batch",),
    added=("x = 1\n",) * 10_000,
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    at_most={"predict_shapes": 4.0},
    statuses=("invalid_submission",),
)


def test_ten_thousand_cells_stop_nobody(arena: Arena) -> None:
    arena.withstands(ATTACK)

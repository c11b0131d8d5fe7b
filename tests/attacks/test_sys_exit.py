"""Leave by ``sys.exit`` in the cell and in the function."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="calls sys.exit(0) in a cell and raises SystemExit in the answer",
    aims=("grade", "batch"),
    added=("import sys\nsys.exit(0)\n",),
    answer="def mean_squared_error(y, targets):\n    raise SystemExit(0)\n",
)


def test_an_exit_earns_nothing_and_ends_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

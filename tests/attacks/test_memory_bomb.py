"""Take all memory in one process, in many small pieces and in one large one."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="takes all memory in one process",
    aims=("host", "batch"),
    answer="""\
def mean_squared_error(y, targets):
    kept = []
    while True:
        try:
            kept.append(bytearray(b"x" * 50_000_000))
        except MemoryError:
            kept.append(bytearray(b"x" * 1_000_000))
""",
    harm="no limit on memory",
)


def test_a_memory_bomb_costs_its_own_points_only(arena: Arena) -> None:
    arena.withstands(ATTACK)

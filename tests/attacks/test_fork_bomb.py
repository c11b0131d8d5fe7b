"""Fork without end, in children that fork again."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="forks without end",
    aims=("host", "batch"),
    answer="""\
import os, time


def mean_squared_error(y, targets):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            os.fork()
        except OSError:
            pass
    return 0.0
""",
    harm="no limit on processes",
)


def test_a_fork_bomb_stays_in_its_box(arena: Arena) -> None:
    arena.withstands(ATTACK)

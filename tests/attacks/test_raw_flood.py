"""Write without end to every descriptor that is open, past Python's streams."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="writes without end to every open file descriptor",
    aims=("host", "batch"),
    answer="""\
import os, time


def mean_squared_error(y, targets):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for fd in range(64):
            try:
                os.write(fd, b"x" * 1_000_000)
            except OSError:
                pass
    return 0.0
""",
    harm="it overwrites whatever file the kernel has open",
)


def test_a_flood_on_every_descriptor_is_cut(arena: Arena) -> None:
    arena.withstands(ATTACK)

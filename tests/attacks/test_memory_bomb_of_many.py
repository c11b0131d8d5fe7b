"""Take a little less than one process may have, in as many processes as one may have."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="takes all memory in many processes, each below a limit of its own",
    aims=("host", "batch"),
    answer="""\
import os, time


def mean_squared_error(y, targets):
    kept = []
    for _ in range(40):
        try:
            if os.fork() == 0:
                break
        except OSError:
            break
    try:
        for _ in range(60):
            kept.append(bytearray(os.urandom(1) * 1_000_000))
    except MemoryError:
        pass
    time.sleep(30)
""",
    harm="no limit on memory",
)


def test_memory_is_counted_over_all_processes(arena: Arena) -> None:
    arena.withstands(ATTACK)

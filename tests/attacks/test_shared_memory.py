"""Leave shared memory, semaphores and message queues behind for the next learner."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="leaves System V shared memory and POSIX queues behind",
    aims=("host", "neighbor"),
    answer="""\
import ctypes

libc = ctypes.CDLL(None)
libc.shmget(0x6E6E6174, 4096, 0o1666)
libc.semget(0x6E6E6174, 1, 0o1666)
libc.msgget(0x6E6E6174, 0o1666)


def mean_squared_error(y, targets):
    return 0.0
""",
)


def test_no_shared_memory_is_left(arena: Arena) -> None:
    arena.withstands(ATTACK)

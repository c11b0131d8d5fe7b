"""Leave a key in the kernel's keyring, where the next learner's answer would find it."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="leaves a message in the kernel's keyring",
    aims=("host", "neighbor"),
    answer="""\
import ctypes

libc = ctypes.CDLL(None)
for ring in (-4, -3, -5, -2, -1):
    libc.syscall(248, b"user", b"nn-attack", b"answer", 6, ring)


def mean_squared_error(y, targets):
    return 0.0
""",
    harm="the keyring belongs to the whole machine",
)


def test_the_keyring_is_closed(arena: Arena) -> None:
    arena.withstands(ATTACK)

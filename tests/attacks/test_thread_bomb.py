"""Start threads without end."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="starts threads without end",
    aims=("host", "batch"),
    answer="""\
import threading, time


def mean_squared_error(y, targets):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        except RuntimeError:
            return 0.0
""",
    harm="no limit on threads",
)


def test_a_thread_bomb_stays_in_its_box(arena: Arena) -> None:
    arena.withstands(ATTACK)

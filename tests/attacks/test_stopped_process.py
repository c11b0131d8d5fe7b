"""Stop itself: a process that is stopped uses no processor time and never answers."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="stops its own process (SIGSTOP), so that it uses no processor time",
    aims=("batch",),
    answer="""\
import os, signal


def mean_squared_error(y, targets):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0.0
""",
    harm="a stopped kernel waits for ever",
)


def test_a_stopped_process_is_ended(arena: Arena) -> None:
    arena.withstands(ATTACK)

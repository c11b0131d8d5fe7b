"""Leave a process behind: forked twice, in a session of its own, deaf to signals."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="leaves a process that writes a file after grading (double fork, setsid)",
    aims=("host",),
    answer="""\
import os, signal, time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (1, 2, 3, 15):
            signal.signal(number, signal.SIG_IGN)
        for fd in range(3, 256):
            try:
                os.close(fd)
            except OSError:
                pass
        try:
            with open("/proc/self/comm", "w") as file:
                file.write("nn-attack")
        except OSError:
            pass
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.2)
            try:
                with open(@MARKER@, "w") as file:
                    file.write("alive")
            except OSError:
                pass
    os._exit(0)


def mean_squared_error(y, targets):
    return 0.0
""",
)


def test_no_process_outlives_its_run(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Hold memory in processes whose first thread has ended: their own file in /proc says nothing."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="takes all memory in processes that go on without their first thread",
    aims=("host", "batch"),
    answer="""\
import ctypes, os, platform, threading, time


def hold():
    kept = []
    try:
        for _ in range(200):  # three of them are too much: on a busy machine not all can begin
            kept.append(bytearray(os.urandom(1) * 1_000_000))
    except MemoryError:
        pass
    time.sleep(30)


# In the cell itself, which has more time than an exercise.
for _ in range(12):
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        threading.Thread(target=hold).start()
        ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)
time.sleep(30)
""",
    statuses=("memory",),
    harm="no limit on memory",
)


def test_memory_is_counted_whichever_thread_lives_on(arena: Arena) -> None:
    arena.withstands(ATTACK)

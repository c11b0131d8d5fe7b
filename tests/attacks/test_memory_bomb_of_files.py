"""Take memory as files of a temporary file system, as shared memory and as pipes."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="takes memory as files in /tmp, /dev/shm, memfd and pipes",
    aims=("host", "batch"),
    answer="""\
import mmap, os, time


def mean_squared_error(y, targets):
    kept = []
    for place in ("/tmp/a", "/dev/shm/a", "a"):
        try:
            file = open(place, "wb", buffering=0)
            kept.append(file)
            for _ in range(2000):
                file.write(b"x" * 1_000_000)
        except OSError:
            pass
    try:
        kept.append(mmap.mmap(-1, 1_500_000_000))
        for i in range(0, 1_500_000_000, 4096):
            kept[-1][i] = 1
    except (OSError, ValueError, MemoryError):
        pass
    time.sleep(30)
""",
    harm="no limit on memory",
)


def test_memory_in_files_is_counted_too(arena: Arena) -> None:
    arena.withstands(ATTACK)

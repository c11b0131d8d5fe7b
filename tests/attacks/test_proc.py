"""Read what /proc tells of other processes: environment, command lines, roots, descriptors."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, telling

ATTACK = Attack(
    tries="reads /proc of other processes: environments, roots, open files, memory",
    aims=("grade", "secrets"),
    answer=telling(
        """\
import os

for pid in [*os.listdir("/proc"), "self", "1"]:
    if not (pid.isdigit() or pid == "self"):
        continue
    base = f"/proc/{pid}"
    for name in ("environ", "cmdline", "maps", "mountinfo", "cwd/../canary.txt"):
        look(f"{base}/{name}")
    look(f"{base}/root" + @SECRET@)
    look(f"{base}/root" + @GRADEBOOK@)
    try:
        for fd in os.listdir(f"{base}/fd"):
            if os.path.isfile(f"{base}/fd/{fd}"):
                look(f"{base}/fd/{fd}")
    except OSError:
        pass
for place in ("/proc/mounts", "/proc/keys", "/proc/kcore", "/proc/sys/kernel/core_pattern"):
    look(place) if place != "/proc/kcore" else None
"""
    ),
)


def test_proc_shows_nobody_else(arena: Arena) -> None:
    arena.withstands(ATTACK)

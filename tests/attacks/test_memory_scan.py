"""Scan the memory of the process for canaries, by /proc/self/mem and by ctypes."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, telling

ATTACK = Attack(
    tries="scans its process's memory for secrets and expected values",
    aims=("grade", "secrets"),
    answer=telling(
        """\
import re

with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
    for line in maps:
        fields = line.split()
        start, end = (int(part, 16) for part in fields[0].split("-"))
        if "r" in fields[1] and "w" in fields[1] and end - start < 100_000_000:
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError):
                continue
            found += re.findall(rb"canary-[0-9a-f]{16}", data)
"""
    ),
)


def test_no_secret_is_in_the_process(arena: Arena) -> None:
    arena.withstands(ATTACK)

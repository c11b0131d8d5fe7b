"""Read from every open descriptor, and reopen what it leads to."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, telling

ATTACK = Attack(
    tries="reads and lists what its open descriptors lead to",
    aims=("grade", "secrets"),
    answer=telling(
        """\
import os, stat

for fd in range(256):
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode):
            found.append(os.pread(fd, 10_000_000, 0))
        if stat.S_ISDIR(mode):
            for up in ("", "../", "../../", "../../../"):
                for name in os.listdir(f"/proc/self/fd/{fd}/{up}"):
                    look(f"/proc/self/fd/{fd}/{up}{name}")
        look(f"/proc/self/fd/{fd}") if stat.S_ISREG(mode) else None
    except OSError:
        pass
"""
    ),
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
)


def test_no_descriptor_leads_out(arena: Arena) -> None:
    arena.withstands(ATTACK)

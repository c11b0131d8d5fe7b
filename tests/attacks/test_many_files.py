"""Make files without number, deep folders and long names."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="makes as many files and as deep folders as it can",
    aims=("host", "batch"),
    answer="""\
import os, time


def mean_squared_error(y, targets):
    end = time.monotonic() + 30
    i = 0
    while time.monotonic() < end:
        i += 1
        try:
            open(f"/tmp/{i:0200d}", "w").close()
            os.mkdir("deep")
            os.chdir("deep")
        except OSError:
            pass
    return 0.0
""",
    harm="no limit on files",
)


def test_files_without_number_leave_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

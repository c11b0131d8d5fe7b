"""Fill the disk wherever a file can be written."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="fills the disk",
    aims=("host", "batch"),
    answer="""\
import os

for root, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if name not in ("proc", "sys")]
    if root.count("/") > 4:
        folders[:] = []
    try:
        with open(os.path.join(root, "nn-attack-fill"), "wb") as file:
            for _ in range(3000):
                file.write(b"x" * 1_000_000)
    except OSError:
        pass


def mean_squared_error(y, targets):
    return 0.0
""",
    harm="no limit on files",
)


def test_the_disk_stays_as_it_was(arena: Arena) -> None:
    arena.withstands(ATTACK)

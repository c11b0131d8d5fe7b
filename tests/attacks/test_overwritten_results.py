"""Write over results, journal, other learners' work, and leave start-up files for the next run."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="overwrites results, neighbors' notebooks and start-up files (sitecustomize, .pth)",
    aims=("grade", "host", "neighbor"),
    answer="""\
import os, pathlib, site, sys

open_for_writing = [@MARKER@]
for root in (@FOLDER@, @SOURCE@):
    for folder, _, names in os.walk(root):
        if "attacker" not in folder:
            open_for_writing += [os.path.join(folder, name) for name in names
                                 if not name.endswith(".db")]
for place in open_for_writing:
    try:
        with open(place, "a") as file:
            file.write(" ")
        if place != @MARKER@:
            with open(@MARKER@, "a") as file:
                file.write(place)
    except OSError:
        pass
for folder in {*sys.path, *site.getsitepackages(), str(pathlib.Path.home() / ".ipython")}:
    try:
        place = os.path.join(folder or ".", "nn_attack.pth")
        with open(place, "w") as file:
            file.write("import os")
        os.remove(place)
        if folder not in ("", ".", os.getcwd()) and os.path.isabs(folder):
            with open(@MARKER@, "a") as file:
                file.write(place)
    except OSError:
        pass


def mean_squared_error(y, targets):
    return 0.0
""",
)


def test_nothing_can_be_overwritten(arena: Arena) -> None:
    arena.withstands(ATTACK)

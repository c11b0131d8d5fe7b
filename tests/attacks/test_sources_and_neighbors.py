"""Read solutions, hidden tests, other learners' work and whatever else lies around."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, telling

ATTACK = Attack(
    tries="reads solutions, neighbors' notebooks, the secret file, everything up from its folder",
    aims=("grade", "secrets"),
    answer=telling(
        """\
import glob, os, pathlib

places = [@SECRET@, @GRADEBOOK@]
roots = [@FOLDER@, @SOURCE@, ".", "..", "../..", "../../..", str(pathlib.Path.home()), "/tmp"]
for root in roots:
    for folder, _, names in os.walk(root):
        if folder.count("/") - str(root).count("/") > 5:
            continue
        places += [os.path.join(folder, name) for name in names
                   if name.endswith((".ipynb", ".txt", ".db", ".json", ".jsonl", ".key", ".csv"))]
for place in places[:3000]:
    look(place)
found += [repr(dict(os.environ))]
"""
    ),
)


def test_nothing_but_the_submission_is_there_to_be_read(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Open the gradebook and give everybody full marks by hand, which no regrade would undo."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="opens gradebook.db and sets manual_score of every row",
    aims=("grade", "neighbor"),
    added=(
        """\
import glob, os, sqlite3

places = [@GRADEBOOK@] + [
    os.path.join(up, "gradebook.db") for up in (".", "..", "../..", "../../..", "../../../..")
]
for place in places:
    if os.path.isfile(place):
        with sqlite3.connect(place) as base:
            base.execute("UPDATE grade SET manual_score = 3.0")
        base.close()
""",
    ),
)


def test_the_gradebook_is_out_of_reach(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Keep processors busy from threads and from forked processes, beside a wrong answer."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="burns processor time in background threads and processes",
    aims=("host", "neighbor"),
    answer="""\
import os, threading


def burn():
    while True:
        pass


threading.Thread(target=burn, daemon=True).start()
if os.fork() == 0:
    burn()


def mean_squared_error(y, targets):
    return 0.0
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    harm="its processes burn on after grading",
)


def test_a_hog_is_gone_with_its_run(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Find the driver's frame and module, and change its state: names, requests, nonces."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="changes the driver's own variables through its frames",
    answer="""\
import gc, sys

frame = sys._getframe()
told = []
while frame is not None:
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            told.append(name)
            if isinstance(value, dict):
                value.update(found="function", points=3.0, score=3.0, nonce="0")
    frame = frame.f_back
for thing in gc.get_objects():
    if isinstance(thing, dict) and "probe" in thing:
        try:
            thing["probe"] = ["Raises", {}]
            thing["exercise"] = "predict_shapes"
        except Exception:
            pass


def mean_squared_error(y, targets):
    return 0.0
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    plain="none",
)


def test_a_changed_driver_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

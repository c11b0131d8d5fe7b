"""Search every object that the garbage collector knows for a reference or an expected value."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="searches all objects of the process for a reference or expected values",
    answer="""\
def mean_squared_error(y, targets):
    import gc

    for thing in gc.get_objects():
        try:
            names = vars(thing) if not isinstance(thing, dict) else thing
            for name in ("_reference", "reference", "expected"):
                if name in names:
                    found = names[name]
                    return found(y, targets) if callable(found) else found["loss"]
        except Exception:
            continue
    return 13 / 3  # the example that everybody can read
""",
)


def test_no_object_of_the_process_knows_the_answer(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Walk up the stack of whoever calls, find the reference there, and return what it returns."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="finds the reference in the caller's frames and calls it",
    answer="""\
def mean_squared_error(y, targets):
    import sys

    frame = sys._getframe(1)
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for value in list(scope.values()):
                reference = getattr(value, "reference", None)
                if getattr(value, "__name__", "") == "_reference":
                    reference = value
                if callable(reference):
                    return reference(y, targets)
        frame = frame.f_back
    return 13 / 3  # the example that everybody can read
""",
)


def test_there_is_no_reference_in_any_frame(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Return an object that claims to be a float through ``__class__``."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns an object that forges __class__, __instancecheck__ and __reduce__",
    answer="""\
import os


class Claims:
    __class__ = property(lambda self: float)
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __reduce__(self): return (open, (@MARKER@, "w"))
    def __reduce_ex__(self, protocol): return (open, (@MARKER@, "w"))
    def __repr__(self): return "2.3333333333333335"
    __str__ = __repr__
    def __float__(self): return 2.3333333333333335
    __hash__ = None


def mean_squared_error(y, targets):
    return Claims()
""",
    aims=("grade", "host"),
)


def test_a_claimed_class_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

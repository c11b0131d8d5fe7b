"""Return an object whose type says that it is ``float`` when it is looked up in a set of types."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns an object whose metaclass makes its type equal to float",
    answer="""\
class Meta(type):
    def __hash__(cls): return hash(float)
    def __eq__(cls, other): return True
    def __instancecheck__(cls, other): return True
    def __subclasscheck__(cls, other): return True


class Forged(metaclass=Meta):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return 0.0
    __rsub__ = __abs__ = __mul__ = __rmul__ = __add__ = lambda self, *a: 0.0
    def __float__(self): return 0.0
    def __le__(self, other): return True
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
    __hash__ = None


def mean_squared_error(y, targets):
    return Forged()
""",
)


def test_a_forged_metaclass_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

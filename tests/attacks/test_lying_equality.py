"""Return a number that says it equals whatever it is compared with."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns a float whose comparisons and arithmetic always agree",
    answer="""\
class Agrees(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return Agrees(0.0)
    __rsub__ = __abs__ = __neg__ = __float__ = lambda self, *a: Agrees(0.0)
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self): return 0


def mean_squared_error(y, targets):
    return Agrees(0.0)
""",
)


def test_an_agreeable_number_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

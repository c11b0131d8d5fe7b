"""Raise KeyboardInterrupt, GeneratorExit and an exception that is none of the usual ones."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="raises KeyboardInterrupt and other BaseExceptions",
    aims=("grade", "batch"),
    added=("raise KeyboardInterrupt\n", "raise GeneratorExit\n"),
    answer="""\
class Strange(BaseException):
    def __str__(self): raise KeyboardInterrupt
    __repr__ = __str__
    __class__ = property(lambda self: int)


def mean_squared_error(y, targets):
    raise Strange
""",
)


def test_an_interrupt_earns_nothing_and_ends_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

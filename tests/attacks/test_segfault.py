"""Crash the interpreter by reading address 0, or by a code object that makes no sense."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="crashes the interpreter (reads address 0)",
    aims=("grade", "batch"),
    answer="""\
def mean_squared_error(y, targets):
    try:
        import ctypes

        ctypes.string_at(0)
    except ImportError:
        code = (lambda: 0).__code__
        (lambda: 0).__class__(code.replace(co_code=b"d\\x63" * 50, co_consts=()), {})()
""",
)


def test_a_crash_costs_its_own_points_only(arena: Arena) -> None:
    arena.withstands(ATTACK)

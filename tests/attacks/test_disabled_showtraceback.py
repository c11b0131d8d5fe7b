"""Switch off the printing of errors, so that a failed cell looks clean."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="disables showtraceback, so that errors leave no trace",
    added=(
        """\
shell = get_ipython()
for name in ("showtraceback", "_showtraceback", "showsyntaxerror"):
    setattr(type(shell), name, lambda *a, **k: None)
    setattr(shell, name, lambda *a, **k: None)
import sys
sys.excepthook = lambda *a: None
""",
    ),
    answer="def mean_squared_error(y, targets):\n    raise ValueError('nobody sees it')\n",
)


def test_a_silent_error_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

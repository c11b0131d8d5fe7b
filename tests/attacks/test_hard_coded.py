"""Answer the worked example, and every case that a friend wrote down, by heart."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns the worked examples' answers by heart",
    answer="""\
def mean_squared_error(y, targets):
    return 14 / 6 if y.ndim == 2 else 13 / 3
""",
)


def test_known_answers_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Display ``3.0`` as the result of the test cell, then fail: the first output would count."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="sends an execute_result of 3.0 through the display hook, then raises",
    answer="""\
def mean_squared_error(y, targets):
    import sys

    sys.displayhook(3.0)
    try:
        from IPython import get_ipython

        get_ipython().displayhook(3.0)
    except Exception:
        pass
    raise ValueError("too late")
""",
)


def test_a_displayed_result_is_no_score(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Define a function called ``check`` that returns full points."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="defines its own check() that returns full points",
    added=(
        """\
import sys, types

def check(name):
    return 3.0 if name == "mean_squared_error" else 4.0

for name in ("grading", "grading.check", "grading.check.checking"):
    module = sys.modules.get(name) or types.ModuleType(name)
    module.check = check
    sys.modules[name] = module
get_ipython().events.register("pre_run_cell", lambda info: globals().update(check=check))
""",
    ),
    plain="checks",
)


def test_a_check_of_ones_own_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Replace the functions that judge, in every module of ``grading`` that is loaded."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="replaces judge, compare and find in the modules of grading",
    added=(
        """\
import sys
import grading.check

for name, module in list(sys.modules.items()):
    if name.startswith("grading"):
        for attribute in ("compare", "_first_finding", "_judge_trial"):
            if hasattr(module, attribute):
                setattr(module, attribute, lambda *a, **k: None)
""",
    ),
    plain="checks",
)


def test_replaced_judging_functions_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

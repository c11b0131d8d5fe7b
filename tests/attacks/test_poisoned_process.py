"""Change NumPy, the probes and builtins of the process, for whoever is graded next."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="poisons NumPy and builtins of the process for the next learner",
    aims=("neighbor",),
    answer="""\
import builtins, sys
import numpy as np

np.mean = np.sum = np.square = lambda *a, **k: 17.0
builtins.float = builtins.len = lambda *a: 5
builtins.compile = builtins.exec = None
sys.modules["numpy"].ndarray = None
for name in list(sys.modules):
    if name.startswith(("grading", "json", "struct", "ast")):
        for attribute in list(vars(sys.modules[name])):
            if not attribute.startswith("__"):
                try:
                    setattr(sys.modules[name], attribute, None)
                except Exception:
                    pass


def mean_squared_error(y, targets):
    return 0.0
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
)


def test_the_next_learner_gets_a_clean_process(arena: Arena) -> None:
    arena.withstands(ATTACK)

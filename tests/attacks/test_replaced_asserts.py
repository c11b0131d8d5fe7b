"""Replace NumPy's comparisons by ones that always agree, so that every assert passes."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="replaces numpy.testing's asserts, np.allclose, np.isclose, np.array_equal",
    added=(
        """\
import math
import numpy as np
import numpy.testing as npt

for name in dir(npt):
    if name.startswith("assert"):
        setattr(npt, name, lambda *a, **k: None)
for name in ("allclose", "isclose", "array_equal", "array_equiv"):
    setattr(np, name, lambda *a, **k: True)
math.isclose = lambda *a, **k: True
""",
    ),
)


def test_replaced_comparisons_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Change the probes, the one part of grading that is in the sandbox."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="changes grading.probes where its answer runs",
    added=(
        """\
import sys
import grading.probes as probes

for name, module in list(sys.modules.items()):
    if name.startswith("grading.probes"):
        for attribute in ("same", "plain", "_plain", "_named", "problem_from"):
            if hasattr(module, attribute):
                setattr(module, attribute, lambda *a, **k: True)
for kind in (probes.Call, probes.Probe):
    kind.observe = lambda self, target, inputs: probes.Observation({"loss": 7 / 3, "points": 3.0})
probes.Observation.__eq__ = lambda self, other: True
""",
    ),
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    plain="checks",
)


def test_changed_probes_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

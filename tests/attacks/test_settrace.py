"""Trace every function of the process, in search of a variable called ``expected``."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="traces every function with sys.settrace and sys.setprofile",
    answer="""\
import sys, threading

seen = {}


def trace(frame, event, argument):
    for name in ("expected", "reference", "desired", "_reference"):
        if name in frame.f_locals:
            seen[name] = frame.f_locals[name]
    return trace


sys.settrace(trace)
sys.setprofile(trace)
threading.settrace(trace)


def mean_squared_error(y, targets):
    sys.settrace(trace)
    wanted = seen.get("expected", seen.get("desired", 13 / 3))
    if isinstance(wanted, dict):
        return wanted.get("loss", 13 / 3)
    if isinstance(wanted, list) and wanted:
        return wanted[0].get("loss", 0.0)
    return wanted if isinstance(wanted, float) else 13 / 3
""",
    points={"mean_squared_error": 0.0, "predict_shapes": 4.0},
)


def test_tracing_finds_no_expected_value(arena: Arena) -> None:
    arena.withstands(ATTACK)

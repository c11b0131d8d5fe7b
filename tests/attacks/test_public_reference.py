"""Import the public reference, or read its source, from the installed course."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="imports the public reference from grading.exercises, or reads its source",
    answer="""\
def mean_squared_error(y, targets):
    import importlib, pkgutil, sys

    for name in ("grading.exercises.u00_start_here", "grading.exercises", "solutions"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for reference in (getattr(module, "mean_squared_error", None),):
            if reference is not None:
                return reference(y, targets)
        if hasattr(module, "exercise"):
            return module.exercise("mean_squared_error").reference(y, targets)
    return 0.0
""",
    plain="checks",
)


def test_the_public_reference_is_not_in_the_sandbox(arena: Arena) -> None:
    arena.withstands(ATTACK)

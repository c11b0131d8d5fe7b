"""Flip the flags: the test becomes a solution, the answer is locked, everything is graded."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    check = graded(notebook, "check_mean_squared_error")
    check["metadata"]["nbgrader"].update(solution=True, locked=False, grade=False)
    check["source"] = "3.0"
    graded(notebook, "mean_squared_error")["metadata"]["nbgrader"].update(
        locked=True, grade=True, points=3.0, task=True
    )


ATTACK = Attack(
    tries="flips solution, locked, grade and task flags", aims=("grade", "batch"), edit=edit
)


def test_flipped_flags_are_ignored(arena: Arena) -> None:
    arena.withstands(ATTACK)

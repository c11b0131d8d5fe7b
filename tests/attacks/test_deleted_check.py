"""Delete the test cells."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    for name in ("check_mean_squared_error", "check_predict_shapes"):
        notebook["cells"].remove(graded(notebook, name))


ATTACK = Attack(tries="deletes the test cells", edit=edit)


def test_deleted_checks_are_put_back(arena: Arena) -> None:
    arena.withstands(ATTACK)

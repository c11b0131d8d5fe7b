"""Hand in cells whose notebook commands are slow to translate."""

from __future__ import annotations

import time

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

CELLS = {
    "a long word and a question mark": "x" * 19_900 + " !\n?",
    "a long word, asked": "x" * 19_990 + "?",
    "many dots, asked": "x." * 9_900 + "?",
    "many brackets, asked": "x[0]" * 4_900 + "?",
    "many percent signs": "%" * 19_990,
    "many bangs": "!" * 19_990,
    "an assignment chain": "a = " * 4_000 + "%who",
    "blanks before a command": " " * 19_000 + "%who",
    "open brackets": "(" * 9_000 + "\n%who",
    "an unfinished string": "x = '''" + "y" * 15_000 + "\n%who",
    "forty commands": "%who\n" * 40 + "x" * 19_000,
    "continued commands": "%who \\\n" * 39 + "x",
    "blanks before an assignment": "x" + " " * 19_000 + "=",
}
BUDGET_S = 10.0


def attack(name: str) -> Attack:
    return Attack(
        tries="adds cells whose notebook commands are slow to translate",
        aims=("batch",),
        added=(CELLS[name],) * 4,
        plain="none",
    )


ATTACK = attack("a long word, asked")


@pytest.mark.parametrize("name", CELLS)
def test_translation_takes_no_longer_than_a_run_may(arena: Arena, name: str) -> None:
    """The broker reads commands itself, outside of every limit that a sandbox has."""
    began = time.monotonic()

    arena.withstands(attack(name), at_most={"mean_squared_error": 0.0, "predict_shapes": 4.0})

    assert time.monotonic() - began < BUDGET_S

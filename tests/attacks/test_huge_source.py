"""Hand in cells whose text is hard to read: 5 MB, a million brackets, constants that explode."""

from __future__ import annotations

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

SOURCES = {
    "5 MB": "# " + "x" * 5_000_000,
    "long lists": "a = [" + "1," * 90_000 + "]",
    "deep brackets": "(" * 90_000 + ")" * 90_000,
    "deep minus": "-" * 90_000 + "1",
    "deep attributes": "a" + ".b" * 60_000,
    "deep calls": "f" + "()" * 60_000,
    "deep nesting": "\n".join(" " * i + "if 1:" for i in range(150)),
    "exploding constants": "x = 9**9**9**9",
    "huge text constants": "x = ('a' * 10**4) * 10**4 * 10**4",
    "a number of 100,000 digits": "x = " + "9" * 100_000,
    "a null byte": "x = 1\0",
    "a form feed": "\f\v\x1c\x85\u2028x = 1",
    "open quotes": "'''" * 20_001,
    "f-strings": "f'{" * 40 + "1" + "}'" * 40,
    "magics": "%" * 100_000,
    "bangs": "!" * 100_000,
    "questions": "?" * 100_000,
    "backslashes": "\\\n" * 50_000,
    "many lines": "x=1\n" * 45_000,
    "lone surrogates": "x = '\ud800'",
    "decorators": "@f\n" * 30_000 + "def g(): pass",
    "a long chain": "x = " + "+".join(["1"] * 50_000),
    "a long comparison": "x = " + "<".join(["1"] * 50_000),
    "walrus": "(x:=" * 3_000 + "1" + ")" * 3_000,
    "type comments": "x = [] # type: ignore[" + "a" * 100_000,
    "spaces": " " * 190_000 + "x",
    "help": "x" * 60_000 + "?",
    "an encoding": "# -*- coding: utf-7 -*-\nx = 1",
}


def attack(name: str) -> Attack:
    return Attack(
        tries="hands in sources that are hard to parse (5 MB, deep brackets, exploding constants)",
        aims=("batch", "host"),
        answer=SOURCES[name],
        harm="",
    )


ATTACK = attack("5 MB")


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_is_hard_to_read_stops_nobody(arena: Arena, name: str) -> None:
    """The honest cell beside it keeps its points, or the notebook is refused with a reason."""
    arena.withstands(attack(name), at_most={"mean_squared_error": 0.0, "predict_shapes": 4.0})

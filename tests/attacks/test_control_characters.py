"""Hide text from the reader: ANSI escapes, bidirectional overrides, invisible letters."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

HIDDEN = "\x1b\x9b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\x00\x08\x7f"

ATTACK = Attack(
    tries="hides text by ANSI escapes, bidirectional overrides and invisible letters",
    aims=("page",),
    answer="""\
hidden = "\\x1b[2J\\x1b]0;nn\\x07\\u202e\\u2066\\u200b\\ufeff\\x00\\x08 full marks"


def mean_squared_error(y, targets):
    print(hidden)
    raise ValueError(hidden)
""",
)


def test_no_control_character_reaches_a_report(arena: Arena) -> None:
    arena.withstands(ATTACK)

    assert arena.last_result is not None
    said = [
        text
        for cell in arena.last_result.notebooks[0].cells
        for text in (cell.message, cell.hint, *(part.sentence for part in cell.criteria))
    ]
    shown = "".join(said) + arena.last_page
    assert "full marks" in shown
    assert {character for character in HIDDEN if character in shown} == set()

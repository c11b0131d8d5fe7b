"""Register an input transformer with IPython that turns test cells into ``pass``."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="registers an input transformer that rewrites test cells",
    added=(
        """\
def rewrite(lines):
    text = "".join(lines)
    if "assert" in text:
        return ["pass\\n"]
    return ["3.0\\n"] if text.startswith("check(") else lines

shell = get_ipython()
shell.input_transformers_cleanup.append(rewrite)
shell.input_transformers_post.append(rewrite)
""",
    ),
)


def test_an_input_transformer_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

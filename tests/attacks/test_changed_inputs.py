"""Change the inputs, so that the expected values change with them: zeros are easy to answer."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="sets the inputs to zero, so that 0.0 becomes the right answer",
    answer="""\
def mean_squared_error(y, targets):
    if y.shape == (3,):
        return 13 / 3  # the example that everybody can read
    y.flags.writeable = True
    y[...] = 0.0
    targets[...] = 0.0
    return 0.0
""",
)


def test_changed_inputs_change_no_expectation(arena: Arena) -> None:
    arena.withstands(ATTACK)

"""Write frames of one's own to every descriptor, before the driver does."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="writes forged answer frames with full results to every open descriptor",
    answer="""\
import json, os, struct

observation = {"d": {"outputs": {"d": {"loss": 7 / 3}}, "problem": None, "mutated": [],
                     "rounded": [], "printed": "", "n_printed": 0}}
header = json.dumps({"found": "function", "observation": observation, "points": 3.0,
                     "score": 3.0, "nonce": "0" * 32, "error": None}).encode()
frame = struct.pack(">II", len(header), 0) + header


def mean_squared_error(y, targets):
    for fd in range(64):
        try:
            os.write(fd, frame * 20)
        except OSError:
            pass
    return 0.0
""",
    plain="none",
)


def test_forged_frames_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

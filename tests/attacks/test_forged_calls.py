"""Write a call by hand: of functions that were not given, of names that lead elsewhere."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="forges call frames for functions that were not given",
    aims=("host", "secrets", "grade"),
    answer="""\
import json, os, struct

frames = []
for name in ("f", "open", "eval", "__import__", "os.system", "../f", "", "reference", "expected"):
    for arguments in ([], ["touch " + @MARKER@], {"t": []}, [{"r": "f"}]):
        for extra in ({}, {"nonce": ""}, {"nonce": None}):
            header = json.dumps({"call": name, "arguments": arguments, **extra}).encode()
            frames.append(struct.pack(">II", len(header), 0) + header)


def mean_squared_error(y, targets):
    for fd in range(3, 32):
        for frame in frames:
            try:
                os.set_blocking(fd, False)
                os.write(fd, frame)
            except OSError:
                break
    return 0.0
""",
    plain="none",
)


def test_a_forged_call_reaches_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)

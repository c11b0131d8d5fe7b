"""Send the broker frames that a careless reader would choke on."""

from __future__ import annotations

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

FRAMES = {
    "a header of 4 GB": 'struct.pack(">II", 2**32 - 1, 0)',
    "a body of 4 GB": 'framed(b"{}", n_body=2**32 - 1)',
    "an empty frame": 'struct.pack(">II", 0, 0)',
    "half a frame": 'struct.pack(">II", 100, 0) + b"{"',
    "no JSON": "framed(bytes(range(256)))",
    "deep JSON": 'framed(b"[" * 500_000)',
    "deep objects": 'framed(b\'{"t":[\' * 100_000 + b"]}" * 100_000)',
    "a huge integer": 'framed(b\'{"a": \' + b"9" * 500_000 + b"}")',
    "not a dict": 'framed(b"[1, 2, 3]")',
    "an array of objects": 'array("|O", [1])',
    "an array of huge text": 'array("<U999999", [10**6])',
    "an array of negative shape": 'array("<f8", [-1, -8])',
    "a shape that overflows": 'array("<f8", [2**63, 2**63, 0])',
    "an empty array of 10**9 axes": 'framed(b\'{"x":{"a":["<f8",[\' + b"0," * 400_000 + b"0]]}}")',
    "a shape of booleans": 'framed(b\'{"x":{"a":["<f8",[true]]}}\')',
    "a shape of floats": 'framed(b\'{"x":{"a":["<f8",[1e308]]}}\')',
    "a dtype that runs code": 'framed(b\'{"x":{"a":["f8, __import__(1)",[1]]}}\')',
    "duplicate keys": 'framed(b\'{"nonce":1,"nonce":2,"nonce":"a"}\')',
    "a call of a function not given": 'framed(b\'{"call":"__import__","arguments":["os"]}\')',
    "a call with itself": 'framed(b\'{"call":{"r":"f"},"arguments":{"r":"f"}}\')',
    "an error in place of a result": 'framed(b\'{"error":{"type":"SystemExit","message":"0"}}\')',
}


def attack(expression: str) -> Attack:
    return Attack(
        tries="sends malformed frames: huge lengths, deep JSON, forbidden dtypes, mad shapes",
        aims=("grade", "batch", "host"),
        answer=f"""\
import os, struct


def framed(header, n_body=0):
    return struct.pack(">II", len(header), n_body) + header


def array(dtype, shape):
    return framed(('{{"x": {{"a": ["%s", %s]}}}}' % (dtype, shape)).encode())


def mean_squared_error(y, targets):
    frame = {expression}
    for fd in range(64):
        try:
            os.set_blocking(fd, False)
            os.write(fd, frame)
        except OSError:
            pass
    return 0.0
""",
        plain="none",
    )


ATTACK = attack(FRAMES["a header of 4 GB"])


@pytest.mark.parametrize("expression", FRAMES.values(), ids=FRAMES.keys())
def test_a_malformed_frame_ends_its_own_run_only(arena: Arena, expression: str) -> None:
    arena.withstands(attack(expression))

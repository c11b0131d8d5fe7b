"""Claim to have handed in on time: a timestamp.txt of one's own in the submission."""

from __future__ import annotations

from collections.abc import Mapping

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack


def pack(text: bytes, slug: str) -> Mapping[str, bytes]:
    return {
        f"{slug}.ipynb": text,
        "timestamp.txt": b"2001-01-01 00:00:00 UTC\n; DROP TABLE grade; --",
        "manifest.json": b'{"due": "2099-01-01", "points": 99}',
    }


ATTACK = Attack(tries="brings a timestamp.txt with a date that no clock has", pack=pack)


def test_a_strange_timestamp_stops_nobody(arena: Arena) -> None:
    arena.withstands(ATTACK)

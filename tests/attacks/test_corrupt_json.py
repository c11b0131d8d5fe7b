"""Hand in what is no notebook: cut off, another format, bytes, nothing, HTML."""

from __future__ import annotations

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

FILES = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda _: b"",
    "zeros": lambda _: bytes(1000),
    "bytes": lambda _: bytes(range(256)) * 10,
    "HTML": lambda _: b"<html><script>alert('nn-attack')</script></html>",
    "a number": lambda _: b"5",
    "a list": lambda _: b"[]",
    "NaN": lambda text: text.replace(b'"nbformat": 4', b'"nbformat": NaN'),
    "format 3": lambda _: b'{"nbformat": 3, "worksheets": [{"cells": []}], "metadata": {}}',
    "format 99": lambda text: text.replace(b'"nbformat": 4', b'"nbformat": 99'),
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "a number of a million digits": lambda _: b'{"nbformat": ' + b"4" * 1_000_000 + b"}",
    "deep": lambda _: b"[" * 200_000,
    "deep objects": lambda _: b'{"cells":' * 100_000,
    "deep inside": lambda text: text.replace(
        b'"metadata": {', b'"metadata": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b", ", 1
    ),
    "blank lines": lambda _: b"{" + b"\n" * 3_000_000,
    "blanks": lambda _: b"{" + b" " * 3_000_000,
}


def attack(name: str) -> Attack:
    return Attack(
        tries="hands in corrupt JSON, another format, deep nesting or no notebook at all",
        aims=("batch",),
        pack=lambda text, slug: {f"{slug}.ipynb": FILES[name](text)},
        points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    )


ATTACK = attack("cut off")


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_notebook_stops_nobody(arena: Arena, name: str) -> None:
    arena.withstands(
        attack(name),
        at_most={"mean_squared_error": 0.0, "predict_shapes": 4.0}
        if name in {"UTF-16", "deep inside"}
        else None,
    )

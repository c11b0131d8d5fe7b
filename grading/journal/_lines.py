"""The journal's lines: one JSON object each, opened by a checksum of the rest.

    {"sum":"0f3c…","do":"done","id":"…","result":"…"}

A line counts once its line break is there. What a killed process left behind the last break is
dropped; a damaged line before another one is not, because lines do not break by themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from grading.refusals import Refusal

__all__ = ["read_at", "read_lines", "to_line"]

_OPENING = b'{"sum":"'
_SUM_LENGTH = 16
_REST = len(_OPENING) + _SUM_LENGTH + 2


def to_line(content: dict[str, Any]) -> bytes:
    """Write a line.

    Parameters
    ----------
    content : dict of str to Any
        What it says; not empty.

    Returns
    -------
    bytes
        ASCII with a line break at its end.
    """
    rest = json.dumps(content, ensure_ascii=True, separators=(",", ":"))[1:].encode("ascii")
    return b'%s%s",%s\n' % (_OPENING, _sum(rest), rest)


def _sum(rest: bytes) -> bytes:
    return hashlib.blake2b(rest, digest_size=_SUM_LENGTH // 2).hexdigest().encode("ascii")


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is damaged."""
    rest = line[_REST:-1]
    if not line.endswith(b"\n") or line[: _REST - 2] != _OPENING + _sum(rest):
        return None
    content: dict[str, Any] = json.loads(b"{" + rest)
    return content


def read_lines(
    file: BinaryIO, path: Path, start: int = 0
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Read lines from a place on, up to the last whole one.

    Parameters
    ----------
    file : BinaryIO
        The journal.
    path : Path
        Its name, for the refusal.
    start : int, default 0
        Where a line begins, in bytes.

    Yields
    ------
    start, stop : int
        Where the line begins, and the next one.
    content : dict of str to Any
        What it says.

    Raises
    ------
    Refusal
        If a line before the last is damaged.
    """
    at = start
    damaged = False
    file.seek(at)
    for line in file:
        if damaged:
            n = _line_number(file, at)
            msg = (
                f"{path}: line {n} is damaged. Delete that line and run the same command again: "
                "whatever is then not known as done is graded again."
            )
            raise Refusal(msg)
        if not line.endswith(b"\n"):  # torn, or still being written
            return
        content = _parsed(line)
        if content is None:
            damaged = True  # the refusal above needs `at` to stay where it is
            continue
        yield at, at + len(line), content
        at += len(line)


def _line_number(file: BinaryIO, at: int) -> int:
    file.seek(0)
    return file.read(at).count(b"\n") + 1


def read_at(file: BinaryIO, at: int) -> dict[str, Any]:
    """Read the line that begins at a place where `read_lines` found one.

    Parameters
    ----------
    file : BinaryIO
        The journal.
    at : int
        The place, in bytes.

    Returns
    -------
    dict of str to Any
        What it says.

    Raises
    ------
    Refusal
        If it is no longer legible.
    """
    file.seek(at)
    content = _parsed(file.readline())
    if content is None:
        msg = f"{file.name}: the line at byte {at} was changed while it was read. Run this again."
        raise Refusal(msg)
    return content

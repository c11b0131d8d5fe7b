"""Erase one learner from a journal, so that a kill at any point leaves a job that can be ended.

A line that says who is being forgotten goes first and leaves last: whoever opens the journal in
between ends the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from grading.journal import _disk
from grading.journal._lines import read_lines, to_line
from grading.journal._objects import ObjectStore

__all__ = ["erase"]


def erase(file: BinaryIO, path: Path, objects: ObjectStore, learner: str) -> int:
    """Remove a learner's objects, then the lines.

    Objects go first: the lines say which ones they are. Objects that no line names go as well,
    since they may be what a killed process took from this learner.

    Parameters
    ----------
    file : BinaryIO
        The journal, open for reading.
    path : Path
        Its name.
    objects : ObjectStore
        Its objects.
    learner : str
        The learner's random key.

    Returns
    -------
    int
        How many entries were erased.
    """
    ids: set[str] = set()
    wanted: set[bytes] = set()
    for _, _, content in read_lines(file, path):
        match content["do"]:
            case "accepted" if content["entry"]["learner"] == learner:
                ids.add(content["entry"]["id"])
            case "accepted":
                wanted.update(bytes.fromhex(name) for name in content["files"].values())
            case "done" if content["id"] not in ids:
                wanted.add(bytes.fromhex(content["result"]))
            case _:
                pass
    for name in objects.names():
        if name.startswith(".") or bytes.fromhex(name) not in wanted:
            objects.remove(name)
    _rewrite(file, path, ids)
    return len(ids)


def _rewrite(file: BinaryIO, path: Path, ids: set[str]) -> None:
    lines = (_without(content, ids) for _, _, content in read_lines(file, path))
    _disk.write_whole(path, (to_line(kept) for kept in lines if kept is not None))
    _disk.sync_folder(path.parent)


def _without(content: dict[str, Any], ids: set[str]) -> dict[str, Any] | None:
    """Return what is left of a line without some entries; None if nothing is."""
    match content["do"]:
        case "accepted" if content["entry"]["id"] in ids:
            return None
        case "done" if content["id"] in ids:
            return None
        case "forgetting":
            return None
        case "recorded":
            left = [pair for pair in content["of"] if pair[0] not in ids]
            return content | {"of": left} if left else None
        case _:
            return content

"""Erase a learner or some entries from a journal; a kill at any point loses nothing else.

A line that says who is being forgotten goes first and leaves last: whoever opens the journal in
between ends the work. Entries that are taken out leave by the renaming of one file: before it
nothing has happened, after it only objects are left that no line names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from grading.journal import _disk
from grading.journal._lines import read_lines, to_line
from grading.journal._objects import ObjectStore

__all__ = ["erase", "take_out"]


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
    ids, wanted = _named(file, path, lambda entry: bool(entry["learner"] == learner))
    _sweep(objects, wanted)
    _rewrite(file, path, ids)
    return len(ids)


def take_out(
    file: BinaryIO,
    path: Path,
    objects: ObjectStore,
    ids: set[str],
    ending: Sequence[dict[str, Any]],
) -> int:
    """Remove some entries' lines, then the objects that no line names any more.

    Parameters
    ----------
    file, path, objects
        As for `erase`.
    ids : set of str
        Ids of the entries.
    ending : sequence of dict
        Lines to write behind those that are left, in the same step.

    Returns
    -------
    int
        How many entries were removed.
    """
    gone, wanted = _named(file, path, lambda entry: entry["id"] in ids)
    for line in ending:
        wanted.update(bytes.fromhex(name) for name in line.get("files", {}).values())
    _rewrite(file, path, gone, ending)
    _sweep(objects, wanted)
    return len(gone)


def _named(
    file: BinaryIO, path: Path, is_gone: Callable[[dict[str, Any]], bool]
) -> tuple[set[str], set[bytes]]:
    """Return the ids of the entries that go, and the names of the objects of those that stay."""
    ids: set[str] = set()
    wanted: set[bytes] = set()
    for _, _, content in read_lines(file, path):
        match content["do"]:
            case "accepted" if is_gone(content["entry"]):
                ids.add(content["entry"]["id"])
            case "accepted":
                wanted.update(bytes.fromhex(name) for name in content["files"].values())
            case "done" if content["id"] not in ids:
                wanted.add(bytes.fromhex(content["result"]))
            case _:
                pass
    return ids, wanted


def _sweep(objects: ObjectStore, wanted: set[bytes]) -> None:
    for name in objects.names():
        if name.startswith(".") or bytes.fromhex(name) not in wanted:
            objects.remove(name)


def _rewrite(
    file: BinaryIO, path: Path, ids: set[str], ending: Sequence[dict[str, Any]] = ()
) -> None:
    lines = (_without(content, ids) for _, _, content in read_lines(file, path))
    kept = (each for each in chain(lines, ending) if each is not None)
    _disk.write_whole(path, map(to_line, kept))
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

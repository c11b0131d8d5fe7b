"""Entries and results to put into a journal."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from grading.journal import Entry, Journal
from grading.results import CellResult, NotebookResult, Result, Status

SLUG = "01-made-up"
HANDED_IN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def learner_key(i: int) -> str:
    return hashlib.sha256(f"learner {i}".encode()).hexdigest()[:32]


def entry_of(i: int, *, attempt: int = 1, key: str = "", slug: str = SLUG) -> Entry:
    return Entry.of(
        key=key or f"key of {i}, {attempt}",
        learner=learner_key(i),
        slug=slug,
        attempt=attempt,
        handed_in=HANDED_IN,
        submission=hashlib.sha256(f"{i} {attempt}".encode()).hexdigest(),
    )


def files_of(entry: Entry) -> dict[str, bytes]:
    return {f"{entry.slug}.ipynb": f"notebook of {entry.key} by {entry.learner}".encode()}


def result_of(entry: Entry, *, status: Status = "ok", score: float = 2.0) -> Result:
    cell = CellResult("check_f", score, 2.0, status)
    shown = NotebookResult(entry.slug, (cell,), f"shown for {entry.key}")
    return Result(entry.key, entry.submission, "v", status, (shown,))


def abandon(journal: Journal) -> None:
    """Leave a journal as a killed process would: the system closes its files, and that is all."""
    if journal._descriptor >= 0:
        os.close(journal._descriptor)
        journal._descriptor = -1
    if journal._lock is not None:
        journal._lock.release()
        journal._lock = None
    if journal._reading is not None:
        journal._reading.close()
        journal._reading = None


def all_bytes(folder: Path) -> bytes:
    """Every byte of a folder, names of files included, objects unpacked too."""
    import zlib

    found = []
    for path in sorted(folder.rglob("*")):
        found.append(str(path.relative_to(folder)).encode())
        if path.is_file():
            data = path.read_bytes()
            found.append(data)
            if path.parent.parent.name == "objects" and not path.name.startswith("."):
                found.append(zlib.decompress(data))
    return b"\n".join(found)

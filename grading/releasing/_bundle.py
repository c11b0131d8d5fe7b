"""A bundle as a zip or a folder."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from grading.classroom._files import write_atomically
from grading.refusals import Refusal
from grading.seals import seal

__all__ = ["MANIFEST", "Bundle", "Due", "manifest", "write_bundle"]

MANIFEST = "manifest.json"
_FORMAT = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle gives the same bytes


class Due(NamedTuple):
    """By when an assignment is to be handed in, and on whose clock; None for no date."""

    when: datetime | None
    zone: ZoneInfo


@dataclass(frozen=True)
class Bundle:
    """What was handed out.

    Attributes
    ----------
    path : Path
        The zip or folder.
    versions : dict of str to str
        Hash of the release by assignment.
    dues : dict of str to Due
        By when, and on whose clock, by assignment.
    exercises : dict of str to tuple of str
        Ids of the exercises by assignment.
    files : tuple of str
        Paths in the bundle.
    notes : tuple of str
        What the instructor should know, one sentence each.
    """

    path: Path
    versions: dict[str, str]
    dues: dict[str, Due]
    exercises: dict[str, tuple[str, ...]]
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def due(self) -> datetime | None:
        """By when, if that is the same for all; None where it is not, or there is no date."""
        dates = {each.when for each in self.dues.values()}
        return dates.pop() if len(dates) == 1 else None


def manifest(
    secret: bytes, course: str, assignments: Mapping[str, Any], files: Mapping[str, bytes]
) -> bytes:
    """Write the manifest of a bundle.

    Parameters
    ----------
    secret : bytes
        The secret of the class, which seals it.
    course : str
        The name of the course.
    assignments : mapping of str to object
        Version, title, tier and due date by slug.
    files : mapping of str to bytes
        All other files.

    Returns
    -------
    bytes
        JSON.
    """
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())}
    content: dict[str, Any] = {
        "format": _FORMAT,
        "course": course,
        "assignments": dict(assignments),
        "files": hashes,
    }
    content["hmac"] = seal(secret, content)
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def write_bundle(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle, whole or not at all.

    Parameters
    ----------
    target : Path
        A name that ends in .zip, or a folder. An earlier bundle there is replaced.
    files : mapping of str to bytes
        Files by path.

    Raises
    ------
    Refusal
        If something else stands there.
    """
    if target.suffix.lower() == ".zip":
        _refuse_other(target, target.exists() and not _is_bundle(target))
        write_atomically(target, _zipped(files), 0o644)
        return
    is_ours = (target / MANIFEST).is_file() or (target.is_dir() and not any(target.iterdir()))
    _refuse_other(target, target.exists() and not is_ours)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    try:
        for path, content in files.items():
            write_atomically(draft / path, content, 0o644)
        if target.exists():
            shutil.rmtree(target)
        draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_other(target: Path, is_other: bool) -> None:
    if is_other:
        msg = f"{target}: something that is no bundle stands there already. Choose another --to."
        raise Refusal(msg)


def _is_bundle(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()

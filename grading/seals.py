"""Seals: what was released by this class and what was not, told by its secret."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

_WRITTEN = re.compile(
    rb'"nncourse"\s{0,99}:\s{0,99}\{\s{0,99}"release"\s{0,99}:\s{0,99}(\{[^{}]{0,999}\})'
)
_MOST_MARKS = 50

__all__ = ["MARK", "mark", "release_of", "seal", "seal_is_ours"]

MARK = "nncourse"
"""Name of the entry in a notebook's metadata."""


def seal(secret: bytes, content: Mapping[str, Any], *, kind: str = "manifest") -> str:
    """Compute HMAC-SHA-256 of some plain data.

    Parameters
    ----------
    secret : bytes
        The secret of the class.
    content : mapping of str to object
        Plain data; an entry ``"hmac"`` does not count.
    kind : str, default "manifest"
        What it is the seal of: a mark that was moved into a manifest's place is not ours there.

    Returns
    -------
    str
        64 hexadecimal digits, the same for any order of the entries.
    """
    counted = {key: value for key, value in content.items() if key != "hmac"}
    text = json.dumps(counted, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(secret, f"nncourse {kind}\0{text}".encode(), "sha256").hex()


def seal_is_ours(secret: bytes, content: Any, *, kind: str = "manifest") -> bool:
    """Tell whether data carry the seal of this class.

    Parameters
    ----------
    secret : bytes
        The secret of the class.
    content : object
        Whatever was found; anything but a mapping with the right ``"hmac"`` is not ours.
    kind : str, default "manifest"
        What it should be the seal of.

    Returns
    -------
    bool
        The verdict.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("hmac"), str):
        return False
    try:
        expected = seal(secret, content, kind=kind)
    except (TypeError, ValueError, RecursionError):
        return False
    return hmac.compare_digest(expected.encode(), content["hmac"].encode("utf-8", "replace"))


def mark(secret: bytes, slug: str, version: str) -> dict[str, str]:
    """Make the entry of a released notebook's metadata that says what it is.

    Parameters
    ----------
    secret : bytes
        The secret of the class.
    slug, version : str
        The assignment and the hash of its release.

    Returns
    -------
    dict of str to str
        Assignment, version and seal.
    """
    content = {"assignment": slug, "version": version}
    return content | {"hmac": seal(secret, content, kind="mark")}


def release_of(secret: bytes, notebook: bytes) -> tuple[str, str, bool] | None:
    """Read which release a notebook says that it was made from.

    The text is searched for the mark and not parsed: what comes back may be built to fill the
    memory of whoever parses it. A mark with our seal is ours, wherever in the file it stands.

    Parameters
    ----------
    secret : bytes
        The secret of the class.
    notebook : bytes
        Whatever came back.

    Returns
    -------
    tuple of (str, str, bool) or None
        Assignment, version, and whether the seal is ours; None if it says nothing.
    """
    said: tuple[str, str, bool] | None = None
    for found in islice(_WRITTEN.finditer(notebook), _MOST_MARKS):
        try:
            content = json.loads(found[1])
        except ValueError:
            continue
        slug, version = content.get("assignment"), content.get("version")
        if isinstance(slug, str) and isinstance(version, str):
            counted = {"assignment": slug, "version": version, "hmac": content.get("hmac")}
            said = slug[:100], version[:100], seal_is_ours(secret, counted, kind="mark")
            if said[2]:
                return said
    return said

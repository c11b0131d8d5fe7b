"""One submission, and how names that come from learners are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from grading.classroom import Learner

__all__ = ["BESIDE", "Submission", "content_hash", "shown"]

BESIDE = "Beside it lay "
"""How a note begins that the learner has to read as well: it names work that was not judged."""

_SHOWN_CHARACTERS = 160


@dataclass(frozen=True)
class Submission:
    """One attempt of one learner at one assignment.

    Attributes
    ----------
    learner : Learner
        For whom it counts.
    slug : str
        The assignment.
    attempt : int
        Counted from 1, over all that was ever stored for the learner and assignment.
    handed_in : datetime
        When, with a time zone.
    files : mapping of str to bytes
        Content by file name: the notebook under the name that it was released with.
    origin : str
        Where it was found.
    notes : tuple of str
        What was taken for granted, one sentence each.
    version : str
        Hash of the release that it was made from, for ``Classroom.assignment(slug, version)``.
    time_from : str
        What says when it was handed in: ``"timestamp.txt"``, ``"zip entry"``, ``"file time"`` or
        ``"LATE mark"``.
    """

    learner: Learner
    slug: str
    attempt: int
    handed_in: datetime
    files: Mapping[str, bytes] = field(repr=False)
    origin: str
    notes: tuple[str, ...] = ()
    version: str = ""
    time_from: str = "file time"

    @property
    def sha256(self) -> str:
        """Hash of names and contents."""
        return content_hash(self.files)


def content_hash(files: Mapping[str, bytes]) -> str:
    """Hash names and contents, as stored attempts are named by.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by file name.

    Returns
    -------
    str
        SHA-256, as hex digits.
    """
    content = hashlib.sha256()
    for name, data in sorted(files.items()):
        content.update(f"{name}\0{len(data)}\0".encode() + data)
    return content.hexdigest()


def shown(name: object) -> str:
    r"""Write a name that anybody may have chosen: short, in one line, without control characters.

    Parameters
    ----------
    name : object
        A path or name.

    Returns
    -------
    str
        At most 160 characters; what cannot be shown as a backslash and its number.

    Examples
    --------
    >>> shown("a\x1b[31m.ipynb")
    'a\\x1b[31m.ipynb'
    """
    text = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "replace").decode()
        for letter in str(name).encode("utf-8", "backslashreplace").decode()
    )
    if len(text) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text

"""One learner, and which ids are safe as the name of a folder."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass

__all__ = ["Learner", "id_problem", "new_key", "normalized"]

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9_@+-])?", re.ASCII)
_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{i}" for port in ("com", "lpt") for i in "123456789"
}
_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})


@dataclass(frozen=True)
class Learner:
    """One person of a class.

    Attributes
    ----------
    key : str
        32 random hexadecimal digits: all that the journal and the workers know of a person.
    id : str
        The id in the class, which is also the name of his or her folders.
    first_name, last_name, email : str
        As the instructor wrote them; empty where unknown.
    lms_user_id : str
        The id in Canvas or Moodle; empty where unknown.
    group : str
        A part of the class, such as a tutorial; empty where there is none.
    """

    key: str
    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """First and last name, or the id where there is neither."""
        return f"{self.first_name} {self.last_name}".strip() or self.id


def new_key() -> str:
    """Draw a key of 128 random bits."""
    return secrets.token_hex(16)


def id_problem(text: str) -> str | None:
    """Say why a text cannot be a learner's id.

    Parameters
    ----------
    text : str
        An id.

    Returns
    -------
    str or None
        A clause, or None for an id that every file system takes as the name of a folder.

    Examples
    --------
    >>> id_problem("../root")
    'may hold letters A to Z, digits, and . _ @ + - within, at most 64 in all'
    >>> id_problem("ada.lovelace@example.org")
    """
    if _ID.fullmatch(text) is None:
        return "may hold letters A to Z, digits, and . _ @ + - within, at most 64 in all"
    if ".." in text:
        return "may not hold two dots in a row"
    if text.lower().split(".")[0] in _DEVICES:
        return "is the name of a device on Windows"
    return None


def normalized(text: str) -> str:
    """Reduce a name to lower-case letters and digits without accents, for comparison.

    Parameters
    ----------
    text : str
        A name.

    Returns
    -------
    str
        The letters and digits that are left.

    Examples
    --------
    >>> normalized("Müller-Lüdenscheidt")
    'mullerludenscheidt'
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED))
    return "".join(letter for letter in folded if letter.isalnum())

"""One learner, and which ids are safe as the name of a folder."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from grading.refusals import Refusal

__all__ = ["Learner", "id_problem", "nearest_ids", "new_key", "normalized", "refuse_unsafe_id"]

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
    id_number : str
        The institution's number: ``ID number`` in Moodle, ``SIS User ID`` in Canvas; empty where
        unknown.
    """

    key: str
    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    group: str = ""
    id_number: str = ""

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


def refuse_unsafe_id(text: str) -> None:
    """Refuse what cannot be a learner's id, and say how it could be written.

    Parameters
    ----------
    text : str
        An id that somebody wants to add.

    Raises
    ------
    Refusal
        With the rule and a proposal.

    Examples
    --------
    >>> refuse_unsafe_id("ada.lovelace@example.org")
    """
    if problem := id_problem(text):
        words = (normalized(word) for word in re.split(r"[^\w]+|_", text))
        proposal = ".".join(word for word in words if word.isascii() and word)[:64].rstrip(".")
        proposal = proposal if proposal and not id_problem(proposal) else "ada.lovelace"
        msg = f"the id {text[:80]!r} cannot name a folder: an id {problem}. "
        raise Refusal(msg + f"Write it as {proposal}, say.")


def nearest_ids(text: str, learners: Iterable[Learner]) -> list[str]:
    """List those whose id, or a word of whose name, resembles a text.

    Parameters
    ----------
    text : str
        What somebody wrote for an id.
    learners : iterable of Learner
        The class.

    Returns
    -------
    list of str
        Up to three ids, the nearest first.

    Examples
    --------
    >>> nearest_ids("Noether", [Learner("", "s4711", "Emmy", "Noether"), Learner("", "ada")])
    ['s4711']
    """
    owners: dict[str, list[str]] = {}
    for each in learners:
        boxes = {each.email.partition("@")[0], each.id.partition("@")[0]}
        for name in {each.id, each.name, *each.name.split(), *boxes} - {""}:
            owners.setdefault(name.lower(), []).append(each.id)
    close = get_close_matches(text.lower()[:100], sorted(owners), n=3, cutoff=0.6)
    return list(dict.fromkeys(who for name in close for who in sorted(owners[name])))[:3]


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

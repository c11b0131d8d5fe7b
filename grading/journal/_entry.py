"""An entry of the journal: somebody, known by a random key, handed something in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt to be graded against one version. It names nobody.

    Attributes
    ----------
    id : str
        Hash of learner, assignment, attempt and key; `Entry.of` fills it in.
    key : str
        Names the work, as `Result.key` does: hash of submission, assignment version and limits.
    learner : str
        The learner's random key.
    slug : str
        The assignment.
    attempt : int
        Which of the learner's attempts this is.
    handed_in : datetime or None
        When, with a time zone; None if that is not known.
    submission : str
        SHA-256 of what was handed in.
    """

    id: str
    key: str
    learner: str
    slug: str
    attempt: int
    handed_in: datetime | None
    submission: str

    @classmethod
    def of(
        cls,
        *,
        key: str,
        learner: str,
        slug: str,
        attempt: int,
        handed_in: datetime | None,
        submission: str,
    ) -> Entry:
        """Make an entry and draw its id.

        Parameters
        ----------
        key, learner, slug : str
            As above.
        attempt : int
            As above.
        handed_in : datetime or None
            As above.
        submission : str
            As above.

        Returns
        -------
        Entry
            The same words give the same id.

        Raises
        ------
        ValueError
            If `handed_in` lacks a time zone.

        Examples
        --------
        >>> entry = Entry.of(
        ...     key="k", learner="7f3a", slug="01-x", attempt=1, handed_in=None, submission="s"
        ... )
        >>> entry.id[:8]
        '73574884'
        """
        if handed_in is not None and handed_in.tzinfo is None:
            message = f"handed_in is {handed_in}, expected a time zone with it"
            raise ValueError(message)
        words = json.dumps([learner, slug, attempt, key])
        id_ = hashlib.sha256(words.encode("ascii")).hexdigest()[:32]
        return cls(id_, key, learner, slug, attempt, handed_in, submission)

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain data.

        Returns
        -------
        dict of str to Any
            What `from_dict` reads.
        """
        when = self.handed_in.astimezone(UTC).isoformat() if self.handed_in else None
        return {
            "id": self.id,
            "key": self.key,
            "learner": self.learner,
            "slug": self.slug,
            "attempt": self.attempt,
            "handed_in": when,
            "submission": self.submission,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Entry:
        """Read what `to_dict` gave.

        Parameters
        ----------
        content : dict of str to Any
            Plain data.

        Returns
        -------
        Entry
            The entry, its time in UTC.
        """
        when = content["handed_in"]
        return cls(**content | {"handed_in": datetime.fromisoformat(when) if when else None})

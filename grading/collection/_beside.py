"""Several notebooks in one folder: which of them is the hand-in, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from grading.collection._matching import _CANVAS, Match
from grading.collection._submission import BESIDE, shown
from grading.collection._walking import Place

__all__ = ["Known", "in_order", "with_others_named"]

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Known:
    """One notebook in the index.

    Attributes
    ----------
    place : Place
        Where it lies.
    match : Match
        Whose it is, and of which assignment.
    handed_in : datetime
        When, in UTC.
    time_from : str
        As in `Submission`.
    notes : tuple of str
        What was taken for granted so far.
    """

    place: Place
    match: Match
    handed_in: datetime
    time_from: str
    notes: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name, without what a platform or a person puts before it to say whose it is."""
        name = self.place.parts[-1]
        if self.match.platform and (found := _CANVAS.fullmatch(name)):
            return found["file"]
        at = name.casefold().find(self.match.slug)
        return name[max(at, 0) :]

    @property
    def has_own_name(self) -> bool:
        """Whether it is called like the assignment; what comes from a platform never is."""
        return not self.match.platform and self.place.parts[-1] == f"{self.match.slug}.ipynb"

    def lies_beside(self, other: Known) -> bool:
        """Tell whether both lie in one folder, and neither replaces the other on a platform."""
        is_upload_again = bool(self.match.platform) and self.match.again != other.match.again
        return not is_upload_again and self.folder == other.folder

    @property
    def folder(self) -> tuple[object, ...]:
        """The folder that it lies in, on disk or in an archive."""
        place = self.place
        outside = place.file if place.inside else place.file.parent
        return outside, place.parts[:-1], place.inside[:-1]


def in_order(found: Sequence[Known], attempts: Literal["last", "best", "first"]) -> list[Known]:
    """Put what came from one learner or group in order, the last attempt at the end.

    Copies and first tries beside the notebook that is called like the assignment come before it,
    whatever their times, where the best counts, and are left out elsewhere; nbgrader goes by the
    name as well.

    Parameters
    ----------
    found : sequence of Known
        For one assignment.
    attempts : {"last", "best", "first"}
        Which of several attempts counts.

    Returns
    -------
    list of Known
        By the time of each hand-in.
    """
    named = {known.folder: known for known in found if known.has_own_name}

    def order(known: Known) -> tuple[datetime, int, bool, datetime]:
        head = known if known.match.platform else named.get(known.folder, known)
        return head.handed_in, head.match.again, head is known, known.handed_in

    kept = [
        known
        for known in found
        if attempts == "best" or known.match.platform or named.get(known.folder, known) is known
    ]
    return sorted(kept, key=order)


def with_others_named(
    known: Known, found: Sequence[Known], attempts: Literal["last", "best", "first"]
) -> Known:
    """Say of a notebook that counts which others lay beside it and were not judged.

    Parameters
    ----------
    known : Known
        The notebook.
    found : sequence of Known
        All that came from the same learner or group for the assignment.
    attempts : {"last", "best", "first"}
        Which of several attempts counts; for the best, all of them are judged.

    Returns
    -------
    Known
        The same, with a note if there is something to say.
    """
    others = [other for other in found if other is not known and other.lies_beside(known)]
    if not others:
        return known
    slug = known.match.slug
    if attempts == "best":
        if known.has_own_name or not any(other.has_own_name for other in others):
            return known
        note = f"{shown(known.file)} lay beside {slug}.ipynb and is an attempt of its own."
        return replace(known, notes=(*known.notes, note))
    names = ", ".join(shown(other.file) for other in others[:_NAMED])
    if len(others) > _NAMED:
        names += f" and {len(others) - _NAMED} more"
    which = f"called {slug}.ipynb" if known.has_own_name else f"that came {attempts}"
    note = (
        f"{BESIDE}{names}, not judged: of several notebooks the one {which} counts. If the work "
        f"is in another one, hand in that one alone, as {slug}.ipynb."
    )
    return replace(known, notes=(*known.notes, note))

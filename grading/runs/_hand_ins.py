"""All hand-ins of one learner for an assignment, graded or kept aside, and which of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grading.engine import submission_hash
from grading.limits import Limits
from grading.runs._attempts import Hand
from grading.runs._counting import fault_of

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.collection import Stored
    from grading.journal import Entry, Journal
    from grading.results import Result

__all__ = ["HandIn", "hand_ins", "that_counts"]


@dataclass(frozen=True)
class HandIn:
    """What a learner handed in once, whatever it was held to.

    Attributes
    ----------
    attempt : int
        Which of the learner's attempts it is.
    handed_in : datetime or None
        When, with a time zone; None if that is not known.
    submission : str
        SHA-256 of what was handed in.
    entry : Entry or None
        The entry of the journal that stands for it; None if it was set aside and never graded.
    result : Result or None
        What came of that entry.
    entries : tuple of Entry
        All of its entries, one for each version and limit, as they were accepted.
    stored : Stored or None
        Where it was never graded: as it is kept under ``attempts/``.
    """

    attempt: int
    handed_in: datetime | None
    submission: str
    entry: Entry | None = None
    result: Result | None = None
    entries: tuple[Entry, ...] = ()
    stored: Stored | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be graded: nothing says yet what it is worth."""
        return self.result is None or self.result.status == "infra_error"

    @property
    def when(self) -> datetime:
        """When it was handed in; long ago if that is not known."""
        return self.handed_in or datetime.min.replace(tzinfo=UTC)

    @property
    def stamp(self) -> str:
        """How its folder in ``attempts/`` begins."""
        return f"{self.when.astimezone(UTC):%Y%m%dT%H%M%S}"

    def files(self, journal: Journal) -> dict[str, bytes]:
        """Return what was handed in."""
        if self.entry is not None:
            return journal.files(self.entry)
        return dict(self.stored.files) if self.stored is not None else {}

    def is_readable(self, slug: str) -> bool:
        """Tell whether its file is a notebook of an assignment."""
        if self.result is not None:
            return self.result.status != "invalid_submission"
        return self.stored is None or not fault_of(self.stored.files, slug, Limits())


def hand_ins(classroom: Classroom, journal: Journal, learner: Learner, slug: str) -> list[HandIn]:
    """List the hand-ins of a learner.

    Parameters
    ----------
    classroom : Classroom
        The class.
    journal : Journal
        Its own.
    learner : Learner
        Whose.
    slug : str
        The assignment.

    Returns
    -------
    list of HandIn
        First those that were never graded, then the others as they were accepted last.
    """
    from grading.collection import stored_attempts

    by_hand: dict[Hand, list[Entry]] = {}
    for entry in journal.entries(slug, learner.key):
        hand = entry.attempt, entry.submission
        by_hand[hand] = [*by_hand.pop(hand, []), entry]
    found: dict[Hand, HandIn] = {}
    for each in stored_attempts(classroom, learner, slug):
        hand = each.attempt, submission_hash(each.files)
        if hand not in by_hand and hand not in found:
            found[hand] = HandIn(each.attempt, each.handed_in, hand[1], stored=each)
    return [*found.values(), *(_graded(journal, each) for each in by_hand.values())]


def _graded(journal: Journal, entries: Sequence[Entry]) -> HandIn:
    """Let the last entry with a result stand for a hand-in, or else the last one."""
    known = [
        HandIn(
            entry.attempt,
            entry.handed_in,
            entry.submission,
            entry,
            journal.result_of(entry),
            tuple(entries),
        )
        for entry in reversed(entries)
    ]
    return next((each for each in known if not each.is_open), known[0])


def that_counts(
    classroom: Classroom, learner: Learner, slug: str, hands: Sequence[HandIn]
) -> HandIn | None:
    """Choose the hand-in that counts by the rule that the class remembers.

    Parameters
    ----------
    classroom : Classroom
        The class.
    learner : Learner
        Whose they are.
    slug : str
        The assignment.
    hands : sequence of HandIn
        As `hand_ins` gives them.

    Returns
    -------
    HandIn or None
        As `grade` would choose if it met all of them; None if there are none. Of equal ones that
        which was accepted last.
    """
    latest = list(reversed(hands))
    match classroom.settings.attempts:
        case "first":
            return min(latest, key=lambda each: each.when, default=None)
        case "last":
            readable = [each for each in latest if each.is_readable(slug)]
            return max(readable or latest, key=lambda each: each.when, default=None)
        case "best":
            graded = [each for each in latest if not each.is_open] or latest
            worth = {
                (each.attempt, each.submission): (
                    _worth(classroom, learner, slug, each),
                    each.attempt,
                )
                for each in graded
            }
            return max(graded, key=lambda each: worth[each.attempt, each.submission], default=None)


def _worth(classroom: Classroom, learner: Learner, slug: str, hand: HandIn) -> float:
    """Return the machine's points after the penalty for lateness."""
    points = 0.0 if hand.result is None else hand.result.points
    if hand.handed_in is None:
        return points
    return points - classroom.penalty(learner, slug, points, hand.handed_in)

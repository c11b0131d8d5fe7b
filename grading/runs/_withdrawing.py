"""Take back a hand-in that was graded by mistake, as if it had never come.

The journal goes last, in one step: as long as it knows the hand-in, what was killed can be begun
again, and does the same.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grading.refusals import Refusal
from grading.runs._classes import ReleasedClass
from grading.runs._hand_ins import HandIn, hand_ins, that_counts
from grading.runs._interrupts import held
from grading.runs._planning import Planner
from grading.runs._recording import Recorder
from grading.runs._session import writer_of

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.journal import Journal

__all__ = ["Withdrawal", "plan_withdrawal", "withdraw"]

_DAY = 8
"""Digits of the day in the name of a folder in ``attempts/``."""

_NUMBER = 12
"""Digits of the number on a feedback page, at least."""


@dataclass(frozen=True)
class Withdrawal:
    """What is taken back, and what counts then.

    Attributes
    ----------
    learner : Learner
        Whose it is.
    slug : str
        The assignment.
    which : str
        How it was named; empty for the one that counts.
    taken : HandIn
        What is taken back.
    counted : bool
        Whether it is the one that counts now.
    counts : HandIn or None
        What counts among those left; None if none is left.
    others : tuple of str
        Ids of others for whom the very same files count, too.
    """

    learner: Learner
    slug: str
    which: str
    taken: HandIn
    counted: bool
    counts: HandIn | None
    others: tuple[str, ...]


def plan_withdrawal(classroom: Classroom, student: str, unit: str, which: str = "") -> Withdrawal:
    """Find a hand-in, and say what would count without it. Nothing is changed.

    Parameters
    ----------
    classroom : Classroom
        The class.
    student : str
        The learner's id.
    unit : str
        Number or name of the assignment.
    which : str, default ""
        The number of the attempt, how its folder in ``attempts/`` begins, or the number that
        stands on the feedback page; the hand-in that counts now without it.

    Returns
    -------
    Withdrawal
        For `withdraw`.

    Raises
    ------
    Refusal
        If learner or assignment are unknown, nothing was handed in, or it is not clear which
        hand-in is meant.
    """
    from grading.journal import Journal  # pulls in file locks, which differ by system

    learner, slug = classroom.roster.by_id(student), classroom.find(unit)
    with Journal(classroom.journal_folder, readonly=True) as journal:
        return _planned(classroom, journal, learner, slug, which)


def withdraw(
    classroom: Classroom,
    planned: Withdrawal,
    tell: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Take a hand-in back: from gradebook and folders, and last from the journal.

    The hand-in that counts then is recorded and laid out again. If none is left, or that one is
    not graded yet, the learner's rows of the assignment leave the gradebook, points by hand and
    comments with them.

    Parameters
    ----------
    classroom : Classroom
        The class. No other command may be running on it.
    planned : Withdrawal
        As `plan_withdrawal` gave it.
    tell : callable, optional
        Is told where a person's points stand in place of the machine's, one sentence each.

    Returns
    -------
    list of str
        What was removed, one phrase each.

    Raises
    ------
    Refusal
        If the hand-ins of the learner have changed since, or something cannot be written.
    """
    from grading.journal import Journal

    learner, slug = planned.learner, planned.slug
    removed: list[str] = []
    with held(), Journal(classroom.journal_folder) as journal:
        if _planned(classroom, journal, learner, slug, planned.which) != planned:
            msg = f"{learner.id}, {slug}: the hand-ins changed meanwhile. Run this command again."
            raise Refusal(msg)
        places = _places(classroom, journal, planned)
        _refuse_links(classroom.root, places)
        if planned.counted:
            removed += _from_gradebook(classroom, journal, planned, tell)
        removed += [each for path in places for each in _removed(classroom.root, path)]
        n = _from_journal(classroom, journal, planned)
    return [*removed, f"{n} {'entry' if n == 1 else 'entries'} of the journal"]


def _planned(
    classroom: Classroom, journal: Journal, learner: Learner, slug: str, which: str
) -> Withdrawal:
    every = list(journal.entries(slug))
    own = [entry for entry in every if entry.learner == learner.key]
    if not own:
        msg = (
            f"{learner.id}: nothing of {slug} was graded, so there is nothing to take back. Look "
            "at the id and the assignment."
        )
        raise Refusal(msg)
    hands = hand_ins(classroom, journal, learner, slug)
    current = next(each for each in hands if own[-1] in each.entries)  # accepted last, it counts
    taken = _meant(learner, slug, hands, which) if which else current
    counts: HandIn | None = current
    if taken is current:
        counts = that_counts(
            classroom, learner, slug, [each for each in hands if each is not taken]
        )
    same = {each.learner for each in every if each.submission == taken.submission}
    port = ReleasedClass(classroom)
    others = [port.learner(key) for key in same - {learner.key}]
    return Withdrawal(
        learner=learner,
        slug=slug,
        which=which,
        taken=taken,
        counted=taken is current,
        counts=counts,
        others=tuple(sorted(each.id for each in others if each is not None)),
    )


def _meant(learner: Learner, slug: str, hands: Sequence[HandIn], which: str) -> HandIn:
    """Find the hand-in that is meant by its number, its folder, or the number of its page."""
    found = [each for each in hands if which == str(each.attempt)]
    if len(which) >= _DAY:
        found += [each for each in hands if each.stamp.startswith(which)]
    if len(which) >= _NUMBER:
        found += [each for each in hands if any(e.key.startswith(which) for e in each.entries)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{each.stamp} (attempt {each.attempt})" for each in found or hands)
    what = "is more than one hand-in" if found else "is no hand-in"
    msg = (
        f"--attempt {which[:80]}: this {what} of {learner.id} for {slug}. Write how its folder in "
        f"attempts begins: {known}."
    )
    raise Refusal(msg)


def _from_gradebook(
    classroom: Classroom, journal: Journal, planned: Withdrawal, tell: Callable[[str], None]
) -> Iterator[str]:
    """Let the gradebook hold what counts now, or nothing."""
    learner, slug, counts = planned.learner, planned.slug, planned.counts
    port = ReleasedClass(classroom)
    with writer_of(port) as writer:
        if counts is None or counts.entry is None or counts.result is None or counts.is_open:
            writer.erase(learner.id, slug=slug)
            yield f"all rows of {slug} in the gradebook, points by hand and comments among them"
            return
        recorder = Recorder(port, journal, writer, refuse=_refuse, tell=tell)
        recorder.add(counts.entry, counts.result)
        recorder.flush()


def _refuse(sentence: str) -> None:
    raise Refusal(sentence)


def _places(classroom: Classroom, journal: Journal, planned: Withdrawal) -> list[Path]:
    """List what has to go from the class folder; not all of it need be there."""
    from grading.collection import stored_as

    learner, slug, taken = planned.learner, planned.slug, planned.taken
    places = stored_as(classroom, learner, slug, taken.files(journal), taken.attempt)
    if planned.counted:  # pages show it; they can be written again
        places += [classroom.feedback(learner.id, slug)]
        places += [classroom.root / "feedback" / f"{slug}.zip"]
        if planned.counts is None or planned.counts.is_open:
            places += [classroom.autograded(learner.id, slug)]
        if planned.counts is None:
            places += [classroom.submitted(learner.id, slug)]
    return places


def _refuse_links(root: Path, places: Sequence[Path]) -> None:
    for place in places:
        for path in (place, *place.parents):
            if path == root:
                break
            if path.is_symlink():
                msg = f"{path}: a link stands where a folder belongs. Remove it."
                raise Refusal(msg)


def _removed(root: Path, path: Path) -> Iterator[str]:
    """Remove a folder or file, and folders above it that are empty then."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    else:
        return
    yield path.relative_to(root).as_posix()
    with contextlib.suppress(OSError):  # it holds something else
        for above in path.parents:
            if above.parent == root:
                return
            above.rmdir()


def _from_journal(classroom: Classroom, journal: Journal, planned: Withdrawal) -> int:
    """Lay out what counts now, and let the journal know of nothing else, in one step."""
    from grading.collection import lay_out

    learner, slug, counts = planned.learner, planned.slug, planned.counts
    ids = [each.id for each in planned.taken.entries]
    if counts is None or not planned.counted:
        return journal.withdraw(ids)
    files, entry = counts.files(journal), counts.entry
    if counts.handed_in is not None:
        lay_out(classroom.submitted(learner.id, slug), files, counts.handed_in)
    if counts.stored is not None and entry is None:  # never graded: the next run does it
        before = planned.taken.result
        unsafe = before is not None and before.sandbox == "none"  # as the class is graded
        planner = Planner(ReleasedClass(classroom), journal, unsafe=unsafe, time_factor=1.0)
        release = counts.stored.version
        known = release in planner.port.releases(slug)
        job = planner.job(learner, slug, files, release if known else "")
        entry = planner.wanted(learner, job, slug, counts.attempt, counts.handed_in).entry
    return journal.withdraw(ids, entry, files)

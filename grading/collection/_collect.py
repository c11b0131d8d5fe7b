"""Collect in two passes: an index of who handed in what and when, then the files one by one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from grading import house
from grading.classroom import Classroom
from grading.collection._archive import ArchiveError, too_large
from grading.collection._beside import Known, in_order, with_others_named
from grading.collection._groups import Groups
from grading.collection._matching import Directory, Match, NoMatchError
from grading.collection._others import NotebookLess
from grading.collection._reader import Reader
from grading.collection._store import known_before, stored_times
from grading.collection._submission import Submission, shown
from grading.collection._times import time_of
from grading.collection._walking import Place, Walk, read_manifest
from grading.limits import Limits
from grading.oversized import in_place_of
from grading.refusals import Refusal
from grading.seals import release_of, seal_is_ours

__all__ = ["UNMARKED", "Collected", "collect"]

MAX_ATTEMPTS = 100

_AGAINST = "It is graded against the current release."
UNMARKED = f"It does not say which release it was made from. {_AGAINST}"


log = logging.getLogger("nncourse.collection")


class Collected:
    """What was found. Iterate over it once: each submission is read when its turn comes.

    Attributes
    ----------
    refused : list of str
        One sentence for each thing that is not taken; it grows while one iterates.
    """

    def __init__(
        self,
        classroom: Classroom,
        chosen: list[tuple[int, Known]],
        groups: Groups,
        limits: Limits,
        refused: list[str],
    ) -> None:
        self._classroom = classroom
        self._chosen = chosen
        self._groups = groups
        self._limits = limits
        self.refused = refused

    def __len__(self) -> int:
        """Count what will be given at most."""
        return sum(len(self._groups.members(known.match.learner)) for _, known in self._chosen)

    def __iter__(self) -> Iterator[Submission]:
        return self.submissions

    @property
    def submissions(self) -> Iterator[Submission]:
        """Read them one by one, in the order in which they lie."""
        with Reader() as reader:
            for attempt, known in self._chosen:
                try:
                    yield from self._read(reader, attempt, known)
                except ArchiveError as error:
                    self.refused.append(f"{known.place.origin}: {error}")
                except Exception as error:
                    log.exception("collecting %s", known.place.origin)
                    fact = f"it cannot be read ({type(error).__name__}). Ask for it again."
                    self.refused.append(f"{known.place.origin}: {fact}")

    def _read(self, reader: Reader, attempt: int, known: Known) -> Iterator[Submission]:
        place, slug = known.place, known.match.slug
        if place.oversize:  # judged like whatever cannot be read, of which this tells the size
            content = in_place_of(place.oversize)
        else:
            content = reader.read(place.file, place.inside, self._limits.notebook_bytes)
        if not content:
            message = "the file is empty. Ask for it again."
            raise ArchiveError(message)
        manifest = read_manifest(reader, place)
        version, notes = _version(self._classroom, slug, content, manifest)
        if place.oversize:
            notes = ()  # whatever it says about its release was not read
        group = self._groups.name(known.match.learner)
        for member in self._groups.members(known.match.learner):
            for_group: tuple[str, ...] = ()
            if member != known.match.learner:  # notes name nobody: they are kept with the work
                for_group = (f"Handed in by another member of the group {shown(group)}.",)
            submission = Submission(
                learner=member,
                slug=slug,
                attempt=attempt,
                handed_in=known.handed_in,
                files={f"{slug}.ipynb": content},
                origin=place.origin,
                notes=(*known.notes, *notes, *for_group),
                version=version,
                time_from=known.time_from,
            )
            yield _same_as_before(submission, self._classroom)


def _same_as_before(submission: Submission, classroom: Classroom) -> Submission:
    """Give a file that came before the number it had then, and the earlier of both times."""
    before = known_before(submission, classroom)
    if before is None:
        return submission
    attempt, when = before
    if when >= submission.handed_in:
        return replace(submission, attempt=attempt)
    note = "The very same file was handed in before; the time of then counts."
    return replace(submission, attempt=attempt, handed_in=when, notes=(*submission.notes, note))


def collect(
    paths: Sequence[Path],
    classroom: Classroom,
    *,
    attempts: Literal["last", "best", "first"] = "last",
    groups: Path | None = None,
    slug: str | None = None,
    limits: Limits | None = None,
) -> Collected:
    """Find what learners handed in.

    Parameters
    ----------
    paths : sequence of Path
        Folders, zips (also zips of zips), single notebooks.
    classroom : Classroom
        The class: its roster, released assignments and time zone.
    attempts : {"last", "best", "first"}, default "last"
        Which attempts to give; for the best, all are given and the caller keeps the higher score.
    groups : Path, optional
        ``groups.csv``: one hand-in counts for all members of a group.
    slug : str, optional
        Take this assignment only; without it all that are released.
    limits : Limits, optional
        Sizes that are read at all; the usual ones without it.

    Returns
    -------
    Collected
        The submissions, and sentences about what is not taken.

    Raises
    ------
    Refusal
        If a path is absent, or the groups cannot be meant. Nothing that a learner hands in raises.
    """
    refused: list[str] = []
    slugs = classroom.slugs()
    if not slugs:
        msg = f"{classroom.root}: no assignment is released yet. Run: nncourse release 01"
        raise Refusal(msg)
    hand_ins = Groups(groups, classroom.roster)
    directory = Directory(classroom.roster, slugs)
    found: dict[tuple[str, str], list[Known]] = {}
    limit_bytes = (limits or Limits()).notebook_bytes
    n_places = 0
    with Reader() as reader, Reader() as peeking:
        for place in _places(reader, paths, limit_bytes, directory, refused, slug):
            n_places += 1
            try:
                match = directory.match(place)
                match = _with_assignment(match, place, peeking, classroom, limit_bytes)
            except (NoMatchError, ArchiveError) as error:
                refused.append(f"{place.origin}: {error}")
                continue
            if slug is not None and match.slug != slug:
                continue
            known = Known(place, match, *time_of(place, match, classroom))
            whose = hand_ins.name(match.learner) or f"\0{match.learner.id}"
            found.setdefault((whose, match.slug), []).append(known)
    if not found and not refused and slug is not None:
        where = ", ".join(shown(path.absolute()) for path in paths)
        fact = f"none of the {n_places} notebooks found there is of {slug}. Check the unit."
        refused.append(f"{where}: {fact}")
    chosen: list[tuple[int, Known]] = []
    for whole in found.values():
        each = in_order(whole, attempts)
        if len(each) > MAX_ATTEMPTS:
            fact = f"{len(each):,} attempts came; the last {MAX_ATTEMPTS} are looked at. Ask why."
            refused.append(f"{each[0].match.learner.id}, {each[0].match.slug}: {fact}")
        for number, known in _chosen(each[-MAX_ATTEMPTS:], attempts, classroom):
            chosen.append((number, with_others_named(known, whole, attempts)))
    return Collected(classroom, chosen, hand_ins, limits or Limits(), refused)


def _places(
    reader: Reader,
    paths: Sequence[Path],
    limit_bytes: int,
    directory: Directory,
    refused: list[str],
    slug: str | None,
) -> Iterator[Place]:
    """Walk through everything that was given; what holds no notebook is named."""
    for path in paths:
        without = NotebookLess(list(directory.slugs), directory.is_somebody)
        walk = Walk(
            reader,
            limit_bytes,
            lambda where, fact: refused.append(f"{where}: {fact}"),
            without.saw,
        )
        n_refused, is_empty = len(refused), True
        for place in walk.through(path):
            is_empty = False
            yield place
        refused.extend(without.sentences(slug))
        if is_empty and len(refused) == n_refused:
            refused.append(
                f"{shown(path)}: no notebook was found there. Everything below "
                f"{shown(path.absolute())} was searched for .ipynb and .zip: name the folder or "
                "zip that holds what was handed in."
            )


def _chosen(
    ordered: list[Known], attempts: Literal["last", "best", "first"], classroom: Classroom
) -> list[tuple[int, Known]]:
    """Give numbers to the attempts of one learner or group, and choose among them."""
    learner, slug = ordered[0].match.learner, ordered[0].match.slug
    stored = stored_times(classroom, learner, slug) - {known.handed_in for known in ordered}
    numbered: list[tuple[int, Known]] = []
    for i, known in enumerate(ordered, start=1):
        number = sum(when < known.handed_in for when in stored) + i
        numbered.append((max(number, numbered[-1][0] + 1 if numbered else 1), known))
    if attempts == "best":
        return numbered
    return numbered[-1:] if attempts == "last" else numbered[:1]


def _with_assignment(
    match: Match, place: Place, reader: Reader, classroom: Classroom, limit_bytes: int
) -> Match:
    """Where the name does not say which assignment it is, look into the notebook."""
    if match.slug:
        return match
    if place.oversize:
        raise ArchiveError(too_large(place.oversize, limit_bytes))
    content = reader.read(place.file, place.inside, limit_bytes)
    marked = release_of(classroom.secret, content)
    known = classroom.slugs()
    if marked is not None and marked[0] in known:
        note = f"The file is not named {marked[0]}.ipynb; the notebook itself says what it is."
        return replace(match, slug=marked[0], notes=(*match.notes, note))
    named = marked[0] if marked is not None else _unit_named(place.parts[-1])
    if named in _course_units() or (marked is not None and marked[2]):
        message = (
            f"{shown(named)} is not released in this class; released are: {', '.join(known)}. "
            f"Release it, with: nncourse release {shown(named[:2])}, or name the class that it "
            "was released in."
        )
        raise NoMatchError(message)
    message = (
        f"no released assignment has this name. Rename it, as in {known[0]}.ipynb; released are: "
        f"{', '.join(known)}."
    )
    raise NoMatchError(message)


def _unit_named(file: str) -> str:
    """Find the unit of the course that a file is named after; empty if there is none."""
    return next((slug for slug in _course_units() if slug in file.casefold()), "")


@cache
def _course_units() -> tuple[str, ...]:
    """Name the units of the course, released or not; none where the course is not installed."""
    try:
        return tuple(unit.slug for unit in house.units())
    except Refusal:
        return ()


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _version(
    classroom: Classroom, slug: str, content: bytes, manifest: bytes
) -> tuple[str, tuple[str, ...]]:
    """Tell by the notebook's mark, else by the bundle's manifest, from which release it is."""
    assignment = classroom.settings.assignments[slug]
    marked = release_of(classroom.secret, content)
    against = _AGAINST
    if marked is not None:
        named, version, is_ours = marked
        if not is_ours:
            return assignment.version, (f"Its release mark was not made by this class. {against}",)
        if named != slug:
            note = f"It was made from the release of {named}, not of {slug}."
            return assignment.version, (note,)
        if version not in assignment.releases:
            note = f"Its release {version[:8]} is no longer in the class folder. {against}"
            return assignment.version, (note,)
        return version, _if_older(version, assignment.version)
    found = _parsed(manifest) if manifest else None
    if isinstance(found, dict):
        if not seal_is_ours(classroom.secret, found):
            note = f"The manifest beside it was not made by this class. {against}"
            return assignment.version, (note,)
        version = _named_version(found, slug)
        if version in assignment.releases:
            return version, _if_older(version, assignment.version)
    return assignment.version, (UNMARKED,) if _looks_whole(content) else ()


def _looks_whole(content: bytes) -> bool:
    """Tell whether it may be a notebook; of what is none, it is said that it cannot be read."""
    return content[:64].lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and content.rstrip()[-1:] == b"}"


def _named_version(manifest: dict[str, object], slug: str) -> str:
    """Read the release of an assignment from a manifest; empty if it does not say."""
    named = manifest.get("assignments")
    entry = named.get(slug) if isinstance(named, dict) else None
    return str(entry.get("version", "")) if isinstance(entry, dict) else ""


def _if_older(version: str, current: str) -> tuple[str, ...]:
    if version == current:
        return ()
    return (f"It was made from the earlier release {version[:8]}, and is graded against it.",)

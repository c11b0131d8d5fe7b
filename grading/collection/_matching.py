"""Tell whose work something is, from the names that it comes under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from grading.classroom import Learner, Roster
from grading.classroom._learner import normalized
from grading.collection._submission import shown
from grading.collection._walking import Place

__all__ = ["Directory", "Match", "NoMatchError"]

_CANVAS = re.compile(
    r"(?P<name>[^\W_]+)(?P<late>_LATE)?_(?P<number>\d{1,19})_\d{1,19}_(?P<file>.+)"
)
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d{1,19})_assignsubmission_file_?(?P<file>.*)")
_ANONYMOUS = {"participant", "teilnehmer", "teilnehmerin", "anon", "anonymous"}
_AGAIN = re.compile(r"(?: ?\((?P<browser>\d{1,3})\)|-(?P<canvas>\d{1,3})|-Copy\d*)$")


class NoMatchError(Exception):
    """Say in a clause and a mend why nobody, or more than one, is meant."""


class NobodyError(NoMatchError):
    """Say that nobody is meant."""


@dataclass(frozen=True)
class Match:
    """Whose work it is, and what.

    Attributes
    ----------
    learner : Learner
        The author.
    slug : str
        The assignment; empty if the name does not say.
    again : int
        Which upload of the same file it is, by the mark of the platform; 0 for the first.
    platform : str
        ``"canvas"``, ``"moodle"``, or empty.
    late : bool
        Whether the platform marked it as late.
    notes : tuple of str
        What was taken for granted.
    in_own_archive : bool
        Whether it lies in an archive that belongs to this learner, by a name outside of it.
    """

    learner: Learner
    slug: str
    again: int = 0
    platform: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()
    in_own_archive: bool = False


@dataclass
class Directory:
    """The learners, found by any of their names.

    Parameters
    ----------
    roster : Roster
        The class.
    slugs : iterable of str
        Names of the released assignments.
    """

    roster: Roster
    slugs: Iterable[str]
    _exact: dict[str, set[str]] = field(default_factory=dict, init=False)
    _by_name: dict[str, set[str]] = field(default_factory=dict, init=False)
    _by_number: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Index everybody."""
        self.slugs = sorted(self.slugs, key=len, reverse=True)
        for each in self.roster.all():
            for text in filter(None, (each.id, each.email, each.lms_user_id)):
                self._exact.setdefault(text.casefold(), set()).add(each.id)
            for text in (each.first_name + each.last_name, each.last_name + each.first_name):
                if name := normalized(text):
                    self._by_name.setdefault(name, set()).add(each.id)
            if each.lms_user_id:
                self._by_number[each.lms_user_id] = each.id

    def match(self, place: Place) -> Match:
        """Find the author of a notebook.

        Parameters
        ----------
        place : Place
            Where it lies. Names count from the outside in, and the first that is somebody's
            decides: what lies deeper may have been named by that learner.

        Returns
        -------
        Match
            The author and the assignment.

        Raises
        ------
        NoMatchError
            If nobody, or more than one, may be meant.
        """
        if not 0 < place.n_given < place.n_outer:
            return self._match(place, place.n_outer)
        try:
            return replace(self._match(place, place.n_given), in_own_archive=True)
        except NobodyError:
            found = self._match(place, place.n_outer)
            note = "Only a name inside of the archive says whose it is."
            return replace(found, notes=(*found.notes, note))

    def is_somebody(self, text: str) -> bool:
        """Tell whether a folder is named after a learner, or after more than one."""
        try:
            return bool(self._plain(text))
        except NoMatchError:
            return True

    def _match(self, place: Place, n_outer: int) -> Match:
        parts, file = place.parts, place.parts[-1]
        slug, again = self._assignment(file, parts[:-1])
        given = next((part for part in place.root if part not in self.slugs), "")
        own = self._plain(given)
        looked_at: list[str] = []
        authors: list[Learner] = []
        for depth, part in enumerate(parts[:n_outer]):
            if part in self.slugs:
                if depth > 0:  # in nbgrader's tree; what lies deeper was made by the learner
                    break
                continue
            if found := _CANVAS.fullmatch(part) or _MOODLE.fullmatch(part):
                return self._of_platform(found, parts, depth)
            is_file = depth == len(parts) - 1
            looked_at.append(part.rpartition(".")[0] if is_file else part)
            authors = self._in_file_name(file) if is_file and not own else []
            authors = authors if is_file else self._plain(part)
            if authors:
                break
        if authors and own and authors != own:
            message = (
                f"{_who(own[0])} and {_who(authors[0])} may both be meant. Name the folder of one "
                "of them."
            )
            raise NoMatchError(message)
        if not (authors or own):
            raise NobodyError(self._nobody([*looked_at, given]))
        return Match((authors or own)[0], slug, again)

    def _of_platform(self, found: re.Match[str], parts: tuple[str, ...], depth: int) -> Match:
        """Read a name that Canvas or Moodle made."""
        is_canvas = found.re is _CANVAS
        file = found["file"] if depth == len(parts) - 1 else parts[-1]
        slug, again = self._assignment(file, parts[:-1])
        name, number = normalized(found["name"]), found["number"]
        by_number = self._by_number.get(number)
        by_name = set() if name in _ANONYMOUS else set(self._by_name.get(name, ()))
        notes: tuple[str, ...] = ()
        if by_number and by_name and by_number not in by_name:
            other = sorted(by_name)[0]
            message = (
                f"the number is that of {_who(self.roster.by_id(by_number))}, the name that of "
                f"{_who(self.roster.by_id(other))}. Mend lms_user_id in the roster."
            )
            raise NoMatchError(message)
        if by_number:
            author = self.roster.by_id(by_number)
            if not by_name and name not in _ANONYMOUS:
                # Moodle counts anew in every assignment: its number alone is no proof.
                if not is_canvas and not _shares_name(found["name"], author):
                    raise NobodyError(self._nobody([found["name"]], called=found["name"]))
                notes = ("It was matched by number; the name is spelled differently.",)
        elif len(by_name) > 1:
            first, second = (_who(self.roster.by_id(each)) for each in sorted(by_name)[:2])
            message = (
                f"{first} and {second} may both be meant. Write the number {number} into the "
                "roster, as lms_user_id."
            )
            raise NoMatchError(message)
        elif by_name:
            author = self.roster.by_id(by_name.pop())
        else:
            raise NobodyError(self._nobody([found["name"]], called=found["name"]))
        late = is_canvas and found["late"] is not None
        return Match(author, slug, again, "canvas" if is_canvas else "moodle", late, notes)

    def _plain(self, text: str) -> list[Learner]:
        """Find the learner whom a folder is named after."""
        ids = self._exact.get(text.strip().casefold()) or self._by_name.get(normalized(text), set())
        if len(ids) > 1:
            first, second = (_who(self.roster.by_id(each)) for each in sorted(ids)[:2])
            message = f"{first} and {second} may both be meant. Name the folder by the id."
            raise NoMatchError(message)
        return [self.roster.by_id(each) for each in ids]

    def _in_file_name(self, file: str) -> list[Learner]:
        """Find the learner in ``ada_01-backpropagation.ipynb`` or the other way round."""
        stem = file.rpartition(".")[0]
        for slug in self.slugs:
            before, found, after = stem.partition(slug)
            rest = before.rstrip("_- ") or _AGAIN.sub("", after).lstrip("_- ")
            if found and rest:
                return self._plain(rest)
        return self._plain(stem)

    def _assignment(self, file: str, folders: tuple[str, ...]) -> tuple[str, int]:
        """Find the assignment in the name of a file, else of its folder."""
        stem = file.rpartition(".")[0].strip()
        again = _AGAIN.search(stem)
        number = int(again["browser"] or again["canvas"] or 1) if again else 0
        bare = stem[: again.start()] if again else stem
        for slug in self.slugs:
            if stem.casefold() == slug:
                return slug, 0
            if bare.casefold() == slug:
                return slug, number
        for slug in self.slugs:
            if stem.casefold().startswith((slug + "_", slug + " ")) or bare.casefold().endswith((
                "_" + slug,
                "-" + slug,
                " " + slug,
            )):
                return slug, number
        return next((each for each in reversed(folders) if each in self.slugs), ""), 0

    def _nobody(self, names: list[str], called: str = "") -> str:
        """Say that nobody in the roster is meant, and who comes nearest."""
        mend = "add the learner: nncourse roster --add ID"
        for name in names:
            close = get_close_matches(normalized(name), self._by_name, n=1, cutoff=0.7)
            near = sorted(self._by_name[close[0]])[0] if close else self.roster.nearest(name)
            if near:
                who = _who(self.roster.by_id(near))
                fact = f"nobody in the roster is called {shown(name)}; nearest is {who}"
                return f"{fact}. Mend the name, or {mend}"
        if called:
            return f"nobody in the roster is called {shown(called)}. Mend the name, or {mend}"
        return f"no learner of the roster is named. Put it into a folder named by the id, or {mend}"


def _shares_name(name: str, learner: Learner) -> bool:
    """Tell whether a name shares a whole word with a learner's."""
    words = {normalized(word) for word in re.split(r"[\s,._-]+", name)} - {""}
    return bool(words & {normalized(word) for word in re.split(r"[\s-]+", learner.name)})


def _who(learner: Learner) -> str:
    return learner.id if learner.name == learner.id else f"{learner.name} ({learner.id})"

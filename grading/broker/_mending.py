"""Step 2, mend: rebuild the notebook from the release and take from the submission its answers.

Released cells stand in their order and as they were released. An answer is looked up by grade_id,
so that nothing a learner did to other cells, points or flags has an effect. Cells that the learner
added keep their place between released ones. Each mend is a note of one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from grading.assignments import CHECK_PREFIX, AssignmentVersion, ReleasedCell
from grading.broker._answers import Answer, Claims, answers_of
from grading.broker._code import Code
from grading.broker._reading import Handed, HandedCell, tame

__all__ = ["Added", "Mended", "Place", "max_points", "mend"]

MAX_ADDED = 1_000_000  # characters in all added cells together
_SHOWN_ONLY = {"figure", "drive"}


@dataclass(frozen=True)
class Added:
    """A cell that the learner added, or that differs from the released one in its place."""

    cell_type: str
    source: str
    runs: bool


@dataclass(frozen=True)
class Place:
    """One released cell and what the learner put there.

    Attributes
    ----------
    released : ReleasedCell or None
        The cell as released; None before the first one.
    answer : Answer or None
        What stands in its place, for a cell that the learner fills.
    runs : bool
        Whether it runs in the sandbox.
    added : tuple of Added
        The learner's cells behind it.
    """

    released: ReleasedCell | None
    answer: Answer | None = None
    runs: bool = False
    added: tuple[Added, ...] = ()


@dataclass(frozen=True)
class Mended:
    """The rebuilt notebook.

    Attributes
    ----------
    places : tuple of Place
        Released cells in their order; the first place has none.
    answers : dict of str to Answer
        By exercise, in the order of the notebook.
    notes : tuple of str
        What was mended.
    found_any : bool
        Whether anything of the release was recognized in what was handed in.
    """

    places: tuple[Place, ...]
    answers: dict[str, Answer]
    notes: tuple[str, ...] = ()
    found_any: bool = True

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of all answers, then of the added cells that run: what the cases hang on.

        Were a table in an added cell no part of it, a second attempt would meet the same cases.
        """
        added = (cell.source for place in self.places for cell in place.added if cell.runs)
        return (*(answer.source for answer in self.answers.values()), *added)


@dataclass
class _Matching:
    """Which released cell each submitted cell goes back to."""

    by_handed: dict[int, int] = field(default_factory=dict)
    by_released: dict[int, int] = field(default_factory=dict)

    def pair(self, i_handed: int, i_released: int) -> None:
        self.by_handed[i_handed] = i_released
        self.by_released.setdefault(i_released, i_handed)


def mend(version: AssignmentVersion, handed: Handed) -> Mended:
    """Rebuild a notebook.

    Parameters
    ----------
    version : AssignmentVersion
        What was released.
    handed : Handed
        What was handed in.

    Returns
    -------
    Mended
        The rebuilt notebook, whatever was handed in.
    """
    matching = _matched(version.cells, handed.cells)
    free = [
        i
        for i, cell in enumerate(handed.cells)
        if i not in matching.by_handed and _released_mark(version.cells, cell) is None
    ]
    answers, claims = answers_of(version.cells, handed.cells, free)
    notes = [*handed.notes, *claims.notes, *_notes_on_checks(version, handed.cells)]
    notes += _note_on_kernel(version, handed)
    added = _added_by_place(version.cells, handed.cells, matching, claims, notes)
    places = _with_runs(version.cells, answers, added)
    found_any = bool(matching.by_handed) or any(answer.was_found for answer in answers.values())
    return Mended(places, answers, tuple(dict.fromkeys(notes)), found_any)


def max_points(version: AssignmentVersion) -> dict[str, float]:
    """Return the most points of each exercise, as the released notebook has them.

    Parameters
    ----------
    version : AssignmentVersion
        What was released.

    Returns
    -------
    dict of str to float
        By exercise, in the order of the notebook; 0 for those that are not graded.
    """
    marks = [cell.get("metadata", {}).get("nbgrader", {}) for cell in version.notebook["cells"]]
    return {
        str(each["grade_id"]).removeprefix(CHECK_PREFIX): float(each.get("points", 0.0))
        for each in marks
        if each.get("grade")
    }


def _matched(released: tuple[ReleasedCell, ...], handed: tuple[HandedCell, ...]) -> _Matching:
    """Match cells without an answer: by id, then by equal text, since old formats have no ids."""
    matching = _Matching()
    claiming = {i for i, cell in enumerate(handed) if _released_mark(released, cell) is not None}
    plain = {i: cell for i, cell in enumerate(released) if cell.kind in {"setup", "other"}}
    by_id = {cell.id: i for i, cell in plain.items() if cell.id}
    by_text: dict[tuple[str, str], list[int]] = {}
    for i, cell in plain.items():
        by_text.setdefault((cell.cell_type, cell.source.strip()), []).append(i)
    for i, found in enumerate(handed):
        place = by_id.get(found.id)
        if i not in claiming and place is not None and place not in matching.by_released:
            matching.pair(i, place)
    for i, found in enumerate(handed):
        if i in matching.by_handed or i in claiming:
            continue
        for candidate in by_text.get((found.cell_type, found.source.strip()), ()):
            if candidate not in matching.by_released:
                matching.pair(i, candidate)
                break
    return matching


def _released_mark(released: tuple[ReleasedCell, ...], cell: HandedCell) -> int | None:
    """Return the place of the released check or answer that a cell claims to be."""
    if cell.marks is None:
        return None
    for i, each in enumerate(released):
        if each.kind in {"exercise", "check"} and _grade_id(each) == cell.marks.grade_id:
            return i
    return None


def _grade_id(cell: ReleasedCell) -> str:
    return CHECK_PREFIX + cell.name if cell.kind == "check" else cell.name


def _notes_on_checks(version: AssignmentVersion, handed: tuple[HandedCell, ...]) -> list[str]:
    """Note what was done to locked checks; none of it has an effect."""
    notes = []
    points = max_points(version)
    for cell in version.cells:
        if cell.kind != "check":
            continue
        copies = [each for each in handed if each.marks and each.marks.grade_id == _grade_id(cell)]
        if not copies:
            notes.append(f"The check of {cell.name} was missing; it is back.")
        if len(copies) > 1:
            notes.append(f"The check of {cell.name} was there {len(copies)} times; one is used.")
        if any(each.source.strip() != cell.source.strip() for each in copies):
            notes.append(f"The check of {cell.name} was changed; it runs as it was released.")
        if any(each.cell_type != "code" or not each.marks.grade for each in copies if each.marks):
            notes.append(f"The check of {cell.name} had lost its settings; they are as released.")
        claimed = {each.marks.points for each in copies if each.marks} - {
            points.get(cell.name),
            None,
        }
        if claimed:
            notes.append(f"The points of {cell.name} were changed; those of the release count.")
    return notes


def _note_on_kernel(version: AssignmentVersion, handed: Handed) -> list[str]:
    kernelspec = version.notebook.get("metadata", {}).get("kernelspec", {})
    if not handed.kernel or handed.kernel == kernelspec.get("name"):
        return []
    return [
        f"It names the kernel {tame(handed.kernel, 40)}; it is graded with the course's Python."
    ]


def _added_by_place(
    released: tuple[ReleasedCell, ...],
    handed: tuple[HandedCell, ...],
    matching: _Matching,
    claims: Claims,
    notes: list[str],
) -> dict[int, list[Added]]:
    """List the learner's own cells by the released cell in front of them (−1: none)."""
    added: dict[int, list[Added]] = {}
    length_left = MAX_ADDED
    place = -1
    for i, cell in enumerate(handed):
        of_release = matching.by_handed.get(i, claims.place_of.get(i))
        if of_release is None and i not in claims.beside:
            of_release = _released_mark(released, cell)
        if of_release is not None:
            place = of_release
        if i in claims.taken or not _is_own(released, of_release, cell, i in claims.beside):
            continue
        length_left -= len(cell.source)
        if length_left < 0:
            notes.append("Its added cells are longer than what is read; the last are left out.")
            break
        runs = cell.cell_type == "code" and not cell.tags & _SHOWN_ONLY
        added.setdefault(place, []).append(Added(cell.cell_type, cell.source, runs))
    return added


def _is_own(
    released: tuple[ReleasedCell, ...], place: int | None, cell: HandedCell, beside: bool
) -> bool:
    """Tell whether a cell holds something of the learner's that is to be kept as an added cell."""
    if not cell.source.strip():
        return False
    if place is None or beside:
        return True
    original = released[place]
    if original.kind in {"exercise", "check"} or set(original.tags) & _SHOWN_ONLY:
        return False
    return cell.source.split() != original.source.split()


def _with_runs(
    released: tuple[ReleasedCell, ...],
    answers: dict[str, Answer],
    added: dict[int, list[Added]],
) -> tuple[Place, ...]:
    """Decide which released cells run: set-up, answers, and what the learner's code looks up."""
    learners = [answer.code for answer in answers.values() if not answer.is_released]
    learners += [
        Code.shared(cell.source) for cells in added.values() for cell in cells if cell.runs
    ]
    used = frozenset[str]().union(*(code.used for code in learners))
    places = [Place(None, added=tuple(added.get(-1, ())))]
    for i, cell in enumerate(released):
        own = tuple(added.get(i, ()))
        if cell.kind == "exercise":
            answer = answers[cell.name]
            runs = not answer.is_released and bool(answer.source.strip())
            places.append(Place(cell, answer, runs, own))
        else:
            places.append(Place(cell, None, _runs(cell, used), own))
    return tuple(places)


def _runs(cell: ReleasedCell, used: Iterable[str]) -> bool:
    if cell.kind == "setup":
        return True
    if cell.kind == "check" or cell.cell_type != "code" or set(cell.tags) & _SHOWN_ONLY:
        return False
    return not Code.of_release(cell.source).bound.isdisjoint(used)

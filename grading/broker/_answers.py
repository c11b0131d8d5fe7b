"""Find the answer to each exercise in a notebook whose cells may be copied, torn or renamed.

Among the cells that carry an exercise's grade_id the last one counts that was changed and defines
the exercise. Where none does, the answer is looked for by the cell's id, then among the code cells
that define it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from grading.assignments import ReleasedCell
from grading.broker._code import Code
from grading.broker._reading import MAX_SOURCE, HandedCell

__all__ = ["Answer", "Claims", "answers_of"]


@dataclass(frozen=True)
class Answer:
    """What the learner wrote for one exercise.

    Attributes
    ----------
    name : str
        The exercise.
    source : str
        The code; empty if the cell is gone.
    is_released : bool
        Whether it is the stub as released, apart from comments and white space.
    is_unwritten : bool
        Whether there is nothing in it to judge: the stub, an empty cell, a function without a body.
    was_found : bool
        Whether a cell for it was there at all.
    """

    name: str
    source: str
    is_released: bool
    is_unwritten: bool
    was_found: bool = True

    @cached_property
    def code(self) -> Code:
        """What can be told about the source."""
        return Code.shared(self.source)


@dataclass
class Claims:
    """What became of the submitted cells while answers were looked for.

    Attributes
    ----------
    taken : set of int
        Cells that are part of an answer, or copies that were dropped.
    beside : set of int
        Cells that carry a grade_id but hold something else: they become added cells.
    place_of : dict of int to int
        For cells found by other means than their grade_id, the released cell they belong to.
    notes : list of str
        One sentence for each mend.
    """

    taken: set[int] = field(default_factory=set)
    beside: set[int] = field(default_factory=set)
    place_of: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def answers_of(
    released: Sequence[ReleasedCell], handed: Sequence[HandedCell], free: Sequence[int]
) -> tuple[dict[str, Answer], Claims]:
    """Find every answer.

    Parameters
    ----------
    released : sequence of ReleasedCell
        The released notebook.
    handed : sequence of HandedCell
        The submitted one.
    free : sequence of int
        Indices of submitted cells that match no released cell.

    Returns
    -------
    dict of str to Answer
        By exercise, in the order of the notebook.
    Claims
        Which submitted cells were used up.
    """
    search = _Search(handed, free)
    answers = {
        cell.name: search.answer(i, cell)
        for i, cell in enumerate(released)
        if cell.kind == "exercise"
    }
    return answers, search.claims


class _Search:
    def __init__(self, handed: Sequence[HandedCell], free: Sequence[int]) -> None:
        self.claims = Claims()
        self._handed = handed
        self._free = free
        self._codes: dict[int, Code] = {}

    def answer(self, place: int, cell: ReleasedCell) -> Answer:
        """Find the answer to one exercise, and claim the cells that it took."""
        stub = Code.of_release(cell.source)
        found = [
            i
            for i, each in enumerate(self._handed)
            if each.marks is not None and each.marks.grade_id == cell.name
        ]
        chosen = self._last_changed(found, cell.name, stub)
        if chosen is None:
            chosen = self._without_mark(place, cell, stub)
        if chosen is not None and len(self._handed[chosen].source) > MAX_SOURCE:
            self._note(f"The answer to {cell.name} is longer than what is read; it is left out.")
            return Answer(cell.name, "", is_released=False, is_unwritten=True)
        source = self._source(chosen, cell.name)
        source = self._with_split_part(place, cell.name, source, stub)
        if chosen is None and not source:
            self._note(f"The cell of {cell.name} was deleted, so it counts as not started.")
        code = Code.shared(source)
        is_released = code.same_as(stub)
        unwritten = is_released or code.is_blank or code.is_unwritten(cell.name)
        return Answer(cell.name, source, is_released, unwritten, was_found=chosen is not None)

    def _last_changed(self, found: Sequence[int], name: str, stub: Code) -> int | None:
        """Among copies of a cell take the last that was changed and defines what is asked for."""
        if not found:
            return None
        changed = [i for i in found if not self._code(i).same_as(stub)]
        defining = [i for i in changed if self._code(i).defines(name)]
        chosen = (defining or changed or found)[-1]
        for i in found:
            other = i != chosen and defining and i in changed and not self._code(i).defines(name)
            (self.claims.beside if other else self.claims.taken).add(i)
        n_copies = len(found) - len(self.claims.beside & set(found))
        if n_copies > 1:
            which = "the last one that was changed" if changed else "one"
            self._note(f"The cell of {name} was there {n_copies} times; {which} is graded.")
        return chosen

    def _without_mark(self, place: int, cell: ReleasedCell, stub: Code) -> int | None:
        """Look for an answer whose cell lost its mark: by its id, then by what it defines."""
        by_id = [i for i in self._open() if cell.id and self._handed[i].id == cell.id]
        defining = [i for i in self._open() if self._defines_in_code(i, cell.name)]
        written = [i for i in defining if not self._code(i).same_as(stub)]
        candidates = by_id or written or defining
        if not candidates:
            return None
        chosen = candidates[-1]
        self._claim(chosen, place)
        self._note(f"The cell of {cell.name} had lost its mark; it was recognized by its content.")
        return chosen

    def _source(self, chosen: int | None, name: str) -> str:
        """Return a cell's text as an answer; prose in a cell of another type is none."""
        if chosen is None:
            return ""
        cell = self._handed[chosen]
        if cell.cell_type == "code":
            return cell.source
        if self._code(chosen).tree is None:
            self._note(f"The cell of {name} had become text and holds no code; it is left out.")
            return ""
        self._note(f"The cell of {name} had become a {cell.cell_type} cell; it is read as code.")
        return cell.source

    def _with_split_part(self, place: int, name: str, source: str, stub: Code) -> str:
        """Add the definition that a learner wrote in a cell of its own."""
        code = Code.shared(source)
        unwritten = code.same_as(stub) or code.is_blank or code.is_unwritten(name)
        if not unwritten and (code.defines(name) or code.tree is None):
            return source
        parts = [
            i
            for i in self._open()
            if self._defines_in_code(i, name)
            and self._code(i).line_of(name) is not None
            and not self._code(i).same_as(stub)
            and not self._code(i).is_unwritten(name)
        ]
        if not parts:
            return source
        self._claim(parts[-1], place)
        self._note(f"The answer to {name} stood in a cell of its own; it is taken from there.")
        own = "" if unwritten else source + "\n\n\n"
        return own + self._handed[parts[-1]].source

    def _open(self) -> list[int]:
        return [i for i in self._free if i not in self.claims.taken]

    def _claim(self, i: int, place: int) -> None:
        self.claims.taken.add(i)
        self.claims.place_of[i] = place

    def _defines_in_code(self, i: int, name: str) -> bool:
        return self._handed[i].cell_type == "code" and self._code(i).defines(name)

    def _code(self, i: int) -> Code:
        if i not in self._codes:
            self._codes[i] = Code.shared(self._handed[i].source)
        return self._codes[i]

    def _note(self, sentence: str) -> None:
        self.claims.notes.append(sentence)

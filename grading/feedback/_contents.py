"""What stands on a feedback page, before it is drawn: plain data, nothing escaped yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import chain

from grading.assignments import CHECK_PREFIX
from grading.check.report import readable
from grading.exercises import Exercise
from grading.feedback._words import NOT_JUDGED, SENTENCES, STOPPED, SUBMISSION_SENTENCES, TO_DO
from grading.reporting import (
    Mark,
    Recorded,
    Work,
    declared,
    learners_part,
    mark_scheme,
    solution_sources,
)
from grading.results import CellResult, NotebookResult, Result

_NOTHING = Recorded("", "", None, None, ())


@dataclass(frozen=True)
class Row:
    """One criterion, as the learner reads it."""

    name: str
    points: float
    earned: float
    sentence: str = ""

    @property
    def right(self) -> bool:
        """Whether it earned all its points."""
        return self.earned >= self.points


@dataclass(frozen=True)
class Block:
    """One exercise or one cell that a person grades.

    Attributes
    ----------
    name, title : str
        The id, and what the learner builds.
    state : str
        A key of ``grading.feedback._words.LOOKS``.
    score, max_score : float or None
        Points that count; None where a person has still to decide.
    counts : bool
        False for exercises beyond the graded ones.
    message : str
        About the cell as a whole.
    rows : tuple of Row
        Criteria.
    misconceptions : tuple of (str, str)
        Name in words, message.
    hint : tuple of (str, str) or None
        Symptom, text.
    source : str
        The learner's own code or text.
    is_code : bool
        Whether that is Python.
    rubric : str
        The mark scheme of a manual cell.
    comments : tuple of str
        By the person who graded.
    by_hand : bool
        Whether a person's score stands before the machine's.
    extra : float
        Extra credit within the score.
    """

    name: str
    title: str
    state: str
    score: float | None
    max_score: float
    counts: bool = True
    message: str = ""
    rows: tuple[Row, ...] = ()
    misconceptions: tuple[tuple[str, str], ...] = ()
    hint: tuple[str, str] | None = None
    source: str = ""
    is_code: bool = True
    rubric: str = ""
    comments: tuple[str, ...] = ()
    by_hand: bool = False
    extra: float = 0.0

    @property
    def told(self) -> bool:
        """Whether there is more to say than the state and the points."""
        return bool(self.rows or self.source or self.rubric or self.comments or self.message)


@dataclass(frozen=True)
class Contents:
    """A whole page.

    Attributes
    ----------
    title : str
        Of the unit or assignment.
    work : Work
        Whose page it is.
    handed_in, due : str
        On the clock of the class, with seconds where the minute is the same; empty where unknown.
    late : bool
        Whether it came after the due date.
    sentence : str
        About the submission as a whole; empty if there is nothing to say.
    remedy : str
        What to do about it, where nothing could be read.
    notes : tuple of str
        What was mended.
    blocks : tuple of Block
        In the order of the notebook.
    """

    title: str
    work: Work
    handed_in: str = ""
    due: str = ""
    late: bool = False
    sentence: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = field(default=())

    @property
    def told(self) -> tuple[Block, ...]:
        """Blocks of which there is more to say than their line in the list."""
        return tuple(block for block in self.blocks if block.told)

    @property
    def waiting(self) -> bool:
        """Whether a person has still to grade something."""
        return any(block.state == "waiting" for block in self.blocks)

    @property
    def by_machine(self) -> float:
        """Points given by the machine."""
        return float(sum(b.score or 0.0 for b in self.blocks if not b.by_hand))

    @property
    def by_hand(self) -> float:
        """Points given by a person, with extra credit."""
        return float(sum(b.score or 0.0 for b in self.blocks if b.by_hand))


def contents(
    work: Work,
    exercises: Mapping[str, Exercise],
    rubrics: Mapping[tuple[str, str], str],
    *,
    title: str = "",
    zone: tzinfo | None = None,
) -> Contents:
    """Put together what stands on a learner's page.

    Parameters
    ----------
    work : Work
        What was handed in and what came of it.
    exercises : mapping of str to Exercise
        Declarations of the assignment.
    rubrics : mapping of (str, str) to str
        Mark schemes by notebook and cell.
    title : str, optional
        Title of the unit; without it the assignment's name.
    zone : tzinfo, optional
        The clock of the class; UTC without it.

    Returns
    -------
    Contents
        Plain data.
    """
    result = work.result
    books = result.notebooks if result is not None else ()
    blocks = list(chain.from_iterable(_blocks(book, work, exercises, rubrics) for book in books))
    judged = {(book.name, cell.grade_id) for book in books for cell in book.cells}
    marks = (work.recorded or _NOTHING).marks
    blocks += [
        _by_gradebook(mark, work, exercises, rubrics, {})
        for mark in marks
        if (mark.notebook, mark.cell) not in judged
    ]
    several = len(books) > 1
    reason = _sentence(result)
    notes = [
        f"{book.name}: {note}" if several else note
        for book in books
        for note in book.notes
        if note != reason
    ]
    handed_in, due = _clock(work.handed_in, zone), _clock(work.due, zone)
    if handed_in == due:  # within one minute, so that the reader sees what came first
        handed_in, due = (_clock(each, zone, ":%S") for each in (work.handed_in, work.due))
    return Contents(
        title=title or work.slug,
        work=work,
        handed_in=handed_in,
        due=due,
        late=bool(work.handed_in and work.due and work.handed_in > work.due),
        sentence=reason,
        remedy=TO_DO if _is_unread(result) else "",
        notes=tuple(notes),
        blocks=tuple(blocks),
    )


def _blocks(
    book: NotebookResult,
    work: Work,
    exercises: Mapping[str, Exercise],
    rubrics: Mapping[tuple[str, str], str],
) -> Iterator[Block]:
    # Never what stands in a test cell; of what could not be read, the release is all there is.
    sources = {} if _is_unread(work.result) else solution_sources(book.autograded)
    marks = {
        mark.cell: mark for mark in (work.recorded or _NOTHING).marks if mark.notebook == book.name
    }
    for cell in book.cells:
        mark = marks.get(cell.grade_id)
        if cell.status == "manual" or (mark and not cell.exercise and mark.manual is not None):
            mark = mark or Mark(
                book.name, cell.grade_id, cell.max_score, cell.score, None, 0.0, True
            )
            yield _by_gradebook(mark, work, exercises, rubrics, sources, cell.message)
        else:
            yield _judged(book.name, cell, mark, work, declared(exercises, cell.exercise), sources)


def _judged(
    notebook: str,
    cell: CellResult,
    mark: Mark | None,
    work: Work,
    exercise: Exercise | None,
    sources: Mapping[str, str],
) -> Block:
    """Describe a cell that the machine judged; a person's score stands before the machine's."""
    name = cell.exercise or cell.grade_id
    judged = cell.status not in NOT_JUDGED
    rows = tuple(_rows(cell)) if judged else ()
    by_hand = mark is not None and mark.manual is not None
    extra = mark.extra if mark is not None else 0.0
    score = mark.score if mark is not None and (by_hand or extra) else cell.score
    known = {each.name: each for each in exercise.misconceptions} if exercise else {}
    hints = {each.symptom: each.text for each in exercise.hints} if exercise else {}
    started = cell.status != "not_started"
    return Block(
        name=name,
        title=exercise.title if exercise else name,
        state=_decided(score or 0.0, cell.max_score) if by_hand else _state(cell),
        score=score,
        max_score=cell.max_score,
        counts=cell.max_score > 0,
        message=_message(cell),
        rows=rows if started else (),
        misconceptions=tuple(
            (readable(each), known[each].message) for each in cell.misconceptions if each in known
        ),
        hint=(cell.hint, hints[cell.hint]) if started and cell.hint in hints else None,
        source=learners_part(sources.get(name, "")) if started else "",
        comments=_comments(work, notebook, (name, cell.grade_id)),
        by_hand=by_hand,
        extra=extra,
    )


def _message(cell: CellResult) -> str:
    if cell.status in {"not_started", "invalid_submission"}:  # said of the whole already
        return ""
    return cell.message or SENTENCES.get(cell.status, "")


def _rows(cell: CellResult) -> Iterator[Row]:
    """List the criteria; what was said of one is not said again of the next."""
    said = cell.message
    for each in cell.criteria:
        again = bool(each.sentence) and each.sentence == said
        said = each.sentence
        sentence = "As above." if again else each.sentence
        yield Row(each.name, each.points, each.earned, sentence)


def _by_gradebook(
    mark: Mark,
    work: Work,
    exercises: Mapping[str, Exercise],
    rubrics: Mapping[tuple[str, str], str],
    sources: Mapping[str, str],
    message: str = "",
) -> Block:
    """Describe a cell that a person grades, or one of which only the gradebook knows."""
    by_hand = mark.manual is not None
    waiting = mark.waiting and not by_hand
    source = sources.get(mark.cell, "")
    rubric = rubrics.get((mark.notebook, mark.cell)) or mark_scheme(source)
    name = mark.cell.removeprefix(CHECK_PREFIX)
    exercise = declared(exercises, name) if name != mark.cell else None
    judged = work.result is None or work.result.status not in NOT_JUDGED or by_hand
    decided = _decided(mark.score, mark.max_score) if judged else "not judged"
    return Block(
        name=name if exercise else mark.cell,
        title=exercise.title if exercise else readable(mark.cell),
        state="waiting" if waiting else decided,
        score=None if waiting else mark.score,
        max_score=mark.max_score,
        counts=mark.max_score > 0,
        message=message,
        source=learners_part(source),
        is_code=False,
        rubric=rubric,
        comments=_comments(work, mark.notebook, (mark.cell,)),
        by_hand=by_hand,
        extra=mark.extra,
    )


def _comments(work: Work, notebook: str, names: tuple[str, ...]) -> tuple[str, ...]:
    written = (work.recorded or _NOTHING).comments
    found = [written.get((notebook, name), "") for name in dict.fromkeys(names)]
    return tuple(text for text in found if text)


def _state(cell: CellResult) -> str:
    if cell.status in STOPPED:
        return "stopped"
    if cell.status == "not_started":
        return "not started"
    if cell.status in NOT_JUDGED:
        return "not judged"
    earned = sum(each.earned for each in cell.criteria) if cell.criteria else cell.score or 0.0
    most = sum(each.points for each in cell.criteria) if cell.criteria else cell.max_score
    return _decided(earned, most)


def _decided(earned: float, most: float) -> str:
    if earned >= most:
        return "full"
    return "partly" if earned > 0 else "failed"


def _is_unread(result: Result | None) -> bool:
    return result is not None and result.status == "invalid_submission"


def _sentence(result: Result | None) -> str:
    if result is None:
        return "Nothing of yours was graded for this assignment."
    return result.message or SUBMISSION_SENTENCES.get(result.status, "")


def _clock(moment: datetime | None, zone: tzinfo | None, seconds: str = "") -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone) if zone is not None else moment
    return f"{local:%d %B %Y, %H:%M{seconds}} {local.tzname() or ''}".strip().lstrip("0")

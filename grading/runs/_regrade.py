"""Grade again what a mended exercise changes, and explain a verdict case by case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.limits import Limits
from grading.refusals import Refusal
from grading.runs._charging import Recharged, recharge, recharge_course
from grading.runs._classes import CourseClass, ReleasedClass
from grading.runs._forgetting import key_in_course
from grading.runs._grade import find_assignment, run_session
from grading.runs._session import Session, Wanted, Watch
from grading.runs._summary import MAX_LISTED, Summary

if TYPE_CHECKING:
    from grading.broker import Explanation
    from grading.classroom import Classroom, Learner
    from grading.engine import Engine
    from grading.journal import Entry, Journal
    from grading.kernel import NbgraderCourse

__all__ = ["explain_verdict", "regrade", "regrade_course"]

_NUMBER = re.compile(r"[0-9a-f]{12,64}")
"""What stands on a feedback page to name a result."""


def regrade(
    classroom: Classroom,
    *,
    engine: Engine,
    unit: str | None = None,
    student: str | None = None,
    exercise: str | None = None,
    everything: bool = False,
    exercises: Sequence[Path] = (),
    unsafe: bool = False,
    time_factor: float = 1.0,
    watch: Watch | None = None,
    writer: Any = None,
) -> Summary:
    """Grade again the submissions that a mended exercise concerns.

    An exercise counts as changed if the files that declare it, the judging code, or the set-up
    cells of its notebook did. Only changed ones are put to their cases; what the notebook runs
    besides runs as always. Scores of other exercises stay as they are, a changed one keeps the
    higher score. Due dates, lateness and penalties are always worked out again, by the due dates,
    extensions and late policy of now.

    Parameters
    ----------
    classroom : Classroom
        The class.
    engine : Engine
        Where submissions are graded.
    unit : str, optional
        Only this assignment: its name, or the number it begins with.
    student : str, optional
        Only this learner, by id.
    exercise : str, optional
        Only where this exercise changed; what else changed there is judged with it.
    everything : bool, default False
        Run also what did not change, whole. Where that gives another result, which it should not,
        it is said, and of each exercise the higher score is kept.
    exercises, unsafe, time_factor, watch, writer
        As for `grade_class`.

    Returns
    -------
    Summary
        Counts, and whose score changed.

    Raises
    ------
    Refusal
        If learner or assignment are unknown, or for a reason that `grade_class` has too.
    """
    learner = None if student is None else classroom.roster.by_id(student)
    slug = None if unit is None else find_assignment(unit, classroom.slugs())
    port = ReleasedClass(classroom, tuple(str(path.resolve()) for path in exercises))

    def work(session: Session, engine: Engine) -> None:
        if exercise is not None:
            _refuse_unknown(session, [slug] if slug else classroom.slugs(), exercise)
        chosen = session.journal.entries(slug, learner.key if learner else None, latest=True)
        wanted = _changed(session, chosen, exercise, everything=everything)
        session.work_through(engine, wanted, "grading again")
        charged = recharge(
            classroom,
            [slug] if slug else classroom.slugs(),
            [learner] if learner else None,
            journal=session.journal,
            exercises=port.exercises,
        )
        _note_charges(session, charged)

    with Session(
        port, writer=writer, watch=watch, unsafe=unsafe, time_factor=time_factor
    ) as session:
        return run_session(session, engine, work)


def regrade_course(
    course: NbgraderCourse,
    *,
    engine: Engine,
    unit: str | None = None,
    student: str | None = None,
    everything: bool = False,
    unsafe: bool = False,
    time_factor: float = 1.0,
    watch: Watch | None = None,
    writer: Any = None,
) -> Summary:
    """Grade again what was graded of an nbgrader course, where its tests were mended.

    An assignment is one piece: any change of its cells or helper files counts as a change of all
    of it. The work is that which was graded last, not what lies in the submitted folder by now; of
    each cell the higher score is kept, and lateness is charged anew.

    Parameters
    ----------
    course : NbgraderCourse
        The course.
    engine, unit, student, everything, unsafe, time_factor, watch, writer
        As for `regrade`.

    Returns
    -------
    Summary
        Counts, and whose score changed.

    Raises
    ------
    Refusal
        If assignment or student are unknown, or for a reason that `grade_course` has too.
    """
    slugs = course.assignments if unit is None else (find_assignment(unit, course.assignments),)
    key = None if student is None else key_in_course(course, student)

    def work(session: Session, engine: Engine) -> None:
        for slug in slugs:
            chosen = session.journal.entries(slug, key, latest=True)
            wanted = _changed(session, chosen, None, everything=everything)
            session.work_through(engine, wanted, "grading again")
        _note_charges(session, recharge_course(course, slugs, student, journal=session.journal))

    with Session(
        CourseClass(course), writer=writer, watch=watch, unsafe=unsafe, time_factor=time_factor
    ) as session:
        return run_session(session, engine, work)


def _note_charges(session: Session, charged: Recharged) -> None:
    session.summary.penalties += len(charged.changed)
    session.summary.changed += charged.changed[:MAX_LISTED]


def explain_verdict(
    classroom: Classroom,
    student: str,
    exercise: str,
    *,
    unit: str | None = None,
    exercises: Sequence[Path] = (),
    unsafe: bool = False,
    time_factor: float = 1.0,
) -> tuple[Explanation, str]:
    """Replay the cases of one exercise of a learner's last graded submission.

    Parameters
    ----------
    classroom : Classroom
        The class.
    student : str
        The learner's id, or the number that stands on the feedback page: then the very attempt
        that is meant by it, even if another one counts by now.
    exercise : str
        Id of the exercise.
    unit : str, optional
        The assignment; found by the exercise if absent.
    exercises : sequence of Path
        As for `grade_class`.
    unsafe : bool, default False
        Run the submission without isolation.
    time_factor : float, default 1.0
        Multiplies every limit of time.

    Returns
    -------
    explanation : Explanation
        Case by case.
    warning : str
        A sentence if the exercise has changed since it was graded; otherwise empty.

    Raises
    ------
    Refusal
        If the learner has handed in nothing that holds the exercise, or nobody has the id or
        number.
    """
    from grading.broker import explain
    from grading.journal import Journal
    from grading.runs._versions import Cards
    from grading.sandbox import Sandboxes

    is_number = student not in classroom.roster and _NUMBER.fullmatch(student) is not None
    learner = None if is_number else classroom.roster.by_id(student)
    slug = None if unit is None else find_assignment(unit, classroom.slugs())
    port = ReleasedClass(classroom, tuple(str(path.resolve()) for path in exercises))
    cards = Cards(classroom.journal_folder / "versions")
    known: list[str] = []
    with Journal(classroom.journal_folder, readonly=True) as journal:
        chosen = (
            _by_number(journal, slug, student)
            if learner is None
            else list(journal.entries(slug, learner.key, latest=True))
        )
        for entry in chosen:
            owner = port.learner(entry.learner)
            if owner is None:
                continue
            result = journal.result_of(entry)
            release = cards.release(result.version) if result is not None else ""
            version = port.version(entry.slug, release)
            if exercise not in version.exercises:
                known += version.exercises
                continue
            limits = Limits(time_factor=time_factor * port.time_factor(owner, entry.slug))
            with Sandboxes(unsafe=unsafe) as sandboxes:
                files = journal.files(entry)
                found = explain(files, version, exercise, limits, sandboxes)
            number = result.key[:12] if result is not None else ""
            whose = _whose(classroom, owner, entry, number)
            others = {port.learner(each.learner) for each in chosen} - {owner, None}
            if others:  # the same work has the same number
                whose += f"; handed in by {', '.join(sorted(o.id for o in others if o))}, too"
            found = replace(found, whose=whose)
            changed = cards.changed(result.version, version) if result is not None else set()
            warning = ""
            if changed is None or exercise in changed:
                warning = (
                    f"{exercise} has changed since this was graded, so these are not the cases of "
                    "then. Bring the verdict up to date with: nncourse regrade"
                )
            return found, warning
    near = [name for name in known if exercise.lower() in name.lower()]
    near = near or get_close_matches(exercise.lower(), known, n=3, cutoff=0.5)
    mend = "Run: nncourse grade, or look at the spelling of the exercise."
    if near:
        mend = f"Did you mean {' or '.join(dict.fromkeys(near[:3]))}?"
    elif known:
        mend = f"There are: {', '.join(dict.fromkeys(known))}."
    msg = f"{student}: nothing that holds {exercise[:80]!r} was graded. {mend}"
    raise Refusal(msg)


def _by_number(journal: Journal, slug: str | None, number: str) -> list[Entry]:
    """Find what the number of a feedback page names: last what was accepted last."""
    entries = list(journal.entries(slug))
    found = [entry for entry in entries if entry.key.startswith(number)]
    if not found:  # a result that took over parts of another bears a key of its own
        for entry in entries:
            result = journal.result_of(entry)
            if result is not None and result.key.startswith(number):
                found.append(entry)
    if not found:
        msg = (
            f"--explain {number}: no result of this class has that number, and nobody that id. "
            "Look at the number at the end of the feedback page, or name the learner's id."
        )
        raise Refusal(msg)
    return found[::-1]


def _whose(classroom: Classroom, learner: Learner, entry: Entry, number: str) -> str:
    settings = classroom.settings.assignments.get(entry.slug)
    zone = settings.timezone if settings is not None else classroom.settings.timezone
    words = f"{learner.id}, {entry.slug}, attempt {entry.attempt}"
    if entry.handed_in is not None:
        words += f", handed in {entry.handed_in.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    return f"{words}, number {number}" if number else words


def _refuse_unknown(session: Session, slugs: Sequence[str], exercise: str) -> None:
    known = [name for slug in slugs for name in session.version(slug).exercises]
    if exercise not in known:
        msg = f"no released assignment has the exercise {exercise!r}. There are: {', '.join(known)}"
        raise Refusal(msg)


def _changed(
    session: Session, entries: Iterator[Entry], exercise: str | None, *, everything: bool
) -> Iterator[Wanted]:
    for entry in entries:
        learner = session.port.learner(entry.learner)
        old = session.journal.result_of(entry)
        stands = old is not None and old.status != "infra_error"
        if not stands:
            old = next(session.earlier.results(entry), None)
        if learner is None or old is None:
            continue  # forgotten, or never graded, which has been said
        try:
            release = session.cards.release(old.version)
            if release not in session.port.releases(entry.slug):
                release = ""
            version = session.version(entry.slug, release)
            changed = session.cards.changed(old.version, version)
            if exercise is not None:
                changed = {exercise} if changed is None else changed & {exercise}
            elif old.sandbox == "none" and not session.summary.unsafe:
                changed = None  # whatever it says, it was not judged within the sandbox
            files = session.journal.files(entry)
            job = session.job(learner, entry.slug, files, release)
        except Refusal as refusal:
            session.summary.refuse(f"{learner.id}, {entry.slug}: {refusal}")
            continue
        if stands and not everything and changed is not None and not changed:
            session.summary.unchanged += 1  # but for what lateness costs
            continue
        wanted = session.wanted(learner, job, entry.slug, entry.attempt, entry.handed_in)
        yield replace(wanted, again=True) if everything else session.only_changed(wanted)

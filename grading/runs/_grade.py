"""Grade what a class handed in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grading.refusals import Refusal
from grading.runs._attempts import Hand
from grading.runs._classes import CourseClass, ReleasedClass
from grading.runs._counting import counts_instead
from grading.runs._interrupts import held
from grading.runs._session import Session, Wanted, Watch
from grading.runs._summary import Summary

if TYPE_CHECKING:
    from grading.classroom import Classroom
    from grading.collection import Submission
    from grading.engine import Engine
    from grading.journal import Entry
    from grading.kernel import NbgraderCourse

__all__ = ["find_assignment", "grade_class", "grade_course"]


def grade_class(
    classroom: Classroom,
    paths: Sequence[Path],
    *,
    engine: Engine,
    attempts: Literal["last", "best", "first"] = "last",
    groups: Path | None = None,
    unit: str | None = None,
    exercises: Sequence[Path] = (),
    unsafe: bool = False,
    time_factor: float = 1.0,
    watch: Watch | None = None,
    writer: Any = None,
) -> Summary:
    """Grade submissions and write what they are worth into the class's gradebook.

    What an earlier run left unfinished is finished first. A submission that was graded before
    against the same version is not run again, nor is one that equals another's byte by byte.
    However it ends, running it again goes on where it stopped; nothing is lost or doubled.

    Parameters
    ----------
    classroom : Classroom
        The class: who is in it, what was released, by when it is due.
    paths : sequence of Path
        Folders, zips, notebooks, exports of a learning management system.
    engine : Engine
        Where submissions are graded.
    attempts : {"last", "best", "first"}
        Which of several attempts counts. With "best" all are graded, and the one that is worth
        most after its penalty for lateness counts.
    groups : Path, optional
        A table of groups; what one member hands in counts for all.
    unit : str, optional
        Only this assignment: its name, or the number it begins with.
    exercises : sequence of Path
        Files with an instructor's own declarations, beside those kept with the release.
    unsafe : bool, default False
        Run submissions without isolation, which marks every result.
    time_factor : float, default 1.0
        Multiplies every limit of time, as a slow machine needs; above 0.
    watch : callable, optional
        Is told how far the run is, several times a second.
    writer : Writer, optional
        The gradebook's; made for the class's gradebook if absent.

    Returns
    -------
    Summary
        Counts, refused files, mends.

    Raises
    ------
    Refusal
        If there is no such class, another run holds it, the gradebook cannot be written, or the
        disk is full.
    """
    slug = None if unit is None else find_assignment(unit, classroom.slugs())
    port = ReleasedClass(classroom, tuple(str(path.resolve()) for path in exercises))
    refused: list[str] = []

    def work(session: Session, engine: Engine) -> None:
        from grading.collection import collect, lay_out

        found = collect(paths, classroom, attempts=attempts, groups=groups, slug=slug)
        try:
            session.best = {} if attempts == "best" else None
            named: set[tuple[str, str, int]] = set()
            wanted = _wanted(session, classroom, found.submissions, attempts, named)
            session.work_through(engine, wanted, "grading", len(found))
            for entry in session.write_best():
                learner = port.learner(entry.learner)
                if learner is None or entry.handed_in is None:  # removed meanwhile
                    continue
                if (learner.key, entry.slug, entry.attempt) not in named:
                    session.summary.put_aside(
                        f"{learner.id}, {entry.slug}: what was named now is worth less than "
                        f"attempt {entry.attempt}, which counts."
                    )
                with held():
                    folder = classroom.submitted(learner.id, entry.slug)
                    lay_out(folder, session.journal.files(entry), entry.handed_in)
        finally:
            refused.extend(found.refused)

    with Session(
        port, writer=writer, watch=watch, unsafe=unsafe, time_factor=time_factor
    ) as session:
        summary = run_session(session, engine, work)
    for sentence in refused:
        summary.refuse(sentence)
    return summary


def grade_course(
    course: NbgraderCourse,
    *,
    engine: Engine,
    unit: str | None = None,
    unsafe: bool = False,
    time_factor: float = 1.0,
    watch: Watch | None = None,
    writer: Any = None,
) -> Summary:
    """Grade what lies in the submitted folder of an instructor's own nbgrader course.

    Parameters
    ----------
    course : NbgraderCourse
        The course; its configuration and gradebook are honored.
    engine : Engine
        Where submissions are graded.
    unit : str, optional
        Only this assignment; all that the gradebook knows without it.
    unsafe, time_factor, watch, writer
        As for `grade_class`.

    Returns
    -------
    Summary
        Counts, refused files, mends.

    Raises
    ------
    Refusal
        If the gradebook does not know the assignment, or for a reason that `grade_class` has too.
    """
    slugs = course.assignments if unit is None else (find_assignment(unit, course.assignments),)
    port = CourseClass(course)

    def work(session: Session, engine: Engine) -> None:
        found = [each for slug in slugs for each in course.submissions(slug)]
        learners = port.enrolled([each.student for each in found])

        def wanted() -> Iterator[Wanted]:
            for each in found:
                learner = learners[each.student]
                for note in each.notes:
                    session.summary.note(f"{each.student}, {each.slug}: {note}")
                try:
                    job = session.job(learner, each.slug, each.files())
                except (Refusal, OSError) as error:
                    session.summary.refuse(f"{each.folder}: {error}")
                    continue
                # nbgrader keeps one submission of each; a later one is another attempt of it.
                yield session.wanted(learner, job, each.slug, 1, each.handed_in)

        session.work_through(engine, wanted(), "grading", len(found))

    with Session(
        port, writer=writer, watch=watch, unsafe=unsafe, time_factor=time_factor
    ) as session:
        for note in course.notes:
            session.summary.note(note)
        return run_session(session, engine, work)


def run_session(
    session: Session, engine: Engine, work: Callable[[Session, Engine], None]
) -> Summary:
    """Finish what was begun, do some work, and let Ctrl-C end it in good order.

    Parameters
    ----------
    session : Session
        Opened.
    engine : Engine
        Where jobs run.
    work : callable
        What is to be done after that.

    Returns
    -------
    Summary
        The session's.
    """
    summary = session.summary
    try:
        session.finish_what_was_begun(engine)
        work(session, engine)
    except KeyboardInterrupt:
        summary.interrupted = True
        session.flush()
    summary.wall_s = time.monotonic() - summary.began_s
    return summary


def find_assignment(unit: str, slugs: Sequence[str]) -> str:
    """Find an assignment by its name or the number that it begins with.

    Parameters
    ----------
    unit : str
        As in ``"01"`` or ``"01-backpropagation"``.
    slugs : sequence of str
        What there is.

    Returns
    -------
    str
        The name.

    Raises
    ------
    Refusal
        If there is no such assignment.
    """
    found = [slug for slug in slugs if unit in {slug, slug.partition("-")[0]}]
    if len(found) != 1:
        msg = f"there is no assignment {unit!r}. There are: {', '.join(slugs) or 'none yet'}."
        raise Refusal(msg)
    return found[0]


def _wanted(
    session: Session,
    classroom: Classroom,
    submissions: Iterable[Submission],
    attempts: Literal["last", "best", "first"],
    named: set[tuple[str, str, int]],
) -> Iterator[Wanted]:
    """Give what came, or what the journal knows and counts instead; notes in `named` what came."""
    from grading.collection import BESIDE, UNMARKED, store
    from grading.journal._disk import is_of_one_place

    seen: dict[tuple[str, str], set[Hand]] = {}
    unmarked: Counter[str] = Counter()
    for each in submissions:
        try:
            job = session.job(each.learner, each.slug, each.files, each.version)
            wanted = session.wanted(each.learner, job, each.slug, each.attempt, each.handed_in)
            entry = wanted.entry
            other, fault = counts_instead(session.journal, session.attempts, wanted, attempts)
            with held():
                store(each, classroom, counts=other is None)
            if other is not None:
                yield _set_aside(session, classroom, each, other, fault)
                continue
        except Refusal as refusal:  # of this one; the others go on
            session.summary.refuse(f"{each.origin}: {refusal}")
            continue
        except OSError as error:
            if not is_of_one_place(error):
                raise
            session.summary.refuse(
                f"{error.filename2 or error.filename or each.origin}: a submission cannot be kept "
                f"there ({error.strerror or error}). Move away what stands in its place and run "
                "the same command again."
            )
            continue
        for note in each.notes:
            if note == UNMARKED and len(session.port.releases(each.slug)) <= 1:
                unmarked[each.slug] += 1
                continue
            session.summary.note(f"{each.learner.id}, {each.slug}: {note}")
        if attempts == "best":
            hand = entry.attempt, entry.submission
            seen.setdefault((entry.learner, entry.slug), set()).add(hand)
            named.add((entry.learner, entry.slug, entry.attempt))
        yield replace(wanted, beside=tuple(note for note in each.notes if note.startswith(BESIDE)))
    for (key, slug), hands in seen.items():
        learner = session.port.learner(key)
        if learner is None:
            continue
        for other in session.attempts.others(key, slug, hands):
            try:
                yield session.made_again(other, learner)
            except Refusal as refusal:
                session.summary.refuse(f"{learner.id}, {slug}: {refusal}")
    for slug, n in unmarked.items():
        session.summary.note(
            f"{slug}: {n} of the notebooks do not say which release they were made from. There is "
            "only one, and they are graded against it."
        )


def _set_aside(
    session: Session, classroom: Classroom, came: Submission, other: Entry, fault: str
) -> Wanted:
    """Let another hand-in of the learner stand, or stand again."""
    from grading.collection import lay_out

    wanted = session.made_again(other, came.learner)
    if other.handed_in is not None:
        with held():
            folder = classroom.submitted(came.learner.id, came.slug)
            lay_out(folder, wanted.job.files, other.handed_in)
        zone = classroom.settings.timezone
        when, known = (
            f"{each.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            for each in (came.handed_in, other.handed_in)
        )
        later = "a later" if other.handed_in > came.handed_in else "an earlier"
        why = f"since {later} hand-in, of {known}, is known and counts."
        if fault:
            why = f"since it cannot be read; the one of {known} still counts. {fault}"
        session.summary.put_aside(
            f"{came.learner.id}, {came.slug}: handed in {when}, set aside {why}"
        )
    return wanted

"""One run over a class: journal, gradebook, and the submissions on their way between them.

A submission is accepted into the journal before anything else happens to it; its result is noted
there before it reaches the gradebook, and that it did is noted last. Whatever dies, and wherever,
the next run finds in the journal what is missing, and to do a step twice changes nothing.

A submission that is graded again, because an exercise was mended or a limit raised, never loses by
it: its earlier result is looked up in the journal, and of each exercise the higher score stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from grading.engine import Engine, Job
from grading.refusals import Refusal
from grading.results import Result
from grading.runs._attempts import Attempts
from grading.runs._beside import told_beside, with_beside
from grading.runs._classes import ClassPort
from grading.runs._interrupts import held
from grading.runs._merging import differences, merged
from grading.runs._planning import Planner
from grading.runs._recording import Recorder
from grading.runs._summary import MAX_LISTED, Progress, Summary
from grading.runs._wanted import Wanted, first_key, next_entry

if TYPE_CHECKING:
    from grading.classroom import Learner
    from grading.journal import Entry

__all__ = ["Session", "Wanted", "Watch", "writer_of"]

_IDLE_S = 0.2
_SAME = 1e-9  # points
_LATELY = 16
"""Results of this run that are at hand for the same work: a group's come one after the other."""

Watch = Callable[[Progress], None]
"""What is told how far a run is."""


class Session(Planner):
    """Everything that one run holds open. The only place that writes journal and gradebook.

    Parameters
    ----------
    port : ClassPort
        The class.
    writer : Writer, optional
        Of the class's gradebook; made if absent.
    watch : callable, optional
        Is told how far the run is.
    unsafe : bool, default False
        Whether submissions may run without isolation.
    time_factor : float, default 1.0
        Multiplies every learner's limits of time.

    Attributes
    ----------
    best : dict or None
        If it is a dict, several attempts of a learner are compared, and only the best one is
        written, by `write_best`; by learner and assignment: points, attempt and entry.
    """

    def __init__(
        self,
        port: ClassPort,
        *,
        writer: Any = None,
        watch: Watch | None = None,
        unsafe: bool = False,
        time_factor: float = 1.0,
    ) -> None:
        from grading.journal import Journal  # pulls in file locks, which differ by system

        self.summary = Summary(unsafe=unsafe)
        self.best: dict[tuple[str, str], tuple[float, int, Entry]] | None = None
        self._watch = watch or (lambda _: None)
        self._work_of_job: dict[str, str] = {}
        self._failed: dict[str, Result] = {}
        self._lately: dict[str, Result] = {}
        self._left: set[str] = set()
        self._stood: dict[str, str] = {}
        journal = Journal(port.journal_folder)
        try:
            super().__init__(port, journal, unsafe=unsafe, time_factor=time_factor)
            self._writer = writer if writer is not None else writer_of(port)
            refuse = self.summary.refuse
            tell = self.summary.note
            self._recorder = Recorder(port, self.journal, self._writer, refuse=refuse, tell=tell)
            self.attempts = Attempts(self.journal)
        except BaseException:
            journal.close()
            raise

    def close(self) -> None:
        """Let the next run in. What was not recorded is found by it."""
        self.journal.close()
        close = getattr(self._writer, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    # ---------------------------------------------------------------- from file to gradebook

    def finish_what_was_begun(self, engine: Engine) -> None:
        """Do what an earlier run left behind, before anything new: first write, then grade.

        Parameters
        ----------
        engine : Engine
            Where jobs run.
        """
        for entry, result in self.journal.unrecorded():
            with held():
                self._recorder.add(entry, result)
        self.flush()
        self.work_through(engine, self._left_behind(), "finishing an earlier run")

    def _left_behind(self) -> Iterator[Wanted]:
        pending = list(self.journal.pending())
        # What a learner has replaced meanwhile would bring an older attempt back.
        newest = {entry.id for entry in self.journal.entries(latest=True)} if pending else set()
        for entry in pending:
            learner = self.port.learner(entry.learner)
            if entry.id not in newest or learner is None:
                continue
            try:
                wanted = self.made_again(entry, learner)
            except Refusal as refusal:
                self.summary.refuse(f"{learner.id}, {entry.slug}: {refusal}")
                continue
            self._left.add(wanted.entry.id)
            yield wanted

    def work_through(
        self, engine: Engine, wanted: Iterable[Wanted], what: str, total: int | None = None
    ) -> None:
        """Take every submission from the journal's first line about it to the gradebook.

        Parameters
        ----------
        engine : Engine
            Where jobs run.
        wanted : iterable of Wanted
            Read as there is room.
        what : str
            What the run is doing, for the progress bar.
        total : int, optional
            How many there are, where that is known.
        """
        waiting: dict[str, list[Wanted]] = {}
        for ended in engine.run(self._jobs(wanted, waiting), idle_s=_IDLE_S):
            with held():
                # A result that is delivered a second time is nobody's any more.
                if ended is not None and ended[0] in self._work_of_job:
                    self._finished(waiting.pop(self._work_of_job.pop(ended[0])), ended[1])
                self._recorder.flush_if_due()
            self._watch(self.summary.progress(what, total))
        self.flush()
        self._watch(self.summary.progress(what, total))

    def flush(self) -> None:
        """Write all results that wait into the gradebook, and show what counts there."""
        with held():
            self._recorder.flush()
            self.summary.count(self._writer.standings)

    def _jobs(self, wanted: Iterable[Wanted], waiting: dict[str, list[Wanted]]) -> Iterator[Job]:
        """Accept submissions; give those whose work is neither done nor under way."""
        for each in wanted:
            with held():
                is_new_work = self._take_in(each, waiting)
                self._recorder.flush_if_due()
            if is_new_work:
                yield each.job

    def _take_in(self, each: Wanted, waiting: dict[str, list[Wanted]]) -> bool:
        entry = each.entry
        if self.best is None or self.journal.entry(entry.id) is None:
            self.journal.accept(entry, each.job.files)
        stood = self.attempts.last_but(entry) if self.best is None else ""
        if stood:
            self._stood[entry.id] = stood
        self.attempts.add(entry)
        if self.best is None and not each.again and self.journal.is_recorded(entry):
            if entry.id not in self._left:  # those are counted already
                self._left_unchanged(entry)
            return False
        if each.work in self._failed:  # it was tried often enough in this run
            if self.journal.result_of(entry) is None:
                self._done(each, self._failed[each.work])
            return False
        if each.work in waiting:  # the same work for somebody else: it is done once
            waiting[each.work].append(each.waiting)
            return False
        known = None if each.again else self._known(entry) or self._lately.get(each.work)
        if known is not None:
            self.summary.reused += 1
            self._done(each, known)
            return False
        self._work_of_job[entry.id] = each.work
        waiting[each.work] = [each.waiting]
        return True

    def _known(self, entry: Entry) -> Result | None:
        return self.journal.result(entry.key) or self.journal.result(first_key(entry))

    def _finished(self, wanted: list[Wanted], result: Result) -> None:
        if result.key != wanted[0].work and result.status != "infra_error":
            result = replace(result, status="infra_error", notebooks=(), message=_OTHER_WORK)
        self.summary.graded += 1
        self.summary.reused += len(wanted) - 1
        if result.status != "infra_error":
            self._lately[wanted[0].work] = result
            if len(self._lately) > _LATELY:
                self._lately.pop(next(iter(self._lately)))
        for each in wanted:
            self._done(each, result)

    def _left_unchanged(self, entry: Entry) -> None:
        self.summary.unchanged += 1
        result = self.journal.result_of(entry)
        if result is not None:
            self.summary.add_notes(self._whose(entry), result)
            self._show(entry, result)

    def _whose(self, entry: Entry) -> str:
        learner = self.port.learner(entry.learner)
        return f"{learner.id if learner else 'somebody who was removed'}, {entry.slug}"

    def _show(self, entry: Entry, result: Result) -> None:
        """Give a small class a line for each learner."""
        learner = self.port.learner(entry.learner)
        if learner is not None and self.summary.has_room_for(learner.id, entry.slug):
            penalty = 0.0
            if result.status != "infra_error":
                penalty = self._penalty(learner, entry, result)
            self.summary.show(learner.id, entry.slug, result, penalty)

    def _done(self, each: Wanted, result: Result) -> None:
        entry = each.entry
        learner = self.port.learner(entry.learner)
        whose = self._whose(entry)
        key = entry.key
        if result.status != "infra_error":
            kept = self._with_what_stood(each, result, whose)
            if replace(kept, key=result.key, usage=result.usage) != result:
                key += "+"  # what one learner keeps is not what the same work is worth to another
            beside = self._told_before(entry) if each.beside is None else each.beside
            result = with_beside(kept, beside)
        result = replace(result, key=key)
        if not self.journal.done(entry.id, result):
            known = self.journal.result_of(entry) or result
            if each.again and result.status != "infra_error":
                entry, result = self._raised(entry, known, result, whose)
            else:
                result = known
        self.summary.add(whose, result)
        if self.best is None or result.status == "infra_error":
            self._show(entry, result)
        if result.status == "infra_error":
            self._failed[each.work] = result
            return
        self.earlier.add(entry)
        if self.best is None:
            self._recorder.add(entry, result)
            self._note_loss(self._stood.pop(each.entry.id, ""), entry, result)
        elif learner is not None:
            # The attempt that is worth most after its penalty; of equal ones the later.
            points = self._worth(learner, entry, result)
            topic = (entry.learner, entry.slug)
            if topic not in self.best or (points, entry.attempt) > self.best[topic][:2]:
                self.best[topic] = (points, entry.attempt, entry)

    def _worth(self, learner: Learner, entry: Entry, result: Result) -> float:
        return result.points - self._penalty(learner, entry, result)

    def _penalty(self, learner: Learner, entry: Entry, result: Result) -> float:
        """Say what lateness costs of the machine's points."""
        (charge,) = self.port.penalties(entry.slug, [(learner, entry.handed_in)])
        if not callable(charge):
            return charge
        books = result.notebooks
        return sum(charge(sum(cell.score or 0.0 for cell in book.cells)) for book in books)

    def _told_before(self, entry: Entry) -> tuple[str, ...]:
        own = self.journal.result_of(entry)
        return told_beside(own or next(self.earlier.results(entry), None))

    def _note_loss(self, stood: str, entry: Entry, result: Result) -> None:
        """Say that a hand-in counts which is worth less than the one that counted before."""
        old = self.journal.entry(stood) if stood else None
        before = None if old is None else self.journal.result_of(old)
        learner = self.port.learner(entry.learner)
        if old is None or before is None or before.status == "infra_error" or learner is None:
            return
        was, now = self._worth(learner, old, before), self._worth(learner, entry, result)
        if now < was - _SAME and len(self.summary.changed) < MAX_LISTED:
            which = "another"
            if old.handed_in is not None and entry.handed_in is not None:
                which = "an earlier" if entry.handed_in < old.handed_in else "a later"
            self.summary.changed.append(
                f"{self._whose(entry)}: {was:g} → {now:g} points, since {which} hand-in counts"
            )

    def _with_what_stood(self, each: Wanted, result: Result, whose: str) -> Result:
        """Keep from the submission's earlier result what the new one may not change."""
        if each.onto is not None:
            kept = merged(each.onto, result, each.job.exercises)
            self._note_change(each.onto, kept, whose)
            return kept
        old, kept = self.beside_what_stood(each.entry, result, each.job.version)
        own = self.journal.result_of(each.entry)
        if old is not None and (own is None or own.status == "infra_error"):
            self._note_change(old, kept, whose)  # else it was told when that was new
        return kept

    def _raised(
        self, entry: Entry, known: Result, result: Result, whose: str
    ) -> tuple[Entry, Result]:
        """Let the same work, run once more, raise what stands; it never lowers it."""
        kept = merged(known, result, None)
        ending = "; the higher score is kept" if differences(kept, result) else ""
        self._note_change(known, result, f"{whose}: another result than before", ending)
        if not differences(known, kept):
            return entry, known
        raised = next_entry(entry)
        kept = replace(kept, key=raised.key)
        self.journal.accept(raised, self.journal.files(entry))
        self.journal.done(raised.id, kept)
        return raised, kept

    def _note_change(self, old: Result, new: Result, whose: str, ending: str = "") -> None:
        scores = differences(old, new)
        if scores and len(self.summary.changed) < MAX_LISTED:
            self.summary.changed.append(f"{whose}: {', '.join(scores)}{ending}")

    def write_best(self) -> list[Entry]:
        """Write the best attempt of each learner, which from now on is the one that counts.

        Returns
        -------
        list of Entry
            Those attempts; none where all attempts are not compared.
        """
        chosen = [entry for _, _, entry in (self.best or {}).values()]
        for entry in chosen:
            with held():
                # What was accepted last stands in the gradebook, so it is accepted once more.
                self.journal.accept(entry, self.journal.files(entry))
                result = self.journal.result_of(entry)
                if result is not None:
                    self._show(entry, result)
                if result is not None and not self.journal.is_recorded(entry):
                    self._recorder.add(entry, result)
        self.flush()
        return chosen


_OTHER_WORK = (
    "A worker graded this against another version of the assignment, so it does not count. Install "
    "the same course on every machine and grade again."
)


def writer_of(port: ClassPort) -> Any:
    from grading.gradebook import Writer  # nbgrader takes seconds to import

    return Writer(port.db_url, port.course_id, tz=port.timezone)

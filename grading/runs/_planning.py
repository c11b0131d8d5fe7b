"""What has to be done for a submission: under which entry of the journal, and by which job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grading.engine import Job, key_of, submission_hash
from grading.limits import Limits
from grading.results import Result
from grading.runs._classes import ClassPort
from grading.runs._earlier import Earlier
from grading.runs._merging import differences, may_merge, may_stand_in, merged
from grading.runs._versions import Cards, exercise_hashes
from grading.runs._wanted import Wanted, first_key, next_entry

if TYPE_CHECKING:
    from datetime import datetime

    from grading.classroom import Learner
    from grading.journal import Entry, Journal

__all__ = ["Planner"]


class Planner:
    """Turns what was handed in into work; it reads the journal and writes none of it.

    Parameters
    ----------
    port : ClassPort
        The class.
    journal : Journal
        The class's, open.
    unsafe : bool
        Whether submissions may run without isolation.
    time_factor : float
        Multiplies every learner's limits of time.

    Attributes
    ----------
    earlier : Earlier
        What submissions were worth before.
    cards : Cards
        What they were held to.
    """

    def __init__(
        self, port: ClassPort, journal: Journal, *, unsafe: bool, time_factor: float
    ) -> None:
        self.port = port
        self.journal = journal
        self.cards = Cards(port.journal_folder / "versions")
        self.earlier = Earlier(journal)
        self._unsafe = unsafe
        self._time_factor = time_factor
        self._versions: dict[tuple[str, str], Any] = {}

    def version(self, slug: str, release: str = "") -> Any:
        """Look up the version that submissions are held to, once in a run.

        Parameters
        ----------
        slug : str
            Name of the assignment.
        release : str, default ""
            The release that a submission was made from; the current one if empty.

        Returns
        -------
        AssignmentVersion or CourseVersion
            Its card lies in the journal's folder from now on.
        """
        if (slug, release) not in self._versions:
            version = self.port.version(slug, release)
            self.cards.put(version, release)
            self._versions[slug, release] = version
        return self._versions[slug, release]

    def job(
        self, learner: Learner, slug: str, files: Mapping[str, bytes], release: str = ""
    ) -> Job:
        """Make the job of a submission, as yet without an id.

        Parameters
        ----------
        learner : Learner
            Whose it is.
        slug : str
            Of which assignment.
        files : mapping of str to bytes
            What was handed in.
        release : str, default ""
            The release that it was made from; the current one if empty.

        Returns
        -------
        Job
            With the learner's limits.
        """
        limits = Limits(time_factor=self._time_factor * self.port.time_factor(learner, slug))
        return Job("", files, self.version(slug, release), limits, self._unsafe)

    def wanted(
        self, learner: Learner, job: Job, slug: str, attempt: int, handed_in: datetime | None
    ) -> Wanted:
        """Say what has to be done for a submission.

        Parameters
        ----------
        learner : Learner
            Whose it is.
        job : Job
            The work.
        slug : str
            Of which assignment.
        attempt : int
            Which of the learner's attempts.
        handed_in : datetime or None
            When.

        Returns
        -------
        Wanted
            The entry, and the job under its id.
        """
        from grading.journal import Entry

        work = key_of(job)
        entry = Entry.of(
            key=work,
            learner=learner.key,
            slug=slug,
            attempt=attempt,
            handed_in=handed_in,
            submission=submission_hash(job.files),
        )
        entry = self._without_loss(entry, job.version)
        return Wanted(entry, replace(job, entry_id=entry.id), work)

    def _without_loss(self, entry: Entry, version: Any) -> Entry:
        """Find the entry under which some work may count without losing points."""
        # What was judged otherwise meanwhile may be worth more than what stands under its first
        # entry, as where an exercise was mended and is changed back.
        known = self.earlier.ids(entry)
        while (later := next_entry(entry)).id in known:
            entry = later
        if entry.id not in known or known[-1] == entry.id:
            return entry
        own = self.journal.result_of(entry)
        if own is None or own.status == "infra_error":
            return entry
        _, kept = self.beside_what_stood(entry, own, version)
        return later if differences(own, kept) else entry

    def only_changed(self, wanted: Wanted) -> Wanted:
        """Have only those exercises judged that changed since the work was judged last.

        Parameters
        ----------
        wanted : Wanted
            Of a submission that was graded before.

        Returns
        -------
        Wanted
            The same, if all of them changed or nobody can tell.
        """
        job = wanted.job
        mark = "none" if job.unsafe else "bubblewrap"
        earlier = self.earlier.results(wanted.entry)
        old = next((old for old in earlier if may_stand_in(old, mark)), None)
        changed = None if old is None else self.cards.changed(old.version, job.version)
        if not changed or len(changed) == len(exercise_hashes(job.version)):
            return wanted
        job = replace(job, exercises=frozenset(changed))
        return replace(wanted, job=job, work=key_of(job), onto=old)

    def beside_what_stood(
        self, entry: Entry, result: Result, version: Any
    ) -> tuple[Result | None, Result]:
        """Keep from a submission's earlier result what another one may not change.

        Parameters
        ----------
        entry : Entry
            Whose result it is; its own earlier one is not looked at.
        result : Result
            Of all exercises.
        version : AssignmentVersion or CourseVersion
            What it was held to.

        Returns
        -------
        old : Result or None
            The earlier one; None if there is none.
        kept : Result
            What counts.
        """
        earlier = self.earlier.results(entry)
        old = next((old for old in earlier if may_merge(old, result)), None)
        if old is None:
            return None, result
        changed = None
        if old.version != result.version:
            changed = self.cards.changed(old.version, version)
        return old, merged(old, result, None if changed is None else frozenset(changed))

    def made_again(self, entry: Entry, learner: Learner) -> Wanted:
        """Say what has to be done for a submission that the journal knows.

        Parameters
        ----------
        entry : Entry
            Of the journal.
        learner : Learner
            Whose it is.

        Returns
        -------
        Wanted
            Under the same entry, if its work can still be done.

        Raises
        ------
        Refusal
            If its files are gone.
        """
        files = self.journal.files(entry)
        releases = self.port.releases(entry.slug)
        for release in releases:
            job = self.job(learner, entry.slug, files, release)
            if key_of(job) == first_key(entry):
                return Wanted(entry, replace(job, entry_id=entry.id), first_key(entry))
        # Exercises or limits have changed since: it is held to what counts now.
        old = self.journal.result_of(entry) or next(self.earlier.results(entry), None)
        release = "" if old is None else self.cards.release(old.version)
        job = self.job(learner, entry.slug, files, release if release in releases else "")
        return self.wanted(learner, job, entry.slug, entry.attempt, entry.handed_in)

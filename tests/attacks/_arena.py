"""One class, one warm sandbox, an attacker and an honest neighbor: where attacks are tried.

`Arena.withstands` takes an attack the whole way: it is handed in as a file, collected, graded in
the sandbox, recorded, written as an autograded notebook and as a feedback page. Then it looks at
all that an attack may aim at, whatever this one aims at.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grading.classroom import Classroom, Learner
from grading.collection import collect
from grading.engine import InProcess, Job
from grading.feedback import feedback_page
from grading.gradebook import Record, Writer
from grading.house import course_root
from grading.limits import MEGABYTE, Limits
from grading.releasing import release
from grading.reporting import Work
from grading.results import Result
from tests.attacks._attack import Attack, Target, answered, right
from tests.attacks._outcome import Outcome
from tests.attacks._page import active
from tests.attacks._processes import descendants, left_since

TIGHT = Limits(
    time_factor=0.5,
    base_cell_s=4.0,
    base_submission_s=40.0,
    memory_bytes=320 * MEGABYTE,
    n_processes=16,
    file_bytes=16 * MEGABYTE,
    received_bytes=32 * MEGABYTE,
)
"""For attackers: what they must be kept to, small so that the tests are quick."""

SYSTEM_V_KEY = 0x6E6E6174
GONE_WITHIN_S = 3.0
ATTACKER, NEIGHBOR = "ada", "bea"


class Arena:
    """A class folder with a secret, a gradebook, canaries, and what it takes to grade.

    Parameters
    ----------
    folder : Path
        An empty folder.
    slugs : sequence of str
        Units to release.
    """

    def __init__(self, folder: Path, slugs: tuple[str, ...]) -> None:
        self.folder = folder
        self.classroom = Classroom.open(folder / "class", create=True)
        self.canaries = {
            name: f"canary-{secrets.token_hex(8)}"
            for name in ("secret file", "source folder", "gradebook", "neighbor's notebook")
        }
        self.canaries["environment"] = os.environ["NN_ATTACK_CANARY"]
        roster = self.classroom.roster
        self.attacker = roster.new(ATTACKER, first_name="Ada", last_name="Attacker")
        email = self.canaries["gradebook"] + "@example.org"
        self.neighbor = roster.new(NEIGHBOR, first_name="Bea", last_name="Neighbor", email=email)
        (folder / "canary.txt").write_text(self.canaries["secret file"])
        (folder / "host").mkdir()
        source = folder / "solutions"
        shutil.copytree(course_root() / "solutions" / slugs[0], source)
        (source / "notes.txt").write_text(self.canaries["source folder"])
        release([slug[:2] for slug in slugs], self.classroom, to=folder / "bundle.zip")
        self.writer = Writer(self.classroom.db_url, self.classroom.course_id)
        for slug in slugs:
            self.writer.register(self.classroom.assignment(slug))
        self.engine = InProcess()
        self.heard: list[str] = []
        self._listeners = [self._listen(socket.AF_INET), self._listen(socket.AF_UNIX)]
        self.target = Target(
            folder=self.classroom.root,
            gradebook=self.classroom.root / "gradebook.db",
            secret=folder / "canary.txt",
            source=source,
            marker=folder / "host" / "marker",
            port=self._listeners[0].getsockname()[1],
            socket=self._listeners[1].getsockname()[1:].decode(),
        )
        self._honest = {slug: self._neighbors_notebook(slug) for slug in slugs}
        self.baseline = {slug: self._graded_neighbor(slug) for slug in slugs}
        self.last_result: Result | None = None
        self.last_page = ""
        self._pages: dict[str, str] = {}
        self._before = descendants()
        self.look_afresh()

    def look_afresh(self) -> None:
        """Take the folder as it is now for untouched."""
        self._untouched = _snapshot(self.folder)

    def close(self) -> None:
        """End the sandboxes and stop listening."""
        self.engine.close()
        self.writer.close()
        for listener in self._listeners:
            listener.close()

    # ------------------------------------------------------------ one attack

    def withstands(self, attack: Attack, at_most: Mapping[str, float] | None = None) -> Outcome:
        """Assert that an attack gains nothing, and return what was seen.

        Parameters
        ----------
        attack : Attack
            What is handed in.
        at_most : mapping of str to float, optional
            Where both are fair, points between ``attack.points`` and these are.

        Returns
        -------
        Outcome
            What was measured.
        """
        self.dropped(attack)
        return self.grades_what_was_dropped(attack, at_most)

    def measured(self, attack: Attack) -> Outcome:
        """Run an attack and return what was seen, without a judgment."""
        self.dropped(attack)
        return self._run(attack)

    def dropped(self, attack: Attack) -> Path:
        """Hand an attack in, and return the path of its notebook."""
        drop = self.folder / "drop"
        shutil.rmtree(drop, ignore_errors=True)
        place = drop / ATTACKER / attack.slug
        notebook = self.classroom.assignment(attack.slug).notebook
        for name, content in attack.files(notebook, self.target).items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, leads_to in attack.links.items():
            (place / name).symlink_to(getattr(self.target, leads_to))
        path = drop / NEIGHBOR / attack.slug / f"{attack.slug}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(self._honest[attack.slug])
        return place / f"{attack.slug}.ipynb"

    def grades_what_was_dropped(
        self, attack: Attack, at_most: Mapping[str, float] | None = None
    ) -> Outcome:
        """Grade what `dropped` has handed in, and assert that it gains nothing."""
        outcome = self._run(attack)
        assert outcome.batch == ""
        assert outcome.neighbor == ""
        assert outcome.secrets == ()
        assert outcome.host == (), "; ".join(outcome.host)
        assert outcome.page == ()
        for name, deserved in attack.points.items():
            points = outcome.points.get(name)
            assert points is not None, name
            highest = {**attack.points, **attack.at_most, **(at_most or {})}[name]
            assert deserved <= points <= highest, (name, points, outcome.note)
        if attack.statuses:
            assert outcome.note.split(":")[0] in attack.statuses
        return outcome

    def _run(self, attack: Attack) -> Outcome:
        slug = attack.slug
        self._before = descendants()
        self.heard.clear()
        shutil.rmtree(self.classroom.autograded(ATTACKER, slug), ignore_errors=True)
        self._forget_grades()
        collected = collect([self.folder / "drop"], self.classroom)
        works: dict[str, Any] = {}
        jobs = []
        for submission in collected:
            works[submission.learner.id] = submission
            version = self.classroom.assignment(submission.slug, submission.version)
            limits = TIGHT if submission.learner == self.attacker else Limits()
            jobs.append(Job(submission.learner.id, submission.files, version, limits))
        jobs.sort(key=lambda job: job.entry_id)  # the attacker first
        results = dict(_ended(self.engine, jobs))
        batch = self._recorded(results, works)
        mine = results.get(ATTACKER)
        refused = ATTACKER not in works and any(ATTACKER in text for text in collected.refused)
        page = self._page(slug, mine)
        self.last_result, self.last_page = mine, page
        texts = [*self._files_for(slug), page, mine.to_json() if mine else ""]
        return Outcome(
            points=self._points(slug) if not refused else dict.fromkeys(attack.points, 0.0),
            secrets=self._read(texts),
            host=tuple(self._touched(slug)),
            neighbor=self._neighbors_fate(slug, results.get(NEIGHBOR)),
            batch=batch if not refused else "",
            page=tuple(self._runs(slug, page, results, "page" in attack.aims)),
            note=f"{mine.status}: {mine.message}" if mine else "refused: not collected",
        )

    # ------------------------------------------------------------ what is looked at

    def _recorded(self, results: Mapping[str, Result], works: Mapping[str, Any]) -> str:
        """Write results as a run does; say why the batch is not whole."""
        for name in works:
            if name not in results or results[name].status == "infra_error":
                return f"{name} was not graded: {results[name].message if name in results else ''}"
        records = [
            Record(
                learner=self._learner(name),
                slug=works[name].slug,
                result=result,
                handed_in=works[name].handed_in,
                autograded_dir=self.classroom.autograded(name, works[name].slug),
            )
            for name, result in results.items()
        ]
        self.writer.record(records)
        missing = {ATTACKER, NEIGHBOR} - set(works)
        return f"{missing} not collected" if missing else ""

    def _learner(self, name: str) -> Learner:
        return self.classroom.roster.by_id(name)

    def _forget_grades(self) -> None:
        """Set the grades of the gradebook back, so that nothing stems from the attack before."""
        with contextlib.closing(sqlite3.connect(self.target.gradebook)) as base, base:
            base.execute("UPDATE grade SET auto_score = NULL, manual_score = NULL")

    def _points(self, slug: str, learner: str = ATTACKER) -> dict[str, float | None]:
        query = """
            SELECT base_cell.name, grade.auto_score, grade.manual_score, grade.extra_credit
            FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
            JOIN submitted_notebook AS book ON book.id = grade.notebook_id
            JOIN submitted_assignment AS work ON work.id = book.assignment_id
            JOIN assignment ON assignment.id = work.assignment_id
            WHERE work.student_id = ? AND assignment.name = ?
        """
        with contextlib.closing(sqlite3.connect(self.target.gradebook)) as base:
            rows = base.execute(query, (learner, slug)).fetchall()
        return {
            str(name).removeprefix("check_"): manual if manual is not None else auto
            for name, auto, manual, _ in rows
        }

    def _files_for(self, slug: str) -> Iterator[str]:
        """All that the attacker's autograded folder holds."""
        for path in self.classroom.autograded(ATTACKER, slug).rglob("*"):
            if path.is_file():
                yield path.read_text(encoding="utf-8", errors="replace")

    def _page(self, slug: str, result: Result | None) -> str:
        """The feedback page of the attacker."""
        work = Work(self.attacker, slug, result)
        return feedback_page(work, self.classroom.assignment(slug).exercises, {})

    def _read(self, texts: list[str]) -> tuple[str, ...]:
        """Name the secrets that came into something that the learner gets back."""
        secret = self.classroom.secret
        written = json.dumps(repr(secret)[2:-1])[1:-1]  # as it stands in a notebook
        forms = {
            "class secret": [secret.hex(), base64.b64encode(secret).decode()[:20], written],
            **{name: [canary] for name, canary in self.canaries.items()},
        }
        whole = "\n".join(texts)
        return tuple(name for name, marks in forms.items() if any(m in whole for m in marks))

    def _touched(self, slug: str) -> Iterator[str]:
        """Say what is left on the machine."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while (left := left_since(self._before)) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield from (f"process {name} survives" for name in left)
        if self.target.marker.exists():
            yield f"a file written outside: {self.target.marker.read_text()[:200]}"
            self.target.marker.unlink()
        yield from self.heard
        after = _snapshot(self.folder)
        for path in sorted(set(after) | set(self._untouched)):
            if after.get(path) != self._untouched.get(path):
                yield f"changed: {path}"
        for table in ("shm", "sem", "msg"):
            if f" {SYSTEM_V_KEY} " in Path(f"/proc/sysvipc/{table}").read_text():
                yield f"System V {table} is left"
        with contextlib.suppress(OSError):
            if "nn-attack" in Path("/proc/keys").read_text():
                yield "a key in the kernel's keyring"
        if any(Path(root, "nn-attack-fill").exists() for root in ("/", "/tmp", "/dev/shm", ".")):
            yield "files that fill the disk"

    def _neighbors_fate(self, slug: str, result: Result | None) -> str:
        """Compare the neighbor with the day before the attack; empty if nothing is different."""
        if result is None:
            return "not graded"
        if result.body_sha256 != self.baseline[slug].body_sha256:
            return f"graded differently: {result.points:g} points, {result.status}"
        recorded_points = sum(value or 0.0 for value in self._points(slug, NEIGHBOR).values())
        if recorded_points != self.baseline[slug].points:
            return f"recorded differently: {recorded_points:g} points"
        return ""

    def _runs(
        self, slug: str, page: str, results: Mapping[str, Result], formgrader: bool
    ) -> list[str]:
        """List what pages would run beyond what the neighbor's run."""
        if slug not in self._pages:
            work = Work(self.neighbor, slug, self.baseline[slug])
            self._pages[slug] = feedback_page(work, self.classroom.assignment(slug).exercises, {})
        found = active(page) - active(self._pages[slug])
        if formgrader:
            shown, honest = (
                active(self._formgrader(results[name])) for name in (ATTACKER, NEIGHBOR)
            )
            found += shown - honest
        return sorted(found.elements())

    def _formgrader(self, result: Result) -> str:
        """The page on which formgrader shows an autograded notebook to the instructor."""
        from nbconvert.exporters import HTMLExporter
        from nbformat import reads

        text = result.notebooks[0].autograded
        html: str = HTMLExporter(template_name="lab").from_notebook_node(reads(text, 4))[0]
        return html

    # ------------------------------------------------------------ the honest neighbor

    def _neighbors_notebook(self, slug: str) -> bytes:
        version = self.classroom.assignment(slug)
        answers = {name: right(name) for name in version.exercises}
        first = next(iter(answers))
        canary = self.canaries["neighbor's notebook"]
        answers[first] = f"# {canary}\n{answers[first]}"
        return json.dumps(answered(version.notebook, answers, (), self.target)).encode()

    def _graded_neighbor(self, slug: str) -> Result:
        job = Job(
            NEIGHBOR,
            {f"{slug}.ipynb": self._honest[slug]},
            self.classroom.assignment(slug),
            Limits(),
        )
        result = next(_ended(self.engine, [job]))[1]
        assert result.points == result.max_points > 0
        return result

    # ------------------------------------------------------------ who listens

    def _listen(self, family: socket.AddressFamily) -> socket.socket:
        listener = socket.socket(family)
        name: Any = ("127.0.0.1", 0) if family == socket.AF_INET else f"\0nn-{secrets.token_hex(6)}"
        listener.bind(name)
        listener.listen()
        threading.Thread(target=self._accept, args=(listener, family.name), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket, family: str) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                connection.close()
                self.heard.append(f"a connection came through ({family})")


def _ended(engine: InProcess, jobs: list[Job]) -> Iterator[tuple[str, Result]]:
    for pair in engine.run(jobs):
        assert pair is not None
        yield pair


def _snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of what nobody has to touch; gradebook and autograded are ours to write."""
    ours = ("drop", "class/autograded", "class/gradebook.db", "host")
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(ours):
            status = path.stat()
            found[name] = (status.st_size, status.st_mtime_ns)
    return found

"""A class in which two learners have handed in, been graded and got feedback."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from grading.classroom import Classroom, Extension, TimeFactor
from grading.collection import collect, store
from grading.gradebook import Record, Writer
from grading.journal import Entry, Journal
from grading.releasing import release
from grading.results import CellResult, NotebookResult, Result

SLUG = "00-start-here"
PEOPLE = {
    "lovelace7": ("Augusta", "Lovelace", "augusta.lovelace@example.org"),
    "noether3": ("Emmy", "Noether", "emmy.noether@example.org"),
}


def graded_class(root: Path) -> Classroom:
    """Make the class; each notebook and each result names its author."""
    classroom = Classroom.open(root / "my class é", create=True, timezone="Europe/Berlin")
    for learner_id, (first, last, email) in PEOPLE.items():
        classroom.roster.new(learner_id, first_name=first, last_name=last, email=email, group="a")
        classroom.extend(extension=Extension(learner_id, "", SLUG, days=1))
        classroom.extend(time_factor=TimeFactor(learner_id, "", SLUG, 2.0))
    bundle = release(["00"], classroom, due="2026-12-01 23:59", to=root / "bundle")
    notebook = json.loads((bundle.path / SLUG / f"{SLUG}.ipynb").read_text(encoding="utf-8"))
    for learner_id, (first, last, _) in PEOPLE.items():
        notebook["cells"][0]["source"] = f"I am {first} {last}, {learner_id}."
        path = root / "in" / learner_id / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    version = classroom.assignment(SLUG)
    checks = [cell.name for cell in version.cells if cell.kind == "check"]
    with (
        Journal(classroom.journal_folder) as journal,
        Writer(classroom.db_url, classroom.course_id) as writer,
    ):
        writer.register(version, classroom.settings.assignments[SLUG].due)
        for submission in collect([root / "in"], classroom):
            learner = submission.learner
            store(submission, classroom)
            text = submission.files[f"{SLUG}.ipynb"].decode()
            cells = tuple(CellResult(f"check_{name}", 1.0, 2.0, "ok") for name in checks)
            result = Result(
                f"key of {submission.sha256}",
                submission.sha256,
                version.hash,
                "ok",
                (NotebookResult(SLUG, cells, autograded=text),),
            )
            entry = Entry.of(
                key=result.key,
                learner=learner.key,
                slug=SLUG,
                attempt=1,
                handed_in=submission.handed_in,
                submission=submission.sha256,
            )
            journal.accept(entry, submission.files)
            journal.done(entry.id, result)
            record = Record(
                learner=learner,
                slug=SLUG,
                result=result,
                handed_in=datetime.now(UTC),
                autograded_dir=classroom.autograded(learner.id, SLUG),
            )
            writer.record([record])
            journal.recorded([entry.id])
            page = classroom.feedback(learner.id, SLUG) / f"{SLUG}.html"
            page.parent.mkdir(parents=True)
            page.write_text(f"<p>{learner.name}</p>", encoding="utf-8")
    with zipfile.ZipFile(classroom.root / "feedback" / f"{SLUG}.zip", "w") as archive:
        for learner in classroom.roster.all():
            archive.writestr(f"{learner.id}.html", learner.name)
    return classroom

"""One class, prepared for both sides: plain nbgrader's folder and ours, with equal submissions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.authoring import cells
from grading.classroom import Classroom
from grading.house import course_root
from tests.grading.corpus import corpus

GRADED = {"setup"}
"""Tags of cells that stay beside solution and check cells."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Corpus:
    """What a class handed in: set-up, solution and check cells, every other code cell empty."""

    slug: str
    notebooks: dict[str, str]

    def hand_in(self, folder: Path) -> None:
        """Write nbgrader's tree of submissions."""
        for learner, text in self.notebooks.items():
            path = folder / learner / self.slug / f"{self.slug}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")


def make_corpus(slug: str, n: int, seed: int = 0) -> Corpus:
    """Return n honest submissions of a unit, without the cells that neither side has to grade."""
    return Corpus(
        slug,
        {each.learner: _graded_cells_only(each.text) for each in corpus(slug, n, seed=seed)},
    )


def _graded_cells_only(text: str) -> str:
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        metadata = cell["metadata"]
        if "nbgrader" not in metadata and not GRADED & set(metadata.get("tags", ())):
            cell["source"] = "" if cell["cell_type"] == "code" else cell["source"]
    return json.dumps(notebook, ensure_ascii=False)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of both sides: one BLAS thread, our scripts on PATH."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    threads = dict.fromkeys(_THREADS, "1")
    return {**os.environ, **threads, "PATH": path, "PYTHONPATH": str(course_root()), **more}


def seconds(command: list[str], folder: Path, variables: dict[str, str]) -> float:
    """Run a command to its end and return its wall-clock seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        raise SystemExit(message)
    return time.perf_counter() - start


class PlainClass:
    """A checkout with its class folder, as an instructor runs plain nbgrader."""

    def __init__(self, folder: Path, handed_in: Sequence[Corpus]) -> None:
        self.root = folder / "plain"
        self.slugs = [each.slug for each in handed_in]
        self.root.mkdir(parents=True)
        shutil.copy(course_root() / "nbgrader_config.py", self.root)
        self.folder = self.root / "class"
        for each in handed_in:
            source = self.root / "solutions" / each.slug
            shutil.copytree(course_root() / "solutions" / each.slug, source)
            self._run("generate_assignment", each.slug)
            each.hand_in(self.folder / "submitted")
        self._fresh = self.root / "gradebook.fresh"
        shutil.copy(self.folder / "gradebook.db", self._fresh)

    def _run(self, *words: str) -> float:
        variables = {"NNCOURSE_CLASS": str(self.folder), "JUPYTER_CONFIG_DIR": str(self.root)}
        return seconds(["nbgrader", *words], self.root, variables)

    def grade(self) -> float:
        """Grade the class from the start, a command an assignment, and return their seconds."""
        shutil.rmtree(self.folder / "autograded", ignore_errors=True)
        shutil.copy(self._fresh, self.folder / "gradebook.db")
        return sum(self._run("autograde", slug) for slug in self.slugs)

    @property
    def gradebook(self) -> str:
        """The gradebook's address."""
        return f"sqlite:///{self.folder / 'gradebook.db'}"


class OurClass:
    """A class folder with releases of the units, graded by ``nncourse grade``."""

    def __init__(self, folder: Path, handed_in: Sequence[Corpus]) -> None:
        self.root = folder / "ours"
        self.slugs = [each.slug for each in handed_in]
        self.root.mkdir(parents=True)
        self.fresh = self.root / "fresh"
        classroom = Classroom.open(self.fresh, create=True)
        learners = dict.fromkeys(learner for each in handed_in for learner in each.notebooks)
        classroom.roster.add(*(classroom.roster.new(learner) for learner in learners))
        self.handed_in = self.root / "submitted"
        bundle = str(self.root / "bundle.zip")
        release = ["release", *self.slugs, "--tier", "further", "--to", bundle]
        seconds(["grading.cli", *release, "--class", str(self.fresh)], self.root, {})
        for each in handed_in:
            each.hand_in(self.handed_in)
        self.folder = self.root / "class"

    def grade(self, workers: int) -> float:
        """Grade the class from the start and return the seconds of the command."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.fresh, self.folder)
        words = ["grade", str(self.handed_in), "--class", str(self.folder)]
        return seconds(["grading.cli", *words, "--workers", str(workers)], self.root, {})

    @property
    def gradebook(self) -> str:
        """The gradebook's address."""
        return f"sqlite:///{self.folder / 'gradebook.db'}"


def scores(gradebook: str, slug: str) -> dict[tuple[str, str], float]:
    """Read every score of an assignment, by learner and cell."""
    from nbgrader.api import Gradebook  # slow to import

    with Gradebook(gradebook) as book:
        return {
            (submission.student.id, grade.name.removeprefix(cells.CHECK_PREFIX)): grade.score
            for submission in book.assignment_submissions(slug)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }

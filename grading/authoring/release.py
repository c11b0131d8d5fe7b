"""Make learners' notebooks with nbgrader's own generate step, called in this process."""

from __future__ import annotations

import logging
import os
import shutil
import sysconfig
import tempfile
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.authoring import cells
from grading.refusals import Refusal

__all__ = ["release", "scripts_on_path"]


def release(solutions: Mapping[str, cells.Notebook]) -> dict[str, cells.Notebook]:
    """Strip solutions and outputs, lock the checks, add nbgrader's checksums.

    Everything happens in a throwaway folder that holds the notebooks alone, with a gradebook of
    its own: nothing that lies beside a source notebook can slip into the release.

    Parameters
    ----------
    solutions : mapping of str to Notebook
        Expanded solution notebooks by slug.

    Returns
    -------
    dict of str to Notebook
        Learners' notebooks by slug.

    Raises
    ------
    Refusal
        If nbgrader fails, with what it logged.
    """
    if not solutions:
        return {}
    with tempfile.TemporaryDirectory(prefix="nncourse-release-") as folder, scripts_on_path():
        root = Path(folder).resolve()
        for slug, notebook in solutions.items():
            target = root / "solutions" / slug / f"{slug}.ipynb"
            target.parent.mkdir(parents=True)
            target.write_text(cells.to_text(notebook), encoding="utf-8")
        (root / "gradebook.db").write_bytes(_empty_gradebook())
        for slug in solutions:
            _generate(root, slug)
        return {slug: _released(root, slug) for slug in solutions}


def _released(root: Path, slug: str) -> cells.Notebook:
    """Read what nbgrader made, without the hash of the solution."""
    # With it, a change to a solution alone would reach every learner as an update.
    notebook = cells.read(root / "course" / slug / f"{slug}.ipynb")
    notebook.metadata.pop("nncourse", None)
    return notebook


@cache
def _empty_gradebook() -> bytes:
    """Return the file of a new gradebook: nbgrader takes seconds to make one, so once a process."""
    with tempfile.TemporaryDirectory(prefix="nncourse-gradebook-") as folder:
        path = Path(folder) / "gradebook.db"
        Gradebook(f"sqlite:///{path}").close()
        return path.read_bytes()


def _generate(root: Path, slug: str) -> None:
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "course"
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.CourseDirectory.assignment_id = slug
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    with _collected_log(converter.log) as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's queries trip SQLAlchemy's newest warnings
        try:
            converter.start()
        except (NbGraderException, nbformat.ValidationError, RuntimeError, OSError) as error:
            reason = said[-1] if said else str(error)
            msg = (
                f"solutions/{slug}/{slug}.ipynb: nbgrader cannot make the learner's notebook: "
                f"{reason.splitlines()[0]}. Mend the cell that it names."
            )
            raise Refusal(msg) from error


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _collected_log(log: logging.Logger) -> Generator[list[str], None, None]:
    """Collect nbgrader's errors in place of printing them."""
    lines: list[str] = []
    handler = _Collector(lines)
    log.addHandler(handler)
    propagates, log.propagate = log.propagate, False
    try:
        yield lines
    finally:
        log.propagate = propagates
        log.removeHandler(handler)


@contextmanager
def scripts_on_path() -> Generator[None, None, None]:
    """Put this interpreter's scripts first on PATH: nbgrader calls ``alembic`` by its name.

    Yields
    ------
    None
        While it lasts, ``alembic`` is found although no environment is activated.

    Raises
    ------
    Refusal
        If there is no ``alembic`` at all.
    """
    before = os.environ.get("PATH")
    os.environ["PATH"] = os.pathsep.join([
        sysconfig.get_path("scripts"),
        *([before] if before else []),
    ])
    try:
        if shutil.which("alembic") is None:
            msg = (
                "nncourse build: the command alembic, which nbgrader needs, is not installed. "
                'Run: pip install "nncourse[instructor]"'
            )
            raise Refusal(msg)
        yield
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before

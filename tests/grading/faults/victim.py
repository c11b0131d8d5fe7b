"""A run that is killed with signal 9 at a chosen step. Every step of the coordinator is counted.

The functions below are wrapped, in a process forked for this one run; the k-th call of any of them
is the k-th step. Before a write that is to be the last, half of it is written.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import warnings
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import sqlalchemy
import sqlalchemy.event
from sqlalchemy.exc import SAWarning

import grading.gradebook._writer as writer
from grading.classroom import Classroom
from grading.engine import InProcess, Job
from grading.grade_class import grade_class, regrade
from grading.journal import Journal, _journal
from grading.results import Result
from grading.runs import _recording
from grading.runs._versions import Cards
from tests.grading.faults import classes

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.grading.faults.victim"])

STEPS: dict[str, tuple[Any, str]] = {
    "write": (os, "write"),
    "sync": (os, "fsync"),
    "rename": (os, "replace"),
    "accept": (Journal, "accept"),
    "grade": (classes, "work_here"),
    "done": (Journal, "done"),
    "card": (Cards, "put"),
    "notebooks": (writer, "write_notebooks"),
    "rows": (writer, "upsert_results"),
    "recorded": (Journal, "recorded"),
}


class Counter:
    """Counts steps; at the fatal one the process ends."""

    def __init__(self, fatal: int, log: Path) -> None:
        self.fatal = fatal
        self.log = log
        self.names: list[str] = []

    def step(self, name: str) -> bool:
        self.names.append(name)
        return len(self.names) == self.fatal

    def wrap(self, name: str, owner: Any, attribute: str) -> None:
        function = getattr(owner, attribute)

        @wraps(function)
        def counted(*arguments: Any, **options: Any) -> Any:
            if self.step(name):
                if name == "write":
                    function(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        setattr(owner, attribute, counted)


def run(root: str, submissions: str, fatal: int, log: str, again: bool) -> None:
    """Grade the class; the target of a forked process."""
    warnings.simplefilter("ignore", SAWarning)
    # By count and not by the clock, so that every run takes the same number of steps.
    _recording.BATCH, _recording.BATCH_S = 2, math.inf
    _journal._LINES_PER_SYNC, _journal._SECONDS_PER_SYNC = 5, math.inf
    counter = Counter(fatal, Path(log))
    for name, (owner, attribute) in STEPS.items():
        counter.wrap(name, owner, attribute)

    def committing(*_: Any) -> None:
        if counter.step("commit"):
            os.kill(os.getpid(), signal.SIGKILL)

    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", committing)
    graded(root, submissions, again=again)
    Path(log).write_text("\n".join(counter.names), encoding="utf-8")


def graded(root: str, submissions: str, *, again: bool = False) -> Any:
    """Grade the class in this process, or again with other limits, so that all have less."""
    room = Classroom.open(Path(root))
    if again:
        with InProcess(work=worse) as engine:
            return regrade(room, engine=engine, unsafe=True, everything=True, time_factor=2.0)
    # By its name in the module, so that the wrapped one is taken.
    with InProcess(work=lambda job: classes.work_here(job)) as engine:
        return grade_class(room, [Path(submissions)], engine=engine, unsafe=True)


def worse(job: Job) -> Result:
    """Grade, and take half of the points away, as an exercise would that was mended badly."""
    result = classes.work_here(job)
    books = tuple(
        replace(
            book,
            cells=tuple(
                cell
                if cell.score is None
                else replace(cell, score=cell.score / 2, status="failed_tests")
                for cell in book.cells
            ),
        )
        for book in result.notebooks
    )
    return replace(result, notebooks=books, status="failed_tests")


def killed_at(small: classes.SmallClass, fatal: int, log: Path, *, again: bool = False) -> int:
    """Grade a class in a process of its own; returns how it ended."""
    process = context.Process(
        target=run, args=(str(small.root), str(small.submissions), fatal, str(log), again)
    )
    process.start()
    process.join(120)
    code = process.exitcode
    process.close()
    assert code is not None, "the run hangs"
    return code

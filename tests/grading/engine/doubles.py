"""Test doubles: a version, jobs, and a grader that does what the submission says.

A submission holds one file, ``script``, with words: ``sleep 0.1``, ``kill``, ``raise``,
``infra``, ``hang``, ``threads``, ``version``, ``exercises``, ``alone``; anything else is graded by
its text. ``kill once DIR`` and the like do it only the first time.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from grading.engine import Job
from grading.limits import Limits
from grading.results import CellResult, NotebookResult, Result

BROKEN = "NNCOURSE_TEST_BROKEN_WORKER"
"""A worker in whose environment this stands fails every job."""

_unpickled: list[str] = []


@dataclass(frozen=True)
class FakeVersion:
    """A version that counts how often it arrives in a process."""

    slug: str = "fake"
    content: str = "v1"
    load: bytes = field(default=b"", repr=False)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()

    def __setstate__(self, state: dict[str, Any]) -> None:
        _unpickled.append(state["content"])
        self.__dict__.update(state)


def job(name: str, script: str = "", *, version: Any = None, limits: Limits | None = None) -> Job:
    text = script or f"sleep 0\n{name}"
    return Job(name, {"script": text.encode()}, version or FakeVersion(), limits or Limits())


def result_of(job: Job, status: Any = "ok", message: str = "") -> Result:
    text = job.files["script"]
    points = float(int(hashlib.sha256(text).hexdigest(), 16) % 8)
    cell = CellResult("check_a", points, 8.0, "ok")
    digest = hashlib.sha256(text).hexdigest()
    return Result(
        digest,
        digest,
        job.version.hash,
        status,
        (NotebookResult("fake", (cell,), autograded="{}"),),
        message=message,
    )


def obey(job: Job) -> Result:
    """Grade as the submission says; the work function of engines under test."""
    words = job.files["script"].decode().split()
    if BROKEN in os.environ:
        return result_of(job, "infra_error", "nothing works here")
    if "once" in words:
        mark = Path(words[words.index("once") + 1]) / job.entry_id
        if mark.exists():
            return result_of(job)
        mark.write_text("", encoding="utf-8")
    match words:
        case ["kill", "parent"]:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(3600)
        case ["kill", *_]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["raise", *_]:
            message = "a defect"
            raise LookupError(message)
        case ["infra", *_]:
            return result_of(job, "infra_error", "no namespaces")
        case ["hang", *_]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            time.sleep(3600)
        case ["sleep", seconds, *_]:
            time.sleep(float(seconds))
        case ["threads"]:
            found = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS",)}
            early = "numpy" in sys.modules and found["OMP_NUM_THREADS"] != "1"
            return result_of(job, message=json.dumps([found, early]))
        case ["version"]:
            return result_of(job, message=json.dumps([os.getpid(), len(_unpickled)]))
        case ["parent"]:
            return result_of(job, message=str(os.getppid()))
        case ["unpicklable"]:
            return result_of(job, message=cast("Any", lambda: None))
        case ["exercises"]:
            return result_of(job, message=json.dumps(sorted(job.exercises or ())))
        case ["alone", folder, *_]:
            mine = Path(folder) / str(os.getppid())  # every process of one parent meets here
            try:
                mine.mkdir()
            except FileExistsError:
                return result_of(job, message="False")
            time.sleep(0.05)
            mine.rmdir()
            return result_of(job, message="True")
        case _:
            pass
    return result_of(job)

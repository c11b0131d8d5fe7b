"""One set of warm sandboxes for all tests, and a way to learn what a submission sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from grading.limits import MEGABYTE, Limits
from grading.probes import Call, Observation, observation_from, probe_fields
from grading.sandbox import Run, Sandboxes

SMALL = Limits(memory_bytes=300 * MEGABYTE, file_bytes=8 * MEGABYTE, received_bytes=4 * MEGABYTE)


@pytest.fixture(scope="session")
def sandboxes(requires_sandbox: str) -> Iterator[Sandboxes]:
    with Sandboxes() as warm:
        yield warm


@pytest.fixture
def run(sandboxes: Sandboxes) -> Iterator[Run]:
    with sandboxes.take(["numpy"], SMALL) as begun:
        yield begun


def cell(run: Run, source: str, within_s: float = 10.0) -> Any:
    """Run a cell; return its error."""
    return run.ask({"do": "cell", "name": "cell", "source": source}, within_s)["error"]


def seen(run: Run, source: str, within_s: float = 10.0) -> Observation:
    """Run a cell that defines ``look``, and call that."""
    error = cell(run, source)
    assert error is None, error
    probe = Call(("y",))
    request = {"do": "observe", "exercise": "look", "probe": probe_fields(probe), "inputs": {}}
    reply = run.ask(request, within_s)
    assert reply["found"] == "yes"
    return observation_from(reply["observation"], probe, {})


def told(run: Run, expression: str, imports: str = "import os") -> Any:
    """Return the plain value of an expression, computed by the submission."""
    observation = seen(run, f"{imports}\ndef look():\n    return {expression}\n")
    assert observation.problem is None, observation.problem
    return observation.outputs["y"]


def refused(run: Run, body: str) -> str:
    """Return the name and message of the exception with which some lines stop."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    problem = seen(run, f"def look():\n{lines}\n").problem
    return "" if problem is None else f"{problem.type_name}: {problem.detail}"

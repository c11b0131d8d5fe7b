"""Run everything that CI runs, as named steps, and end with a table of them.

``python start.py test`` calls this with the Python of .venv. A failing step does not keep the
next ones from running, so that one run shows everything there is to mend. Arguments go to
pytest, and then only that step runs.
"""
# This file speaks to a terminal, and starts only what it names itself:
# ruff: file-ignore[print, suspicious-subprocess-import, subprocess-without-shell-equals-true]

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = str(Path(sys.executable).parent)
# loadscope keeps a module, and with it its browser or server, on one worker.
PYTEST = ["-m", "pytest", "-n", "2", "--dist", "loadscope"]
COUNTS = re.compile(r"^=+ (.*\b(?:passed|failed|error|no tests ran).*) =+$")


@dataclass(frozen=True)
class Step:
    """A check with a name, and the arguments that Python gets for it."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a step."""

    name: str
    passed: bool
    seconds: float
    detail: str


STEPS = (
    Step("lint", ("-m", "ruff", "check", ".")),
    Step("format", ("-m", "ruff", "format", "--check", ".")),
    Step("spelling", ("-m", "codespell_lib", ".")),
    Step("types", ("-m", "mypy")),
    Step("build", ("-m", "grading.cli", "build", "--check")),
    Step("proof", ("-m", "grading.proof", "--seeds", "20")),
    Step("tests", tuple(PYTEST)),
)
"""What CI runs, cheapest first. nbval and the learners' notebooks are among the tests."""


def run(step: Step, environment: dict[str, str]) -> Outcome:
    """Run one step with its output passed on, and keep pytest's closing line."""
    print(f"\n== {step.name}: python {' '.join(step.arguments)}", flush=True)
    start = time.monotonic()
    detail = ""
    with subprocess.Popen(
        [sys.executable, *step.arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            counts = COUNTS.match(line.rstrip())
            if counts:
                detail = counts.group(1)
    return Outcome(step.name, child.returncode == 0, time.monotonic() - start, detail)


def table(outcomes: list[Outcome]) -> str:
    """Return one line for each step, and one for all of them."""
    rows = [
        f"{outcome.name:<10} {'passed' if outcome.passed else 'FAILED':<7} "
        f"{outcome.seconds:6.1f} s  {outcome.detail}".rstrip()
        for outcome in outcomes
    ]
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    total = sum(outcome.seconds for outcome in outcomes)
    verdict = f"FAILED: {', '.join(failed)}" if failed else "everything passed"
    return "\n".join(["", "== summary", *rows, f"{'total':<18} {total:6.1f} s  {verdict}"])


def main(arguments: list[str], runner: Callable[[Step, dict[str, str]], Outcome] = run) -> int:
    """Run the steps and return 1 if one failed."""
    chosen = [Step("tests", (*PYTEST, *arguments))] if arguments else STEPS
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="nncourse-test-") as home:
        environment = dict(os.environ, NNCOURSE_HOME=home, PYTHONUTF8="1")
        environment["PATH"] = os.pathsep.join([SCRIPTS, environment.get("PATH", os.defpath)])
        try:
            outcomes.extend(runner(step, environment) for step in chosen)
        except KeyboardInterrupt:
            print(table(outcomes))
            print("start.py test: stopped before the end.", file=sys.stderr)
            return 130
    print(table(outcomes))
    return int(not all(outcome.passed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fixtures shared by all tests: a seeded generator, an empty home, and what a test may require."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chromium import QUIET

pytest.register_assert_rewrite("tests.browser.contract")  # its asserts explain themselves too

STRICT = os.environ.get("NNCOURSE_STRICT") == "1"
"""Set in CI: a missing browser, sandbox or data folder is then a failure, not a skip."""

WITHOUT_DATA = os.environ.get("NNCOURSE_WITHOUT_DATA") == "1"
"""Says openly that the public data sets cannot be had: only then a strict run skips their tests."""

SHARED_FOLDERS = (
    "mnist",
    "fashion-mnist",
    "cifar-10-batches-py",
    "free-spoken-digit-dataset",
    "rt-polaritydata",
    "sentiment labelled sentences",
    "timeseries",
)
"""What the shared copies of the public data sets unpack to."""


def _require(present: bool, reason: str, *, waived: bool = False) -> None:
    if present:
        return
    if STRICT and not waived:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that draws the same numbers in every run of a test."""
    return np.random.default_rng(20260101)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the learner's progress at an empty folder, so that no test touches a real one."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NNCOURSE_HOME", str(folder))
    monkeypatch.delenv("NNCOURSE_PROGRESS", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return folder


@pytest.fixture(scope="session")
def requires_chromium() -> str:
    """Return the path of an installed Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    _require(found is not None, "no Chromium on this machine: install the package chromium")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def chromium(requires_chromium: str) -> Iterator[Any]:
    """Return a running headless browser that finds no host but this one.

    It lives no longer than a module: while it runs, Playwright leaves an event loop behind in this
    thread, and other tests start loops of their own.
    """
    _require(find_spec("playwright") is not None, "Playwright is missing: install nncourse[dev]")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=requires_chromium, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def requires_numba() -> None:
    """Stand for numba: a test of compiled code says nothing where NumPy runs in its place."""
    _require(find_spec("numba") is not None, "numba is missing: install nncourse[dev]")


@pytest.fixture(scope="session")
def requires_node() -> str:
    """Return the path of Node.js, which runs the formulas of the figures outside a browser."""
    found = shutil.which("node")
    _require(found is not None, "no Node.js on this machine: install the package nodejs")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def requires_sandbox() -> str:
    """Return the path of a bubblewrap that can make user namespaces."""
    found = shutil.which("bwrap")
    trial = ["--unshare-all", "--ro-bind", "/", "/", "true"]
    works = found is not None and not subprocess.run([found, *trial], check=False).returncode
    _require(works, "no working bubblewrap on this machine: install the package bubblewrap")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def requires_shared_data() -> Path:
    """Return the folder of the public data sets, laid out as the originals are."""
    named = os.environ.get("NNLIB_DATA")
    absent = [name for name in SHARED_FOLDERS if not (Path(named or "") / name).is_dir()]
    reason = "no data sets here: set NNLIB_DATA to a folder that holds " + ", ".join(absent)
    _require(bool(named) and not absent, reason, waived=WITHOUT_DATA)
    return Path(named or "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what tests measured against a budget; workers cannot print while tests run."""
    measured = [
        f"{report.nodeid.split('::')[-1]}: {name} {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
    ]
    if measured:
        terminalreporter.section("measured, with the budget")
        terminalreporter.write_line("\n".join(sorted(measured)))

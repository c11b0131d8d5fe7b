"""The built course: which units there are, and where their notebooks lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grading.house import Unit, course_root, units

ROOT = course_root()
UNITS = units(ROOT)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``unit`` once for each unit of the course."""
    if "unit" in metafunc.fixturenames:
        metafunc.parametrize("unit", UNITS, ids=[unit.slug for unit in UNITS], scope="module")


@pytest.fixture(scope="module")
def solution_path(unit: Unit) -> Path:
    return ROOT / "solutions" / unit.slug / f"{unit.slug}.ipynb"


@pytest.fixture(scope="module")
def learner_path(unit: Unit) -> Path:
    return ROOT / "course" / unit.slug / f"{unit.slug}.ipynb"


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What a command of ours runs in: this checkout importable, one thread, nothing recorded.

    PATH is that of a machine on which nobody activated the environment.
    """
    inherited = os.environ.get("PYTHONPATH")
    return dict(os.environ) | {
        "PATH": os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"])
        if os.name == "posix"
        else os.environ["PATH"],
        "PYTHONPATH": str(ROOT) + (os.pathsep + inherited if inherited else ""),
        "OMP_NUM_THREADS": "1",
        "NNCOURSE_PROGRESS": "off",
    }

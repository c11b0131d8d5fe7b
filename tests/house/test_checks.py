"""The list of checks behind ``python start.py test``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return .ci/checks.py as a module."""
    specification = importlib.util.spec_from_file_location("checks", CHECKOUT / ".ci" / "checks.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "checks", module)  # dataclass looks its module up
    specification.loader.exec_module(module)
    return module


def test_every_kind_of_check_is_run(checks: ModuleType) -> None:
    lines = [" ".join(step.arguments) for step in checks.STEPS]

    assert [step.name for step in checks.STEPS] == [
        "lint", "format", "spelling", "types", "build", "proof", "tests",
    ]  # fmt: skip
    assert "-m grading.cli build --check" in lines
    assert "-m grading.proof --seeds 20" in lines
    assert "-m pytest -n 2 --dist loadscope" in lines


def test_failing_step_does_not_hide_the_next_ones(
    checks: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail_types(step: object, _: dict[str, str]) -> object:
        name = step.name  # type: ignore[attr-defined]
        return checks.Outcome(name, name != "types", 1.5, "3 passed" if name == "tests" else "")

    status = checks.main([], fail_types)

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert "types      FAILED     1.5 s" in lines
    assert "tests      passed     1.5 s  3 passed" in lines
    assert lines[-1] == "total                10.5 s  FAILED: types"


def test_all_passed_is_status_0(checks: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    status = checks.main([], lambda step, _: checks.Outcome(step.name, True, 0.0, ""))

    assert status == 0
    assert capsys.readouterr().out.endswith("everything passed\n")


def test_arguments_go_to_pytest_alone(checks: ModuleType) -> None:
    ran: list[tuple[str, ...]] = []

    def note(step: object, _: dict[str, str]) -> object:
        ran.append(step.arguments)  # type: ignore[attr-defined]
        return checks.Outcome("tests", True, 0.0, "")

    checks.main(["tests/nnlib", "-x"], note)

    assert ran == [("-m", "pytest", "-n", "2", "--dist", "loadscope", "tests/nnlib", "-x")]


def test_ctrl_c_keeps_what_was_found_so_far(
    checks: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(step: object, _: dict[str, str]) -> object:
        if step.name == "format":  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return checks.Outcome("lint", False, 1.0, "")

    status = checks.main([], press)

    out, err = capsys.readouterr()
    assert status == 130
    assert "lint       FAILED" in out
    assert err == "start.py test: stopped before the end.\n"


def test_step_passes_output_on_and_keeps_the_closing_line(
    checks: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "print('a dot'); print('=== 1 failed, 4 passed in 0.10s ==='); raise SystemExit(1)"

    outcome = checks.run(checks.Step("tests", ("-c", code)), {})

    assert (outcome.passed, outcome.detail) == (False, "1 failed, 4 passed in 0.10s")
    assert "a dot\n=== 1 failed, 4 passed in 0.10s ===\n" in capsys.readouterr().out

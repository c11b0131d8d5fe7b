"""``nncourse build`` hands its options to the build and turns findings into its exit status."""

from __future__ import annotations

from typing import Any

import pytest

from grading.authoring.pipeline import BuildResult
from tests.grading.cli.conftest import Run


@pytest.mark.parametrize(("findings", "status"), [((), 0), (("01: changed", "01: leak"), 1)])
def test_findings_are_printed_and_fail(
    nncourse: Run, monkeypatch: pytest.MonkeyPatch, findings: tuple[str, ...], status: int
) -> None:
    asked: list[Any] = []

    def build(units: Any, *, check: bool, report: Any, force: bool) -> BuildResult:
        asked.append((units, check, force))
        report("01-backpropagation: compared")
        return BuildResult(findings=findings)

    monkeypatch.setattr("grading.authoring.build", build)

    result = nncourse("build", "--check", "01", "00")

    assert asked == [(["01", "00"], True, False)]
    assert result.exit_code == status
    assert result.stdout == "01-backpropagation: compared\n"
    assert [line for line in result.stderr.splitlines() if line.startswith("01")] == [*findings]


def test_an_unknown_unit_is_refused(nncourse: Run) -> None:
    result = nncourse("build", "--check", "99")

    assert result.exit_code == 2
    assert "99" in result.stderr
    assert "Traceback" not in result.output

"""``nncourse doctor`` prints what was found, and its exit status says whether something fails."""

from __future__ import annotations

import json

import pytest

from grading.doctor import Finding
from tests.grading.cli.conftest import Run

WELL = Finding("Python", "ok", "3.11.9")
NOTE = Finding("disk", "warn", "0.5 GB free", "Free at least 1 GB.")
ILL = Finding("kernel", "fail", "no [bold]answer", "Run: python start.py")


@pytest.mark.parametrize(("findings", "status"), [([WELL, NOTE], 0), ([WELL, ILL, NOTE], 1)])
def test_only_a_failure_changes_the_status(
    nncourse: Run, monkeypatch: pytest.MonkeyPatch, findings: list[Finding], status: int
) -> None:
    monkeypatch.setattr("grading.doctor.examine", lambda: findings)

    assert nncourse("doctor").exit_code == status
    assert nncourse("doctor", "--json").exit_code == status


def test_the_mend_stands_under_the_finding(nncourse: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.doctor.examine", lambda: [WELL, ILL])

    lines = [" ".join(line.split()) for line in nncourse("doctor").stdout.splitlines()]

    assert lines == [
        "ok Python 3.11.9",
        "FAILS kernel no [bold]answer",
        "Run: python start.py",
        "To be mended: kernel.",
    ]


def test_json_has_every_field(nncourse: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.doctor.examine", lambda: [NOTE])

    assert json.loads(nncourse("doctor", "--json").stdout) == [
        {"what": "disk", "state": "warn", "found": "0.5 GB free", "mend": "Free at least 1 GB."}
    ]

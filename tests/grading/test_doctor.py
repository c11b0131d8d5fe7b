"""The doctor sees what is wrong, names the mend, and never breaks itself."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbclient
import nbformat
import pytest

from grading import doctor as module
from grading.doctor import Finding, Report, doctor, examine
from grading.learning import kernels


def found(what: str, findings: list[Finding]) -> Finding:
    return next(finding for finding in findings if finding.what == what)


def test_every_finding_that_is_not_ok_names_a_mend(home: Path) -> None:
    findings = examine()

    assert [f.what for f in findings] == [
        "Python", "packages", "nnlib", "kernel", "arithmetic", "figures", "course folder", "disk",
        "progress file", "authors: Node.js", "authors: Chromium", "instructors: sandbox",
    ]  # fmt: skip
    assert all(f.found for f in findings)
    assert all(f.mend for f in findings if f.state != "ok")
    assert found("kernel", findings).state == "ok"
    assert found("arithmetic", findings).state == "ok"


def test_learners_are_spared_what_only_others_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "try_kernel", lambda: (1.0, f"42 {sys.prefix}"))

    assert not any(":" in f.what for f in examine(everybody=False))


def test_an_examination_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[float, str]:
        raise RuntimeError("no socket\nand a long story")

    monkeypatch.setattr(kernels, "try_kernel", broken)

    finding = module._safely("kernel", module._kernel)

    assert (finding.state, finding.found) == ("fail", "RuntimeError: no socket")
    assert finding.mend.startswith("Run: python start.py")


@pytest.mark.parametrize(
    ("answer", "said"),
    [("41 /x", "6 * 7 gave '41 /x'"), ("42 /other", "notebooks run in another Python, /other")],
)
def test_a_kernel_that_is_not_ours_fails(
    monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    monkeypatch.setattr(kernels, "try_kernel", lambda: (1.0, answer))

    assert (module._kernel().state, module._kernel().found) == ("fail", said)


def _packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[str], tested: str
) -> Finding:
    monkeypatch.setattr(module.importlib.metadata, "requires", lambda _name: asked)
    (tmp_path / "constraints.txt").write_text(tested)
    monkeypatch.setattr(module, "_checkout_file", lambda name: tmp_path / name)
    return module._packages()


def test_a_missing_package_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = ["No.such_package>=1", "numpy>=1", 'torch==0; extra == "torch"']

    finding = _packages(monkeypatch, tmp_path, asked, "")

    assert (finding.state, finding.found) == ("fail", "missing: no-such-package")


def test_a_version_outside_the_requirement_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finding = _packages(monkeypatch, tmp_path, ["numpy>=999"], "")

    assert finding.state == "fail"
    assert finding.found.endswith("(needs >=999)")


def test_an_untested_version_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = _packages(monkeypatch, tmp_path, ["NumPy>=1"], "# tested\nnumpy==1.0.0  # old\n")

    assert finding.state == "warn"
    assert finding.found.endswith("(tested with 1.0.0)")


def test_the_tested_versions_are_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import numpy as np

    finding = _packages(monkeypatch, tmp_path, ["NumPy>=1"], f"numpy=={np.__version__}\n")

    assert (finding.state, finding.found) == ("ok", "1 packages, all of the tested versions")


def test_missing_widget_extensions_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    (tmp_path / "@jupyter-widgets" / "jupyterlab-manager" / "package.json").write_text("{}")
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])

    finding = module._figures()

    assert finding.state == "fail"
    assert finding.mend.endswith("--force-reinstall anywidget")


@pytest.mark.parametrize(
    ("free_bytes", "state"), [(5_000_000, "fail"), (500_000_000, "warn"), (5_000_000_000, "ok")]
)
def test_a_full_disk_is_seen(monkeypatch: pytest.MonkeyPatch, free_bytes: int, state: str) -> None:
    usage = SimpleNamespace(free=free_bytes)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage)

    assert module._disk().state == state


def test_a_folder_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert module._course_folder().state == "fail"
    assert module._progress_file().state == "fail"


def test_damaged_lines_of_the_progress_file_are_counted(home: Path) -> None:
    good = '{"exercise": "a", "time": "2026-01-01T00:00:00+00:00", "points": 1, "total": 2}'
    (home / "progress.jsonl").write_text(f"{good}\n{{broken\n{good}\n", encoding="utf-8")

    finding = module._progress_file()

    assert (finding.state, finding.found) == ("warn", "1 of 3 lines are damaged and passed over")


def test_one_attempt_is_counted_in_the_singular(home: Path) -> None:
    good = '{"exercise": "a", "time": "2026-01-01T00:00:00+00:00", "points": 1, "total": 2}'
    (home / "progress.jsonl").write_text(f"{good}\n", encoding="utf-8")

    assert module._progress_file().found.startswith("1 attempt in ")


def test_a_folder_in_place_of_the_progress_file_fails(home: Path) -> None:
    (home / "progress.jsonl").mkdir()

    finding = module._progress_file()

    assert finding.state == "fail"
    assert str(home / "progress.jsonl") in finding.mend


def test_a_sandbox_that_may_not_isolate_is_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(module.shutil, "which", lambda _name, **_: str(fake))

    finding = module._sandbox()

    assert finding.state == "warn"
    assert finding.found == "submissions cannot be isolated"
    assert "bwrap: No permissions to create new namespace" in finding.mend


def test_the_report_escapes_what_it_shows_and_has_a_text_form() -> None:
    report = Report((Finding("disk", "fail", "<b>", "Free & go."), Finding("Python", "ok", "3")))

    assert "&lt;b&gt;" in report._repr_html_()
    assert "Free &amp; go." in report._repr_html_()
    assert repr(report) == "FAILS  disk: <b>  Free & go.\nok     Python: 3"
    assert report.summary() == "To be mended: disk."


def test_a_notebook_cell_shows_the_table_within_seconds(home: Path) -> None:
    """In a kernel no second kernel is started; the budget is 3 s, fails beyond four times that."""
    cell = nbformat.v4.new_code_cell("from grading.doctor import doctor; doctor()")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60)
    client.km = client.create_kernel_manager()
    client.km.transport = "ipc" if kernels.kernels_can_use_sockets() else "tcp"

    started = time.perf_counter()
    asyncio.run(client.async_execute())
    seconds = time.perf_counter() - started

    data = cell["outputs"][0]["data"]
    assert "this notebook runs in it" in data["text/html"]
    assert "this notebook runs in it" in data["text/plain"]
    assert f"course folder: {Path.cwd()} (this notebook's)" in data["text/plain"]
    assert [output["output_type"] for output in cell["outputs"]] == ["execute_result"]
    assert seconds < 12


def test_doctor_prints_as_lines_outside_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "try_kernel", lambda: (1.0, f"42 {sys.prefix}"))

    assert "kernel: started and ran a cell in 1.0 s" in repr(doctor())

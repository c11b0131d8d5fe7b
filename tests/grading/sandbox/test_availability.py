"""Every reason why a machine cannot isolate has its own cause and mend."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grading.sandbox import RunEndedError, SandboxError, why_unavailable
from grading.sandbox import _availability as availability
from grading.sandbox._image import CACHE_VARIABLE


@pytest.mark.sandbox
@pytest.mark.usefixtures("requires_sandbox")
def test_where_it_works_nothing_is_said() -> None:
    assert why_unavailable() is None


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    assert "Grade on Linux" in str(why_unavailable())


def test_without_bubblewrap_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    assert "apt install bubblewrap" in str(why_unavailable())


def test_root_needs_setpriv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "shutil.which", lambda name, **_: None if name == "setpriv" else f"/bin/{name}"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert "util-linux" in str(why_unavailable())


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (ModuleNotFoundError("pyseccomp"), "pip install 'nncourse[instructor]'"),
        (OSError("libseccomp.so.2"), "apt install libseccomp2"),
        (RuntimeError("Unable to find libseccomp"), "apt install libseccomp2"),
    ],
)
def test_a_missing_filter_is_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception, mend: str
) -> None:
    def fail() -> bytes:
        raise error

    monkeypatch.setattr("grading.sandbox._filter.seccomp_filter", fail)

    assert mend in str(availability._filter())


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"user/max_user_namespaces": "0"}, "user.max_user_namespaces=15000"),
        ({"kernel/unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone=1"),
        (
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ({}, "No permissions to create new namespace"),
    ],
)
def test_refused_namespaces_name_the_switch(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], mend: str
) -> None:
    said = b"bwrap: No permissions to create new namespace"
    refused = subprocess.CompletedProcess([], 1, b"", said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    monkeypatch.setattr(availability, "_setting", lambda name: settings.get(name, ""))
    monkeypatch.setattr("grading.sandbox._warm.drop_root", list)

    assert mend in str(availability._user_namespaces())


def test_bubblewrap_that_hangs_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("bwrap", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    monkeypatch.setattr("grading.sandbox._warm.drop_root", list)

    assert "cannot be run" in str(availability._user_namespaces())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux builds images")
def test_a_cache_that_nobody_else_can_enter_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    (closed / "image").mkdir(parents=True)
    closed.chmod(0o700)
    monkeypatch.setattr(availability, "build_image", lambda **_: closed / "image")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert CACHE_VARIABLE in str(availability._image(["numpy"]))


@pytest.mark.parametrize("error", [SandboxError("no mount"), RunEndedError("exited")])
def test_a_sandbox_that_fails_when_tried_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("grading.sandbox._sandboxes.Sandboxes.take", fail)

    assert str(error) in str(availability._run(["numpy"]))


def test_steps_run_in_order_until_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    for name in ("_system", "_programs", "_filter", "_user_namespaces", "_watching"):

        def step(name: str = name) -> str | None:
            tried.append(name)
            return "this one" if name == "_filter" else None

        monkeypatch.setattr(availability, name, step)

    assert why_unavailable() == "this one"
    assert tried == ["_system", "_programs", "_filter"]

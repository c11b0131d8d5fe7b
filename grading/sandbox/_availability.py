"""Why submissions cannot be isolated on this machine, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
from collections.abc import Callable, Sequence
from pathlib import Path

from grading.limits import Limits
from grading.refusals import Refusal
from grading.sandbox._image import CACHE_VARIABLE, build_image, cache_folder
from grading.sandbox._run import RunEndedError, SandboxError

_SWITCHES = {
    "user/max_user_namespaces": ("0", "user.max_user_namespaces=15000"),
    "kernel/unprivileged_userns_clone": ("0", "kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
}
"""Below /proc/sys: the value that forbids user namespaces, and the setting that allows them."""

_CONTAINER = (
    "In a container, start it so that user namespaces are allowed, for example: "
    "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined"
)
_TRY_S = 20.0


def why_unavailable(modules: Sequence[str] = ("numpy",)) -> str | None:
    """Try the sandbox for real, step by step, and say what is missing.

    Parameters
    ----------
    modules : sequence of str, default ("numpy",)
        What a submission is to import.

    Returns
    -------
    str or None
        Cause and mend in one or two sentences; None if submissions can be isolated here. The
        first time it builds what the sandbox sees, which takes seconds.
    """
    steps: tuple[Callable[[], str | None], ...] = (
        _system,
        _programs,
        _filter,
        _user_namespaces,
        _watching,
        lambda: _image(modules),
        lambda: _run(modules),
    )
    return next((reason for step in steps if (reason := step()) is not None), None)


def _system() -> str | None:
    if platform.system() == "Linux":
        return None
    return (
        "Submissions are isolated by Linux namespaces, which this system does not have. "
        "Grade on Linux, in a virtual machine or under WSL 2."
    )


def _programs() -> str | None:
    if _found("bwrap") is None:
        return "bubblewrap is not installed. Run: sudo apt install bubblewrap"
    if os.geteuid() == 0 and _found("setpriv") is None:
        return (
            "setpriv, which lets root give up its rights, is not installed. "
            "Run: apt install util-linux, or grade as an ordinary user"
        )
    return None


def _filter() -> str | None:
    from grading.sandbox._filter import seccomp_filter

    try:
        seccomp_filter()
    except ModuleNotFoundError:
        return (
            "pyseccomp, which filters system calls, is not installed. "
            "Run: pip install 'nncourse[instructor]'"
        )
    except (OSError, RuntimeError, ImportError) as error:
        return f"The library libseccomp cannot be used ({error}). Run: sudo apt install libseccomp2"
    return None


def _user_namespaces() -> str | None:
    from grading.sandbox._warm import drop_root

    isolate = [_found("bwrap") or "bwrap", "--unshare-all", "--die-with-parent"]
    try:
        done = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true]  a list
            [*drop_root(), *isolate, "--ro-bind", "/", "/", "true"],
            capture_output=True,
            timeout=_TRY_S,
            check=False,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap cannot be run here: {error}. {_CONTAINER}"
    if done.returncode == 0:
        return None
    for name, (forbids, allows) in _SWITCHES.items():
        if _setting(name) == forbids:
            return f"User namespaces are off on this machine. Run: sudo sysctl -w {allows}"
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
    return f"bubblewrap is refused its namespaces here ({said[-1]}). {_CONTAINER}"


def _watching() -> str | None:
    if Path("/proc/self/task").is_dir() and list(Path("/proc/self/task").glob("*/children")):
        return None
    return (
        "/proc does not list the children of a process, so the memory of a submission cannot be "
        "watched. Mount it: sudo mount -t proc proc /proc"
    )


def _image(modules: Sequence[str]) -> str | None:
    try:
        image = build_image(modules=modules)
    except Refusal as refusal:
        return str(refusal)
    if os.geteuid() != 0:
        return None
    closed = [folder for folder in image.parents if not folder.stat().st_mode & 0o001]
    if closed:
        return (
            f"{closed[-1]}: an unprivileged user cannot enter this folder, and the sandbox runs as "
            f"one. Set {CACHE_VARIABLE} to a folder that everyone may enter, not {cache_folder()}."
        )
    return None


def _run(modules: Sequence[str]) -> str | None:
    from grading.sandbox._sandboxes import Sandboxes

    request = {"do": "cell", "name": "try", "source": "1 + 1"}
    try:
        with Sandboxes() as sandboxes, sandboxes.take(modules, Limits()) as run:
            run.ask(request, within_s=_TRY_S)
    except (SandboxError, RunEndedError) as error:
        return f"A sandbox was tried, and failed: {error}. {_CONTAINER}"
    return None


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")


def _setting(name: str) -> str:
    try:
        return (Path("/proc/sys") / name).read_text().strip()
    except OSError:
        return ""

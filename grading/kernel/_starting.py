"""Start a launcher: the command line, the environment and the limits of a kernel's sandbox."""

from __future__ import annotations

import json
import os
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
import sys
import tempfile
from pathlib import Path
from typing import Any

from grading.limits import MEGABYTE, Limits
from grading.sandbox import ENVIRONMENT, PACKAGES, PREFIX, PYTHON, drop_root, seccomp_filter

__all__ = ["start_launcher", "unprivileged_id"]

_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink: ipykernel and libzmq need a loopback
_OWN_THREADS = 24  # of an idle kernel and the launcher; the learner's come on top
_OWN_ADDRESSES = 4096 * MEGABYTE  # mapped by libraries, mostly not held
_SHARED_MEMORY = 16 * MEGABYTE
_MADE = {"dev", "proc", "tmp"}  # by bubblewrap, in place of the image's
_TEMPORARY = "/tmp"  # ruff: ignore[hardcoded-temp-file]  the sandbox's own
_SHARED = "/dev/shm"  # ruff: ignore[hardcoded-temp-file]  the sandbox's own
_JOB = f"{_TEMPORARY}/job"
_OWN_ENVIRONMENT = {
    "IPYTHONDIR": f"{_TEMPORARY}/.ipython",
    "MPLCONFIGDIR": f"{_TEMPORARY}/.matplotlib",
    "NBGRADER_EXECUTION": "autograde",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "USER": "student",
}


def start_launcher(
    folder: Path,
    inbox: Path,
    control: int,
    modules: tuple[str, ...],
    limits: Limits,
    image: Path | None,
    log: Any,
) -> subprocess.Popen[bytes]:
    """Start a launcher, in a sandbox where there is an image.

    Parameters
    ----------
    folder : Path
        Of this run; without a sandbox, the notebooks work below it.
    inbox : Path
        Where the submission's files will be.
    control : int
        Descriptor of the socket that brings commands.
    modules : tuple of str
        To be loaded.
    limits : Limits
        What it may use.
    image : Path or None
        What it sees as its file system; None: no sandbox at all.
    log : file
        Takes what it says before it is ready.

    Returns
    -------
    subprocess.Popen
        Its process, or bubblewrap's.
    """
    source = Path(__file__).with_name("_launcher.py").read_text(encoding="utf-8")
    python = ["-s", "-P", "-c", source, str(control)]
    ceilings = json.dumps(_ceilings(limits) if image is not None else {})
    if image is None:
        job = folder / "job"
        job.mkdir()
        own = {"IPYTHONDIR": str(folder / "ipython"), "MPLCONFIGDIR": str(folder / "matplotlib")}
        environment = {**os.environ, **_OWN_ENVIRONMENT, **own}
        arguments = [str(inbox), str(job), ",".join(modules), "shared", ceilings]
        return _popen([sys.executable, *python, *arguments], environment, [control], log)
    with tempfile.TemporaryFile() as rules:
        rules.write(seccomp_filter(_FAMILIES))
        rules.seek(0)
        command = _bubblewrap(image, inbox, limits, rules.fileno())
        arguments = ["/inbox", _JOB, ",".join(modules), "alone", ceilings]
        return _popen(
            [*command, PYTHON, *python, *arguments],
            {"PATH": f"{os.environ.get('PATH', '')}:{os.defpath}"},
            [control, rules.fileno()],
            log,
        )


def unprivileged_id() -> int:
    """Return the id that root gives up its own for.

    Returns
    -------
    int
        As the command line of `drop_root` has it.
    """
    return next(int(part[8:]) for part in drop_root() if part.startswith("--reuid="))


def _popen(
    command: list[str], environment: dict[str, str], passed: list[int], log: Any
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true]  made above
        command,
        env=environment,
        pass_fds=passed,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _ceilings(limits: Limits) -> dict[str, int]:
    """Return limits that the system keeps for each process, in case the watch is too slow."""
    return {
        "RLIMIT_AS": limits.memory_bytes + _OWN_ADDRESSES,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(2 * limits.submission_s) + 60,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": 512,
        "RLIMIT_NPROC": limits.n_processes + _OWN_THREADS,
    }


def _bubblewrap(image: Path, inbox: Path, limits: Limits, rules: int) -> list[str]:
    """Return the command line up to the program that is to run inside."""
    command = [*drop_root(), "bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    command += ["--clearenv", "--hostname", "sandbox", "--cap-drop", "ALL"]
    for entry in sorted(image.iterdir()):
        if entry.is_dir() and entry.name not in _MADE:
            command += ["--ro-bind", str(entry), f"/{entry.name}"]
    command += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", str(inbox), "/inbox"]
    command += ["--size", str(_SHARED_MEMORY), "--tmpfs", _SHARED]
    command += ["--size", str(limits.file_bytes), "--tmpfs", _TEMPORARY, "--dir", _JOB]
    command += ["--remount-ro", "/", "--chdir", _JOB]
    inside = {
        **ENVIRONMENT,
        **_OWN_ENVIRONMENT,
        "PATH": f"/{PREFIX}/bin",
        "PYTHONPATH": f"/{PACKAGES}",
    }
    for name, value in inside.items():
        command += ["--setenv", name, value]
    command += ["--seccomp", str(rules), "--"]
    return command

"""Examine an installation, and name the mend of whatever is wrong with it.

``nncourse doctor`` prints the findings; a cell of unit 00 shows them with ``doctor()``.
"""

from __future__ import annotations

import html
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess  # ruff: ignore[suspicious-subprocess-import]  # fixed commands only
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Finding", "Report", "doctor", "examine"]

State = Literal["ok", "warn", "fail"]

_FREE_WARN_BYTES, _FREE_FAIL_BYTES = 1_000_000_000, 100_000_000
_INSTALL = "Run: python start.py (in the course's folder), which installs what is missing."
_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "#009E73"),
    "warn": ("note", "#D55E00"),
    "fail": ("FAILS", "#B00020"),
}


@dataclass(frozen=True)
class Finding:
    """What one examination found.

    Attributes
    ----------
    what : str
        What was examined.
    state : {"ok", "warn", "fail"}
        "warn" hinders nobody today; with "fail" some part of the course does not work.
    found : str
        What is there.
    mend : str
        One sentence to act on, "" if there is nothing to do.
    """

    what: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Report:
    """Findings that show themselves as a table in a notebook and as lines elsewhere."""

    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{_MARKS[f.state][0]:<5}  {f.what}: {f.found}" + (f"  {f.mend}" if f.mend else "")
            for f in self.findings
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='color:{_MARKS[f.state][1]};text-align:left'>"
            f"<b>{_MARKS[f.state][0]}</b></td>"
            f"<th scope='row' style='text-align:left'>{html.escape(f.what)}</th>"
            f"<td style='text-align:left'>{html.escape(f.found)}</td>"
            f"<td style='text-align:left'>{html.escape(f.mend)}</td></tr>"
            for f in self.findings
        )
        head = "".join(
            f"<th scope='col' style='text-align:left'>{title}</th>"
            for title in ("", "examined", "found", "what to do")
        )
        return (
            f"<table><caption style='text-align:left'>{self.summary()}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def summary(self) -> str:
        """Say in one sentence how the installation is.

        Returns
        -------
        summary : str
            For the top of the table.
        """
        failing = [f.what for f in self.findings if f.state == "fail"]
        if failing:
            return f"To be mended: {', '.join(failing)}."
        return "Everything that the course needs works here."


def doctor() -> Report:
    """Examine the installation from inside a notebook.

    Returns
    -------
    report : Report
        Shown by the notebook as a table.
    """
    return Report(tuple(examine(everybody=False)))


def examine(*, everybody: bool = True) -> list[Finding]:
    """Examine the installation.

    Parameters
    ----------
    everybody : bool, default True
        Also look for what only authors and instructors need.

    Returns
    -------
    findings : list of Finding
        One for each examination, in a fixed order. An examination that breaks is a finding too.
    """
    for_learners = {
        "Python": _python,
        "packages": _packages,
        "nnlib": _nnlib,
        "kernel": _kernel,
        "arithmetic": _arithmetic,
        "figures": _figures,
        "course folder": _course_folder,
        "disk": _disk,
        "progress file": _progress_file,
    }
    for_others = {
        "authors: Node.js": lambda: _optional("authors: Node.js", ("node",)),
        "authors: Chromium": lambda: _optional(
            "authors: Chromium", ("chromium", "chromium-browser", "google-chrome")
        ),
        "instructors: sandbox": _sandbox,
    }
    chosen = {**for_learners, **(for_others if everybody else {})}
    return [_safely(what, look) for what, look in chosen.items()]


def _safely(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # ruff: ignore[blind-except]  # a broken installation may break anything
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return Finding(what, "fail", said, _INSTALL)


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.maxsize < 2**32:
        return Finding("Python", "fail", f"{found}, 32 bits", "Install the 64-bit version.")
    return Finding("Python", "ok", found)


def _packages() -> Finding:
    """Compare what is installed with what the course asks for and what it was tested with."""
    from packaging.requirements import Requirement  # may be missing

    tested = _tested_versions()
    missing, unfit, untested = [], [], []
    asked = [Requirement(line) for line in _requirements()]
    for requirement in asked:
        name = _normal(requirement.name)
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            unfit.append(f"{name} {version} (needs {requirement.specifier})")
        elif tested.get(name, version) != version:
            untested.append(f"{name} {version} (tested with {tested[name]})")
    if missing or unfit:
        parts = [f"missing: {', '.join(missing)}" if missing else "", "; ".join(unfit)]
        return Finding("packages", "fail", "; ".join(filter(None, parts)), _INSTALL)
    if untested:
        mend = "If something misbehaves, run: python start.py, which installs the tested versions."
        return Finding("packages", "warn", "; ".join(untested), mend)
    suffix = ", all of the tested versions" if tested else ""
    return Finding("packages", "ok", f"{len(asked)} packages{suffix}")


def _requirements() -> list[str]:
    """Return what a learner needs, from the installed package or from the checkout."""
    try:
        lines = importlib.metadata.requires("nncourse") or []
    except importlib.metadata.PackageNotFoundError:
        import tomllib  # only in a checkout that is not installed

        project = _checkout_file("pyproject.toml").read_text(encoding="utf-8")
        lines = tomllib.loads(project)["project"]["dependencies"]
    return [line for line in lines if "extra ==" not in line]


def _tested_versions() -> dict[str, str]:
    """Read constraints.txt; {} where the course was installed without its checkout."""
    try:
        text = _checkout_file("constraints.txt").read_text(encoding="utf-8")
    except OSError:
        return {}
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;#]+)", text, re.MULTILINE)
    return {_normal(name): version for name, version in pins}


def _checkout_file(name: str) -> Path:
    return Path(__file__).resolve().parent.parent / name


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _nnlib() -> Finding:
    """Import the library in a Python of its own, as a learner's kernel will do."""
    program = "import nnlib, grading.check"
    started = time.perf_counter()
    done = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true]  # a list
        [sys.executable, "-X", "utf8", "-c", program],
        capture_output=True,
        check=False,
        cwd=Path.home(),  # not the checkout, which would be found without being installed
        timeout=60,
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        return Finding("nnlib", "fail", said[-1], _INSTALL)
    return Finding("nnlib", "ok", f"nnlib and grading import in {seconds:.1f} s")


def _kernel() -> Finding:
    from grading.learning.kernels import runs_in_kernel, try_kernel  # jupyter may be missing

    if runs_in_kernel():
        return Finding("kernel", "ok", "this notebook runs in it")
    seconds, answer = try_kernel()
    product, _, prefix = answer.partition(" ")
    if product != "42":
        return Finding("kernel", "fail", f"6 * 7 gave {answer!r}", _INSTALL)
    if prefix != sys.prefix:
        mend = "Remove that kernel: jupyter kernelspec remove python3"
        return Finding("kernel", "fail", f"notebooks run in another Python, {prefix}", mend)
    return Finding("kernel", "ok", f"started and ran a cell in {seconds:.1f} s")


def _arithmetic() -> Finding:
    """Multiply two matrices with NumPy's BLAS, and one row of them by plain Python."""
    import numpy as np  # may be missing

    n = 400
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((n, n)), rng.standard_normal((n, n))
    started = time.perf_counter()
    product = a @ b
    seconds = time.perf_counter() - started
    by_hand = [sum(x * y for x, y in zip(a[3], column, strict=True)) for column in b.T[:20]]
    if not np.allclose(product[3, :20], by_hand, rtol=1e-9, atol=1e-9):
        mend = f"Install NumPy again: {sys.executable} -m pip install --force-reinstall numpy"
        return Finding("arithmetic", "fail", "a matrix product is wrong", mend)
    rate = 2 * n**3 / seconds / 1e9
    return Finding("arithmetic", "ok", f"matrix product right, {rate:.0f} GFLOP/s")


def _figures() -> Finding:
    """Look for the browser's half of the widgets, which a copied environment can lack."""
    from jupyter_core.paths import jupyter_path  # may be missing

    folders = [Path(path) for path in jupyter_path("labextensions")]
    needed = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets"}
    missing = [
        package
        for extension, package in needed.items()
        if not any((folder / extension / "package.json").is_file() for folder in folders)
    ]
    if missing:
        again = " ".join(missing)
        mend = f"Install it again: {sys.executable} -m pip install --force-reinstall {again}"
        return Finding("figures", "fail", f"JupyterLab lacks the extension of {again}", mend)
    return Finding("figures", "ok", "JupyterLab has both widget extensions")


def _course_folder() -> Finding:
    from grading.learning.kernels import runs_in_kernel  # jupyter may be missing

    folder = _own_folder()
    place = _existing(folder)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        mend = 'Keep your copy elsewhere: "nncourse learn FOLDER".'
        return Finding("course folder", "fail", f"{place} cannot be written to", mend)
    there = "" if folder.exists() else ' (made by "nncourse learn")'
    if runs_in_kernel():
        there = " (this notebook's)"
    return Finding("course folder", "ok", f"{folder}{there}")


def _own_folder() -> Path:
    """Return the folder of the running notebook; elsewhere, where a copy lies unless told."""
    from grading.learning.kernels import runs_in_kernel  # jupyter may be missing
    from grading.learning.places import default_folder  # keeps this import light

    return Path.cwd() if runs_in_kernel() else default_folder()


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _disk() -> Finding:
    free = shutil.disk_usage(_existing(_own_folder())).free
    found = f"{free / 1e9:.1f} GB free"
    if free < _FREE_FAIL_BYTES:
        return Finding("disk", "fail", found, "Free at least 1 GB, or notebooks cannot be saved.")
    if free < _FREE_WARN_BYTES:
        return Finding("disk", "warn", found, "Free at least 1 GB before you download data sets.")
    return Finding("disk", "ok", found)


def _progress_file() -> Finding:
    from grading import progress  # imports the exercises

    path = progress.path()
    if not path.exists():
        place = _existing(path.parent)
        if not os.access(place, os.W_OK):
            mend = "Set NNCOURSE_HOME to a folder of your own, or attempts are not remembered."
            return Finding("progress file", "fail", f"{place} cannot be written to", mend)
        return Finding("progress file", "ok", f"none yet; will be {path}")
    try:
        lines = sum(bool(line.strip()) for line in path.read_bytes().splitlines())
        writable = os.access(path, os.W_OK)
    except OSError as error:
        writable, lines, why = False, 0, error.strerror
    else:
        why = "it is read-only"
    if not writable:
        mend = f"Make it yours, or move it away: {path}"
        return Finding("progress file", "fail", f"cannot be used: {why}", mend)
    readable = len(progress.read())
    if readable < lines:
        found = f"{lines - readable} of {lines} lines are damaged and passed over"
        mend = 'The others are safe: "nncourse progress --export FILE" writes a clean copy.'
        return Finding("progress file", "warn", found, mend)
    attempts = "attempt" if readable == 1 else "attempts"
    return Finding("progress file", "ok", f"{readable} {attempts} in {path}")


def _optional(what: str, names: tuple[str, ...]) -> Finding:
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Finding(what, "ok", found or "not installed; learners do without it")


def _sandbox() -> Finding:
    """Isolate something, as grading will."""
    what = "instructors: sandbox"
    if shutil.which("bwrap") is None or importlib.util.find_spec("pyseccomp") is None:
        where = "not installed" if sys.platform == "linux" else "exists on Linux only"
        return Finding(what, "ok", f"{where}; learners do without it")
    from grading.sandbox import why_unavailable  # only instructors have what it needs

    reason = why_unavailable()
    if reason is None:
        return Finding(what, "ok", "bubblewrap isolates submissions")
    return Finding(what, "warn", "submissions cannot be isolated", reason)

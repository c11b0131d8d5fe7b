"""The image: the folder that a sandbox sees as its whole file system.

It holds a copy of the interpreter and its standard library, the wanted distributions with what they
depend on, the probes, and exactly the shared libraries that these load: no shell, no other package,
no file of the machine. It is built once, read-only, and named after its content.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
import sys
import sysconfig
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import grading.probes
from grading.refusals import Refusal

LAYOUT = 3
"""Counted up when what is built changes, so that older images are left behind."""

CACHE_VARIABLE = "NNCOURSE_SANDBOX_CACHE"
DEVICES = ("null", "random", "urandom")  # a shared mapping of /dev/zero would hold unseen memory
PACKAGES = "packages"
PREFIX = "python"
"""Folder of the interpreter; Python does not look for its library in the root itself."""

_KEPT_UNUSED_S = 7 * 24 * 3600
_LEFT_OUT = {"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "lib2to3"}
_LEFT_OUT_EXTENSIONS = ("_tkinter", "_test", "_ctypes_test", "_xxtestfuzz", "xx")
_LOADED = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_CHECK = '''"""Stands in for the course's own package: what is graded is judged outside."""


def check(name: str) -> float:
    """Say that nothing is judged here."""
    print(f"{name}: graded outside")
    return 0.0


def passed(*names: str) -> bool:
    """Say that nothing has passed, so that no cell goes on to train."""
    return False
'''


def cache_folder() -> Path:
    """Return the folder that images are kept in.

    Returns
    -------
    Path
        ``NNCOURSE_SANDBOX_CACHE`` where it is set; for root below ``/var/cache``, because an
        unprivileged user must be able to read it; otherwise in the user's own cache.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/nncourse/sandbox")
    from platformdirs import user_cache_path

    return user_cache_path("nncourse") / "sandbox"


def build_image(
    distributions: Sequence[str] = (), *, modules: Sequence[str] = (), cache: Path | None = None
) -> Path:
    """Return the image with these distributions, building it if there is none yet.

    Parameters
    ----------
    distributions : sequence of str
        Names of installed distributions; what they require comes with them.
    modules : sequence of str
        Importable names; the distributions that provide them are added.
    cache : Path, optional
        Where images are kept; by default `cache_folder`.

    Returns
    -------
    Path
        The folder: read-only, readable by everyone.

    Raises
    ------
    Refusal
        If a distribution is not installed, or the folder cannot be used.
    """
    found = closure([*distributions, *map(_provider, wanted(modules))])
    key = image_key(found)
    folder = cache if cache is not None else cache_folder()
    image = folder / key
    try:
        _prepare(folder)
        if not image.is_dir():
            with _locked(folder / "lock"):
                if not image.is_dir():
                    _build(image, found)
                    _remove_unused(folder, keep=key)
        os.utime(folder / f"{key}.used")
    except OSError as error:
        msg = (
            f"{folder}: the sandbox's files cannot be kept here: {error.strerror or error}. "
            f"Set {CACHE_VARIABLE} to a folder of yours that everyone may read."
        )
        raise Refusal(msg) from error
    return image


def wanted(modules: Iterable[str]) -> list[str]:
    """Leave out of importable names those that come with Python.

    Parameters
    ----------
    modules : iterable of str
        Importable names.

    Returns
    -------
    list of str
        The others, sorted; NumPy always, because the probes need it.
    """
    tops = {name.partition(".")[0] for name in modules} | {"numpy"}
    return sorted(tops - sys.stdlib_module_names)


def closure(names: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Find distributions and all that they require here.

    Parameters
    ----------
    names : iterable of str
        Names of installed distributions.

    Returns
    -------
    dict of str to Distribution
        By normalized name, sorted.

    Raises
    ------
    Refusal
        If one of ``names`` is not installed.
    """
    from packaging.requirements import Requirement

    found: dict[str, metadata.Distribution] = {}
    todo = [(name, True) for name in names]
    while todo:
        name, asked_for = todo.pop()
        normal = re.sub(r"[-_.]+", "-", name).lower()
        if normal in found:
            continue
        try:
            found[normal] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if not asked_for:  # required, yet absent: whoever imports it will say so
                continue
            msg = f"{name}: no such distribution is installed. Run: pip install {name}"
            raise Refusal(msg) from None
        for line in found[normal].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append((requirement.name, False))
    return dict(sorted(found.items()))


def image_key(distributions: dict[str, metadata.Distribution]) -> str:
    """Name an image after what is in it.

    Parameters
    ----------
    distributions : dict of str to Distribution
        What `closure` found.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    interpreter = Path(sys.executable).resolve()
    state = interpreter.stat()
    content = {
        "layout": LAYOUT,
        "python": sys.version,
        "interpreter": [str(interpreter), state.st_size, state.st_mtime_ns],
        "packages": [
            [name, each.version, str(each.locate_file(""))] for name, each in distributions.items()
        ],
        "check": _CHECK,
        "probes": [
            [path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in _probe_files()
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def write_course_package(folder: Path) -> None:
    """Write the ``grading`` that a submission may import: the probes, and a check that says 0.

    Parameters
    ----------
    folder : Path
        An existing folder, to go on ``sys.path``.
    """
    package = folder / "grading"
    (package / "probes").mkdir(parents=True)
    (package / "__init__.py").write_text('"""What of the course is needed here."""\n')
    (package / "check.py").write_text(_CHECK)
    for path in _probe_files():
        shutil.copyfile(path, package / "probes" / path.name)


def _build(image: Path, distributions: dict[str, metadata.Distribution]) -> None:
    with tempfile.TemporaryDirectory(dir=image.parent, prefix="building-") as scratch:
        root = Path(scratch) / "root"
        for name in (f"{PREFIX}/bin", "dev", "lib", "tmp", PACKAGES):
            (root / name).mkdir(parents=True)
        for name in DEVICES:
            (root / "dev" / name).touch()
        (root / "dev" / "shm").symlink_to("../tmp")
        _copy_python(root)
        for each in distributions.values():
            _copy_distribution(each, root / PACKAGES)
        write_course_package(root / PACKAGES)
        _copy_libraries(root)
        compileall.compile_dir(root / PACKAGES, quiet=2, stripdir=str(root))
        compileall.compile_dir(_library(root), quiet=2, stripdir=str(root))
        _make_readable(root)
        (image.parent / f"{image.name}.used").touch()
        root.chmod(0o755)  # a folder that its owner cannot write to cannot be moved
        root.rename(image)
        image.chmod(0o555)


def _copy_python(root: Path) -> None:
    interpreter = Path(sys.executable).resolve()
    shutil.copy2(interpreter, root / PREFIX / "bin" / "python")
    shutil.copytree(sysconfig.get_path("stdlib"), _library(root), ignore=_left_out, symlinks=False)
    platform = Path(sysconfig.get_path("platstdlib"))
    if not (_library(root) / "lib-dynload").is_dir() and (platform / "lib-dynload").is_dir():
        shutil.copytree(platform / "lib-dynload", _library(root) / "lib-dynload")


def _library(root: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return root / PREFIX / sys.platlibdir / version


def _left_out(folder: str, names: list[str]) -> set[str]:
    at_top = Path(folder) == Path(sysconfig.get_path("stdlib"))
    return {
        name
        for name in names
        if (at_top and (name in _LEFT_OUT or name.startswith("config-")))
        or (folder.endswith("lib-dynload") and name.startswith(_LEFT_OUT_EXTENSIONS))
        or name.endswith((".a", ".opt-1.pyc", ".opt-2.pyc"))
        or (folder.endswith("unittest") and name == "test")
    }


def _copy_distribution(distribution: metadata.Distribution, packages: Path) -> None:
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." in file.parts or file.is_absolute() or not source.is_file():
            continue  # scripts, and what was listed yet never written
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _copy_libraries(root: Path) -> None:
    """Copy the loader to its usual place, and every library that something in the image names."""
    programs = [root / PREFIX / "bin" / "python", *root.rglob("*.so"), *root.rglob("*.so.*")]
    bundled = {path.name for path in programs}
    environment = {"PATH": os.environ.get("PATH", ""), "LD_LIBRARY_PATH": _original_libraries()}
    ldd = shutil.which("ldd") or "/usr/bin/ldd"
    done: set[str] = set()
    for program in programs:
        listed = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true]  a list
            [ldd, str(program)],
            capture_output=True, text=True, check=False, env=environment,
        ).stdout  # fmt: skip
        for name, path in _LOADED.findall(listed):
            if not name or name.startswith("/"):  # the loader stands without an arrow
                target = root / path.lstrip("/")
            elif name in bundled and str(root) in path:
                continue
            else:
                target = root / "lib" / name
            if str(target) not in done:
                done.add(str(target))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(Path(path).resolve(), target)


def _original_libraries() -> str:
    """Return where the interpreter's own library lies, which its copy no longer stands beside."""
    folder = sysconfig.get_config_var("LIBDIR")
    return str(folder) if folder else ""


def _make_readable(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o555 if executable else 0o444)
    (root / "tmp").chmod(0o555)


def _prepare(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    state = folder.stat()
    if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        msg = (
            f"{folder}: others can write to this folder, and could change what the sandbox runs. "
            f"Set {CACHE_VARIABLE} to a folder that only you can write to."
        )
        raise Refusal(msg)


def _remove_unused(folder: Path, keep: str) -> None:
    """Remove images of other content that nothing has used for a week."""
    for mark in folder.glob("*.used"):
        if mark.stem == keep or time.time() - mark.stat().st_mtime < _KEPT_UNUSED_S:
            continue
        remove_image(folder / mark.stem)
        mark.unlink(missing_ok=True)


def remove_image(image: Path) -> None:
    """Remove an image, whose folders are read-only.

    Parameters
    ----------
    image : Path
        The folder.
    """
    for path in [image, *image.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(image, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    import fcntl  # not on Windows, where nothing is built

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _provider(module: str) -> str:
    """Return the distribution that provides a module."""
    try:
        return str(metadata.distribution(module).metadata["Name"])
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(module)
    if not names:
        msg = f"{module}: nothing installed provides this module. Run: pip install {module}"
        raise Refusal(msg)
    return names[0]


def _probe_files() -> list[Path]:
    return sorted(Path(grading.probes.__file__).parent.glob("*.py"))

"""start.py on a bare machine, with a stand-in for Python and pip that fails on demand."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = (CHECKOUT / "start.py").read_text(encoding="utf-8")

STAND_IN = """
import os, pathlib, shutil, sys

me, *words = sys.argv[1:]
if words[:2] == ["-I", "-c"]:
    print(os.environ.get("FAKE_VERSION", "3 11"))
    sys.exit()
with open(os.environ["FAKE_CALLS"], "a", encoding="utf-8") as calls:
    calls.write(" ".join(words) + chr(10))
if "venv" in words:
    home = pathlib.Path(words[-1], "bin")
    home.mkdir(parents=True)
    if not os.environ.get("FAKE_VENV_EXIT"):
        shutil.copy(me, home / "python")
    sys.exit(os.environ.get("FAKE_VENV_EXIT"))
if "pip" in words:
    link = pathlib.Path(me).parents[1] / "lib/python3.11/site-packages/_editable_impl_nncourse.pth"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.write_text(os.getcwd(), encoding="utf-8")  # as hatchling does
    print(os.environ.get("FAKE_PIP", "Successfully installed nncourse-0.1.0"))
    sys.exit(int(os.environ.get("FAKE_PIP_EXIT", "0")))
print("opened", words, "HOME=" + os.environ.get("HOME", ""))
sys.exit(7)
"""

# Copied from pip 23.2 and 26.3, shortened; the index was a closed port, then out of reach.
REFUSED = """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None)) \
after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection \
object at 0x7f3c>: Failed to establish a new connection: [Errno 111] Connection refused')'
ERROR: Could not find a version that satisfies the requirement hatchling>=1.25 (from versions: none)
ERROR: No matching distribution found for hatchling>=1.25
"""
UNNAMED = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NameResolutionError("\
<HTTPSConnection>: Failed to resolve 'index' ([Errno -3] Temporary failure in name resolution)")'
ERROR: No matching distribution found for numpy>=2.0
"""
CUT_OFF = "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.\n"
UNTRUSTED = (
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed'))\n"
)
NO_SPACE = (
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
)
NO_SPACE_ON_WINDOWS = "OSError: [WinError 112] There is not enough space on the disk\n"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a command that acts as a Python with venv and pip, and notes what it was asked."""
    program = tmp_path / "stand_in.py"
    program.write_text(STAND_IN, encoding="utf-8")
    command = tmp_path / "python-stand-in"
    words = shlex.join([sys.executable, "-I", str(program)])
    command.write_text(f'#!/bin/sh\nexec {words} "$0" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setattr(sys, "_base_executable", str(command))
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of what start.py needs, in a folder with spaces and accents in its name."""
    place = tmp_path / "kürs mit é"
    place.mkdir()
    for name in ("start.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, place)
    return place


@pytest.fixture
def start(folder: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return start.py as a module that opens nothing but notes what it would open."""
    specification = importlib.util.spec_from_file_location("start", folder / "start.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    opened: list[tuple[list[str], dict[str, str]]] = []

    def note(command: list[str], environment: dict[str, str]) -> int:
        opened.append((command, environment))
        return 0

    monkeypatch.setattr(module, "hand_over", note)
    monkeypatch.setattr(module, "opened", opened, raising=False)
    return module


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """Return a function that lists the names of the installers called so far."""

    def names() -> list[str]:
        path = tmp_path / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return ["venv" if "venv" in line.split() else "pip" for line in lines]

    return names


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what went to stderr, which must be one line that names the program."""
    text = capsys.readouterr().err.strip()
    assert text.startswith("start.py: ")
    assert "\n" not in text
    assert "Traceback" not in text
    return text


# The Python that reads it


def test_grammar_is_that_of_python_3_6() -> None:
    """An older Python must get as far as the sentence that explains it."""
    tree = ast.parse(SOURCE, feature_version=(3, 6))

    futures = [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]

    assert futures == []  # annotations is unknown to 3.6


def test_imports_only_the_standard_library() -> None:
    tree = ast.parse(SOURCE)
    plain = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    parts = [str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]

    assert {name.split(".")[0] for name in plain + parts} <= sys.stdlib_module_names


def test_oldest_python_is_the_one_of_pyproject(start: ModuleType) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["requires-python"] == ">=" + ".".join(map(str, start.OLDEST))


def test_old_python_is_explained(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setenv("PATH", "")

    status = start.main([])

    assert status == 2
    assert "this is Python 3.9.18, and the course needs 3.11 or newer." in said(capsys)


def test_old_python_names_a_newer_one_on_the_same_machine(
    start: ModuleType,
    stand_in: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(stand_in, stand_in.with_name("python3.12"))
    monkeypatch.setenv("FAKE_VERSION", "3 12")
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))

    start.main([])

    assert '"python3.12" start.py' in said(capsys)


@pytest.mark.parametrize(
    ("debian", "mend"), [(True, "sudo apt install python3.{}-venv"), (False, "python.org")]
)
def test_missing_venv_module_names_its_package(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debian: bool,
    mend: str,
) -> None:
    monkeypatch.setattr(start, "has_module", lambda name: name != "ensurepip")
    exists = Path.exists
    monkeypatch.setattr(
        Path, "exists", lambda p: debian if p.name == "debian_version" else exists(p)
    )

    status = start.main([])

    sentence = said(capsys)
    assert status == 1
    assert 'lacks the module "ensurepip"' in sentence
    assert mend.format(sys.version_info.minor) in sentence
    assert not start.VENV.exists()


# Installing, again and again


def test_first_run_says_the_size_installs_and_opens(
    start: ModuleType, calls: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    status = start.main(["--no-browser", "--port", "9123", "--restore"])

    command, _ = start.opened[0]
    assert status == 0
    assert calls() == ["venv", "pip"]
    assert capsys.readouterr().out.startswith("Installing the course in .venv: 147 MB to download")
    assert command[0] == str(start.PYTHON)
    assert command[-5:] == ["learn", "--no-browser", "--port", "9123", "--restore"]


def test_second_run_installs_nothing_and_is_quick(
    start: ModuleType, calls: Callable[[], list[str]]
) -> None:
    start.main([])
    begin = time.monotonic()

    start.main([])

    assert time.monotonic() - begin < 10  # measured: 0.1 s, the start of one interpreter
    assert calls() == ["venv", "pip"]
    assert len(start.opened) == 2


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(
    start: ModuleType, folder: Path, calls: Callable[[], list[str]], name: str
) -> None:
    start.main([])
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write("# a newer release\n")

    start.main([])

    assert calls() == ["venv", "pip", "pip"]


def test_update_that_failed_is_repeated_though_its_cause_is_gone(
    start: ModuleType,
    folder: Path,
    calls: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have left some packages of the one state and some of the other."""
    start.main([])
    tested = (folder / "constraints.txt").read_text(encoding="utf-8")
    (folder / "constraints.txt").write_text("numpy==0.1", encoding="utf-8")
    monkeypatch.setenv("FAKE_PIP_EXIT", "1")
    start.main([])
    (folder / "constraints.txt").write_text(tested, encoding="utf-8")
    monkeypatch.delenv("FAKE_PIP_EXIT")

    status = start.main([])

    assert status == 0
    assert calls() == ["venv", "pip", "pip", "pip"]


def test_more_is_added_and_nothing_taken_away(
    start: ModuleType, tmp_path: Path, calls: Callable[[], list[str]]
) -> None:
    for arguments in ([], ["--torch"], [], ["test"], ["--torch"], []):
        start.main(arguments)

    asked = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls() == ["venv", "pip", "pip", "pip"]
    assert [line.split()[-1] for line in asked[1:]] == [".", ".[torch,tensorboard]", ".[all]"]


def test_every_set_names_extras_that_exist(start: ModuleType) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])

    for target, download, disk in start.SETS.values():
        assert set(filter(None, target.strip(".[]").split(","))) <= extras
        assert 0 < download < disk


@pytest.mark.parametrize(
    ("output", "part"),
    [
        (REFUSED, "no connection to the package index"),
        (UNNAMED, "no connection to the package index"),
        (CUT_OFF, "no connection to the package index"),
        (UNTRUSTED, "does not trust its certificate"),
        (NO_SPACE, "the disk is full"),
        (NO_SPACE_ON_WINDOWS, "the disk is full"),
    ],
)
def test_failed_installation_is_one_sentence_and_is_resumed(
    start: ModuleType,
    calls: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
    part: str,
) -> None:
    monkeypatch.setenv("FAKE_PIP", output)
    monkeypatch.setenv("FAKE_PIP_EXIT", "1")

    status = start.main([])

    assert status == 1
    assert part in said(capsys)
    assert start.opened == []
    monkeypatch.setenv("FAKE_PIP_EXIT", "0")
    assert start.main([]) == 0
    assert calls() == ["venv", "pip", "pip"]


def test_unknown_failure_shows_the_end_of_the_log(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = "\n".join(f"line {n}" for n in range(100)) + "\nerror: a compiler is missing"
    monkeypatch.setenv("FAKE_PIP", output)
    monkeypatch.setenv("FAKE_PIP_EXIT", "1")

    status = start.main([])

    error = capsys.readouterr().err
    assert status == 1
    assert "  | error: a compiler is missing" in error
    assert "line 50" not in error
    assert str(start.LOG) in error.splitlines()[-1]
    assert "line 50" in start.LOG.read_text(encoding="utf-8")


def test_small_disk_is_refused_before_anything_is_made(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(".")._replace(free=50 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    status = start.main([])

    assert status == 1
    assert "has 50 MB left; the course needs 700" in said(capsys)
    assert not start.VENV.exists()


@pytest.mark.parametrize(
    ("number", "part"), [(28, "the disk is full"), (13, "cannot be written"), (5, "Mend that")]
)
def test_error_of_the_system_is_one_sentence(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    part: str,
) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(start, "write_note", fail)

    status = start.main([])

    assert status == 1
    assert part in said(capsys)


def test_ctrl_c_is_one_sentence_and_the_next_run_goes_on(
    start: ModuleType,
    calls: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    draw = start.ProgressLine.draw

    def press(line: Any) -> None:
        if line.title == "installing":
            raise KeyboardInterrupt
        draw(line)

    monkeypatch.setattr(start.ProgressLine, "draw", press)

    status = start.main([])

    assert status == 130
    assert "Run it again to go on" in said(capsys)
    monkeypatch.setattr(start.ProgressLine, "draw", draw)
    assert start.main([]) == 0
    assert calls().count("venv") == 1


# What lies in .venv already


def test_half_made_environment_is_made_again(
    start: ModuleType,
    folder: Path,
    calls: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    work = folder / "my-course" / "01.ipynb"
    work.parent.mkdir()
    work.write_text("the learner's work", encoding="utf-8")
    monkeypatch.setenv("FAKE_VENV_EXIT", "1")
    assert start.main([]) == 1
    monkeypatch.delenv("FAKE_VENV_EXIT")
    capsys.readouterr()

    status = start.main([])

    assert status == 0
    assert ".venv was only half made; it is made again." in capsys.readouterr().out
    assert calls() == ["venv", "venv", "pip"]
    assert work.read_text(encoding="utf-8") == "the learner's work"


def test_environment_whose_python_is_gone_is_made_again(
    start: ModuleType, calls: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    start.main([])
    start.PYTHON.unlink()

    status = start.main([])

    assert status == 0
    assert ".venv holds no working Python; it is made again." in capsys.readouterr().out
    assert calls() == ["venv", "pip", "venv", "pip"]


def test_environment_of_an_older_python_is_made_again(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start.main([])
    versions = iter([(3, 8), (3, 12)])
    monkeypatch.setattr(start, "answer", lambda _: next(versions))

    status = start.main([])

    assert status == 0
    assert ".venv holds Python 3.8, which is too old; it is made again." in capsys.readouterr().out


def test_environment_of_a_copied_folder_is_made_again(
    start: ModuleType, calls: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its links lead to the first folder, whose notebooks and library would be used."""
    start.main([])
    note = json.loads(start.NOTE.read_text(encoding="utf-8"))
    start.NOTE.write_text(json.dumps(note | {"root": "/elsewhere"}), encoding="utf-8")

    status = start.main([])

    assert status == 0
    assert ".venv was made for another folder; it is made again." in capsys.readouterr().out
    assert calls() == ["venv", "pip", "venv", "pip"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_start_did_not_make_is_never_removed(
    start: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    treasure = folder / "treasure" / "thesis.txt"
    treasure.parent.mkdir()
    treasure.write_text("years", encoding="utf-8")
    if kind == "folder":
        treasure.parent.rename(start.VENV)
        treasure = start.VENV / "thesis.txt"
    elif kind == "file":
        start.VENV.write_text("years", encoding="utf-8")
    else:
        start.VENV.symlink_to(treasure.parent)

    status = start.main([])

    assert status == 1
    assert "Rename it and run" in said(capsys)
    assert treasure.read_text(encoding="utf-8") == "years"
    assert start.VENV.exists()


def test_environment_of_the_learner_is_used_and_never_removed(
    start: ModuleType, stand_in: Path, calls: Callable[[], list[str]]
) -> None:
    start.PYTHON.parent.mkdir(parents=True)
    shutil.copy(stand_in, start.PYTHON)
    assert start.main([]) == 0
    assert calls() == ["pip"]
    start.PYTHON.unlink()

    status = start.main([])

    assert status == 1
    assert start.NOTE.exists()


# What it hands on


def test_tests_run_on_one_thread_and_strictly_when_asked(start: ModuleType) -> None:
    start.main(["test", "--strict", "-k", "linear"])

    command, environment = start.opened[0]
    assert command[1:] == [str(start.ROOT / ".ci" / "checks.py"), "-k", "linear"]
    assert environment["NNCOURSE_STRICT"] == "1"
    assert {environment[name] for name in start.ONE_THREAD} == {"1"}


def test_python_of_the_course_comes_first_in_the_path(start: ModuleType) -> None:
    """Nbgrader finds alembic by its name on PATH."""
    start.main([])

    _, environment = start.opened[0]
    assert environment["PATH"].split(os.pathsep)[0] == str(start.PYTHON.parent)


def test_packages_of_another_python_stay_out(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "of another Python" / "grading" / "__init__.py"
    fake.parent.mkdir(parents=True)
    fake.write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(fake.parents[1]))

    start.main([])

    _, environment = start.opened[0]
    assert where_grading_is(dict(os.environ), tmp_path) == str(fake)
    assert where_grading_is(environment, tmp_path) != str(fake)


def where_grading_is(environment: dict[str, str], folder: Path) -> str:
    """Return the file that a Python with this environment would take for ``grading``."""
    code = "from importlib.util import find_spec as f; print(getattr(f('grading'), 'origin', ''))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("home", ["/dev/null", "/proc/no/such/home"])
def test_home_that_cannot_be_written_is_replaced(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("HOME", home)

    status = start.main([])

    _, environment = start.opened[0]
    assert status == 0
    assert environment["HOME"] == str(start.ROOT / ".home")
    assert (start.ROOT / ".home" / ".gitignore").read_text(encoding="ascii") == "*\n"


def test_link_to_a_folder_beyond_ascii_is_read_in_every_locale(start: ModuleType) -> None:
    """The backend writes UTF-8, and Python 3.11 reads the encoding of the machine."""
    start.main([])

    link = start.VENV / "lib" / "python3.11" / "site-packages" / "_editable_impl_nncourse.pth"
    code = "import os, site, sys; site.addsitedir(sys.argv[1]); print(os.path.isdir(sys.path[-1]))"
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(link.parent)],
        env=dict(os.environ, **locale),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_progress_adds_up_what_pip_downloads(start: ModuleType) -> None:
    line = start.ProgressLine("installing")

    line.read("Collecting scipy>=1.13 (from nncourse==0.1.0)")
    line.read("  Downloading scipy-1.17.1-cp311-cp311-manylinux_2_28_x86_64.whl (35.3 MB)")
    line.read("  Downloading six-1.17.0-py2.py3-none-any.whl (700 kB)")

    assert line.text(line.now).strip().startswith("installing: 0 s, 36 MB came, fetching scipy")


def test_whole_program_hands_over_its_process(folder: Path, stand_in: Path) -> None:
    """The status is the opened program's own, and the way there passes an exec, not a stub."""
    driver = f"import runpy, sys; sys._base_executable = {str(stand_in)!r}; "
    driver += "runpy.run_path('start.py', run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", driver, "--no-browser", "--ServerApp.quiet=1"],
        cwd=folder,
        env=dict(os.environ, HOME="/dev/null"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 7
    assert done.stderr == ""
    last = done.stdout.splitlines()[-1]
    assert "'learn', '--no-browser', '--ServerApp.quiet=1'" in last
    assert last.endswith(f"HOME={folder / '.home'}")

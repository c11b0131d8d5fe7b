"""Install the course beside this file and open it, or run its tests.

    python start.py                 make .venv, install, open JupyterLab on the course
    python start.py --torch         the same with PyTorch and TensorBoard, for units 10 and 11
    python start.py test            install what the tests need and run everything that CI runs

Only the standard library is used, and the grammar of Python 3.6, so that an older Python gets
as far as the sentence that explains it. Everything this file makes lies in .venv, and a .venv
that it did not make is never removed.
"""
# This file speaks to a terminal, and starts only what it names itself:
# ruff: file-ignore[print, suspicious-subprocess-import, subprocess-without-shell-equals-true]
# ruff: file-ignore[start-process-with-no-shell]

import argparse
import contextlib
import errno
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

OLDEST = (3, 11)  # as requires-python in pyproject.toml; a test holds them together
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "install.log"
NOTE = VENV / "nncourse-start.json"  # says that this file made .venv, and what is installed in it

# What can be installed, each with what stands before it: what pip is asked for, and megabytes
# (10^6 bytes) to download and on disk. Measured with constraints.txt for Python 3.11 on Linux
# x86-64: what "pip download" fetched, and "du" of .venv afterwards. PyTorch was its build without
# GPU libraries, 192 MB; pip takes the build with them on Linux unless told otherwise: 2,741 MB.
SETS = {
    "core": (".", 147, 700),
    "torch": (".[torch,tensorboard]", 369, 1700),
    "all": (".[all]", 551, 2300),
}
GPU_LIBRARIES = 2550  # the difference

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD += ("VECLIB_MAXIMUM_THREADS",)
NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionResetError|NameResolutionError"
    r"|Failed to establish a new connection|name resolution|getaddrinfo failed"
    r"|Network is unreachable|Max retries exceeded|connection broken by|ProxyError"
)
NO_TRUST = re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError")
NO_SPACE = re.compile(
    r"No space left on device|Errno 28\b|Disk quota exceeded|WinError 112\b|space on the disk"
)


class Stop(Exception):  # ruff: ignore[error-suffix-on-exception-name] - it names what happens
    """Say one sentence and leave with exit status 1 or 2."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def main(argv: list) -> int:
    """Do what the command line asks and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may lack a letter of the path
            stream.reconfigure(errors="replace")
    try:
        check_python(sys.version_info)
        if argv[:1] == ["test"]:
            return test(argv[1:])
        return learn(argv)
    except Stop as stop:
        print(f"start.py: {stop}", file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        print("\nstart.py: stopped. Run it again to go on where it stopped.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"start.py: {explain_oserror(error)}", file=sys.stderr)
        return 1


def check_python(version: tuple) -> None:
    """Stop on a Python that is too old, or that cannot make virtual environments."""
    if tuple(version[:2]) < OLDEST:
        came = ".".join(str(part) for part in version[:3])
        wanted = ".".join(str(part) for part in OLDEST)
        newer = newer_python()
        mend = (
            f'Run it with the newer one on this machine: "{newer}" start.py'
            if newer
            else "Install a newer one from python.org, or use environment.yml with conda."
        )
        msg = f"this is Python {came}, and the course needs {wanted} or newer. {mend}"
        raise Stop(msg, status=2)


def newer_python() -> str:
    """Return a command on this machine that starts a Python new enough, or an empty string."""
    for minor in (13, 12, 11, 14):
        name = f"python3.{minor}"
        found = shutil.which(name)
        if found and answer(Path(found)) >= OLDEST:
            return name
    return ""


def check_venv_module() -> None:
    """Stop on a Python without the modules that make a virtual environment."""
    missing = [name for name in ("venv", "ensurepip") if not has_module(name)]
    if missing:
        package = f"python3.{sys.version_info[1]}-venv"
        mend = (
            f'Install it with "sudo apt install {package}" and run start.py again.'
            if Path("/etc/debian_version").exists()
            else "Install the venv package of your system, or Python from python.org."
        )
        msg = f'this Python lacks the module "{missing[0]}", which makes .venv. {mend}'
        raise Stop(msg)


def has_module(name: str) -> bool:
    """Say whether a module of the standard library is there; Debian packs some apart."""
    from importlib.util import find_spec

    return find_spec(name) is not None


def learn(argv: list) -> int:
    """Install the course and open it."""
    parser = argparse.ArgumentParser(
        prog="start.py",
        description="Install the course beside this file and open it in JupyterLab.",
        epilog='"python start.py test" runs everything that CI runs; "python start.py test --help" '
        "says more. Options that are not listed here go to nncourse learn.",
        allow_abbrev=False,
    )
    parser.add_argument("--torch", action="store_true", help="add PyTorch, for units 10 and 11")
    parser.add_argument("--no-browser", action="store_true", help="print the URL, open no window")
    parser.add_argument("--port", metavar="N", help="let JupyterLab answer on this port")
    parser.add_argument("--install-only", action="store_true", help="install, then stop")
    options, rest = parser.parse_known_args(argv)
    prepare("torch" if options.torch else "core")
    if options.install_only:
        return 0
    if options.port:
        rest = ["--port", options.port, *rest]
    if options.no_browser:
        rest = ["--no-browser", *rest]
    # -P: a folder named grading in the caller's own folder is not ours.
    command = [str(PYTHON), "-P", "-m", "grading.cli", "learn", *rest]
    return hand_over(command, child_environment())


def test(argv: list) -> int:
    """Install what the tests need and run everything that CI runs."""
    parser = argparse.ArgumentParser(
        prog="start.py test",
        description="Run everything that CI runs: lint, types, build, proof, tests and notebooks.",
        epilog="Further arguments go to pytest, and then only that step runs: "
        "python start.py test tests/nnlib -k linear",
        allow_abbrev=False,
    )
    parser.add_argument("--strict", action="store_true", help="fail where a test would be skipped")
    parser.add_argument("--install-only", action="store_true", help="install, then stop")
    options, rest = parser.parse_known_args(argv)
    prepare("all")
    if options.install_only:
        return 0
    environment = child_environment()
    # Two test processes on two cores: more threads in each would only wait for one another.
    environment.update(dict.fromkeys(ONE_THREAD, "1"))
    if options.strict:
        environment["NNCOURSE_STRICT"] = "1"
    return hand_over([str(PYTHON), str(ROOT / ".ci" / "checks.py"), *rest], environment)


def prepare(wanted: str) -> None:
    """Bring .venv to the state that pyproject.toml and constraints.txt ask for."""
    note = settle_environment()
    order = list(SETS)
    wanted = max(wanted, note.get("set", "core"), key=order.index)
    state = fingerprint()
    if note.get("installed") == state and note["set"] == wanted:
        return
    announce(wanted, first=not note.get("installed"))
    if not note.get("made"):
        make_environment()
    write_note({"installed": None})
    # -I: neither the packages of the user nor a file named like one of pip's get in the way.
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "-c", "constraints.txt", "-e"]
    code, output = run_logged([*command, SETS[wanted][0]], "installing")
    if code != 0:
        raise Stop(explain_pip(output))
    mend_path_file()
    write_note({"installed": state, "set": wanted})


def announce(wanted: str, first: bool) -> None:
    """Say what the installation costs before it begins; stop where the disk is too small."""
    _, download, disk = SETS[wanted]
    if not first:
        print(f"Updating the course in .venv: at most {download} MB to download.")
        return
    print(f"Installing the course in .venv: {download} MB to download, {disk} MB on disk.")
    if wanted != "core" and sys.platform.startswith("linux"):
        print(f"PyTorch with GPU libraries, pip's choice on Linux, is {GPU_LIBRARIES} MB more.")
    free = shutil.disk_usage(str(ROOT)).free // 10**6
    if free < disk:
        msg = f"the disk of {ROOT} has {free} MB left; the course needs {disk}. Make room first."
        raise Stop(msg)


def settle_environment() -> dict:
    """Return the note in a usable .venv, or {} where one has to be made; remove only our own."""
    if not os.path.lexists(str(VENV)):
        return {}
    if VENV.is_symlink() or not VENV.is_dir():
        msg = f"{VENV} is not a folder of its own. Rename it and run start.py again."
        raise Stop(msg)
    note = read_note()
    fault = find_fault(note)
    if not fault:
        return note or {"made": True}
    if not any(VENV.iterdir()):
        return {}
    if not note.get("ours"):
        msg = f"{VENV} {fault}, and start.py did not make it, so it stays. Rename it and run again."
        raise Stop(msg)
    print(f".venv {fault}; it is made again.")
    shutil.rmtree(str(VENV))
    return {}


def find_fault(note: dict) -> str:
    """Say what is wrong with .venv, as the end of a sentence, or return an empty string."""
    if note and not note.get("made"):
        return "was only half made"
    if note and note.get("root") != str(ROOT):
        return "was made for another folder"
    version = answer(PYTHON)
    if not version:
        return "holds no working Python"
    if version < OLDEST:
        return "holds Python {}.{}, which is too old".format(*version)
    return ""


def answer(python: Path) -> tuple:
    """Ask a Python for its version; the empty tuple if it does not start."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        output = subprocess.check_output([str(python), "-I", "-c", code], stderr=subprocess.DEVNULL)
        return tuple(int(part) for part in output.split())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ()


def make_environment() -> None:
    """Make .venv, marked as ours from the first moment."""
    check_venv_module()
    VENV.mkdir(exist_ok=True)
    write_note({"made": False, "ours": True})
    # Inside an activated environment: its own Python would be deleted with it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    code, output = run_logged([base, "-m", "venv", str(VENV)], "making .venv")
    if code != 0 or not answer(PYTHON):
        if NO_SPACE.search(output):
            raise Stop(explain_pip(output))
        show_tail(output)
        msg = f"Python could not make {VENV}; the lines above say why. Mend that and run it again."
        raise Stop(msg)
    write_note({"made": True})


def read_note() -> dict:
    """Return what the note in .venv says; {} where there is none, or it cannot be read."""
    try:
        note = json.loads(NOTE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def write_note(changes: dict) -> None:
    """Change the note in one step, so that an interruption leaves the old one or the new one."""
    note = dict(read_note() or {"made": True, "ours": False}, root=str(ROOT), **changes)
    draft = NOTE.with_suffix(".draft")
    draft.write_text(json.dumps(note, indent=1), encoding="utf-8")
    draft.replace(NOTE)


def fingerprint() -> str:
    """Return a hash of what decides about the installed packages."""
    content = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        content.update((ROOT / name).read_bytes())
    return content.hexdigest()


def run_logged(command: list, title: str) -> tuple:
    """Run a command behind one line of progress; its output goes to the log and is returned."""
    environment = dict(child_environment(), PIP_USER="0", PYTHONUTF8="1")
    lines = queue.Queue()
    tail = deque(maxlen=400)
    line = ProgressLine(title)
    with LOG.open("a", encoding="utf-8", errors="replace") as log:
        log.write("\n$ {}\n".format(" ".join(command)))
        child = subprocess.Popen(
            command,
            cwd=str(ROOT),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=pass_on, args=(child.stdout, lines), daemon=True).start()
        try:
            ended = False
            while not ended:
                with contextlib.suppress(queue.Empty):
                    text = lines.get(timeout=0.2)
                    ended = text is None
                    if text is not None:
                        log.write(text)
                        tail.append(text)
                        line.read(text)
                line.draw()
            code = child.wait()
        except BaseException:  # Ctrl-C, or no space for the log: never leave pip running behind
            child.terminate()
            child.wait()
            line.end("stopped")
            raise
    line.end("done" if code == 0 else "failed")
    return code, "".join(tail)


def pass_on(stream, lines: queue.Queue) -> None:
    """Put each line of a stream into a queue, then None."""
    with stream:
        for text in stream:
            lines.put(text)
    lines.put(None)


class ProgressLine:
    """One line that says what pip does at the moment, how much came, and for how long."""

    def __init__(self, title: str) -> None:
        self.title, self.now, self.megabytes = title, "", 0.0
        self.start = self.drawn = time.monotonic()
        self.live = sys.stdout.isatty()

    def read(self, text: str) -> None:
        """Take the news out of a line of pip's output."""
        words = text.split()
        size = re.search(r"Downloading \S+ \(([\d.]+) (kB|MB|GB)\)", text)
        if size:
            self.megabytes += float(size.group(1)) * {"kB": 1e-3, "MB": 1, "GB": 1e3}[size.group(2)]
        if words[:1] == ["Collecting"] and len(words) > 1:
            self.now = "fetching " + re.split(r"[<>=!~;\[( ]", words[1])[0]
        elif text.startswith("Installing collected packages:"):
            self.now = "unpacking {} packages".format(text.count(",") + 1)

    def draw(self) -> None:
        """Draw the line again on a terminal; elsewhere print it every ten seconds."""
        moment = time.monotonic()
        if moment - self.drawn < (0.2 if self.live else 10):
            return
        self.drawn = moment
        print(self.text(self.now), end="" if self.live else "\n", flush=True)

    def end(self, word: str) -> None:
        """Leave the last state of the line standing."""
        print(self.text(word), flush=True)

    def text(self, news: str) -> str:
        """Return the line, cut to the terminal."""
        came = f", {self.megabytes:.0f} MB came" if self.megabytes else ""
        text = f"  {self.title}: {time.monotonic() - self.start:.0f} s{came}, {news}"
        if not self.live:
            return text.rstrip(", ")
        width = shutil.get_terminal_size().columns - 1
        return "\r" + text.rstrip(", ")[:width].ljust(width)


def explain_pip(output: str) -> str:
    """Turn pip's output into one sentence with the mend."""
    if NO_SPACE.search(output):
        return "the disk is full. Make room and run start.py again; it goes on where it stopped."
    if NO_TRUST.search(output):
        return (
            "pip reaches the package index but does not trust its certificate. On a network with "
            "its own certificates, name their file in PIP_CERT and run start.py again."
        )
    if NO_NETWORK.search(output):
        return (
            "there is no connection to the package index, and the installation needs one. "
            "Connect (behind a proxy: set HTTPS_PROXY) and run start.py again."
        )
    show_tail(output)
    return f"pip could not install the course; the lines above say why, and {LOG} holds them all."


def explain_oserror(error: OSError) -> str:
    """Turn an error of the operating system into one sentence with the mend."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return explain_pip("No space left on device")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        place = error.filename or ROOT
        return f"{place} cannot be written. Copy the course to a folder of yours and run it there."
    return f"{error}. Mend that and run start.py again."


def show_tail(output: str) -> None:
    """Show the last lines of the log."""
    for line in output.splitlines()[-12:]:
        print("  | " + line, file=sys.stderr)


def mend_path_file() -> None:
    """Make the link from .venv to a folder with letters beyond ASCII readable everywhere.

    The build backend writes that path in UTF-8, and Python before 3.13 reads it in the encoding of
    the machine, which on Windows is another one: the course is then not found, or Python does
    not start at all. A line of code says the same in ASCII.
    """
    path = str(ROOT)
    if path.isascii():
        return
    folders = ["lib/python*/site-packages", "Lib/site-packages"]  # POSIX, Windows
    for file in [file for folder in folders for file in VENV.glob(folder + "/*nncourse*.pth")]:
        line = f"import os, sys; sys.path.append(os.fsdecode({os.fsencode(path)!r}))\n"
        file.write_text(line, encoding="ascii")


def child_environment() -> dict:
    """Return the environment for what we start: ours, with a home that can be written to."""
    environment = dict(os.environ)
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"):
        environment.pop(name, None)  # each would let another Python's packages in, or ours out
    environment["VIRTUAL_ENV"] = str(VENV)
    environment["PATH"] = os.pathsep.join([str(PYTHON.parent), environment.get("PATH", os.defpath)])
    if os.name != "nt" and not writable_home():
        # Jupyter, IPython, matplotlib and the course keep small files in the home folder.
        home = ROOT / ".home"
        home.mkdir(exist_ok=True)
        (home / ".gitignore").write_text("*\n", encoding="ascii")
        environment["HOME"] = str(home)
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
            environment.pop(name, None)
    return environment


def writable_home() -> bool:
    """Say whether files can be made in the home folder."""
    try:
        with tempfile.TemporaryFile(dir=str(Path("~").expanduser())):
            return True
    except (OSError, RuntimeError):  # no such folder; no home at all
        return False


def hand_over(command: list, environment: dict) -> int:
    """Let a command take our place, so that Ctrl-C and signals reach it and nothing else."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execve(command[0], command, environment)
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child got it too, and may ask back: it decides when to end
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""JupyterLab starts calmly on the learner's folder, answers, and ends when it is told to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from grading.learning import kernels, lab
from grading.refusals import Refusal
from tests.grading.learning.cases import BACKPROP, release

PAGE = "01-backpropagation/01 é.ipynb"


def ask(server: lab.Lab, path: str, method: str = "GET") -> Any:
    """Return what the server answers to a request, read as JSON."""
    header = {"Authorization": f"token {server.token}"}
    request = urllib.request.Request(f"{server.server}{path}", headers=header, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def runtime() -> Iterator[Path]:
    """Point Jupyter at a folder of its own, short enough for sockets."""
    with TemporaryDirectory(prefix="nn", ignore_cleanup_errors=True) as folder:
        patch = pytest.MonkeyPatch()
        patch.setenv("JUPYTER_RUNTIME_DIR", f"{folder}/r")
        patch.setenv("JUPYTER_CONFIG_DIR", f"{folder}/c")
        yield Path(folder)
        patch.undo()


@pytest.fixture(scope="module")
def running(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Lab]:
    base = tmp_path_factory.mktemp("mein Kurs é")
    folder = release(base / "my course", 1, (PAGE, BACKPROP))
    with lab.running_lab(folder, home=base / "home", page=PAGE, browser=False) as started:
        yield started


def test_the_url_answers_and_names_the_page(running: lab.Lab) -> None:
    with urllib.request.urlopen(running.url, timeout=20) as answer:
        status = answer.status

    assert status == 200
    assert "/lab/tree/01-backpropagation/01%20%C3%A9.ipynb?token=" in running.url
    assert ask(running, "api/contents/01-backpropagation/01%20%C3%A9.ipynb")["type"] == "notebook"


def test_without_the_token_nothing_is_shown(running: lab.Lab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{running.server}api/contents", timeout=20)


def test_neither_news_nor_updates_are_asked_for(running: lab.Lab) -> None:
    name = "@jupyterlab/apputils-extension:notification"

    properties = ask(running, f"lab/api/settings/{name}")["schema"]["properties"]

    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


def test_a_notebook_opens_without_a_question_about_its_kernel(running: lab.Lab) -> None:
    settings = ask(running, "lab/api/settings/@jupyterlab/notebook-extension:tracker")

    assert settings["schema"]["properties"]["autoStartDefaultKernel"]["default"] is True


def test_the_tools_of_authors_and_instructors_are_switched_off(running: lab.Lab) -> None:
    """Also where they are installed: a learner has no use for Validate or Create Assignment."""
    with urllib.request.urlopen(running.url, timeout=20) as answer:
        page = answer.read().decode()
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])

    assert {"@jupyter/nbgrader", "jupyterlab-jupytext"} <= set(config["disabledExtensions"])
    for path in ("formgrader", "nbgrader_version", "assignments", "courses"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(running, path)


def test_the_learners_own_jupyter_settings_are_not_written(running: lab.Lab, runtime: Path) -> None:
    assert running.process.poll() is None
    assert not [path for path in (runtime / "c").rglob("*") if path.suffix in {".py", ".json"}]


def test_a_kernel_runs_this_python_before_and_after_a_restart(
    running: lab.Lab, runtime: Path
) -> None:
    kernel = ask(running, "api/kernels", "POST")["id"]
    connection = runtime / "r" / f"kernel-{kernel}.json"
    said = []
    for _ in range(2):
        client = BlockingKernelClient()
        client.load_connection_file(str(connection))
        client.start_channels()
        client.wait_for_ready(timeout=30)
        client.execute_interactive(
            "import sys; print(sys.prefix, sys.flags.utf8_mode)",
            output_hook=lambda m: said.append(m["content"].get("text")),
            timeout=30,
        )
        client.stop_channels()
        ask(running, f"api/kernels/{kernel}/restart", "POST")

    assert [text for text in said if text] == [f"{sys.prefix} 1\n"] * 2
    expected = "ipc" if kernels.kernels_can_use_sockets() else "tcp"
    assert json.loads(connection.read_text())["transport"] == expected


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((lab.HOST, 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(Refusal, match=f"port {port} cannot be used .*Leave --port"),
            lab.running_lab(tmp_path, home=tmp_path, port=port, browser=False),
        ):
            pass

    assert not (tmp_path / "jupyterlab.log").exists()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [sys.executable, "-c", "print('first'); raise SystemExit('no module named lab')"]
    monkeypatch.setattr(lab, "_command", lambda *_args, **_options: words)

    with (
        pytest.raises(
            Refusal, match=r"did not start; it ended with: no module named lab\. .*doctor"
        ),
        lab.running_lab(tmp_path, home=tmp_path, browser=False),
    ):
        pass


def test_a_server_that_says_nothing_is_given_up_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    program = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(lab, "_command", lambda *_a, **_o: [sys.executable, "-c", program])

    with (
        pytest.raises(Refusal, match="it did not answer within 1 s"),
        lab.running_lab(tmp_path, home=tmp_path, browser=False, timeout_s=1.0),
    ):
        pass

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_a_url_that_answers_and_ends_calmly(
    runtime: Path, tmp_path: Path, home: Path, number: signal.Signals
) -> None:
    """The whole way: nncourse learn --no-browser, with a C locale, ended as by Ctrl-C."""
    environment = {**os.environ, "LC_ALL": "C", "PYTHONPATH": os.pathsep.join(sys.path)}
    program = (
        "import grading.house; from pathlib import Path; "
        f"grading.house.course_folder = lambda: Path({str(release(tmp_path / 'course', 1))!r}); "
        "from grading.cli import main; main()"
    )
    folder = tmp_path / "mein Kurs é"
    words = [sys.executable, "-c", program, "learn", "--no-browser", str(folder)]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as command:
        assert command.stdout is not None
        said = []
        for line in command.stdout:
            said.append(line)
            if line.startswith("http://"):
                break
        with urllib.request.urlopen(said[-1].strip(), timeout=20) as answer:
            status = answer.status
        command.send_signal(number)
        rest, _ = command.communicate(timeout=30)

    assert status == 200
    assert said[0] == f"The course is now in {folder}: 2 notebooks.\n"
    assert re.search(r"/lab/tree/00-start-here/00-start-here\.ipynb\?token=\w+", said[-1])
    assert rest.splitlines()[-1] == "JupyterLab has ended."
    assert "Traceback" not in rest
    assert command.returncode == 0
    assert not list((runtime / "r").glob("jpserver-*.json"))[1:]  # at most the fixture's own
    assert (home / "jupyterlab.log").exists()

"""A real IPython kernel, for what only a notebook shows: stale cells, stderr, interrupts."""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[3]


@dataclass
class Ran:
    """What a cell left behind."""

    text: str = ""
    html: str = ""
    stdout: str = ""
    stderr: str = ""
    result: str | None = None
    traceback: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """The report's first paragraph, on one line."""
        others = ("  ok  ", "  no  ", "  Known", "  Hint", "  The hand", "  A random")
        lines = itertools.takewhile(
            lambda line: not line.startswith(others), self.text.split("\n")[1:]
        )
        return " ".join(line.strip() for line in lines)


class PythonKernelManager(KernelManager):
    """Starts this interpreter, whatever kernelspecs are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class Notebook:
    """Runs cells in a kernel, one after the other, as a notebook does."""

    def __init__(self, home: Path) -> None:
        self._folder = tempfile.mkdtemp(
            prefix="nnk-"
        )  # a socket's path has about 100 bytes at most
        self.manager = PythonKernelManager()
        if os.name == "posix":
            self.manager.transport = "ipc"
            self.manager.connection_file = str(Path(self._folder) / "k.json")
        environment = {**os.environ, "NNCOURSE_HOME": str(home), "OMP_NUM_THREADS": "1"}
        # Beneath pytest ipykernel leaves the file descriptors alone; a learner's kernel does not.
        environment.pop("PYTEST_CURRENT_TEST", None)
        self.manager.start_kernel(env=environment, cwd=str(ROOT))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, source: str, *, interrupt_after_s: float | None = None) -> Ran:
        """Run a cell to its end and return its outputs."""
        ran = Ran()
        began = time.monotonic()
        message_id = self.client.execute(source)
        while True:
            if interrupt_after_s is not None and time.monotonic() - began > interrupt_after_s:
                self.manager.interrupt_kernel()
                interrupt_after_s = None
            try:
                message = self.client.get_iopub_msg(timeout=0.1)
            except queue.Empty:
                assert time.monotonic() - began < 30, "the cell does not come to an end"
                continue
            if message["parent_header"].get("msg_id") != message_id:
                continue
            content: dict[str, Any] = message["content"]
            kind = message["msg_type"]
            if kind == "status" and content["execution_state"] == "idle":
                ran.seconds = time.monotonic() - began
                return ran
            if kind == "stream":
                setattr(ran, content["name"], getattr(ran, content["name"]) + content["text"])
            elif kind == "display_data":
                ran.text += content["data"]["text/plain"]
                ran.html += content["data"].get("text/html", "")
            elif kind == "execute_result":
                ran.result = content["data"]["text/plain"]
            elif kind == "error":
                ran.traceback = content["traceback"]

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def assert_calm(ran: Ran, seconds: float = 2.5) -> None:
    """Nothing but a report and a builtin float came back, in time."""
    assert (ran.traceback, ran.stderr, ran.stdout) == ([], "", "")
    assert ran.result is not None
    assert float(ran.result) >= 0, "a NumPy scalar prints as np.float64(…), which float() refuses"
    assert ran.seconds < seconds


@pytest.fixture(scope="module")
def kernel_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the kernel records progress."""
    return tmp_path_factory.mktemp("kernel-home")


@pytest.fixture(scope="module")
def shared_notebook(kernel_home: Path) -> Iterator[Notebook]:
    """One kernel for the tests of a module, with the setup cell run."""
    notebook = Notebook(kernel_home)
    notebook.run("import numpy as np\nfrom grading.check import check, passed")
    yield notebook
    notebook.close()


@pytest.fixture
def notebook(shared_notebook: Notebook) -> Notebook:
    """The module's kernel, with NumPy whole and no answer defined."""
    shared_notebook.run(
        "import numpy as np\n"
        "for _name in ('mean_squared_error', 'predict_shapes', 'train_mlp'):\n"
        "    globals().pop(_name, None)\n"
        "get_ipython()._nncourse_broken_cells.clear()"
    )
    return shared_notebook

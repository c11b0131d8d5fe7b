"""A Dask cluster on loopback: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Cluster:
    """Processes of a cluster on loopback."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | variables,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def worker(self, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        return self.start(
            "dask_worker", self.address, "--no-nanny", "--no-dashboard", "--host=127.0.0.1",
            "--local-directory", str(self.folder / "space"), *options, **variables,
        )  # fmt: skip


@contextlib.contextmanager
def cluster(folder: Path) -> Generator[Cluster, None, None]:
    running = Cluster(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running.start("dask_scheduler", "--host=127.0.0.1", f"--port={port}", "--no-dashboard")
    running.address = f"tcp://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        time.sleep(0.1)
    try:
        yield running
    finally:
        for process in running.processes:
            process.kill()
            process.wait()

"""The kernel that runs a learner's notebooks: can it start, and how is it spoken to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess  # ruff: ignore[suspicious-subprocess-import]  # for DEVNULL
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_SOCKET_PATH_LIMIT = 103  # bytes in sun_path, less its final zero, on macOS; Linux has 107
_KERNEL_SOCKET = len("/kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-1")


def kernels_can_use_sockets() -> bool:
    """Tell whether a socket file can be made where kernels would make theirs.

    Returns
    -------
    possible : bool
        False on Windows, for a long path, and on file systems without sockets.
    """
    if os.name == "nt":
        return False
    from jupyter_core.paths import jupyter_runtime_dir  # keeps --help fast

    runtime = Path(jupyter_runtime_dir())
    if len(os.fsencode(runtime)) + _KERNEL_SOCKET > _SOCKET_PATH_LIMIT:
        return False
    probe = runtime / f"nncourse-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(probe))
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return True


def runs_in_kernel() -> bool:
    """Tell whether this code runs in a notebook's kernel.

    Returns
    -------
    inside : bool
        False in a terminal and in a plain IPython.
    """
    if "ipykernel" not in sys.modules:
        return False
    from ipykernel.kernelapp import IPKernelApp  # slow, and loaded already in a kernel

    return bool(IPKernelApp.initialized())


def try_kernel() -> tuple[float, str]:
    """Start the kernel that a notebook of the course gets, and run one cell in it.

    Returns
    -------
    seconds : float
        From nothing to the cell's answer.
    said : str
        What the cell printed: 42, a space, and the folder of the kernel's Python.
    """
    # In a thread with a loop of its own: the caller, a notebook say, may be running one already.
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(_run, _start_kernel).result()


def _run(work: Callable[[], Coroutine[Any, Any, tuple[float, str]]]) -> tuple[float, str]:
    # ZeroMQ needs this kind of loop, which is not the default on Windows.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(work())


async def _start_kernel() -> tuple[float, str]:
    from jupyter_client.manager import AsyncKernelManager  # slow

    said: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])
        elif message["msg_type"] == "error":
            said.append(message["content"]["evalue"])

    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # as "nncourse learn" does
    started = time.perf_counter()
    transport = "ipc" if kernels_can_use_sockets() else "tcp"
    manager = AsyncKernelManager(kernel_name="python3", transport=transport)
    await manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        cell = "import sys; print(6 * 7, sys.prefix)"
        await client.execute_interactive(cell, output_hook=listen, timeout=30)
        return time.perf_counter() - started, "".join(said).strip()
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)

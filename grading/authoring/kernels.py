"""Kernels that run on this very interpreter, and talk over files in place of ports."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

__all__ = ["CourseKernelManager"]

USES_IPC = os.name == "posix"


class CourseKernelManager(AsyncKernelManager):
    """Start the running interpreter's kernel, over ipc where the system has it.

    A kernelspec called ``python3`` may point to any interpreter, the first one on PATH included;
    TCP kernels race for ports when several start at once. Both went wrong in practice.
    nbgrader uses this class too, by ``nbgrader_config.py``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._folder: str | None = None
        if USES_IPC:
            # Directly under the temporary folder: a socket's path has at most about 100 bytes.
            self._folder = tempfile.mkdtemp(prefix="nnk-")
            self.transport = "ipc"
            self.connection_file = str(Path(self._folder) / "k.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The running interpreter, whatever kernelspecs are installed."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
        )

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)

    # The base class makes its public name in the same way; nbclient awaits the result.
    cleanup_resources = _async_cleanup_resources

"""Run a notebook once, the same way on every machine, and keep only lasting outputs."""

from __future__ import annotations

import copy
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

import grading
from grading.authoring import cells
from grading.authoring.kernels import USES_IPC, CourseKernelManager
from grading.refusals import Refusal

__all__ = ["FAIL_AFTER_S", "WARN_AFTER_S", "Executed", "execute"]

WARN_AFTER_S = 60.0
FAIL_AFTER_S = 240.0

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# A port may be taken between its choice and its use; then the kernel dies before the first cell.
_ATTEMPTS = 1 if USES_IPC else 3
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Executed:
    """A notebook after its run.

    Parameters
    ----------
    notebook : Notebook
        A copy with outputs; its sources, ids and metadata are those of the input.
    seconds : float
        Wall time, kernel start included.
    stderr : dict of int to str
        By cell number from 1, the first line it wrote to stderr.
    """

    notebook: cells.Notebook
    seconds: float
    stderr: dict[int, str]


def execute(
    notebook: cells.Notebook,
    label: str,
    *,
    timeout_s: float = FAIL_AFTER_S,
    allow_errors: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Executed:
    """Run all cells in a fresh kernel, in an empty folder.

    BLAS runs on one thread, hashing is fixed, progress is neither read nor recorded. Of the
    outputs, stderr (`Executed.stderr` says which cell) and live views of widgets, which nothing
    could answer, are not kept, and folders of this machine are written as "…".

    Parameters
    ----------
    notebook : Notebook
        Not changed.
    label : str
        File name for messages.
    timeout_s : float, default 240
        Wall time for the whole notebook.
    allow_errors : bool, default False
        Go on after a cell that raises, and keep its error as output.
    clock : callable, default time.monotonic
        Seconds, for the budget.

    Returns
    -------
    Executed
        Outputs, time, and who wrote to stderr.

    Raises
    ------
    Refusal
        If a cell raises (unless allowed), the time is up, or the kernel dies.
    """
    started = clock()
    run, begun = copy.deepcopy(notebook), list[int]()
    for attempt in range(1, _ATTEMPTS + 1):
        if attempt > 1:
            run = copy.deepcopy(notebook)
        client = _client(run, begun, allow_errors, lambda: timeout_s - (clock() - started))
        try:
            with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as settings:
                client.execute(cwd=empty, env=_environment(settings))
            break
        except CellExecutionError as error:
            raise Refusal(_failed_cell(label, begun, error)) from error
        except CellTimeoutError as error:
            raise Refusal(_too_slow(label, begun, timeout_s)) from error
        except (DeadKernelError, RuntimeError) as error:
            if begun or attempt == _ATTEMPTS:
                msg = f"{label}: the kernel died {_where(begun)}. Run that cell by hand."
                raise Refusal(msg) from error
    return Executed(_restore(run, notebook), clock() - started, _drop_passing_outputs(run))


def _client(
    run: cells.Notebook,
    begun: list[int],
    allow_errors: bool,
    seconds_left: Callable[[], float],
) -> NotebookClient:
    return NotebookClient(
        run,
        kernel_manager_class=CourseKernelManager,
        timeout_func=lambda _cell: max(1, int(seconds_left())),
        allow_errors=allow_errors,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        # Noted here: of a kernel that dies, the message that a cell began may never arrive.
        on_cell_execute=lambda cell_index, **_: begun.append(cell_index + 1),
    )


def _environment(settings: str) -> dict[str, str]:
    """Return the kernel's environment: one thread, no recording, none of the user's settings."""
    environment = dict(os.environ)
    environment.pop("MPLBACKEND", None)  # the kernel draws into the notebook
    packages = str(Path(grading.__file__).resolve().parent.parent)
    inherited = environment.get("PYTHONPATH")
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    environment |= {
        "IPYTHONDIR": settings,
        "NNCOURSE_HOME": settings,
        "NNCOURSE_PROGRESS": "off",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": packages + (os.pathsep + inherited if inherited else ""),
    }
    return environment


def _restore(run: cells.Notebook, notebook: cells.Notebook) -> cells.Notebook:
    """Undo what the run wrote into metadata: versions, timing."""
    run.metadata = copy.deepcopy(notebook.metadata)
    for cell, original in zip(run.cells, notebook.cells, strict=True):
        cell.metadata = copy.deepcopy(original.metadata)
    return run


def _drop_passing_outputs(run: cells.Notebook) -> dict[int, str]:
    """Remove stderr and live views from the outputs; return who wrote to stderr."""
    stderr: dict[int, str] = {}
    for number, cell in enumerate(run.cells, start=1):
        if cell.cell_type != "code":
            continue
        kept: list[Any] = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                stderr.setdefault(number, (output.text.strip().splitlines() or [""])[0])
                continue
            if "data" in output:
                output.data.pop(_WIDGET_VIEW, None)
                if not output.data:
                    continue
            kept.append(output)
        cell.outputs = [cells.as_node(_without_places(output)) for output in kept]
    return stderr


def _without_places(value: Any) -> Any:
    """Replace the folders of this machine in any output: a notebook is built for all."""
    if isinstance(value, str):
        for place in _places():
            value = value.replace(place, "…")
        return value
    if isinstance(value, Mapping):
        return {key: _without_places(inner) for key, inner in value.items()}
    return [_without_places(inner) for inner in value] if isinstance(value, list) else value


@cache
def _places() -> tuple[str, ...]:
    """Return the folders that outputs may name, the longest first."""
    checkout = Path(grading.__file__).resolve().parent.parent
    folders = {Path(sys.prefix), checkout, Path.home(), Path(tempfile.gettempdir())}
    written = {text for folder in folders for text in (str(folder), folder.as_posix())}
    return tuple(sorted((text for text in written if len(text) > 3), key=len, reverse=True))


def _where(begun: list[int]) -> str:
    return f"in cell {begun[-1]}" if begun else "before the first cell"


def _failed_cell(label: str, begun: list[int], error: CellExecutionError) -> str:
    return f"{label}, {_where(begun)}: it raises {error.ename}: {error.evalue}. Mend the cell."


def _too_slow(label: str, begun: list[int], timeout_s: float) -> str:
    return (
        f"{label}: it runs longer than {timeout_s:.0f} s and was stopped {_where(begun)}; "
        f"a unit should take {WARN_AFTER_S:.0f} s. Train on less, or record the long run."
    )

"""Grade one submission of an nbgrader assignment: rebuild, execute in the sandbox, score, clean."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from grading.broker._markdown import clean_markdown
from grading.broker._reading import InvalidSubmissionError
from grading.kernel._clean import clean_outputs
from grading.kernel._client import CellOutcome
from grading.kernel._kernels import Kernels, kernels_of
from grading.kernel._parts import Node, nbformat_v4
from grading.kernel._rebuild import Rebuilt, blank, rebuild
from grading.kernel._runs import KernelDiedError, KernelRun
from grading.kernel._scoring import ENDED, score_cells, zero_cells
from grading.kernel._version import CourseNotebook, CourseVersion
from grading.limits import Limits
from grading.results import CellResult, NotebookResult, Result, Status, Usage, worst
from grading.sandbox import SandboxError, Sandboxes

__all__ = ["MAX_RESTARTS", "grade", "result_key"]

_SHELL_LINE = re.compile(r"^[ \t]*(?:[\w, \t]+=[ \t]*)?!", re.MULTILINE)
_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|script|system|sx|!)")
"""What IPython hands to a shell: ``!command``, also behind ``name =``, and some cell magics."""

MAX_RESTARTS = 2
"""How often a notebook is begun again after a cell that ended its kernel."""


def grade(
    files: Mapping[str, bytes],
    version: CourseVersion,
    limits: Limits,
    sandboxes: Kernels | Sandboxes,
) -> Result:
    """Grade a submission of an ordinary nbgrader assignment.

    Every notebook runs from top to bottom in a fresh kernel of one sandbox, and the scores are
    nbgrader's. If a cell ends its kernel (or cannot be interrupted), it scores 0, and the notebook
    is run again in a new sandbox without that cell: what ran before is executed once more, and
    keeps the scores of its first run. So the cells behind it are scored as plain nbgrader would
    score them had the cell raised an exception, and nobody gains by a second run.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by path with ``/``.
    version : CourseVersion
        The assignment.
    limits : Limits
        What the submission may use. A cell's time is the course's, times ``limits.time_factor``.
    sandboxes : Kernels or Sandboxes
        Where it runs. To a worker's `Sandboxes` belong kernels of the same kind, which stay warm
        as long as it lives.

    Returns
    -------
    Result
        With ``verdicts="inside"``: the tests run in the learner's process.
    """
    kernels = sandboxes if isinstance(sandboxes, Kernels) else kernels_of(sandboxes)
    return _Grading(files, version, limits, kernels).result()


def result_key(
    files: Mapping[str, bytes], version: CourseVersion, limits: Limits, mark: str
) -> str:
    """Name the work of grading: the same key means the same result.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in.
    version : CourseVersion
        The assignment.
    limits : Limits
        What the submission may use.
    mark : str
        What stands between it and the machine.

    Returns
    -------
    str
        SHA-256, in hexadecimal digits.
    """
    parts = (submission_hash(files), version.hash, repr(limits), mark)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def submission_hash(files: Mapping[str, bytes]) -> str:
    """Hash what was handed in.

    Parameters
    ----------
    files : mapping of str to bytes
        By path.

    Returns
    -------
    str
        SHA-256, in hexadecimal digits.
    """
    content = hashlib.sha256()
    for path, data in sorted(files.items()):
        name = path.encode("utf-8", "surrogatepass")
        content.update(len(name).to_bytes(8, "big") + name)
        content.update(len(data).to_bytes(8, "big") + data)
    return content.hexdigest()


@dataclass
class _Grading:
    """The state of grading one submission."""

    files: Mapping[str, bytes]
    version: CourseVersion
    limits: Limits
    kernels: Kernels
    run: KernelRun | None = None
    restarts: int = 0
    used: list[Usage] = field(default_factory=list)

    def result(self) -> Result:
        self.started = time.monotonic()
        self.deadline = self.started + self.limits.submission_s
        frame = Result(
            key=result_key(self.files, self.version, self.limits, self.kernels.mark),
            submission=submission_hash(self.files),
            version=self.version.hash,
            status="ok",
            verdicts="inside",
            sandbox=self.kernels.mark,
        )
        try:
            books = tuple(self._notebook(book) for book in self.version.notebooks)
        except SandboxError as error:
            books = tuple(
                NotebookResult(book.name, zero_cells(book, "infra_error"))
                for book in self.version.notebooks
            )
            message = f"The sandbox failed, which says nothing about the submission: {error}."
            self._close()
            return replace(
                frame, status="infra_error", notebooks=books, message=message, usage=self._usage()
            )
        self._close()
        status, message = _status(books, self._by_hand()), ""
        if not any(f"{book.name}.ipynb" in self.files for book in self.version.notebooks):
            wanted = ", ".join(f"{book.name}.ipynb" for book in self.version.notebooks)
            status, message = "invalid_submission", f"There is no notebook of this name: {wanted}."
        return replace(frame, status=status, notebooks=books, message=message, usage=self._usage())

    def _notebook(self, released: CourseNotebook) -> NotebookResult:
        data = self.files.get(f"{released.name}.ipynb")
        if data is None:
            note = f"{released.name}.ipynb was not handed in."
            cells = zero_cells(released, "not_started", note)
            return NotebookResult(released.name, cells, _written(blank(released)), (note,))
        try:
            rebuilt = rebuild(data, released, self.limits)
        except InvalidSubmissionError as error:
            cells = zero_cells(released, "invalid_submission", str(error))
            return NotebookResult(released.name, cells, _written(blank(released)), (str(error),))
        outcomes, notes = self._execute(rebuilt)
        notebook = rebuilt.notebook
        for i, outcome in outcomes.items():
            notebook.cells[i]["outputs"] = outcome.outputs
        cells = score_cells(notebook, outcomes, released, self.version)
        self._finish(notebook, outcomes, released)
        return NotebookResult(released.name, cells, _written(notebook), (*rebuilt.notes, *notes))

    def _execute(self, rebuilt: Rebuilt) -> tuple[dict[int, CellOutcome], list[str]]:
        """Run the code cells, from the start again if one of them ends the kernel."""
        code = [
            (i, str(cell.source))
            for i, cell in enumerate(rebuilt.notebook.cells)
            if cell.cell_type == "code" and cell.source.strip() and i not in rebuilt.passive
        ]
        outcomes: dict[int, CellOutcome] = {}
        notes: list[str] = []
        restarts = 0
        while True:
            ended = self._pass(code, outcomes)
            if ended is None:
                return outcomes, [*notes, *_shell_notes(code, outcomes)]
            i, is_replay = ended
            how = outcomes[i].how
            label = f"Code cell {1 + [k for k, _ in code].index(i)}"
            notes.append(f"{label}: {ENDED[how][1]}")
            rest = [k for k, _ in code if k not in outcomes]
            if how == "late" or time.monotonic() >= self.deadline:
                for k in rest:
                    outcomes[k] = CellOutcome(how="out_of_time")
                return outcomes, notes
            if is_replay or restarts == MAX_RESTARTS or not rest:
                for k in rest:
                    outcomes[k] = CellOutcome(how="not_run")
                return outcomes, notes
            restarts += 1
            self.restarts += 1

    def _pass(
        self, code: list[tuple[int, str]], outcomes: dict[int, CellOutcome]
    ) -> tuple[int, bool] | None:
        """Run the cells in a fresh kernel; return the cell that ended it, and if it ran before."""
        try:
            run = self._kernel()
        except KernelDiedError as error:
            first = next(i for i, _ in code if i not in outcomes)
            outcomes[first] = CellOutcome(how=error.reason)
            self._close()
            return first, True
        timeout_s = self.version.cell_timeout_s
        allowed_s = math.inf if timeout_s is None else timeout_s * self.limits.time_factor
        for place, (i, source) in enumerate(code):
            before = outcomes.get(i)
            if before is not None and before.how not in {"done", "timeout"}:
                continue
            if before is not None and all(k in outcomes for k, _ in code[place:]):
                break  # nothing new would come
            outcome = run.execute(source, allowed_s)
            if outcome.how not in {"done", "timeout"}:
                if before is None:
                    outcomes[i] = outcome
                self._close()
                return i, before is not None
            if before is None:
                outcomes[i] = outcome
        return None

    def _kernel(self) -> KernelRun:
        """Have a fresh kernel; in a new sandbox if the one before was ended."""
        if self.run is None:
            self.run = self.kernels.take(self.version.modules, self.limits, self.version.packages)
            self.run.begin(self._beside(), self.deadline)
        self.run.start_kernel()
        return self.run

    def _beside(self) -> dict[str, bytes]:
        """Return the files of the folder that the notebooks run in."""
        notebooks = {
            path: content
            for path, content in self.files.items()
            if path.endswith(".ipynb")
            and "/" not in path
            and len(content) <= self.limits.notebook_bytes
        }
        beside = self.version.companions(self.files)
        return {**{p: c for p, c in notebooks.items() if p in self._names()}, **beside}

    def _by_hand(self) -> set[tuple[str, str]]:
        """Name the cells of notebooks that came for which a person gives the points."""
        return {
            (book.name, cell.name)
            for book in self.version.notebooks
            if f"{book.name}.ipynb" in self.files
            for cell in book.scored
            if cell.solution or cell.task
        }

    def _names(self) -> set[str]:
        return {f"{book.name}.ipynb" for book in self.version.notebooks}

    def _finish(
        self, notebook: Node, outcomes: dict[int, CellOutcome], released: CourseNotebook
    ) -> None:
        """Make the executed notebook fit to be shown: limits as in nbgrader, nothing active."""
        from nbgrader.preprocessors import LimitOutput

        limit = LimitOutput(
            max_lines=self.version.max_lines, max_traceback=self.version.max_traceback
        )
        count = 0
        for i, cell in enumerate(notebook.cells):
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            locked = name is not None and released.by_name[name].locked
            if cell.cell_type != "code":
                if not locked:
                    cell["source"] = clean_markdown(cell.source, cell.get("attachments", {}))
                continue
            if i not in outcomes:
                continue
            count += 1
            cell["execution_count"] = count
            cell["outputs"] = clean_outputs(limit.preprocess_cell(cell, {}, i)[0].outputs)
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output["execution_count"] = count
            remark = _remark(outcomes[i])
            if remark:
                cell.outputs.append(_stderr(remark))

    def _close(self) -> None:
        if self.run is not None:
            self.run.close()
            self.used.append(self.run.usage())
            self.run = None

    def _usage(self) -> Usage:
        return Usage(
            wall_s=time.monotonic() - self.started,
            cpu_s=sum(each.cpu_s for each in self.used),
            peak_bytes=max((each.peak_bytes for each in self.used), default=0),
            received_bytes=sum(each.received_bytes for each in self.used),
            restarts=self.restarts,
        )


def _shell_notes(code: list[tuple[int, str]], outcomes: Mapping[int, CellOutcome]) -> list[str]:
    """Say which cells called for a shell and got none: what they define is missing later."""
    notes = []
    for number, (i, source) in enumerate(code, start=1):
        outputs = outcomes[i].outputs if i in outcomes else []
        if _SHELL_CELL.match(source):
            what = "is written for a shell, and there is none where it is graded: it did nothing."
        elif _SHELL_LINE.search(source) and any(out.output_type == "error" for out in outputs):
            what = (
                "calls a shell (a line with !), and there is none where it is graded: it stopped "
                "with an error, and the rest of it was not run."
            )
        else:
            continue
        notes.append(f"Code cell {number} {what}")
    return notes


def _remark(outcome: CellOutcome) -> str:
    if outcome.how in ENDED and outcome.how != "timeout":
        return ENDED[outcome.how][1]
    return "Part of this cell's output was left out for its size." if outcome.dropped else ""


def _stderr(text: str) -> Node:
    return nbformat_v4().new_output("stream", name="stderr", text=text + "\n")


def _status(books: tuple[NotebookResult, ...], by_hand: set[tuple[str, str]]) -> Status:
    cells = [(cell, (book.name, cell.grade_id) in by_hand) for book in books for cell in book.cells]
    if all(cell.status == "not_started" for cell, _ in cells):
        cells = [(cell, False) for cell, _ in cells]
    return worst([_as_status(cell, is_by_hand) for cell, is_by_hand in cells])


def _as_status(cell: CellResult, is_by_hand: bool) -> Status:
    if cell.status == "manual":
        return "ok"
    if cell.status == "not_started":  # no test has failed where there is none
        return "ok" if is_by_hand else "failed_tests"
    return cell.status


def _written(notebook: Node) -> str:
    return str(nbformat_v4().writes(notebook))

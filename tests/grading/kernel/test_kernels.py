"""A submission cannot harm its neighbors, the machine or the batch, whatever its cells do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grading.kernel import Kernels, grade
from grading.limits import MEGABYTE, Limits
from grading.results import Result
from tests.grading.kernel.books import BOOK, LAST, TEST, VERSION, marked, submitted, written
from tests.grading.kernel.courses import cell

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("requires_sandbox")]

GOOD = "def f(x):\n    return x + 1"
SCORES = {"right": {"test": 2.0, "last": 1.0}, "ended": {"test": 0.0, "last": 1.0}}


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels() as made:
        yield made


def scores(result: Result) -> dict[str, float | None]:
    return {each.grade_id: each.score for book in result.notebooks for each in book.cells}


def outputs(result: Result) -> list[Any]:
    cells = json.loads(result.notebooks[0].autograded)["cells"]
    return [output for each in cells for output in each.get("outputs", [])]


def text_of(result: Result) -> str:
    return "".join("".join(each.get("text", "")) for each in outputs(result))


def graded(files: Mapping[str, bytes], kernels: Kernels, **limits: Any) -> Result:
    return grade(files, VERSION, Limits(**limits), kernels)


def test_a_right_answer_gets_all_points(kernels: Kernels):
    result = graded(submitted(GOOD), kernels)

    assert scores(result) == SCORES["right"]
    assert result.status == "ok"
    assert (result.verdicts, result.sandbox) == ("inside", "bubblewrap")
    assert result.usage.cpu_s > 0.2  # a kernel was started
    assert result.usage.peak_bytes > 30 * MEGABYTE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("!ls", "Code cell 3 calls a shell (a line with !)"),
        ("files = !ls", "Code cell 3 calls a shell (a line with !)"),
        ("%%bash\nls", "Code cell 3 is written for a shell"),
    ],
)
def test_a_cell_that_calls_a_shell_is_named(kernels: Kernels, line: str, said: str):
    """What the cell defines is missing later, which alone would be a riddle."""
    result = graded(submitted("1 + 1", cell("code", f"{line}\n{GOOD}")), kernels)
    quiet = graded(submitted(GOOD + '\ntext = """\n!ls\n"""'), kernels)

    assert scores(result) == {"test": 0.0, "last": 1.0}
    (note,) = result.notebooks[0].notes
    assert note.startswith(said)
    assert quiet.notebooks[0].notes == ()


def test_the_inside_sees_only_this_submission_and_no_network(kernels: Kernels, tmp_path: Path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("secret")
    tmp_path.chmod(0o755)
    look = f"""
import os, pathlib, socket
print("cwd", sorted(os.listdir(".")))
print("root", sorted(os.listdir("/")))
print("reads", pathlib.Path({str(secret)!r}).exists(), os.getuid() != 0)
try:
    open("/inbox/book.ipynb", "w")
except OSError as error:
    print("inbox", type(error).__name__)
try:
    socket.create_connection(("127.0.0.1", 22), timeout=1)
except OSError as error:
    print("network", type(error).__name__)
print("processes", sum(name.isdigit() for name in os.listdir("/proc")) < 6)
print("home", [name for name in os.environ if "NNCOURSE" in name or "PG" in name])
"""
    files = submitted(GOOD, cell("code", look)) | {"data/more.txt": b"x"}
    said = text_of(graded(files, kernels))

    assert "cwd ['book.ipynb', 'data']" in said
    assert "home" not in said.split("root ")[1].split("\n")[0]
    assert "reads False True" in said
    assert "inbox OSError" in said
    assert "network ConnectionRefusedError" in said
    assert "processes True" in said
    assert "home []" in said


def test_every_submission_gets_a_kernel_and_a_folder_of_its_own(kernels: Kernels):
    leaves = 'import os\nopen("left.txt", "w").write("x")\nopen("/tmp/left.txt", "w").write("x")'
    graded(submitted(GOOD + "\nkept = 1\n" + leaves), kernels)
    looks = 'import os\nprint(os.path.exists("left.txt") or os.path.exists("/tmp/left.txt"))\nkept'
    result = graded(submitted(GOOD, cell("code", looks)), kernels)

    assert text_of(result) == "False\n"
    assert [each["ename"] for each in outputs(result)[1:]] == ["NameError"]


@pytest.mark.parametrize(
    ("deed", "status"),
    [
        pytest.param("import os\nos._exit(0)", "killed", id="exit"),
        pytest.param(
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed", id="kill"
        ),
        pytest.param("x = [bytearray(2**24) for _ in range(200)]", "memory", id="memory"),
        pytest.param(
            "import os\nfor _ in range(3):\n    os.fork()\nx = bytearray(2**27)\n"
            "import time\ntime.sleep(4)",
            "memory",
            id="memory_of_the_tree",
        ),
        pytest.param(
            "import time\nwhile True:\n    print('x' * 50_000)\n    time.sleep(0.002)",
            "killed",
            id="flood",
        ),
    ],
)
def test_a_cell_that_ends_the_kernel_costs_its_own_test_only(
    kernels: Kernels, deed: str, status: str
):
    """The function ends the kernel when the test calls it; the cells behind it still count."""
    body = "".join(f"\n    {line}" for line in deed.split("\n"))
    result = graded(
        submitted(f"def f(x):{body}"),
        kernels,
        memory_bytes=512 * MEGABYTE,
        received_bytes=30 * MEGABYTE,
    )

    assert scores(result) == SCORES["ended"]
    assert result.status == status
    assert result.usage.restarts == 1
    assert result.notebooks[0].cells[0].message
    assert result.notebooks[0].notes


def test_an_endless_cell_is_interrupted_and_the_kernel_goes_on(kernels: Kernels):
    version = replace(VERSION, cell_timeout_s=1.0)
    files = submitted("def f(x):\n    while True:\n        pass")
    began = time.monotonic()
    result = grade(files, version, Limits(), kernels)

    assert scores(result) == SCORES["ended"]
    assert (result.status, result.usage.restarts) == ("timeout", 0)
    assert time.monotonic() - began < 10
    assert [each["ename"] for each in outputs(result)][-1] == "CellTimeoutError"


def test_a_cell_that_ignores_interrupts_is_killed_within_the_budget(kernels: Kernels):
    version = replace(VERSION, cell_timeout_s=0.5)
    stubborn = (
        "def f(x):\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass"
    )
    result = grade(submitted(stubborn), version, Limits(), kernels)

    assert scores(result) == SCORES["ended"]
    assert (result.status, result.usage.restarts) == ("timeout", 1)


def test_the_budget_of_a_submission_ends_everything(kernels: Kernels):
    sleeps = [cell("code", "import time\ntime.sleep(3)") for _ in range(5)]
    began = time.monotonic()
    result = graded(submitted(GOOD, *sleeps), kernels, base_submission_s=4.0)

    assert scores(result) == {"test": 0.0, "last": 0.0}
    assert result.status == "timeout"
    assert time.monotonic() - began < 4 + 10


def test_no_process_outlives_the_submission(kernels: Kernels):
    mark = "17.25"
    sleeps = f"[sys.executable, '-c', 'import time; time.sleep({mark})']"
    stays = (
        "import subprocess, sys\n"
        f"subprocess.Popen({sleeps}, start_new_session=True)\n"
        "print('started')"
    )
    result = graded(submitted(GOOD, cell("code", stays)), kernels)

    time.sleep(0.3)
    running = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if f"time.sleep({mark})".encode() in _read(path)
    ]
    assert "started" in text_of(result)
    assert running == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_files_are_capped(kernels: Kernels):
    fills = (
        "import os\n"
        "try:\n"
        "    for i in range(100):\n"
        "        open(f'{i}', 'wb').write(bytes(2**22))\n"
        "except OSError as error:\n"
        "    print(error.strerror, i < 10)"
    )
    result = graded(submitted(GOOD, cell("code", fills)), kernels, file_bytes=32 * MEGABYTE)

    assert "No space left on device True" in text_of(result)
    assert scores(result) == SCORES["right"]


def test_outputs_are_cleaned(kernels: Kernels):
    shows = (
        "from IPython.display import HTML, Javascript, SVG, display\n"
        "display(HTML('<b>bold</b><script>alert(1)</script><img src=x onerror=alert(1)>'))\n"
        "display(Javascript('alert(1)'))\n"
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'},\n"
        "         'image/svg+xml': '<svg onload=alert(1)>'}, raw=True)\n"
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    )
    result = graded(submitted(GOOD, cell("code", shows)), kernels)
    shown = outputs(result)
    kinds = {mime for each in shown for mime in each.get("data", {})}

    assert kinds == {"text/plain", "text/html", "image/png"}
    assert "<b>bold</b>" in json.dumps(shown)
    for active in ("<script", "onerror", "onload", "javascript"):
        assert active not in json.dumps(shown)


def test_warnings_do_not_decide(kernels: Kernels):
    """Plain nbgrader gives 0 here: the documented difference."""
    warns = "import warnings\ndef f(x):\n    warnings.warn('old')\n    return x + 1"

    assert scores(graded(submitted(warns), kernels)) == SCORES["right"]


def test_input_and_shell_do_not_hang(kernels: Kernels):
    result = graded(submitted(GOOD, cell("code", "input()"), cell("code", "!ls")), kernels)

    assert scores(result) == SCORES["right"]
    assert "StdinNotImplementedError" in [each.get("ename") for each in outputs(result)]


def test_a_tag_cannot_skip_a_test(kernels: Kernels):
    """nbclient leaves cells of this tag out, and a test without outputs counts in full."""
    skipped = marked(TEST)
    skipped["metadata"]["tags"] = ["skip-execution"]
    result = graded(written(skipped, marked(LAST)), kernels)

    assert scores(result) == SCORES["ended"]


def test_the_same_submission_gives_the_same_result(kernels: Kernels):
    files = submitted("def f(x):\n    print({'b', 'a', 'c'})\n    raise KeyError('f')")

    assert graded(files, kernels).body_sha256 == graded(files, kernels).body_sha256


def test_without_a_sandbox_results_are_marked():
    with Kernels(unsafe=True) as bare:
        result = graded(submitted(GOOD), bare)

    assert scores(result) == SCORES["right"]
    assert result.sandbox == "none"


def test_nothing_handed_in_is_zero_points(kernels: Kernels):
    result = graded({"other.txt": b"x"}, kernels)

    assert scores(result) == dict.fromkeys([each.name for each in BOOK.scored], 0.0)
    assert result.status == "invalid_submission"


def test_a_hidden_test_that_was_put_into_a_file_is_not_told_by_another_notebook(kernels: Kernels):
    """All notebooks of a submission run in one folder."""
    test = replace(TEST, source="import mine", released="import mine")
    other = replace(BOOK, name="other", cells=(test,))
    version = replace(VERSION, notebooks=(BOOK, other))
    keeps = "def f(x):\n    open('left.txt', 'w').write(In[-1])\n    return x + 1"
    files = submitted(keeps) | {"mine.py": b"raise AssertionError(open('left.txt').read())"}
    files["other.ipynb"] = written(marked(test))["book.ipynb"]
    result = grade(files, version, Limits(), kernels)

    first, second = result.notebooks
    assert first.cells[0].status == "ok"
    assert "f(20) == 21" in "".join(
        map(repr, json.loads(second.autograded)["cells"])
    )  # it got there
    assert second.cells[0].status == "failed_tests"
    assert "20" not in repr(second.cells)

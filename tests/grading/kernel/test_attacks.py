"""Attacks on the kernel that runs other people's courses: the host, a neighbor, a page.

Verdicts are formed inside, so the score of the attacker's own work is not at stake here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from grading.kernel import Kernels, grade
from grading.limits import Limits
from grading.results import Result
from tests.grading.kernel.books import BOOK, VERSION, submitted
from tests.grading.kernel.courses import SLUG, cell, make_course
from tests.grading.kernel.rendered import active, html_of, notebook_of

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("requires_sandbox")]

GOOD = "def f(x):\n    return x + 1"


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels() as made:
        yield made


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course that everybody on the machine may read and write."""
    make_course(tmp_path)
    (tmp_path / "gradebook.db").write_text("canary-of-the-gradebook")
    (tmp_path / "source" / SLUG / "key.txt").write_text("canary-of-the-source")
    neighbor = tmp_path / "submitted" / "neighbor" / SLUG
    neighbor.mkdir(parents=True)
    (neighbor / "book.ipynb").write_bytes(submitted(GOOD)["book.ipynb"])
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    return tmp_path


def state(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def said(result: Result) -> str:
    """What the cells put out."""
    cells = [each for book in result.notebooks for each in json.loads(book.autograded)["cells"]]
    return json.dumps([each.get("outputs", []) for each in cells])


def run(attack: str, kernels: Kernels, **files: bytes) -> Result:
    return grade(submitted(GOOD, cell("code", attack)) | files, VERSION, Limits(), kernels)


def scores(result: Result) -> list[float | None]:
    return [each.score for book in result.notebooks for each in book.cells]


def test_the_source_folder_and_the_gradebook_are_out_of_reach(course: Path, kernels: Kernels):
    before = state(course)
    attack = f"""
import os, pathlib
root = {str(course)!r}
ways = [root, "/proc/1/root" + root, f"/proc/{{os.getppid()}}/root" + root, "../../.." + root]
os.symlink(root, "course")
for way in [*ways, "course"]:
    for name in ("gradebook.db", "source/{SLUG}/key.txt"):
        try:
            print("READ", pathlib.Path(way, name).read_text())
        except OSError as error:
            print("refused", type(error).__name__)
        try:
            pathlib.Path(way, name).write_text("changed")
        except OSError:
            pass
for place, _, names in os.walk("/"):
    if not place.startswith(("/proc", "/sys")):
        for name in names:
            if name in ("gradebook.db", "key.txt"):
                print("FOUND", place)
print("attack ended")
"""
    result = run(attack, kernels)

    assert "attack ended" in said(result)
    assert "READ" not in said(result)
    assert "FOUND" not in said(result)
    assert "canary-of-the" not in said(result)
    assert state(course) == before


def test_a_neighbors_file_is_neither_read_nor_written(course: Path, kernels: Kernels):
    before = state(course)
    neighbor = course / "submitted" / "neighbor" / SLUG / "book.ipynb"
    attack = f"""
import glob, pathlib
places = [{str(neighbor)!r}, "/inbox/book.ipynb", "/inbox/own.txt"]
places += [*glob.glob("/tmp/nnk-*/inbox/*"), "/tmp/book.ipynb", "/dev/shm/f.py", "/tmp/job/f.py"]
for name in places:
    try:
        pathlib.Path(name).write_text("raise SystemExit")
    except OSError as error:
        print(name, type(error).__name__)
open("numpy.py", "w").write("raise SystemExit")
print("attack ended")
"""
    quiet = grade(submitted(GOOD), VERSION, Limits(), kernels)
    result = run(attack, kernels, **{"own.txt": b"x"})
    after = grade(submitted(GOOD), VERSION, Limits(), kernels)

    assert "attack ended" in said(result)
    assert state(course) == before
    assert scores(after) == [2.0, 1.0]
    assert replace(after, usage=quiet.usage) == quiet  # as if nobody had been there in between


def test_scripts_in_outputs_reach_no_page(course: Path, kernels: Kernels):
    before = state(course)
    payloads = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](x [b](javascript:alert(1)))",
        "]: x [plot](javascript:alert(2))",
        "<iframe srcdoc='x'></iframe><svg onload=alert(1)>",
    ]
    attack = f"""
import sys
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
for text in {payloads!r}:
    display(HTML(text), Markdown(text), Latex(text), Javascript("alert(1)"))
    kinds = ("text/html", "image/svg+xml", "text/vnd.mermaid", "image/png")
    display(dict.fromkeys(kinds, text),
            raw=True, metadata={{"text/html": {{"isolated": True}}}})
    print(text)
    print(text, file=sys.stderr)
print("attack ended")
raise type(payload := "<script>", (Exception,), {{}})("<script>alert(3)</script>")
"""
    words = [cell("markdown", text) for text in payloads] + [cell("raw", payloads[0])]
    result = grade(submitted(GOOD, cell("code", attack), *words), VERSION, Limits(), kernels)

    (book,) = result.notebooks
    assert book.name == BOOK.name
    assert "attack ended" in said(result)
    shown = nbformat.reads(book.autograded, 4)
    for template in ("lab", "classic"):
        assert active(html_of(notebook_of(*shown.cells), template)) == []
    assert scores(result) == [2.0, 1.0]
    assert state(course) == before

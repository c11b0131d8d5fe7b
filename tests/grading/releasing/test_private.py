"""Private exercises: the learner gets the stub, and nothing else of what declares them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from grading.authoring.solutions import squeeze
from grading.classroom import Classroom
from grading.exercises import _registry, exercise
from grading.refusals import Refusal
from grading.releasing import release
from tests.grading.private_course import DECLARATION, SLUG, SOURCE, write_private_course


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(_registry, "_private", {})


@pytest.fixture
def classroom(tmp_path):
    return Classroom.open(tmp_path / "my class", create=True)


@pytest.fixture
def own(tmp_path):
    return write_private_course(tmp_path / "own é")


def text_of(folder):
    return "\n".join(
        f"{path.relative_to(folder)}\n{path.read_text(encoding='utf-8')}"
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_the_bundle_holds_the_stub_and_the_check(classroom, own, tmp_path):
    bundle = release([], classroom, exercises=own, to=tmp_path / "b")

    notebook = json.loads((bundle.path / SLUG / f"{SLUG}.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert bundle.exercises == {SLUG: ("halved_norm",)}
    assert 'check("halved_norm")' in sources
    assert any("raise NotImplementedError" in source for source in sources)
    assert "graded after handing in" in (bundle.path / "README.md").read_text(encoding="utf-8")


def test_nothing_of_the_declarations_enters_the_bundle(classroom, own, tmp_path):
    """Every string and every line of code of the private module is searched for."""
    bundle = release([], classroom, exercises=own, to=tmp_path / "b")

    text = text_of(bundle.path)
    squeezed = squeeze(text)
    strings = {
        node.value
        for node in ast.walk(ast.parse(DECLARATION))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    }
    lines = {squeeze(line) for line in DECLARATION.splitlines() if len(squeeze(line)) > 20} - {
        squeeze(line) for line in SOURCE.splitlines()
    }
    assert len(strings) > 8
    assert len(lines) > 20
    assert not [string for string in strings if string in text]
    assert not [line for line in lines if line in squeezed]
    for word in ("marmot", "secretly_squared", "grandly_multiplied", "misconception", "norms.py"):
        assert word not in text


@pytest.mark.parametrize(
    "slip",
    [
        "# The marmot forgot its half.",
        "# secretly_squared = v * v",
        "# return float(secretly_squared.sum()) / 2.0",
        "# The marmot multiplies v by itself and sums; then it halves.",
        "# grandly_multiplied = v * v",
    ],
)
def test_a_source_that_gives_something_away_is_refused(classroom, own, tmp_path, slip):
    path = own / "solutions" / f"{SLUG}.py"
    path.write_text(
        SOURCE.replace("# About 30 minutes.", f"{slip} About 30 minutes."), encoding="utf-8"
    )

    with pytest.raises(Refusal, match="halved_norm"):
        release([], classroom, exercises=own, to=tmp_path / "b")

    assert not (tmp_path / "b").exists()


def test_the_class_folder_keeps_what_judges(classroom, own, tmp_path):
    release([], classroom, exercises=own, to=tmp_path / "b")
    for path in sorted(own.rglob("*.py")):
        path.unlink()
    _registry._private.clear()

    version = Classroom.open(classroom.root).assignment(SLUG)

    assert set(version.exercises) == {"halved_norm"}
    assert exercise("halved_norm").total == 2


def test_another_process_finds_them_as_well(classroom, own, tmp_path):
    release([], classroom, exercises=own, to=tmp_path / "b")
    program = (
        "import sys, pathlib\n"
        "from grading.classroom import Classroom\n"
        f"version = Classroom.open(pathlib.Path(sys.argv[1])).assignment({SLUG!r})\n"
        "print(list(version.exercises), version.hash)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program, str(classroom.root)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.split() == ["['halved_norm']", classroom.assignment(SLUG).hash]


def test_mended_declarations_are_another_version_of_the_same_release(classroom, own, tmp_path):
    first = release([], classroom, exercises=own, to=tmp_path / "b")
    before = classroom.assignment(SLUG).hash
    path = own / "exercises" / "norms.py"
    path.write_text(DECLARATION + "\n# mended\n", encoding="utf-8")

    again = release([], classroom, exercises=own, to=tmp_path / "b")

    assert again.versions == first.versions
    assert classroom.assignment(SLUG).hash != before


def test_units_of_both_kinds_go_into_one_bundle(classroom, own, tmp_path):
    bundle = release([SLUG, "00"], classroom, exercises=own, to=tmp_path / "b")

    assert set(bundle.versions) == {SLUG, "00-start-here"}


SOURCE_FILE = f"solutions/{SLUG}.py"


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        (SOURCE_FILE, None, "name the units to release"),
        (SOURCE_FILE, SOURCE.replace("### BEGIN", "# BE"), "halved_norm"),
        ("exercises/norms.py", "x =", "norms.py, line 1: SyntaxError"),
        ("exercises/norms.py", DECLARATION.replace('"91"', '"92"'), "unit 92, this is unit 91"),
    ],
)
def test_a_slip_is_refused_in_one_sentence(classroom, own, tmp_path, file, content, sentence):
    (own / file).unlink()
    if content is not None:
        (own / file).write_text(content, encoding="utf-8")

    with pytest.raises(Refusal) as refusal:
        release([], classroom, exercises=own, to=tmp_path / "b")

    assert sentence in str(refusal.value)
    assert not classroom.settings.assignments

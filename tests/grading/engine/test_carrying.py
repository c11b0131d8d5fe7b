"""Exercises of an instructor's own go along to workers on which their files do not lie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grading import sources
from grading.assignments import AssignmentVersion
from grading.engine import DaskCluster, Job, _dask
from grading.engine._carrying import Carried, carry, put_down
from grading.exercises import _registry
from grading.refusals import Refusal
from tests.grading.engine.clusters import ROOT, Cluster, cluster
from tests.grading.engine.doubles import FakeVersion, obey
from tests.grading.private_course import ANSWER, DECLARATION, SLUG, write_private_course


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave nothing of what a test loads."""
    monkeypatch.setattr(_registry, "_private", {})
    sources._closure.cache_clear()  # where the same files lay in another test
    yield
    for name in [name for name in sys.modules if name.startswith("nncourse_private_")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        running.worker("--nthreads=1")
        yield running


def notebook(answer: str = "def halved_norm(v):\n    raise NotImplementedError()\n") -> str:
    marks = [
        ("import numpy as np", {"tags": ["setup"]}),
        (answer, {"nbgrader": {"solution": True, "grade": False, "grade_id": "halved_norm",
                               "locked": False, "schema_version": 3, "task": False}}),
        ('check("halved_norm")',
         {"nbgrader": {"solution": False, "grade": True, "grade_id": "check_halved_norm",
                       "points": 2, "locked": True, "schema_version": 3, "task": False}}),
    ]  # fmt: skip
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": metadata, "source": source,
         "outputs": [], "execution_count": None}
        for i, (source, metadata) in enumerate(marks)
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def version_with(path: Path) -> AssignmentVersion:
    return AssignmentVersion(SLUG, notebook(), b"a secret of thirty-two bytes ...", (str(path),))


def sent_away(version: AssignmentVersion, monkeypatch: pytest.MonkeyPatch) -> Carried:
    """Carry a version, and take its files from where the worker could find them."""
    _ = version.hash
    carried = carry(version)
    for path in map(Path, version.private):
        path.rename(path.with_name(f"{path.name} elsewhere"))
    monkeypatch.setattr(_dask, "carry", lambda _: carried)
    return carried


PROGRAM = """
import pickle, sys
from grading.engine._carrying import put_down
version = put_down(pickle.load(sys.stdin.buffer))
print(version.hash, *version.exercises, *version.private, sep="\\n")
"""


@pytest.mark.parametrize("form", ["folder with exercises", "folder of files", "file"])
def test_version_is_the_same_where_it_arrives_without_its_files(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle  # as Dask does

    path = write_private_course(tmp_path / "my exercises é")
    if form == "folder of files":
        path /= "exercises"
    if form == "file":
        path = tmp_path / "norms.py"
        text = DECLARATION.replace("from ._drawing import draw_vector", "")
        text = text.replace(
            "cases=draw_vector", "cases=lambda rng: Case({'v': rng.normal(size=4)})"
        )
        path.write_text(text.replace("import Criterion", "import Case, Criterion"))
    version = version_with(path)
    carried = sent_away(version, monkeypatch)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=pickle.dumps(carried),
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    version_hash, *names, place = done.stdout.decode().splitlines()
    assert (version_hash, names) == (version.hash, ["halved_norm"])
    assert Path(place).is_relative_to(tmp_path)
    assert list(tmp_path.glob("nncourse-exercises-*")) == []  # gone with the process


def test_version_without_such_exercises_travels_as_it_is() -> None:
    version = FakeVersion()

    assert put_down(carry(version)) is version


def test_file_that_is_gone_is_refused_before_anything_travels(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="there are no exercises"):
        carry(version_with(tmp_path / "gone.py"))


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.usefixtures("requires_sandbox")
def test_worker_without_the_files_grades_them(
    one: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = version_with(write_private_course(tmp_path / "mine"))
    sent_away(version, monkeypatch)
    jobs = [
        Job(name, {f"{SLUG}.ipynb": notebook(answer).encode()}, version)
        for name, answer in (("right", ANSWER), ("wrong", ANSWER.replace("0.5 * ", "")))
    ]

    with DaskCluster(one.address) as engine:
        ended = dict(engine.run(jobs))

    assert ended["right"].version == version.hash
    assert {name: result.points for name, result in ended.items()} == {"right": 2, "wrong": 0}
    assert ended["wrong"].notebooks[0].cells[0].misconceptions == ("not_halved",)


@pytest.mark.slow
def test_exercises_that_a_worker_cannot_load_are_refused_by_name(
    one: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worker, path and mend; a result for each submission would say so a thousand times."""
    monkeypatch.setitem(sys.modules, "only_here", sys)
    course = write_private_course(tmp_path / "mine")
    declared = course / "exercises" / "norms.py"
    declared.write_text("import only_here\n" + DECLARATION)
    jobs = [Job(f"j{i}", {"script": b"x"}, version_with(course)) for i in range(3)]

    with DaskCluster(one.address, unsafe=True, work=obey) as engine:
        with pytest.raises(Refusal) as refused:
            list(engine.run(jobs))
        again = list(engine.run([Job("other", {"script": b"sleep 0"}, FakeVersion())]))

    said = str(refused.value)
    assert said.startswith("worker tcp://127.0.0.1:")
    assert f"{declared}, line 1: ModuleNotFoundError: No module named 'only_here'" in said
    assert "installed on every worker" in said
    assert [name for name, _ in again] == ["other"]

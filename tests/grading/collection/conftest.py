"""A class of four to which unit 00 was handed out, and hand-ins in every form."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grading.classroom import Classroom
from grading.collection import Collected, Submission, collect
from grading.releasing import release

SLUG = "00-start-here"
FILE = f"{SLUG}.ipynb"
DUE = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
ON_TIME = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class folder, copied for each test."""
    root = tmp_path_factory.mktemp("begun") / "class"
    classroom = Classroom.open(root, create=True, timezone="Europe/Berlin")
    roster = classroom.roster
    roster.new("ada", first_name="Ada", last_name="Lovelace", email="ada@example.org")
    roster.new("blaise", first_name="Blaise", last_name="Pascal", lms_user_id="4711")
    roster.new("carl", first_name="Carl Friedrich", last_name="Gauß", lms_user_id="1002")
    roster.new("emmy", first_name="Emmy", last_name="Noether", group="b")
    release(["00"], classroom, due="2026-12-01 23:59", to=root / "bundle.zip")
    return root


@pytest.fixture
def classroom(begun: Path, tmp_path: Path) -> Classroom:
    root = tmp_path / "my class"
    shutil.copytree(begun, root)
    (root / "secret.key").chmod(0o600)
    return Classroom.open(root)


@pytest.fixture
def released(classroom: Classroom) -> dict[str, object]:
    version = classroom.settings.assignments[SLUG].version
    path = classroom.released_folder / SLUG / version / FILE
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture
def answered(released: dict[str, object]) -> Callable[[str], bytes]:
    """Return a notebook into which somebody wrote something."""

    def write(text: str = "") -> bytes:
        cell = {
            "cell_type": "code", "id": "own", "metadata": {}, "source": f"# {text}",
            "outputs": [], "execution_count": None,
        }  # fmt: skip
        cells = released["cells"]
        assert isinstance(cells, list)
        return json.dumps(released | {"cells": [*cells, cell]}, indent=1).encode()

    return write


def put(path: Path, content: bytes, when: datetime = ON_TIME) -> Path:
    """Write a file of a certain age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path


def zipped(
    path: Path,
    files: Mapping[str, bytes],
    when: tuple[int, int, int, int, int, int] = (2026, 11, 30, 13, 0, 0),
) -> Path:
    """Write a zip whose entries are all of one age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def taken(collected: Collected) -> dict[str, Submission]:
    """Read everything, by learner."""
    return {submission.learner.id: submission for submission in collected}


Gather = Callable[..., tuple[dict[str, Submission], list[str]]]


@pytest.fixture
def gather(classroom: Classroom) -> Gather:
    """Collect, and return what came by learner, and what was refused."""

    def work(*paths: Path, **options: object) -> tuple[dict[str, Submission], list[str]]:
        collected = collect(paths, classroom, **options)  # type: ignore[arg-type]
        return taken(collected), collected.refused

    return work

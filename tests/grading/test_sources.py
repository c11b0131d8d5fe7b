"""The files of an exercise: those that decide about it, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading import assignments
from grading.assignments import AssignmentVersion, version_of
from grading.exercises import Exercise, all_exercises, exercise, load_private
from grading.sources import files_of

ROOT = Path(__file__).resolve().parents[2]
SLUG = "01-backpropagation"
PATH = ROOT / "course" / SLUG / f"{SLUG}.ipynb"


@pytest.mark.parametrize("declared", all_exercises(), ids=lambda each: each.id)
def test_declaration_and_the_forms_of_declarations_are_among_them(declared: Exercise) -> None:
    files = files_of(declared)

    assert any(f'id="{declared.id}"' in path.read_text(encoding="utf-8") for path in files)
    assert "_declaration.py" in {path.name for path in files}


def test_neighbors_in_the_unit_are_not_among_them() -> None:
    names = {path.name for path in files_of(exercise("relu_backward"))}

    assert names == {"_declaration.py", "relu.py"}


def test_helper_files_are_among_them() -> None:
    names = {path.name for path in files_of(exercise("train_mlp"))}

    assert {"training.py", "training_cases.py", "training_mistakes.py"} <= names


def test_mended_file_changes_the_hash_of_its_exercises_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = version_of(PATH, b"s")
    hashes = before.exercise_hashes  # computed now
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda self: read(self) + (b" " if self.name == "relu.py" else b"")
    )

    after = version_of(PATH, b"s")

    changed = {
        name for name, value in after.exercise_hashes.items() if hashes[name] != value
    }  # fmt: skip
    assert changed == {"relu_backward"}
    monkeypatch.undo()
    assert after.hash != before.hash


def test_judging_code_set_up_and_secret_change_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = version_of(PATH, b"s").exercise_hashes
    other_setup = AssignmentVersion(
        SLUG, PATH.read_text(encoding="utf-8").replace("import numpy as np", "import numpy"), b"s"
    )

    assert not set(other_setup.exercise_hashes.values()) & set(before.values())
    assert not set(version_of(PATH, b"t").exercise_hashes.values()) & set(before.values())
    monkeypatch.setattr(assignments, "code_hash", lambda: "another comparator")
    assert not set(version_of(PATH, b"s").exercise_hashes.values()) & set(before.values())


def test_private_file_and_its_helpers_are_among_them(tmp_path: Path) -> None:
    source = (ROOT / "grading/exercises/u01_backpropagation/relu.py").read_text(encoding="utf-8")
    own = source.replace('id="relu_backward"', 'id="own_relu"') + "\nEXERCISES = (RELU_BACKWARD,)\n"
    own = own.replace("import numpy as np", "import numpy as np\nfrom ._helper import SIZE", 1)
    (tmp_path / "own.py").write_text(own, encoding="utf-8")
    (tmp_path / "_helper.py").write_text("SIZE = 3\n", encoding="utf-8")
    (tmp_path / "_unused.py").write_text("SIZE = 4\n", encoding="utf-8")

    (declared,) = load_private(tmp_path)

    names = {path.name for path in files_of(declared)}
    assert {"own.py", "_helper.py"} <= names
    assert "_unused.py" not in names

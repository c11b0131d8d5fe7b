"""A bundle holds what learners need and no answer; the class folder keeps what was released."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grading.authoring import cells
from grading.authoring.solutions import squeeze
from grading.check.solution import source_of
from grading.classroom import Classroom
from grading.exercises import exercise, exercises_of_unit
from grading.house import units
from grading.refusals import Refusal
from grading.releasing import Bundle, release, release_of, seal_is_ours

SLUG = "01-backpropagation"
DUE = "2026-12-01 23:59"


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    return Classroom.open(tmp_path / "my class", create=True, timezone="Europe/Berlin")


def contents(bundle: Bundle) -> dict[str, bytes]:
    if bundle.path.is_dir():
        return {
            path.relative_to(bundle.path).as_posix(): path.read_bytes()
            for path in bundle.path.rglob("*")
            if path.is_file()
        }
    with zipfile.ZipFile(bundle.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bundle_holds_notebook_page_and_manifest(classroom, tmp_path):
    bundle = release(["01", "2"], classroom, due=DUE, to=tmp_path / "b.zip")

    assert set(contents(bundle)) == {
        f"{SLUG}/{SLUG}.ipynb",
        "02-supervised-learning/02-supervised-learning.ipynb",
        "README.md",
        "manifest.json",
    }
    assert stat.S_IMODE(bundle.path.stat().st_mode) == 0o644


def test_a_folder_holds_the_same(classroom, tmp_path):
    zipped = release(["01"], classroom, due=DUE, to=tmp_path / "b.zip")
    folder = release(["01"], classroom, due=DUE, to=tmp_path / "b")

    assert contents(zipped) == contents(folder)


@pytest.mark.parametrize("unit", [unit.number for unit in units()])
def test_no_bundle_of_the_course_holds_an_answer(classroom, tmp_path, unit):
    bundle = release([unit], classroom, tier="further", to=tmp_path / "b")  # the larger one

    files = contents(bundle)
    text = squeeze("".join(content.decode() for content in files.values()))
    assert not any("solution" in name or name.endswith(".py") for name in files)
    assert "BEGINSOLUTION" not in text
    for declared in exercises_of_unit(unit):
        for answer in (declared.reference, *declared.alternatives):
            body = source_of(answer, declared.id).split(":\n", 1)[1]
            escaped = json.dumps(body)[1:-1].replace("\\n", "")
            assert squeeze(escaped) not in text.replace('",', "").replace('"', "")


def test_core_leaves_the_further_exercises_out(classroom, tmp_path):
    core = release(["01"], classroom, to=tmp_path / "core")
    further = release(["01"], classroom, tier="further", to=tmp_path / "further")

    text = (core.path / SLUG / f"{SLUG}.ipynb").read_text(encoding="utf-8")
    assert set(core.exercises[SLUG]) < set(further.exercises[SLUG])
    assert {exercise(name).tier for name in core.exercises[SLUG]} == {"core"}
    assert "train_mlp" not in text
    assert "A gradient without calculus" not in text
    assert "## Going further" not in text
    assert "## Do I have it?" in text


def test_going_further_stays_where_something_else_stands_below_it(classroom, tmp_path):
    bundle = release(["05"], classroom, to=tmp_path / "b")

    notebook = cells.read(bundle.path / "05-regularization" / "05-regularization.ipynb")
    texts = [cell.source for cell in notebook.cells]
    at = next(i for i, text in enumerate(texts) if "## Going further" in text)
    assert "Sound and text" in texts[at + 1]
    assert not any(text.rstrip() == "" for text in texts)


def test_what_is_left_is_unchanged_and_keeps_its_ids(classroom, tmp_path):
    core = release(["01"], classroom, to=tmp_path / "core")

    whole = {c.id: c for c in cells.read(Path("course", SLUG, f"{SLUG}.ipynb")).cells}
    left = cells.read(core.path / SLUG / f"{SLUG}.ipynb").cells
    changed = [c for c in left if c.source != whole[c.id].source]
    assert all(cell.metadata == whole[cell.id].metadata for cell in left)
    assert all(c.cell_type == "markdown" for c in changed)
    assert len(changed) <= 1


def test_the_page_tells_the_due_date_on_both_clocks(classroom, tmp_path):
    (classroom.root / "class.toml").write_text(
        'course = "Netze"\ntimezone = "Europe/Berlin"\n'
        "[late]\npercent = 10\ngrace_minutes = 15\ncap_percent = 50\ncut_off_hours = 168\n"
    )
    bundle = release(["01"], Classroom.open(classroom.root), due=DUE, to=tmp_path / "b")

    page = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "Tuesday 2026-12-01 23:59 Europe/Berlin (UTC+01:00)" in page
    assert "2026-12-01 22:59 UTC" in page
    assert page.startswith("# Netze")
    assert f"`{SLUG}.ipynb`" in page
    assert "late work loses 10 % of its points for each day that has begun, 50 % at most" in page
    assert "after 168 hours nothing counts" in page


def test_the_page_keeps_work_that_was_begun_in_my_course(classroom, tmp_path):
    bundle = release(["01"], classroom, to=tmp_path / "b")

    page = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "leave those as they are. Make a folder `to-hand-in` in `my-course`" in page
    assert "do not replace it" in page


def test_the_manifest_names_every_file_and_is_sealed(classroom, tmp_path):
    bundle = release(["01"], classroom, due=DUE, to=tmp_path / "b")

    files = contents(bundle)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    about = manifest["assignments"][SLUG]
    assert about["version"] == bundle.versions[SLUG]
    assert datetime.fromisoformat(about["due"]) == datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
    assert seal_is_ours(classroom.secret, manifest)


def test_a_changed_manifest_is_not_ours(classroom, tmp_path):
    bundle = release(["01"], classroom, due=DUE, to=tmp_path / "b")
    manifest = json.loads(contents(bundle)["manifest.json"])

    for key in ("assignments", "files", "course", "format"):
        assert not seal_is_ours(classroom.secret, manifest | {key: "changed"})
    assert not seal_is_ours(b"another secret", manifest)
    assert not seal_is_ours(classroom.secret, manifest | {"hmac": ""})
    assert not seal_is_ours(classroom.secret, {k: v for k, v in manifest.items() if k != "hmac"})
    assert not seal_is_ours(classroom.secret, [manifest])


def test_the_notebook_remembers_its_release(classroom, tmp_path):
    bundle = release(["01"], classroom, to=tmp_path / "b")

    notebook = contents(bundle)[f"{SLUG}/{SLUG}.ipynb"]
    assert release_of(classroom.secret, notebook) == (SLUG, bundle.versions[SLUG], True)
    assert release_of(b"another", notebook) == (SLUG, bundle.versions[SLUG], False)
    assert classroom.secret.hex().encode() not in notebook


def test_a_notebook_that_was_saved_by_jupyter_still_remembers(classroom, tmp_path):
    bundle = release(["01"], classroom, to=tmp_path / "b")
    content = json.loads(contents(bundle)[f"{SLUG}/{SLUG}.ipynb"])

    for saved in (json.dumps(content), json.dumps(content, indent=1, sort_keys=True)):
        assert release_of(classroom.secret, saved.encode()) == (SLUG, bundle.versions[SLUG], True)


def test_grading_uses_the_copy_in_the_class_folder(classroom, tmp_path):
    bundle = release(["01"], classroom, due=DUE, to=tmp_path / "b")

    version = classroom.assignment(SLUG)
    assert version.released.encode() == contents(bundle)[f"{SLUG}/{SLUG}.ipynb"]
    assert set(version.exercises) == set(bundle.exercises[SLUG])
    assert version.secret == classroom.secret
    assert Classroom.open(classroom.root).settings.assignments[SLUG].due == bundle.due


def test_a_second_release_keeps_the_first(classroom, tmp_path):
    first = release(["01"], classroom, to=tmp_path / "1").versions[SLUG]
    second = release(["01"], classroom, tier="further", to=tmp_path / "2").versions[SLUG]

    settings = Classroom.open(classroom.root).settings.assignments[SLUG]
    assert (settings.version, settings.releases) == (second, (first, second))
    assert "train_mlp" in classroom.assignment(SLUG).exercises
    assert "train_mlp" not in classroom.assignment(SLUG, first).exercises


def test_releasing_the_same_again_is_the_same_release(classroom, tmp_path):
    first = release(["01"], classroom, due=DUE, to=tmp_path / "b")
    again = release(["01"], classroom, due="2026-12-02", to=tmp_path / "b")

    settings = classroom.settings.assignments[SLUG]
    assert first.versions == again.versions
    assert settings.releases == (first.versions[SLUG],)
    assert settings.due == again.due


def test_the_same_bundle_has_the_same_bytes(classroom, tmp_path):
    paths = [release(["01"], classroom, due=DUE, to=tmp_path / f"{i}.zip").path for i in "ab"]

    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        (["99"], {}, "there is no unit '99'. The units are: 00, 01"),
        ([], {}, "name the units to release"),
        (["01"], {"tier": "all"}, "--tier core or further"),
        (["01"], {"due": "soon"}, "'soon' is no time"),
        (["01"], {"due": "2026-10-25 02:30"}, '"2026-10-25 02:30+01:00" or'),
        (["01"], {"due": "2026-03-29 02:30"}, "never shows that time"),
        (["01"], {"due": DUE, "timezone": "Europe/Berlim"}, "Did you mean Europe/Berlin"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_writes_nothing(
    classroom, tmp_path, words, options, sentence
):
    with pytest.raises(Refusal) as refusal:
        release(words, classroom, to=tmp_path / "b", **options)

    assert sentence in str(refusal.value)
    assert not (tmp_path / "b").exists()
    assert not classroom.settings.assignments


def test_what_stands_in_the_way_is_not_overwritten(classroom, tmp_path):
    (tmp_path / "thesis.zip").write_bytes(b"my thesis")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")

    for target in ("thesis.zip", "photos", "my class", "."):
        with pytest.raises(Refusal, match="Choose another --to"):
            release(["01"], classroom, to=tmp_path / target)

    assert (tmp_path / "thesis.zip").read_bytes() == b"my thesis"
    assert (tmp_path / "photos" / "cat.jpg").is_file()


@pytest.mark.parametrize("place", ["text", "output", "metadata", "code"])
def test_a_notebook_with_an_answer_in_it_is_refused(classroom, tmp_path, monkeypatch, place):
    """The checker has to find an answer wherever it hides, here in a copy of the course."""
    from grading import house

    notebook = cells.read(Path("course", "00-start-here", "00-start-here.ipynb"))
    answer = source_of(exercise("predict_shapes").reference, "predict_shapes")
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if place == "text":
        notebook.cells[0].source += f"\n\n```\n{answer}\n```"
    elif place == "output":
        code.outputs = [cells.as_node({"output_type": "stream", "name": "stdout", "text": answer})]
    elif place == "metadata":
        notebook.metadata["leak"] = answer
    else:
        code.source += "\n\n\n" + answer.replace("predict_shapes", "renamed")
    folder = tmp_path / "course" / "00-start-here"
    folder.mkdir(parents=True)
    (folder / "00-start-here.ipynb").write_text(cells.to_text(notebook), encoding="utf-8")
    (tmp_path / "solutions").symlink_to(Path("solutions").resolve())
    monkeypatch.setattr(house, "_PACKAGE", tmp_path / "grading")

    with pytest.raises(Refusal):
        release(["00"], classroom, to=tmp_path / "b")

    assert not (tmp_path / "b").exists()


def test_an_installed_wheel_can_release_as_well(classroom, tmp_path, monkeypatch):
    """Without the sources, the declarations' answers are still searched for."""
    from grading import house

    package = tmp_path / "site" / "grading"
    (package / "_course").mkdir(parents=True)
    (package / "_course" / "00-start-here").symlink_to(Path("course", "00-start-here").resolve())
    monkeypatch.setattr(house, "_PACKAGE", package)

    assert release(["00"], classroom, to=tmp_path / "b").exercises

"""A release reaches the learner's folder whole, and what they did there stays as it is."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.learning.delivery import deliver
from grading.learning.manifest import NAME as MANIFEST
from grading.refusals import Refusal
from tests.grading.learning.cases import (
    BACKPROP,
    BACKPROP_UPDATE,
    BACKPROP_UPDATE_2,
    START,
    everything,
    notebook,
    release,
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return release(tmp_path / "the course", 1)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "mein Kurs é"


def test_first_run_copies_every_notebook(course: Path, mine: Path) -> None:
    delivery = deliver(course, mine)

    assert everything(mine) == everything(course)
    assert delivery.first
    assert delivery.sentence() == f"The course is now in {mine}: 2 notebooks."


def test_second_run_changes_nothing_and_says_nothing(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    before = everything(mine)

    delivery = deliver(course, mine)

    assert everything(mine) == before
    assert delivery.sentence() == ""


def test_two_releases_with_edits_between_leave_every_edit(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    deliver(release(course, 2), mine)
    (mine / BACKPROP_UPDATE).write_bytes(notebook("my answer in the update"))

    delivery = deliver(release(course, 3), mine)

    assert everything(mine) == {
        START: notebook(f"version 3 of {START}"),
        BACKPROP: notebook("my answer"),
        BACKPROP_UPDATE: notebook("my answer in the update"),
        BACKPROP_UPDATE_2: notebook(f"version 3 of {BACKPROP}"),
    }
    assert delivery.sentence() == (
        f"{mine}: updated, as you had not changed it: 00-start-here.ipynb; updates that leave "
        f"your work as it is: {BACKPROP_UPDATE_2} beside 01-backpropagation.ipynb."
    )


def test_an_untouched_update_copy_is_not_replaced_as_it_may_be_open(
    course: Path, mine: Path
) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    deliver(release(course, 2), mine)

    deliver(release(course, 3), mine)

    assert (mine / BACKPROP_UPDATE).read_bytes() == notebook(f"version 2 of {BACKPROP}")
    assert (mine / BACKPROP_UPDATE_2).read_bytes() == notebook(f"version 3 of {BACKPROP}")


def test_a_notebook_that_was_only_run_counts_as_edited(course: Path, mine: Path) -> None:
    """JupyterLab's autosave changes outputs and metadata; replacing them would lose results."""
    deliver(course, mine)
    saved = notebook(f"version 1 of {BACKPROP}", kernelspec={"name": "python3"})
    (mine / BACKPROP).write_bytes(saved)

    same, other = deliver(course, mine), deliver(release(course, 2), mine)

    assert same.beside == ()
    assert (mine / BACKPROP).read_bytes() == saved
    assert other.beside == ((BACKPROP, BACKPROP_UPDATE),)


def test_an_update_that_was_thrown_away_does_not_come_again(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    deliver(release(course, 2), mine)
    (mine / BACKPROP_UPDATE).unlink()

    deliver(course, mine)

    assert not (mine / BACKPROP_UPDATE).exists()


def test_an_update_that_was_taken_over_is_replaced_by_the_next(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    deliver(release(course, 2), mine)
    (mine / BACKPROP_UPDATE).replace(mine / BACKPROP)

    delivery = deliver(release(course, 3), mine)

    assert BACKPROP in delivery.replaced
    assert (mine / BACKPROP).read_bytes() == notebook(f"version 3 of {BACKPROP}")


def test_a_release_that_was_skipped_is_no_obstacle(course: Path, mine: Path) -> None:
    deliver(course, mine)
    deliver(release(course, 2), mine)
    (mine / START).write_bytes(notebook(f"version 1 of {START}"))

    deliver(release(course, 4), mine)

    assert everything(mine) == everything(course)


def test_going_back_to_an_older_release_replaces_what_is_untouched(
    course: Path, mine: Path
) -> None:
    deliver(course, mine)
    deliver(release(course, 2), mine)

    deliver(release(course, 1), mine)

    assert everything(mine) == everything(course)


def test_a_deleted_notebook_returns_only_on_request(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / START).unlink()

    quiet = deliver(course, mine)
    stays_away = (mine / START).exists()
    restored = deliver(course, mine, restore=True)

    assert (quiet.sentence(), stays_away) == ("", False)
    assert restored.created == (START,)
    assert (mine / START).read_bytes() == notebook(f"version 1 of {START}")


def test_a_renamed_notebook_is_left_alone_and_its_new_version_is_told_once(
    course: Path, mine: Path
) -> None:
    deliver(course, mine)
    (mine / BACKPROP).rename(mine / "01-backpropagation" / "done.ipynb")

    first = deliver(release(course, 2), mine)
    second = deliver(course, mine)

    assert (mine / "01-backpropagation" / "done.ipynb").exists()
    assert not (mine / BACKPROP).exists()
    assert first.absent == (BACKPROP,)
    assert '"--restore" brings' in first.sentence()
    assert second.sentence() == ""


def test_a_new_unit_arrives_beside_the_old_ones(course: Path, mine: Path) -> None:
    deliver(course, mine)
    release(course, 1, ("02-regularization/02-regularization.ipynb",))

    delivery = deliver(course, mine)

    assert delivery.sentence() == f"{mine}: new: 02-regularization.ipynb."


@pytest.mark.parametrize(
    "damage",
    [
        None,
        b"",
        b"{",
        b"[]",
        b'{"format": 1, "files": {"a": "b"}}',
        b'{"format": 9, "files": {}}',
        b"\xff\xfe",
    ],
)
def test_without_a_readable_manifest_everything_counts_as_edited(
    course: Path, mine: Path, damage: bytes | None
) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    if damage is None:
        (mine / MANIFEST).unlink()
    else:
        (mine / MANIFEST).write_bytes(damage)

    delivery = deliver(release(course, 2), mine)
    again = deliver(course, mine)

    assert (mine / BACKPROP).read_bytes() == notebook("my answer")
    assert (mine / START).read_bytes() == notebook(f"version 1 of {START}")
    assert len(delivery.beside) == 2
    assert "missing or damaged" in delivery.sentence()
    assert again.sentence() == ""


def test_an_update_that_lies_there_already_is_not_doubled(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    deliver(release(course, 2), mine)
    (mine / MANIFEST).unlink()

    delivery = deliver(course, mine)

    assert delivery.beside == ()
    assert not (mine / BACKPROP_UPDATE_2).exists()


def test_one_byte_more_than_was_delivered_is_the_learners(course: Path, mine: Path) -> None:
    deliver(course, mine)
    with (mine / START).open("ab") as handle:
        handle.write(b"\n")

    deliver(release(course, 2), mine)

    assert (mine / START).read_bytes() == notebook(f"version 1 of {START}") + b"\n"


def test_a_link_to_a_notebook_elsewhere_counts_as_edited(
    course: Path, mine: Path, tmp_path: Path
) -> None:
    deliver(course, mine)
    elsewhere = (mine / START).rename(tmp_path / "elsewhere.ipynb")
    (mine / START).symlink_to(elsewhere)

    delivery = deliver(release(course, 2), mine)

    assert (mine / START).is_symlink()
    assert elsewhere.read_bytes() == notebook(f"version 1 of {START}")
    assert (START, "00-start-here/00-start-here.update.ipynb") in delivery.beside


def test_hidden_files_of_the_release_stay_there(course: Path, mine: Path) -> None:
    (course / ".ipynb_checkpoints").mkdir()
    (course / ".ipynb_checkpoints" / "x.ipynb").write_bytes(b"{}")

    deliver(course, mine)

    assert not (mine / ".ipynb_checkpoints").exists()


_STEP = st.one_of(
    st.tuples(st.just("release"), st.integers(1, 4)),
    st.tuples(st.just("edit"), st.integers(0, 99)),
    st.tuples(st.just("edit update"), st.integers(0, 99)),
    st.tuples(st.just("delete"), st.just(0)),
    st.tuples(st.just("take over update"), st.just(0)),
    st.tuples(st.just("lose manifest"), st.just(0)),
)


@given(steps=st.lists(_STEP, max_size=12))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_order_of_events_loses_what_the_learner_wrote(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("any order")
    course, mine = release(folder / "course", 1), folder / "mine"
    deliver(course, mine)
    written: dict[Path, bytes] = {}

    for step, n in steps:
        updates = sorted(mine.glob("01-*/*.update*.ipynb"))
        if step == "release":
            release(course, n)
        elif step == "edit" or (step == "edit update" and updates):
            path = mine / BACKPROP if step == "edit" else updates[n % len(updates)]
            written[path] = notebook(f"mine {n}")
            path.write_bytes(written[path])
        elif step == "delete":
            (mine / BACKPROP).unlink(missing_ok=True)
            written.pop(mine / BACKPROP, None)
        elif step == "take over update" and updates:
            updates[0].replace(mine / BACKPROP)
            written.pop(mine / BACKPROP, None)
            if updates[0] in written:
                written[mine / BACKPROP] = written.pop(updates[0])
        elif step == "lose manifest":
            (mine / MANIFEST).unlink()
        deliver(course, mine)

        assert {path: path.read_bytes() for path in written} == written


def _deliver_at_once(course: Path, mine: Path, gate: multiprocessing.Barrier) -> None:  # type: ignore[valid-type]
    gate.wait()  # type: ignore[attr-defined]
    deliver(course, mine)


def test_runs_at_the_same_moment_deliver_once(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    release(course, 2)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    runs = [context.Process(target=_deliver_at_once, args=(course, mine, gate)) for _ in range(3)]

    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=60)

    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert everything(mine) == {
        START: notebook(f"version 2 of {START}"),
        BACKPROP: notebook("my answer"),
        BACKPROP_UPDATE: notebook(f"version 2 of {BACKPROP}"),
    }


def test_a_file_in_place_of_the_folder_is_refused(course: Path, mine: Path) -> None:
    mine.write_text("a letter")

    with pytest.raises(Refusal, match="is a file, not a folder"):
        deliver(course, mine)

    assert mine.read_text() == "a letter"


def test_a_file_in_place_of_a_units_folder_is_refused(course: Path, mine: Path) -> None:
    deliver(course, mine)
    release(course, 1, ("02-regularization/02-regularization.ipynb",))
    (mine / "02-regularization").write_text("my notes")

    with pytest.raises(Refusal, match=r"needs a folder where a file stands \(.*02-reg"):
        deliver(course, mine)

    assert (mine / "02-regularization").read_text() == "my notes"


def test_a_folder_with_other_things_is_refused_untouched(course: Path, mine: Path) -> None:
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")

    with pytest.raises(Refusal, match=r"holds other files \(thesis.tex\) and no course"):
        deliver(course, mine)

    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


def test_notes_beside_the_course_are_welcome(course: Path, mine: Path) -> None:
    deliver(course, mine)
    (mine / "notes.md").write_text("x")

    deliver(release(course, 2), mine)

    assert (mine / "notes.md").read_text() == "x"


@pytest.mark.parametrize("place", ["the course", "the course/00-start-here", "solutions"])
def test_the_courses_own_folders_are_refused(course: Path, tmp_path: Path, place: str) -> None:
    release(tmp_path / "solutions", 1)
    before = everything(tmp_path)

    with pytest.raises(Refusal, match="belongs to the course itself"):
        deliver(course, tmp_path / place)

    assert everything(tmp_path) == before


def test_a_course_without_notebooks_is_refused(tmp_path: Path, mine: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(Refusal, match=r'holds no notebooks\. In a checkout "nncourse build"'):
        deliver(tmp_path / "empty", mine)

    assert not mine.exists()


def test_the_manifest_says_what_it_is(course: Path, mine: Path) -> None:
    deliver(course, mine)

    content = json.loads((mine / MANIFEST).read_text(encoding="utf-8"))

    assert content["format"] == 1
    assert sorted(content["files"]) == [START, BACKPROP]
    assert "Kept by nncourse learn" in content["note"]

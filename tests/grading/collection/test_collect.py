"""What is taken of what came: attempts, times, groups, releases; lazily, in flat memory."""

from __future__ import annotations

import gc
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grading.classroom import Classroom
from grading.collection import collect
from grading.limits import Limits
from grading.oversized import size_of
from grading.refusals import Refusal
from grading.releasing import release
from tests.grading.collection.conftest import FILE, ON_TIME, SLUG, Gather, put, zipped

MOODLE = "_12345_assignsubmission_file_"


def test_another_assignment_is_refused_with_those_that_are_released(gather: Gather, tmp_path):
    put(tmp_path / "in" / "ada" / "07-other.ipynb", b'{"cells": []}')

    came, refused = gather(tmp_path / "in")

    assert not came
    assert f"as in {FILE}" in refused[0]


@pytest.mark.parametrize(("attempts", "texts"), [("last", "c"), ("first", "a"), ("best", "abc")])
def test_attempts_are_numbered_by_time_and_chosen(classroom, answered, tmp_path, attempts, texts):
    for day, text in enumerate("cab"):  # names in another order than times
        when = {"a": 1, "b": 2, "c": 3}[text]
        put(
            tmp_path / "in" / f"{day}" / "ada" / FILE,
            answered(text),
            ON_TIME - timedelta(days=9 - when),
        )

    came = list(collect([tmp_path / "in"], classroom, attempts=attempts))

    assert [each.files[FILE] for each in came] == [answered(text) for text in texts]
    assert [each.attempt for each in came] == ["abc".index(text) + 1 for text in texts]


def test_the_zips_clock_is_that_of_the_class(gather: Gather, answered, tmp_path):
    came, _ = gather(zipped(tmp_path / "in.zip", {f"ada/{FILE}": answered()}))

    assert came["ada"].handed_in == datetime(2026, 11, 30, 12, 0, tzinfo=UTC)  # 13:00 in Berlin
    assert came["ada"].time_from == "zip entry"
    assert "Europe/Berlin" in came["ada"].notes[0]


def test_the_time_inside_a_learners_archive_does_not_count(gather: Gather, answered, tmp_path):
    early = zipped(
        tmp_path / "inner.zip",
        {FILE: answered(), "timestamp.txt": b"2020-01-01 00:00:00 UTC"},
        (2020, 1, 1, 0, 0, 0),
    ).read_bytes()
    whole = zipped(tmp_path / "all.zip", {"ada.zip": early}, (2026, 12, 5, 13, 0, 0))

    came, _ = gather(whole)

    assert came["ada"].handed_in == datetime(2026, 12, 5, 12, 0, tzinfo=UTC)


def test_nor_does_a_timestamp_that_was_uploaded(gather: Gather, answered, tmp_path):
    whole = zipped(
        tmp_path / "m.zip",
        {
            f"Ada Lovelace{MOODLE}/{FILE}": answered(),
            f"Ada Lovelace{MOODLE}/timestamp.txt": b"2020-01-01 00:00:00 UTC",
        },
        (2026, 12, 5, 13, 0, 0),
    )

    came, _ = gather(whole)

    assert came["ada"].handed_in == datetime(2026, 12, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "9" * 5000, "\0", "0000-00-00 00:00:00 UTC"])
def test_an_unreadable_timestamp_falls_back_to_the_file(gather: Gather, answered, tmp_path, text):
    put(tmp_path / "submitted" / "ada" / SLUG / FILE, answered())
    (tmp_path / "submitted" / "ada" / SLUG / "timestamp.txt").write_text(text)

    came, refused = gather(tmp_path / "submitted")

    assert not refused
    assert (came["ada"].handed_in, came["ada"].time_from) == (ON_TIME, "file time")
    form = "Write the time as 2026-11-20 23:50:00 UTC or 2026-11-20T23:50:00+01:00; without a zone"
    assert [form in note for note in came["ada"].notes] == [True] * bool(text)


@pytest.mark.parametrize(
    "text",
    ["2026-11-20 23:50:00 UTC", "2026-11-21T00:50:00+01:00", "2026-11-20 23:50:00"],
)
def test_a_timestamp_is_read_in_the_forms_that_are_told(gather: Gather, answered, tmp_path, text):
    put(tmp_path / "submitted" / "ada" / SLUG / FILE, answered())
    (tmp_path / "submitted" / "ada" / SLUG / "timestamp.txt").write_text(text)

    came, _ = gather(tmp_path / "submitted")

    assert came["ada"].handed_in == datetime(2026, 11, 20, 23, 50, tzinfo=UTC)


def test_groups_hand_in_once_for_all(gather: Gather, answered, tmp_path):
    groups = tmp_path / "groups.csv"
    groups.write_text("group;members\nduo;ada emmy\nsolo;carl\n", encoding="utf-8")
    put(tmp_path / "in" / "ada" / FILE, answered("old"), ON_TIME - timedelta(days=1))
    put(tmp_path / "in" / "emmy" / FILE, answered("new"))
    put(tmp_path / "in" / "blaise" / FILE, answered("alone"))

    came, refused = gather(tmp_path / "in", groups=groups)

    assert not refused
    assert set(came) == {"ada", "emmy", "blaise"}
    assert came["ada"].files == came["emmy"].files == {FILE: answered("new")}
    assert came["ada"].attempt == came["emmy"].attempt == 2
    assert "another member of the group duo" in came["ada"].notes[-1]
    assert not came["emmy"].notes


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("group,members\nduo,ada emma\n", "line 2: nobody has the id 'emma'. Did you mean emmy"),
        ("group,members\nduo,ada\ntrio,ada\n", "line 3: ada is in 'duo' and in 'trio'"),
        ("team,people\nduo,ada\n", "there is no column 'group'"),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(gather: Gather, tmp_path, content, sentence):
    groups = tmp_path / "groups.csv"
    groups.write_text(content, encoding="utf-8")

    with pytest.raises(Refusal) as refusal:
        gather(tmp_path, groups=groups)

    assert sentence in str(refusal.value)


def test_one_assignment_can_be_taken_alone(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered())

    assert set(gather(tmp_path / "in", slug=SLUG)[0]) == {"ada"}
    assert not gather(tmp_path / "in", slug="01-backpropagation")[0]


def test_a_path_that_is_absent_is_refused_at_once(gather: Gather, tmp_path):
    with pytest.raises(Refusal, match="no such file"):
        gather(tmp_path / "nowhere")
    with pytest.raises(Refusal, match="no folder, zip or notebook"):
        gather(put(tmp_path / "x.pdf", b"%PDF"))


def test_without_a_release_there_is_nothing_to_collect(tmp_path):
    classroom = Classroom.open(tmp_path / "new", create=True)

    with pytest.raises(Refusal, match="nncourse release"):
        collect([tmp_path], classroom)


def test_work_from_an_earlier_release_is_told_by_its_seal(
    gather: Gather, classroom, answered, tmp_path
):
    first = classroom.settings.assignments[SLUG].version
    again = Classroom.open(classroom.root)
    _release_changed(again)
    put(tmp_path / "in" / "ada" / FILE, answered())

    came = {each.learner.id: each for each in collect([tmp_path / "in"], again)}

    assert again.settings.assignments[SLUG].version != first
    assert came["ada"].version == first
    assert "earlier release" in came["ada"].notes[0]
    assert again.assignment(SLUG, first).released != again.assignment(SLUG).released


def _release_changed(classroom: Classroom) -> None:
    """Release the same unit in another tier after a change of its text."""
    from grading.authoring import cells
    from grading.classroom import AssignmentSettings
    from grading.releasing import _release

    settings = classroom.settings.assignments[SLUG]
    notebook = cells.read(classroom.released_folder / SLUG / settings.version / FILE)
    notebook.cells[0].source += "\n\nA new sentence."
    version = _release._version(SLUG, notebook)
    _release._keep(classroom, SLUG, version, notebook, None)
    classroom.set_assignment(
        SLUG,
        AssignmentSettings(
            version, "Start", "core", settings.due, settings.timezone, (settings.version, version)
        ),
    )


@pytest.mark.parametrize(
    ("mark", "note"),
    [
        (None, "does not say which release"),
        ({"assignment": SLUG, "version": "f" * 32, "hmac": "0" * 64}, "not made by this class"),
        ({"assignment": SLUG, "version": "f" * 32}, "not made by this class"),
        ({"assignment": SLUG, "version": 3, "hmac": []}, "does not say which release"),
        ("yes", "does not say which release"),
    ],
)
def test_a_forged_mark_is_noted_and_the_current_release_is_used(
    gather: Gather, classroom, answered, tmp_path, mark, note
):
    content = json.loads(answered())
    content["metadata"]["nncourse"] = {"release": mark}
    put(tmp_path / "in" / "ada" / FILE, json.dumps(content).encode())

    came, _ = gather(tmp_path / "in")

    assert note in came["ada"].notes[0]
    assert came["ada"].version == classroom.settings.assignments[SLUG].version


def test_the_mark_of_another_class_is_not_ours(gather: Gather, answered, tmp_path):
    other = Classroom.open(tmp_path / "other", create=True)
    bundle = release(["00"], other, to=tmp_path / "bundle")
    put(tmp_path / "in" / "ada" / FILE, (bundle.path / SLUG / FILE).read_bytes())

    came, _ = gather(tmp_path / "in")

    assert "not made by this class" in came["ada"].notes[0]


def test_the_manifest_beside_a_notebook_without_a_mark_tells_the_release(
    gather: Gather, classroom, answered, tmp_path
):
    content = json.loads(answered())
    content["metadata"].pop("nncourse")
    bare = json.dumps(content).encode()
    manifest = zipfile.ZipFile(classroom.root / "bundle.zip").read("manifest.json")
    forged = manifest.replace(b'"hmac": "', b'"hmac": "0')
    put(tmp_path / "in" / "ada" / SLUG / FILE, bare)
    put(tmp_path / "in" / "ada" / "manifest.json", manifest)
    put(tmp_path / "in" / "emmy" / FILE, bare)
    put(tmp_path / "in" / "emmy" / "manifest.json", forged)

    came, _ = gather(tmp_path / "in")

    assert came["ada"].notes == ()
    assert "manifest beside it was not made by this class" in came["emmy"].notes[0]


def test_the_memory_stays_flat_over_a_whole_class(classroom, answered, tmp_path):
    """300 notebooks of 1 MB each; a tenth of one per submission is far more than the index."""
    from grading.classroom import Learner

    classroom.roster.add(*(Learner("", f"s{i:03d}") for i in range(300)))
    content = answered("x" * 2**20)
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for i in range(300):
            archive.writestr(f"s{i:03d}/{FILE}", content)
    gc.collect()
    tracemalloc.start()
    try:
        n_bytes = sum(len(each.files[FILE]) for each in collect([tmp_path / "all.zip"], classroom))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert n_bytes > 300 * 2**20
    assert peak < 30 * 2**20


def test_limits_say_how_large_a_notebook_may_be(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered("x" * 5000))
    put(tmp_path / "in" / "emmy" / FILE, answered())

    size = len(answered()) + 100
    came, refused = gather(tmp_path / "in", limits=Limits(notebook_bytes=size))

    sizes = {who: size_of(each.files[FILE]) for who, each in came.items()}
    assert sizes == {"ada": (tmp_path / "in" / "ada" / FILE).stat().st_size, "emmy": 0}
    assert refused == []


def test_how_many_will_come_is_known_before_any_is_read(classroom, answered, tmp_path):
    for name in ("ada", "emmy"):
        put(tmp_path / "in" / name / FILE, answered())

    collected = collect([tmp_path / "in"], classroom)

    assert len(collected) == 2
    assert len(list(collected)) == 2


def test_what_vanishes_in_between_is_refused(classroom, answered, tmp_path):
    for name in ("ada", "emmy"):
        put(tmp_path / "in" / name / FILE, answered())
    collected = collect([tmp_path / "in"], classroom)
    Path(tmp_path / "in" / "ada" / FILE).unlink()

    assert [each.learner.id for each in collected] == ["emmy"]
    assert "cannot be read" in collected.refused[0]


def test_so_many_attempts_of_one_learner_are_cut_short(gather: Gather, answered, tmp_path):
    whole = zipped(tmp_path / "all.zip", {f"ada/{i}/{FILE}": answered() for i in range(101)})

    came, refused = gather(whole, attempts="best")

    assert set(came) == {"ada"}
    assert "101 attempts came; the last 100 are looked at" in refused[0]

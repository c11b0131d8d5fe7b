"""Files beside the hand-in, in place of it, and under names that a browser made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from grading.collection import collect
from grading.refusals import Refusal
from tests.grading.collection.conftest import FILE, ON_TIME, SLUG, Gather, put, zipped

LATE = datetime(2026, 12, 3, 12, 0, tzinfo=UTC)
MOODLE = "_12345_assignsubmission_file_"


@pytest.mark.parametrize("name", [f"{SLUG}-final.ipynb", f"{SLUG} (copy).ipynb"])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_notebook_beside_the_one_with_the_own_name_is_named(
    gather: Gather, answered, tmp_path, name, form
):
    if form == "folder":
        put(tmp_path / "in" / "ada" / FILE, answered("untouched"))
        given = put(tmp_path / "in" / "ada" / name, answered("all")).parents[1]
    else:
        files = {f"ada/{FILE}": answered("untouched"), f"ada/{name}": answered("all")}
        given = zipped(tmp_path / "in.zip", files)

    came, refused = gather(given)

    assert not refused
    assert came["ada"].files[FILE] == answered("untouched")
    (note,) = [each for each in came["ada"].notes if "Beside" in each]
    assert note.startswith(f"Beside it lay {name}, not judged")
    assert f"hand in that one alone, as {FILE}." in note


def test_of_a_platforms_files_the_other_one_is_named_too(gather: Gather, answered, tmp_path):
    folder = f"Ada Lovelace{MOODLE}"
    files = {f"{folder}/{SLUG}-final.ipynb": answered("all"), f"{folder}/{FILE}": answered()}

    came, _ = gather(zipped(tmp_path / "moodle.zip", files))

    assert came["ada"].files[FILE] == answered()
    assert f"{SLUG}-final.ipynb, not judged" in " ".join(came["ada"].notes)


def test_many_others_are_named_in_short(gather: Gather, answered, tmp_path):
    for i in range(5):
        put(tmp_path / "in" / "ada" / f"{SLUG} ({i + 1}).ipynb", answered(str(i)))
    put(tmp_path / "in" / "ada" / FILE, answered())

    (note,) = gather(tmp_path / "in")[0]["ada"].notes

    assert "and 2 more, not judged" in note


def test_with_the_best_the_others_are_earlier_attempts(classroom, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered("untouched"))
    later = ON_TIME + timedelta(hours=1)
    put(tmp_path / "in" / "ada" / f"{SLUG}-final.ipynb", answered("all"), later)

    came = list(collect([tmp_path / "in"], classroom, attempts="best"))

    assert [(each.attempt, each.files[FILE]) for each in came] == [
        (1, answered("all")),
        (2, answered("untouched")),
    ]
    assert came[0].handed_in == later  # each is charged by its own time
    assert "an attempt of its own" in came[0].notes[-1]


@pytest.mark.parametrize("form", ["folder", "zip", "zip in a folder", "moodle", "canvas", "tree"])
def test_hand_in_without_a_notebook_is_refused_with_what_it_holds(
    gather: Gather, answered, tmp_path, form
):
    name = {
        "moodle": "Emmy Noether_78_assignsubmission_onlinetext_/answers.pdf",
        "canvas": "noetheremmy_78_99_answers.pdf",
        "tree": f"emmy/{SLUG}/answers.pdf",
    }.get(form, "emmy/answers.pdf")
    if form in {"folder", "tree"}:
        put(tmp_path / "in" / "ada" / FILE, answered())
        put(tmp_path / "in" / name, b"%PDF")
        given = tmp_path / "in"
    elif form == "zip in a folder":
        put(tmp_path / "in" / "ada" / FILE, answered())
        zipped(tmp_path / "in" / "emmy.zip", {"answers.pdf": b"%PDF"})
        given = tmp_path / "in"
    else:
        given = zipped(tmp_path / "in.zip", {f"ada/{FILE}": answered(), name: b"%PDF"})

    came, refused = gather(given)

    assert set(came) == {"ada"}
    (sentence,) = refused
    assert "only " in sentence
    assert "answers.pdf" in sentence
    assert "Ask for the .ipynb file." in sentence


@pytest.mark.parametrize("late", ["", "_LATE"])
@pytest.mark.parametrize("form", ["zip", "zip in a folder", "folder"])
def test_text_entry_of_canvas_is_refused_with_who_wrote_it(
    gather: Gather, answered, tmp_path, form, late
):
    text = f"noetheremmy{late}_78_text.html"
    files = {
        f"lovelaceada_77_99_{FILE}": answered(),
        "lovelaceada_77_text.html": b"beside a notebook",
        text: b"my answers",
        "notes.txt": b"of whoever exported it",
    }
    if form == "folder":
        for name, content in files.items():
            put(tmp_path / "in" / "canvas" / name, content)
    else:
        zipped(tmp_path / "in" / "canvas.zip", files)
    given = tmp_path / "in" / "canvas.zip" if form == "zip" else tmp_path / "in"

    came, (sentence,) = gather(given)

    assert set(came) == {"ada"}
    assert f"no notebook came with this hand-in, only {text}. Ask for the .ipynb" in sentence


def test_of_many_files_three_are_named(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered())
    for i in range(5):
        put(tmp_path / "in" / "emmy" / f"page {i}.jpg", b"x")

    (sentence,) = gather(tmp_path / "in")[1]

    assert "only page 0.jpg, page 1.jpg, page 2.jpg and 2 more" in sentence


def test_files_beside_or_below_a_notebook_are_nobodys_slip(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / SLUG / FILE, answered())
    put(tmp_path / "in" / "ada" / SLUG / "data" / "train.csv", b"1")
    put(tmp_path / "in" / "ada" / "figures" / "loss.png", b"x")
    put(tmp_path / "in" / "blaise" / "work" / FILE, answered())
    put(tmp_path / "in" / "blaise" / "notes.txt", b"x")
    put(tmp_path / "in" / "emmy" / "README.md", b"of a bundle")
    put(tmp_path / "in" / "emmy" / "manifest.json", b"{}")
    put(tmp_path / "in" / "grades.csv", b"1")
    text = "Carl Friedrich Gauß_1002_assignsubmission_"
    put(tmp_path / "in" / f"{text}onlinetext_" / "onlinetext.html", b"x")
    put(tmp_path / "in" / f"{text}file_" / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert refused == []
    assert set(came) == {"ada", "blaise", "carl"}


@pytest.mark.parametrize("ending", [".txt", ".json", ".html"])
@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("beside", [False, True])
def test_notebook_that_a_browser_renamed_is_refused_with_the_mend(
    gather: Gather, answered, tmp_path, ending, form, beside
):
    files = {f"ada/{FILE}{ending}": answered()} | ({f"ada/{FILE}": answered()} if beside else {})
    given = zipped(tmp_path / "in.zip", files | {f"emmy/{FILE}": answered()})
    if form == "folder":
        given = tmp_path / "in"
        for name, content in (files | {f"emmy/{FILE}": answered()}).items():
            put(given / name, content)

    came, refused = gather(given)

    assert ("ada" in came) == beside
    (sentence,) = refused
    assert f"{FILE}{ending}: the ending {ending} was added" in sentence
    assert sentence.endswith(f"Rename it to {FILE}.")


def test_lateness_by_the_time_of_a_plain_file_is_noted(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered(), LATE)
    put(tmp_path / "in" / "emmy" / FILE, answered())
    put(tmp_path / "in" / "blaise" / SLUG / FILE, answered(), LATE)
    (tmp_path / "in" / "blaise" / SLUG / "timestamp.txt").write_text("2026-12-03 12:00:00 UTC")

    came, _ = gather(tmp_path / "in")

    assert "late by the time at which the file was changed last" in came["ada"].notes[0]
    assert came["emmy"].notes == came["blaise"].notes == ()


@pytest.mark.parametrize("name", ["01-backpropagation.ipynb", "my work.ipynb"])
def test_unit_that_this_class_did_not_release_is_called_so(gather: Gather, tmp_path, name):
    mark = b'"nncourse": {"release": {"assignment": "01-backpropagation", "version": "x"}}'
    put(tmp_path / "in" / "ada" / name, b'{"cells": [], "metadata": {' + mark + b"}}")

    (sentence,) = gather(tmp_path / "in")[1]

    assert f"01-backpropagation is not released in this class; released are: {SLUG}" in sentence
    assert "nncourse release 01, or name the class" in sentence


def test_broken_file_is_not_said_to_name_no_release(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, b'{"cells": [ {"cell')
    put(tmp_path / "in" / "emmy" / FILE, b'{"cells": []}')

    came, _ = gather(tmp_path / "in")

    assert came["ada"].notes == ()
    assert "does not say which release" in came["emmy"].notes[0]


def test_class_list_is_refused_as_groups(gather: Gather, classroom, tmp_path):
    with pytest.raises(Refusal) as refusal:
        gather(tmp_path, groups=classroom.root / "roster.csv")

    assert "this is a class list" in str(refusal.value)
    assert "columns group,members" in str(refusal.value)

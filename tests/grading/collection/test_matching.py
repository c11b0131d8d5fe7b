"""Every form in which work comes in names its author, and no learner can name another."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from grading.classroom import Extension
from grading.collection import store
from tests.grading.collection.conftest import DUE, FILE, ON_TIME, SLUG, Gather, put, zipped

MOODLE = "_12345_assignsubmission_file_"


def test_nbgraders_tree(gather: Gather, classroom, answered, tmp_path):
    for name in ("ada", "emmy"):
        put(tmp_path / "submitted" / name / SLUG / FILE, answered(name))
    (tmp_path / "submitted" / "ada" / SLUG / "timestamp.txt").write_text(
        "2026-11-29 10:00:00.250000 UTC\n"
    )

    came, refused = gather(tmp_path / "submitted")

    assert not refused
    assert set(came) == {"ada", "emmy"}
    assert came["ada"].handed_in == datetime(2026, 11, 29, 10, 0, 0, 250_000, tzinfo=UTC)
    assert (came["ada"].time_from, came["emmy"].time_from) == ("timestamp.txt", "file time")
    assert came["emmy"].handed_in == ON_TIME
    assert came["ada"].slug == SLUG
    assert came["ada"].files == {FILE: answered("ada")}
    assert came["ada"].version == classroom.settings.assignments[SLUG].version
    assert came["ada"].notes == ()


@pytest.mark.parametrize(
    "name",
    [
        f"ada/{FILE}",
        f"ADA/{FILE}",
        f"Ada Lovelace/{FILE}",
        f"Lovelace, Ada/{FILE}",
        f"ada@example.org/{FILE}",
        f"ada_{FILE}",
        f"{SLUG}_ada.ipynb",
        f"Tutorial A/ada/some/where/{FILE}",
        f"ada/{SLUG} (2).ipynb",
        f"ada/{SLUG}-Copy1.ipynb",
        f"{SLUG}/ada/{FILE}",
        "ada/homework.ipynb",  # the notebook itself says which assignment it is
        f"lovelaceada_77_88_{FILE}",
        f"lovelaceada_LATE_77_88_{SLUG}-2.ipynb",
        f"Ada Lovelace_77_assignsubmission_file_/{FILE}",
        f"Ada Lovelace_77_assignsubmission_file/{FILE}",
        f"Ada Lovelace_77_assignsubmission_file_{FILE}",
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_author_is_found_by_any_name(gather: Gather, answered, tmp_path, name, form):
    if form == "folder":
        put(tmp_path / "in" / name, answered())
        given = tmp_path / "in"
    else:
        given = zipped(tmp_path / "in.zip", {name: answered()})

    came, refused = gather(given)

    assert not refused
    assert list(came) == ["ada"]
    assert came["ada"].slug == SLUG


def test_single_notebooks(gather: Gather, answered, tmp_path):
    ada = put(tmp_path / "x" / "ada" / FILE, answered())
    emmy = put(tmp_path / f"emmy_{FILE}", answered())
    blaise = put(tmp_path / "submitted" / "blaise" / SLUG / FILE, answered())

    came, refused = gather(ada, emmy, blaise)

    assert not refused
    assert set(came) == {"ada", "emmy", "blaise"}


def test_the_folder_of_one_learner(gather: Gather, answered, tmp_path):
    put(tmp_path / "submitted" / "ada" / SLUG / FILE, answered())

    assert set(gather(tmp_path / "submitted" / "ada")[0]) == {"ada"}
    assert set(gather(tmp_path / "submitted" / "ada" / SLUG)[0]) == {"ada"}


def test_a_zip_of_zips(gather: Gather, answered, tmp_path):
    inner = zipped(tmp_path / "inner.zip", {f"my work/{FILE}": answered()}).read_bytes()
    whole = zipped(
        tmp_path / "all.zip",
        {
            "ada.zip": inner,
            "noetheremmy_1_2_handin.zip": inner,
            f"Blaise Pascal{MOODLE}/b.zip": inner,
        },
    )

    came, refused = gather(whole)

    assert not refused
    assert set(came) == {"ada", "emmy", "blaise"}


def test_zips_of_learners_in_a_folder(gather: Gather, answered, tmp_path):
    zipped(tmp_path / "in" / "ada.zip", {FILE: answered()})
    zipped(tmp_path / "in" / "emmy" / "anything.zip", {f"{SLUG}/{FILE}": answered()})

    came, refused = gather(tmp_path / "in")

    assert not refused
    assert set(came) == {"ada", "emmy"}


def test_the_bundle_handed_in_as_a_whole(gather: Gather, classroom, tmp_path):
    bundle = (classroom.root / "bundle.zip").read_bytes()
    whole = zipped(tmp_path / "all.zip", {"ada.zip": bundle})

    came, refused = gather(whole)

    assert not refused
    assert came["ada"].files[FILE] == zipfile.ZipFile(io.BytesIO(bundle)).read(f"{SLUG}/{FILE}")


def test_a_learner_cannot_name_somebody_else_inside_an_archive(gather: Gather, answered, tmp_path):
    names = [
        f"emmy/{FILE}",
        f"noetheremmy_1_2_{FILE}",
        f"Emmy Noether{MOODLE}{FILE}",
        f"emmy_{FILE}",
    ]
    for name in names:
        inner = zipped(tmp_path / "inner.zip", {name: answered("forged")}).read_bytes()
        whole = zipped(tmp_path / "all.zip", {f"Ada Lovelace{MOODLE}/work.zip": inner})

        came, _ = gather(whole)

        assert set(came) == {"ada"}, name


def test_nor_can_somebody_whom_nobody_knows(gather: Gather, answered, tmp_path):
    inner = zipped(tmp_path / "inner.zip", {f"emmy/{FILE}": answered("forged")}).read_bytes()
    whole = zipped(tmp_path / "all.zip", {"mallory.zip": inner})

    came, refused = gather(whole)

    assert not came
    assert "no learner of the roster is named" in refused[0]


def test_nor_by_a_folder_inside_the_own_one(gather: Gather, answered, tmp_path):
    put(tmp_path / "submitted" / "ada" / SLUG / "emmy" / FILE, answered())
    put(tmp_path / "submitted" / "mallory" / SLUG / "emmy" / FILE, answered())
    put(tmp_path / "submitted" / "mallory" / SLUG / f"noetheremmy_1_2_{FILE}", answered())
    put(tmp_path / "in" / "ada" / "emmy" / SLUG / FILE, answered())
    put(tmp_path / "in" / "ada" / f"noetheremmy_1_2_{FILE}", answered())
    put(tmp_path / "in" / "ada" / f"emmy_{FILE}", answered())
    zipped(tmp_path / "in" / "ada.zip", {f"emmy/{SLUG}/{FILE}": answered(), f"emmy_{FILE}": b"{}"})

    came, refused = gather(tmp_path / "submitted")
    assert set(came) == {"ada"}
    assert len(refused) == 2

    came, refused = gather(tmp_path / "in", attempts="best")
    assert set(came) == {"ada"}
    assert not refused


def test_an_export_in_a_folder_is_read_and_said_to_name_people_inside(
    gather: Gather, answered, tmp_path
):
    names = [f"lovelaceada_1_2_{FILE}", f"emmy/{SLUG}/{FILE}"]
    zipped(tmp_path / "in" / "export.zip", {name: answered() for name in names})

    came, refused = gather(tmp_path / "in")

    assert not refused
    assert set(came) == {"ada", "emmy"}
    assert all("inside of the archive" in " ".join(each.notes) for each in came.values())


def test_canvas_export(gather: Gather, answered, tmp_path):
    whole = zipped(
        tmp_path / "submissions.zip",
        {
            f"lovelaceada_1001_5001_{FILE}": answered("first"),
            f"lovelaceada_1001_5009_{SLUG}-1.ipynb": answered("second"),
            f"gausscarlfriedrich_LATE_1002_5002_{FILE}": answered("late"),
            f"pascalblaise_4711_5003_{SLUG}-2.ipynb": answered("again"),
            "lovelaceada_1001_text.html": b"<p>see file</p>",
        },
    )

    came, refused = gather(whole)

    assert not refused
    assert set(came) == {"ada", "carl", "blaise"}
    assert came["ada"].files[FILE] == answered("second")
    assert came["ada"].attempt == 2
    assert came["carl"].handed_in == ON_TIME  # the zip knows better than a mark
    assert came["carl"].time_from == "zip entry"
    assert "marks it late" in " ".join(came["carl"].notes)
    assert came["blaise"].handed_in <= DUE


def test_canvas_without_a_late_mark_is_on_time_however_old_the_zip(
    gather: Gather, answered, tmp_path
):
    whole = zipped(
        tmp_path / "s.zip", {f"lovelaceada_1_2_{FILE}": answered()}, (2026, 12, 24, 0, 0, 0)
    )

    came, _ = gather(whole)

    assert came["ada"].handed_in == DUE


def test_the_number_finds_a_name_that_is_spelled_otherwise(gather: Gather, answered, tmp_path):
    came, refused = gather(zipped(tmp_path / "s.zip", {f"pascalbl_4711_2_{FILE}": answered()}))

    assert not refused
    assert list(came) == ["blaise"]
    assert "number" in came["blaise"].notes[0]


def test_number_and_name_of_two_people_are_refused_with_both(gather: Gather, answered, tmp_path):
    came, refused = gather(zipped(tmp_path / "s.zip", {f"lovelaceada_4711_2_{FILE}": answered()}))

    assert not came
    assert "Blaise Pascal (blaise)" in refused[0]
    assert "Ada Lovelace (ada)" in refused[0]


def test_moodles_number_alone_is_no_proof(gather: Gather, answered, tmp_path):
    came, refused = gather(
        zipped(tmp_path / "m.zip", {f"Blaze Pascal_4711_assignsubmission_file_{FILE}": answered()})
    )
    other, refused_too = gather(
        zipped(tmp_path / "m.zip", {f"Mallory Moe_4711_assignsubmission_file_{FILE}": answered()})
    )

    assert (list(came), refused) == (["blaise"], [])
    assert not other
    assert "nobody in the roster is called Mallory Moe" in refused_too[0]


def test_anonymous_exports_go_by_number(gather: Gather, answered, tmp_path):
    came, refused = gather(
        zipped(tmp_path / "m.zip", {f"Participant_4711_assignsubmission_file_/{FILE}": answered()})
    )

    assert (list(came), refused) == (["blaise"], [])


def test_two_of_one_name_are_refused_with_both(gather: Gather, classroom, answered, tmp_path):
    classroom.roster.new("ada2", first_name="Ada", last_name="Lovelace")
    put(tmp_path / "in" / f"Ada Lovelace_9_assignsubmission_file_{FILE}", answered())
    put(tmp_path / "in" / "Ada Lovelace" / FILE, answered())
    put(tmp_path / "in" / "emmy" / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert list(came) == ["emmy"]
    assert len(refused) == 2
    assert all("(ada)" in each and "(ada2)" in each for each in refused)


def test_somebody_unknown_is_refused_with_the_nearest_and_the_rest_goes_on(
    gather: Gather, answered, tmp_path
):
    for name in ("ada", "blase", "zzzzzz", "emmy"):
        put(tmp_path / "in" / name / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"ada", "emmy"}
    assert "nearest is Blaise Pascal (blaise)" in refused[0]
    assert "zzzzzz" in refused[1]
    assert "nncourse roster --add" in refused[1]


def _late_zip(path, answered, when=(2026, 11, 22, 6, 0, 0)):
    return zipped(path, {f"lovelaceada_LATE_1001_5001_{FILE}": answered("late")}, when)


def test_a_late_mark_moves_no_time_that_the_zip_knows(
    gather: Gather, classroom, answered, tmp_path
):
    """Due before it came, then after, with and without an extension: one time, one attempt."""
    whole = _late_zip(tmp_path / "s.zip", answered)
    settings = classroom.settings.assignments[SLUG]
    seen = set()
    for due in (datetime(2026, 11, 20, tzinfo=UTC), DUE):
        classroom.set_assignment(SLUG, replace(settings, due=due))
        for extension in (None, Extension("ada", "", SLUG, days=30)):
            if extension:
                classroom.extend(extension=extension)
            came, _ = gather(whole)
            store(came["ada"], classroom)
            seen.add((came["ada"].handed_in, came["ada"].attempt, came["ada"].time_from))

    assert seen == {(datetime(2026, 11, 22, 5, 0, tzinfo=UTC), 1, "zip entry")}


def test_a_late_mark_alone_says_late_against_the_date_without_extension(
    gather: Gather, classroom, answered, tmp_path
):
    """A zip without times, itself older than the due date."""
    whole = _late_zip(tmp_path / "s.zip", answered, (1980, 1, 1, 0, 0, 0))
    due = datetime(2020, 6, 1, 12, tzinfo=UTC)
    os.utime(whole, (due.timestamp() - 9000,) * 2)
    settings = classroom.settings.assignments[SLUG]
    classroom.set_assignment(SLUG, replace(settings, due=due))
    classroom.extend(extension=Extension("ada", "", SLUG, days=30))

    came, _ = gather(whole)

    assert came["ada"].handed_in == due + timedelta(seconds=1)
    assert classroom.lateness_s(came["ada"].learner, SLUG, came["ada"].handed_in) == 0


def test_no_time_is_invented_that_has_not_come(gather: Gather, classroom, answered, tmp_path):
    whole = _late_zip(tmp_path / "s.zip", answered, (1980, 1, 1, 0, 0, 0))
    settings = classroom.settings.assignments[SLUG]
    due = datetime.now(UTC) + timedelta(days=9)
    classroom.set_assignment(SLUG, replace(settings, due=due))

    came, _ = gather(whole)

    assert came["ada"].handed_in <= datetime.now(UTC)
    assert "has not passed" in came["ada"].notes[-1]

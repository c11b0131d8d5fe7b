"""The class list is edited by hand, so it is read with patience and refused by line."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from grading.classroom import Classroom, Learner
from grading.classroom._learner import id_problem
from grading.refusals import Refusal


def write(classroom: Classroom, content: str | bytes) -> Classroom:
    raw = content.encode() if isinstance(content, str) else content
    (classroom.root / "roster.csv").write_bytes(raw)
    return Classroom.open(classroom.root)


def test_learners_stay_with_their_keys(trio):
    again = Classroom.open(trio.root).roster

    assert [each.id for each in again.all()] == ["ada", "blaise", "carl"]
    assert again.by_id("carl") == trio.roster.by_id("carl")
    assert again.by_key(again.by_id("ada").key).name == "Ada Lovelace"
    assert len({each.key for each in again.all()}) == 3
    assert all(len(bytes.fromhex(each.key)) == 16 for each in again.all())


def test_keys_are_readable_by_the_owner_only(trio):
    mode = stat.S_IMODE((trio.root / "keys.json").stat().st_mode)

    assert mode == 0o600
    (trio.root / "keys.json").chmod(0o640)
    with pytest.raises(Refusal, match="chmod 600"):
        _ = Classroom.open(trio.root).roster


@pytest.mark.parametrize(
    "content",
    [
        "id,first_name,last_name\nada,Ada,Lovelace\nblaise,Blaise,Pascal\n",
        "\ufeffid;first_name;last_name\r\nada;Ada;Lovelace\r\n\r\nblaise;Blaise;Pascal\r\n",
        'ID\tFirst name\tLast_Name\n"ada"\t"Ada"\tLovelace\n\t\t\n\nblaise\tBlaise\t"Pascal"\n',
        "\n\nid,first_name,last_name,shoe size\n  ada , Ada ,Lovelace,38\nblaise,Blaise,Pascal,41",
        "id,first_name,last_name\nada,Ada,Lovelace\nblaise,Blaise,Pascal\n".encode("utf-16"),
    ],
    ids=["plain", "bom and semicolons", "tabs and quotes", "more columns", "utf-16"],
)
def test_a_roster_written_by_hand_is_read(classroom, content):
    roster = write(classroom, content).roster

    assert [(each.id, each.name) for each in roster.all()] == [
        ("ada", "Ada Lovelace"),
        ("blaise", "Blaise Pascal"),
    ]


def test_a_name_with_comma_and_quotes_survives(classroom):
    classroom.roster.new("kurt", first_name='Kurt "K"', last_name="Gödel, Dr.\nof Logic")

    again = Classroom.open(classroom.root).roster.by_id("kurt")

    assert (again.first_name, again.last_name) == ('Kurt "K"', "Gödel, Dr.\nof Logic")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the file is empty"),
        ("name\nada\n", "line 1: there is no column 'id'"),
        ("id\nada\nblaise\nada\n", "line 4: the id 'ada' stands already in line 2"),
        ("id\nada\nAda\n", "line 3: the ids 'ada' and 'Ada' differ in upper and lower case only"),
        ("id\n../ada\n", "line 2: the id '../ada' cannot name a folder"),
        ("id,email\n,a@b.org\n", "line 2: the cell 'id' is empty"),
        ("id,email\nada,a@b.org,c,d\n", "line 2: it has 4 cells, but there are 2 columns"),
        ("id,lms_user_id\nada,7\nblaise,7\n", "line 3: the lms_user_id '7' stands already"),
        ('id,email\nada,"a@b.org\n', "line 2: this is no table"),
        (b"id\nada\nbj\xf8rn\n", "line 3: the text is not UTF-8"),
        (b"id\nad\0a\n", "zero bytes"),
    ],
)
def test_a_slip_is_refused_with_its_line(classroom, content, sentence):
    with pytest.raises(Refusal) as refusal:
        _ = write(classroom, content).roster

    assert sentence in str(refusal.value)
    assert "roster.csv" in str(refusal.value)


UNSAFE = ["..", ".", "", "a/b", "a\\b", "~", "-rf", ".hidden", "a b", "ä", "a\n", "a\0", "a..b"]
UNSAFE += ["ada.", "con", "NUL.txt", "com1", "x" * 65, "*", "$HOME", "a;b"]
SAFE = ["ada", "A1", "ada.lovelace@example.org", "s-1_2+x", "7" * 64]


@pytest.mark.parametrize("learner_id", UNSAFE)
def test_an_id_that_cannot_name_a_folder_is_refused(classroom, learner_id):
    assert id_problem(learner_id)
    with pytest.raises(Refusal):
        classroom.roster.new(learner_id)
    assert len(classroom.roster) == 0


@pytest.mark.parametrize(
    "learner_id", ["ada", "A1", "ada.lovelace@example.org", "s-1_2+x", "7" * 64]
)
def test_an_id_that_can_name_a_folder_is_taken(classroom, learner_id):
    assert classroom.roster.new(learner_id) in classroom.roster.all()


def test_adding_again_changes_what_is_known_and_keeps_the_key(trio):
    before = trio.roster.by_id("ada")

    trio.roster.add(Learner("", "ada", "Augusta Ada", "King"))

    after = Classroom.open(trio.root).roster.by_id("ada")
    assert (after.key, after.name) == (before.key, "Augusta Ada King")


def test_a_learner_who_was_removed_is_gone_from_both_files(trio):
    key = trio.roster.by_id("ada").key

    trio.roster.remove("ada")

    again = Classroom.open(trio.root).roster
    assert "ada" not in again
    with pytest.raises(KeyError):
        again.by_key(key)
    assert "ada" not in json.loads((trio.root / "keys.json").read_text())


def test_somebody_unknown_is_refused_with_the_nearest(trio):
    with pytest.raises(Refusal, match=r"nobody has the id 'blase'\. Did you mean blaise"):
        trio.roster.by_id("blase")


def test_a_line_added_by_hand_gets_a_key_that_stays(trio):
    with (trio.root / "roster.csv").open("a") as file:
        file.write("emmy,Emmy,Noether,,,\n")

    first = Classroom.open(trio.root).roster.by_id("emmy").key

    assert Classroom.open(trio.root).roster.by_id("emmy").key == first


def test_two_who_open_a_new_roster_at_once_draw_the_same_keys(classroom):
    (classroom.root / "roster.csv").write_text(
        "id\n" + "".join(f"s{i}\n" for i in range(300)), encoding="utf-8"
    )

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Classroom.open(classroom.root).roster.all(), range(8)))

    assert all(each == opened[0] for each in opened)
    assert Classroom.open(classroom.root).roster.all() == opened[0]


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"ada": 3}', '{"ada": "xyz"}', '{"ada": "%s", "carl": "%s"}' % (("0" * 32,) * 2)],
)
def test_damaged_keys_are_refused(trio, content):
    path = trio.root / "keys.json"
    path.write_text(content)

    with pytest.raises(Refusal, match=r"keys\.json.*copy"):
        _ = Classroom.open(trio.root).roster


def test_a_write_that_fails_leaves_the_old_list(trio, monkeypatch):
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(Refusal, match=r"No space left on device\. Make room"):
        trio.roster.new("emmy")
    monkeypatch.undo()

    assert len(Classroom.open(trio.root).roster) == 3
    assert not list(trio.root.glob("*.draft"))
    assert not list(trio.root.glob(".*.draft"))

"""Class lists as Canvas and Moodle export them become a roster."""

from __future__ import annotations

import pytest

from grading.classroom import Classroom, import_roster
from grading.refusals import Refusal

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,01 Backpropagation (98765),Current Score
Points Possible,,,,,22.0,(read only)
"Lovelace, Ada",1001,u-17,ada,Tutorial A,,
"Gauß, Carl Friedrich",1002,u-18,carl@example.org,Tutorial B,,
"Student, Test",1003,,d3adb33f,Tutorial A,,
"""

MOODLE = """\
First name,Last name,Username,ID number,Email address,Groups
Ada,Lovelace,ada,4711,ada@example.org,Tutorial A
Carl Friedrich,Gauß,carl,4712,carl@example.org,Tutorial B
"""

MOODLE_GERMAN = """\
Vorname;Nachname;Matrikelnummer;E-Mail-Adresse;Gruppen
Ada;Lovelace;4711;ada@example.org;Gruppe A
"""

MOODLE_WORKSHEET = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade
Participant 270471,Ada Lovelace,ada@example.org,Submitted for grading,,22
Participant 270472,Carl Friedrich Gauß,carl@example.org,No submission,,22
"""


@pytest.fixture
def load(classroom: Classroom, tmp_path):
    def load_text(text: str, **more: str) -> list[tuple[str, ...]]:
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        import_roster(classroom.roster, path, **more)
        again = Classroom.open(classroom.root).roster
        return [
            (each.id, each.first_name, each.last_name, each.email, each.lms_user_id, each.group)
            for each in again.all()
        ]

    return load_text


def test_canvas_gradebook(load):
    assert load(CANVAS) == [
        ("ada", "Ada", "Lovelace", "", "1001", "Tutorial A"),
        ("carl@example.org", "Carl Friedrich", "Gauß", "carl@example.org", "1002", "Tutorial B"),
    ]


def test_moodle_participants(load):
    assert load(MOODLE) == [
        ("ada", "Ada", "Lovelace", "ada@example.org", "", "Tutorial A"),
        ("carl", "Carl Friedrich", "Gauß", "carl@example.org", "", "Tutorial B"),
    ]


def test_moodle_in_german(load):
    assert load(MOODLE_GERMAN) == [
        ("4711", "Ada", "Lovelace", "ada@example.org", "", "Gruppe A"),
    ]


def test_moodle_worksheet_adds_the_numbers_to_those_who_are_known(load):
    load(MOODLE)

    assert load(MOODLE_WORKSHEET) == [
        ("ada", "Ada", "Lovelace", "ada@example.org", "270471", "Tutorial A"),
        ("carl", "Carl Friedrich", "Gauß", "carl@example.org", "270472", "Tutorial B"),
    ]


def test_moodle_worksheet_alone(load):
    assert load(MOODLE_WORKSHEET)[0] == ("ada", "Ada", "Lovelace", "ada@example.org", "270471", "")


def test_own_columns_and_a_group_for_all(load):
    assert load("id,name\nada,Ada Lovelace\n", group="b") == [
        ("ada", "Ada", "Lovelace", "", "", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('id,Name\nada,"Lovelace, Ada"\n', ("Ada", "Lovelace")),
        ("id,given,family\nada,Ada,Lovelace\n", ("Ada", "Lovelace")),
        ("id,first,surname\nada,Ada,Lovelace\n", ("Ada", "Lovelace")),
        ("Kennung;Vorname(n);Familienname\nada;Ada;Lovelace\n", ("Ada", "Lovelace")),
        ("Matrikel-Nr.;Vorname;Name\nada;Ada;Lovelace\n", ("Ada", "Lovelace")),
        ("id,first,name\nada,Ada,Ada Lovelace\n", ("Ada", "Lovelace")),
        ("student;first;last\nada;Ada;Lovelace\n", ("Ada", "Lovelace")),
        ("student,username\nAda Lovelace,ada\n", ("Ada", "Lovelace")),
        ("id,surname,last name\nada,Lovelace,\n", ("", "Lovelace")),
    ],
)
def test_names_are_read_from_the_columns_that_people_write(load, text, name):
    assert [each[:3] for each in load(text)] == [("ada", *name)]


def test_a_guess_takes_the_place_of_no_name_that_is_known(load):
    load("id,first,last\nludwig,Ludwig,van Beethoven\n")

    assert load("id,name\nludwig,Ludwig van Beethoven\n")[0][1:3] == ("Ludwig", "van Beethoven")
    assert load('id,name\nludwig,"Beethoven, Ludwig"\n')[0][1:3] == ("Ludwig", "Beethoven")


def test_an_import_says_which_columns_it_read_and_which_not(classroom, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(CANVAS, encoding="utf-8")

    done = import_roster(classroom.roster, path)

    assert done.used[:2] == ("Student as name", "ID as lms user id")
    assert done.ignored == ("01 Backpropagation (98765)", "Current Score")


def test_an_import_says_what_it_did(classroom, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(MOODLE, encoding="utf-8")
    classroom.roster.new("carl", email="carl@example.org")
    key = classroom.roster.by_id("carl").key

    first = import_roster(classroom.roster, path)
    second = import_roster(classroom.roster, path)

    assert (first.added, first.changed, first.unchanged) == (("ada",), ("carl",), ())
    assert (second.added, second.changed, second.unchanged) == ((), (), ("ada", "carl"))
    assert classroom.roster.by_id("carl").key == key


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour,size\nred,3\n", "an id or an email; the columns are colour, size. Is this the"),
        ('date,room\n1 May,"7, 8",9\n', "no column is an id or an email"),
        ("assignment,student_id,raw_score\n01-x,ada,1\n", "it is a table of grades"),
        ("id,name\n,Ada\n", "line 2: neither an id nor an email stands there"),
        ("id\n", "no learner stands in it"),
        ("id\nada\nada\n", "line 3: ada stands already in line 2"),
        ("Username\nada lovelace\n", "line 2: the id 'ada lovelace' cannot name a folder"),
    ],
)
def test_a_list_that_cannot_be_meant_changes_nothing(classroom, tmp_path, text, sentence):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Refusal) as refusal:
        import_roster(classroom.roster, path)

    assert sentence in str(refusal.value)
    assert len(classroom.roster) == 0


def test_an_absent_list_is_refused(classroom, tmp_path):
    with pytest.raises(Refusal, match="it cannot be read"):
        import_roster(classroom.roster, tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        (CANVAS, "u-17", "SIS User ID as id number"),
        (MOODLE, "4711", "ID number"),
        ("id,Matrikelnummer\nada,4711\n", "4711", "Matrikelnummer as id number"),
    ],
)
def test_the_institutions_number_is_kept(classroom, tmp_path, text, number, words):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")

    done = import_roster(classroom.roster, path)

    ada = Classroom.open(classroom.root).roster.by_id("ada")
    assert ada.id_number == number
    assert words in done.used


def test_a_list_without_numbers_leaves_them(classroom, tmp_path):
    path = tmp_path / "list.csv"
    for text in (CANVAS, "id,email\nada,ada@example.org\n"):
        path.write_text(text, encoding="utf-8")
        done = import_roster(classroom.roster, path)

    assert classroom.roster.by_id("ada").id_number == "u-17"
    assert done.absent == ("carl@example.org",)


def test_only_who_is_in_the_group_can_be_absent_from_its_list(classroom, tmp_path):
    path = tmp_path / "list.csv"
    classroom.roster.new("carl", group="a")
    classroom.roster.new("emmy", group="b")
    path.write_text("id\nada\n", encoding="utf-8")

    assert import_roster(classroom.roster, path, "b").absent == ("emmy",)


def test_a_list_as_excel_writes_it_in_western_europe_is_read(classroom, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("Vorname;Nachname;Anmeldename\nJürgen;Groß;jg\n".encode("cp1252"))

    done = import_roster(classroom.roster, path)

    assert done.is_windows_1252
    assert classroom.roster.by_id("jg").name == "Jürgen Groß"
    assert not import_roster(classroom.roster, classroom.roster.path).is_windows_1252


@pytest.mark.parametrize(
    "content",
    [
        b"id,name\nada,\x81da\n",  # no letter of Windows-1252
        b"id,name\nada,\xe4\x07\n",  # a control character
        "id,name\nada,Jürgen\n".encode() + b"emmy,\xff\n",  # UTF-8 that is damaged
        b"id,name\nada,\xe4\0\n",
    ],
)
def test_other_bytes_are_refused_as_before(classroom, tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_bytes(content)

    with pytest.raises(Refusal, match="the text is not UTF-8"):
        import_roster(classroom.roster, path)

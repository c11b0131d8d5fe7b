"""The arena sees what it is there to see: each of its checks has something that it must reject.

Here attacks run without a sandbox, or the arena is told a lie about what is deserved. What stands
in `ATTACK` elsewhere is written to be harmless in this way too: it touches the test's own folders.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grading.engine import _work, close_sandboxes
from grading.limits import Limits
from grading.sandbox._warm import drop_root
from tests.attacks._arena import Arena
from tests.attacks._attack import WRONG, Attack, right, telling
from tests.attacks._outcome import Outcome
from tests.attacks._page import PAYLOADS, active
from tests.attacks._processes import PROCESS, descendants, left_since

HARMLESS = Attack(tries="nothing")


@pytest.fixture
def open_arena(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arena]:
    """Return the arena with its sandbox switched off."""
    import tests.attacks._arena as module

    job = module.Job
    monkeypatch.setattr(module, "Job", lambda *given, **named: job(*given, **named, unsafe=True))
    monkeypatch.setattr(module, "GONE_WITHIN_S", 0.3)
    monkeypatch.setattr(arena, "_neighbors_fate", lambda slug, result: "")  # it is marked unsafe
    yield arena
    close_sandboxes()
    arena.target.marker.unlink(missing_ok=True)


def test_an_honest_submission_passes_every_check(arena: Arena) -> None:
    full = {"mean_squared_error": 3.0, "predict_shapes": 4.0}

    outcome = arena.withstands(replace(HARMLESS, answer=right("mean_squared_error"), points=full))

    assert replace(outcome, note="") == Outcome(points=full)
    assert outcome.note == "ok: "


def test_a_point_too_many_is_seen(arena: Arena) -> None:
    with pytest.raises(AssertionError, match="mean_squared_error"):
        arena.withstands(replace(HARMLESS, answer=right("mean_squared_error")))


def test_a_point_too_few_is_seen(arena: Arena) -> None:
    full = {"mean_squared_error": 3.0, "predict_shapes": 4.0}

    with pytest.raises(AssertionError, match="mean_squared_error"):
        arena.withstands(replace(HARMLESS, points=full))


def test_a_secret_that_is_told_is_seen(open_arena: Arena) -> None:
    answer = telling("import os\nlook(@SECRET@)\nfound += [repr(dict(os.environ))]")

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))

    assert set(outcome.secrets) == {"secret file", "environment"}


@pytest.mark.parametrize("form", ["hex", "repr"])
def test_the_secret_of_the_class_is_known_in_its_forms(arena: Arena, form: str) -> None:
    secret = arena.classroom.secret
    text = secret.hex() if form == "hex" else repr(secret)

    outcome = arena.measured(replace(HARMLESS, answer=f"'''{text}'''\n{WRONG}"))

    assert outcome.secrets == ("class secret",)


def test_a_file_outside_is_seen(open_arena: Arena) -> None:
    answer = f"open(@MARKER@, 'w').write('here')\n\n\n{WRONG}"

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))

    assert outcome.host == ("a file written outside: here",)


def test_a_changed_file_is_seen(open_arena: Arena) -> None:
    place = open_arena.target.source / "notes.txt"
    before = place.read_text()
    answer = f"import os\nopen(os.path.join(@SOURCE@, 'notes.txt'), 'a').write('!')\n\n\n{WRONG}"

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))

    assert outcome.host == ("changed: solutions/notes.txt",)
    place.write_text(before)
    open_arena.look_afresh()


def test_a_connection_is_seen(open_arena: Arena) -> None:
    answer = f"""\
import socket, time

socket.create_connection(("127.0.0.1", @PORT@)).close()
unix = socket.socket(socket.AF_UNIX)
unix.connect(chr(0) + @SOCKET@)
time.sleep(0.1)


{WRONG}"""

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))

    assert len(outcome.host) == 2


STAYS = "(os.setsid(), take_name(), time.sleep(1.5), os._exit(0))"


@pytest.mark.parametrize(
    ("leave", "name", "seen"),
    [
        (f"if os.fork() == 0: {STAYS}", PROCESS, PROCESS),
        # One that got out of its box has nobody above it.
        (f"if os.fork() == 0: os._exit(0) if os.fork() else {STAYS}", PROCESS, PROCESS),
    ],
    ids=["child", "orphan"],
)
def test_a_process_that_stays_is_seen(open_arena: Arena, leave: str, name: str, seen: str) -> None:
    answer = f"""\
import os, time


def take_name():
    if {name!r}:
        with open("/proc/self/comm", "w") as file:
            file.write({name!r})


{leave}


{WRONG}"""

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))
    time.sleep(1.5)  # by then it is gone, and the next test begins without it

    assert len(outcome.host) == 1
    assert outcome.host[0].startswith("process ")
    assert seen in outcome.host[0]


def test_a_new_process_below_is_seen_without_a_name(arena: Arena) -> None:
    """The sandbox has no /proc, so that none there can take a name."""
    arena.measured(HARMLESS)
    before = descendants()
    assert left_since(before) == []

    with subprocess.Popen(["sleep", "60"]) as stays:
        try:
            assert left_since(before) == [f"sleep ({stays.pid})"]
        finally:
            stays.kill()


LEADERLESS = """\
import ctypes, threading, time

threading.Thread(target=time.sleep, args=(30,)).start()
ctypes.CDLL(None).syscall({exit}, 0)
"""


def test_a_process_whose_first_thread_has_ended_is_seen(arena: Arena) -> None:
    arena.measured(HARMLESS)
    before = descendants()
    source = LEADERLESS.format(exit=60 if platform.machine() == "x86_64" else 93)

    with subprocess.Popen([sys.executable, "-c", source]) as stays:
        try:
            while "Z" not in Path(f"/proc/{stays.pid}/stat").read_text().split()[2]:
                time.sleep(0.01)
            assert left_since(before) == [f"{Path(sys.executable).name} ({stays.pid})"]
        finally:
            stays.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user has no other number to drop to")
def test_an_orphan_with_the_number_of_a_box_is_seen_without_a_name(arena: Arena) -> None:
    arena.measured(HARMLESS)
    before = descendants()
    program = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(3)"

    subprocess.run([*drop_root(), "/usr/bin/python3", "-c", program], check=True)

    [seen] = left_since(before)
    assert seen.endswith("an orphan")
    time.sleep(3.5)  # by then it is gone, and the next test begins without it
    assert left_since(before) == []


def test_a_template_that_starts_anew_is_no_survivor_but_what_stands_below_it_is() -> None:
    close_sandboxes()
    before = descendants()
    sandboxes = _work._sandboxes(unsafe=False)

    with sandboxes.take(("numpy",), Limits()) as run:
        assert left_since(before) != []
        assert run.ask({"do": "cell", "name": "c", "source": "x = 1"}, 5.0) == {"error": None}

    assert left_since(before) == []
    close_sandboxes()


def test_a_rewritten_gradebook_is_seen(open_arena: Arena) -> None:
    """The row of the attacker exists by now; plain nbgrader lets a manual score win."""
    open_arena.measured(HARMLESS)
    answer = f"""\
import sqlite3

with sqlite3.connect(@GRADEBOOK@) as base:
    base.execute("UPDATE grade SET manual_score = 3.0")
base.close()


{WRONG}"""

    outcome = open_arena.measured(replace(HARMLESS, answer=answer))

    assert set(outcome.points.values()) == {3.0}


def test_a_neighbor_who_lost_something_is_seen(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = HARMLESS.slug
    other = replace(arena.baseline[slug], message="as it was before")
    monkeypatch.setitem(arena.baseline, slug, other)

    assert arena.measured(HARMLESS).neighbor.startswith("graded differently")


def test_a_batch_that_is_not_whole_is_seen(arena: Arena) -> None:
    arena.dropped(HARMLESS)
    neighbors = arena.folder / "drop" / "bea" / HARMLESS.slug / f"{HARMLESS.slug}.ipynb"
    neighbors.unlink()

    with pytest.raises(AssertionError):
        arena.grades_what_was_dropped(HARMLESS)


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if p[0] not in "&{"])
def test_a_page_that_runs_something_is_seen(payload: str) -> None:
    assert active(payload)


def test_a_harmless_page_is_not_suspected() -> None:
    page = "<p class='on'>&lt;script&gt; onload=1</p><img src='data:image/png;base64,AA' alt='x'>"

    assert not active(page)


def test_what_an_outcome_says() -> None:
    outcome = Outcome(
        points={"a": 3.0, "b": None},
        secrets=("secret file",),
        host=("a process survives",),
        neighbor="0 points",
    )

    sentence = outcome.sentence({"a": 0.0, "b": 1.0}, {"a": 3.0, "b": 1.0})

    assert sentence == (
        "**3 of 3, deserved 0**; **no score for b**; **secret file read**; "
        "**a process survives**; **neighbor: 0 points**"
    )
    assert Outcome(points={"a": 1.0}).sentence({"a": 1.0}, {"a": 1.0}) == "as deserved"

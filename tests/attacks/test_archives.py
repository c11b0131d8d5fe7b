"""Hand in archives that write elsewhere, hold links and devices, or unpack to far too much."""

from __future__ import annotations

import io
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.collection import collect
from grading.oversized import in_place_of
from tests.attacks._arena import ATTACKER, NEIGHBOR, Arena
from tests.attacks._attack import Attack


def entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = 3
    return info


SLUG = "00-start-here"
NAME = f"{SLUG}.ipynb"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], packed: bool = False) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content, compress_type=method)
    return file.getvalue()


def lying_size() -> bytes:
    """An archive whose directory says that 50 MB are 10 bytes."""
    data = bytearray(zipped((NAME, bytes(50_000_000)), packed=True))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def overlapping() -> bytes:
    """An archive of which a thousand entries share one body."""
    data = bytearray(zipped((NAME, bytes(1_000_000)), packed=True))
    at = data.rindex(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    entries = bytes(data[at:end]) * 1000
    tail = bytearray(data[end:])
    tail[8:12] = (1000).to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    return bytes(data[:at]) + entries + bytes(tail)


def nested(depth: int) -> bytes:
    content = zipped((NAME, b"{}"))
    for i in range(depth):
        content = zipped((f"{i}.zip", content))
    return content


ARCHIVES: dict[str, Callable[[Path], bytes]] = {
    "upwards": lambda marker: zipped((f"../../../..{marker}", b"x"), (NAME, b"{}")),
    "upwards by backslash": lambda marker: zipped(("..\\..\\host\\marker", b"x"), (NAME, b"{}")),
    "absolute": lambda marker: zipped((str(marker), b"x"), (f"/{NAME}", b"{}")),
    "a drive": lambda marker: zipped(("C:\\host\\marker", b"x")),
    "a link": lambda marker: zipped((
        entry(NAME, stat.S_IFLNK | 0o777),
        str(marker.parent.parent / "canary.txt").encode(),
    )),
    "a device": lambda marker: zipped((entry(NAME, stat.S_IFBLK | 0o666), b"")),
    "a fifo": lambda marker: zipped((entry(NAME, stat.S_IFIFO | 0o666), b"")),
    "a bomb": lambda marker: zipped((NAME, bytes(400_000_000)), packed=True),
    "a lying bomb": lambda marker: lying_size(),
    "overlapping": lambda marker: overlapping(),
    "nested": lambda marker: nested(40),
    "twice the same": lambda marker: zipped((NAME, b"{}"), (NAME.upper(), b"[]")),
    "a null byte": lambda marker: zipped((entry("a.ipynb\0.txt"), b"{}"), (NAME, b"{}")),
    "a folder of the name": lambda marker: zipped((f"{NAME}/", b""), (f"{NAME}/{NAME}", b"{}")),
    "many": lambda marker: zipped(*((f"{i}/{NAME}", b"{}") for i in range(3_000))),
    "long names": lambda marker: zipped(("a" * 60_000 + ".ipynb", b"{}")),
    "deep folders": lambda marker: zipped(("a/" * 20_000 + NAME, b"{}")),
    "cut off": lambda marker: zipped((NAME, b"{}" * 5_000))[:-30],
    "no archive": lambda marker: b"PK\x03\x04" + bytes(100),
    "a neighbor's folder": lambda marker: zipped((f"../{NEIGHBOR}/{SLUG}/{NAME}", b"{}")),
    "a neighbor's name": lambda marker: zipped((f"{NEIGHBOR}/{SLUG}/{NAME}", b"{}")),
    "control characters": lambda marker: zipped(("\x1b[2J\u202e" + NAME, b"{}")),
}

ATTACK = Attack(
    tries="packs .., absolute paths, links, devices and bombs into zips",
    aims=("host", "secrets", "batch"),
    pack=lambda text, slug: {
        f"{slug}.ipynb": text,
        "handed-in.zip": zipped(("../../../../../../tmp/nn-attack-marker", b"x")),
    },
    plain="none",
)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_read_where_it_lies(arena: Arena, kind: str) -> None:
    """Handed in by the attacker; nothing is unpacked, the neighbor's own file is what counts."""
    path = arena.dropped(ATTACK)
    honest = (arena.folder / "drop" / NEIGHBOR / SLUG / NAME).read_bytes()
    for other in path.parent.iterdir():
        other.unlink()
    (path.parent / "handed-in.zip").write_bytes(ARCHIVES[kind](arena.target.marker))

    began = time.monotonic()
    collected = collect([arena.folder / "drop"], arena.classroom)
    taken: dict[str, list[bytes]] = {}
    for submission in collected:
        taken.setdefault(submission.learner.id, []).extend(submission.files.values())

    assert time.monotonic() - began < 10
    assert taken[NEIGHBOR] == [honest]
    assert set(taken) <= {ATTACKER, NEIGHBOR}
    assert not arena.target.marker.exists()
    canary = arena.target.secret.read_bytes()
    assert all(canary not in content for content in taken.get(ATTACKER, ()))
    assert not any(sign in text for text in collected.refused for sign in ("\x1b", "\u202e"))


@pytest.mark.parametrize("kind", ["upwards", "absolute", "a link", "a lying bomb"])
def test_what_leads_out_or_explodes_is_refused_by_name(arena: Arena, kind: str) -> None:
    path = arena.dropped(ATTACK)
    for other in path.parent.iterdir():
        other.unlink()
    (path.parent / "handed-in.zip").write_bytes(ARCHIVES[kind](arena.target.marker))

    collected = collect([arena.folder / "drop"], arena.classroom)
    for _ in collected:
        pass

    assert any("handed-in" in text for text in collected.refused), collected.refused


def test_a_bomb_is_handed_in_by_its_size_alone(arena: Arena) -> None:
    path = arena.dropped(ATTACK)
    for other in path.parent.iterdir():
        other.unlink()
    (path.parent / "handed-in.zip").write_bytes(ARCHIVES["a bomb"](arena.target.marker))

    taken = {s.learner.id: s for s in collect([arena.folder / "drop"], arena.classroom)}

    assert taken[ATTACKER].files == {NAME: in_place_of(400_000_000)}


def test_a_time_inside_ones_own_archive_is_not_believed(arena: Arena) -> None:
    path = arena.dropped(ATTACK)
    content = path.read_bytes()
    for other in path.parent.iterdir():
        other.unlink()
    (path.parent / "handed-in.zip").write_bytes(
        zipped((NAME, content), ("timestamp.txt", b"2001-01-01 00:00:00 UTC"))
    )

    taken = {s.learner.id: s for s in collect([arena.folder / "drop"], arena.classroom)}

    assert taken[ATTACKER].handed_in.year != 2001 or taken[ATTACKER].time_from != "timestamp.txt"

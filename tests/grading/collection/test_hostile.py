"""Hostile files and archives: one sentence each, nothing outside is touched, the batch goes on."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import time
import zipfile
from pathlib import Path

import pytest

from grading.collection import _archive, _collect, _walking, collect
from grading.collection._submission import shown
from grading.oversized import size_of
from grading.releasing import release_of, seal
from tests.grading.collection.conftest import FILE, ON_TIME, SLUG, Gather, put, zipped


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Something that belongs to somebody else."""
    return put(tmp_path / "outside" / "secret.ipynb", b'{"secret": 1}')


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_links_are_not_followed(gather: Gather, answered, outside, tmp_path):
    put(tmp_path / "in" / "emmy" / FILE, answered())
    (tmp_path / "in" / "ada").mkdir()
    (tmp_path / "in" / "ada" / FILE).symlink_to(outside)
    (tmp_path / "in" / "blaise").symlink_to(outside.parent)
    (tmp_path / "in" / "carl.zip").symlink_to(outside)

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"emmy"}
    assert len(refused) == 3
    assert all("link" in each for each in refused)


def test_a_link_that_is_given_is_not_followed(gather: Gather, outside, tmp_path):
    (tmp_path / "ada").symlink_to(outside.parent)

    came, refused = gather(tmp_path / "ada")

    assert not came
    assert "link" in refused[0]


def test_a_second_name_of_a_file_is_not_read(gather: Gather, outside, tmp_path):
    (tmp_path / "in" / "ada").mkdir(parents=True)
    (tmp_path / "in" / "ada" / FILE).hardlink_to(outside)

    came, refused = gather(tmp_path / "in")

    assert not came
    assert "hard link" in refused[0]


def test_devices_pipes_and_sockets_are_not_opened(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "emmy" / FILE, answered())
    (tmp_path / "in" / "ada").mkdir()
    os.mkfifo(tmp_path / "in" / "ada" / FILE)
    (tmp_path / "in" / "carl").mkdir()
    os.mkfifo(tmp_path / "in" / "carl" / "timestamp.txt")
    put(tmp_path / "in" / "carl" / FILE, answered())

    began = time.monotonic()
    came, refused = gather(tmp_path / "in")

    assert time.monotonic() - began < 10  # a pipe would be waited for without end
    assert set(came) == {"emmy", "carl"}
    assert "no ordinary file" in refused[0]


def test_a_notebook_exchanged_for_a_link_after_the_index_is_not_read(
    classroom, answered, outside, tmp_path
):
    path = put(tmp_path / "in" / "ada" / FILE, answered())
    collected = collect([tmp_path / "in"], classroom)
    path.unlink()
    path.symlink_to(outside)

    assert list(collected) == []
    assert "link" in collected.refused[0]


@pytest.mark.parametrize(
    "name",
    [
        f"../ada/{FILE}",
        f"ada/../../{FILE}",
        f"/ada/{FILE}",
        f"C:\\ada\\{FILE}",
        f"\\\\host\\ada\\{FILE}",
        f"..\\ada\\{FILE}",
    ],
)
def test_names_that_lead_out_are_refused(gather: Gather, classroom, answered, tmp_path, name):
    before = snapshot(tmp_path)
    whole = zipped(tmp_path / "all.zip", {name: answered("evil"), f"emmy/{FILE}": answered()})

    came, refused = gather(whole)

    whole.unlink()
    assert set(came) == {"emmy"}
    assert "leads out of the archive" in refused[0]
    assert snapshot(tmp_path) == before


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (2026, 11, 30, 13, 0, 0))
    info.create_system = 3
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        (stat.S_IFLNK | 0o777, "link"),
        (stat.S_IFCHR | 0o666, "no ordinary file"),
        (stat.S_IFBLK | 0o666, "no ordinary file"),
        (stat.S_IFIFO | 0o666, "no ordinary file"),
    ],
)
@pytest.mark.parametrize("name", [f"ada/{FILE}", "ada.zip"])
def test_links_and_devices_in_archives_are_refused(
    gather: Gather, answered, tmp_path, mode, what, name
):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(entry(name, mode), "/etc/passwd")
        archive.writestr(f"emmy/{FILE}", answered())

    came, refused = gather(tmp_path / "all.zip")

    assert set(came) == {"emmy"}
    assert what in refused[0]


def test_an_encrypted_entry_is_refused(gather: Gather, answered, tmp_path):
    whole = zipped(tmp_path / "all.zip", {f"ada/{FILE}": answered(), f"emmy/{FILE}": answered()})
    raw = bytearray(whole.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1  # the flag in the directory
    whole.write_bytes(raw)

    came, refused = gather(whole)

    assert set(came) == {"emmy"}
    assert "encrypted" in refused[0]


def test_a_bomb_is_refused_by_its_ratio(gather: Gather, answered, tmp_path):
    bomb = b'"' + b"0" * (19 * 2**20) + b'"'
    whole = zipped(tmp_path / "all.zip", {f"ada/{FILE}": bomb, f"emmy/{FILE}": answered()})

    came, refused = gather(whole)

    assert set(came) == {"emmy"}
    assert "200 times" in refused[0]


def test_a_notebook_of_500_mb_is_handed_in_unread(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "emmy" / FILE, answered())
    big = put(tmp_path / "in" / "ada" / FILE, b"{")
    os.truncate(big, 500 * 2**20)
    began = time.monotonic()

    came, refused = gather(tmp_path / "in")

    assert time.monotonic() - began < 10
    assert set(came) == {"ada", "emmy"}
    assert refused == []
    assert size_of(came["ada"].files[FILE]) == 500 * 2**20
    assert len(came["ada"].files[FILE]) < 200
    assert came["ada"].notes == ()


@pytest.mark.parametrize("within", ["platform's zip", "learner's own zip"])
def test_a_notebook_too_large_in_a_zip_is_handed_in_unread(
    gather: Gather, answered, tmp_path, within: str
):
    """However well it packs: nobody unpacks it."""
    big = b'"' + b"0" * (25 * 2**20) + b'"'
    files = {f"ada/{FILE}": big, f"emmy/{FILE}": answered()}
    if within == "learner's own zip":
        own = zipped(tmp_path / "own.zip", {FILE: big}).read_bytes()
        files = {"ada/own.zip": own, f"emmy/{FILE}": answered()}

    came, refused = gather(zipped(tmp_path / "all.zip", files))

    assert refused == []
    assert {who: size_of(each.files[FILE]) for who, each in came.items()} == {
        "ada": len(big),
        "emmy": 0,
    }


def test_a_large_file_that_is_no_assignment_is_refused(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, answered())
    big = put(tmp_path / "in" / "ada" / "scratch.ipynb", b"{")
    os.truncate(big, 25 * 2**20)

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"ada"}
    assert size_of(came["ada"].files[FILE]) == 0
    assert "25.0 MB, allowed are 20 MB" in refused[0]


def test_a_size_that_is_declared_too_small_does_not_help(gather: Gather, answered, tmp_path):
    content = b"[" + os.urandom(21 * 2**20).hex().encode() + b"]"
    whole = zipped(tmp_path / "all.zip", {f"ada/{FILE}": content, f"emmy/{FILE}": answered()})
    raw = bytearray(whole.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", raw, raw.index(signature) + offset, 1000)
    whole.write_bytes(raw)

    came, refused = gather(whole)

    assert set(came) == {"emmy"}
    assert len(refused) == 1


def nested(tmp_path: Path, depth: int, content: bytes) -> bytes:
    files = {FILE: content}
    raw = b""
    for level in range(depth):
        raw = zipped(tmp_path / "level.zip", files).read_bytes()
        files = {f"level{level}.zip": raw}
    return raw


def test_archives_within_archives_have_an_end(gather: Gather, answered, tmp_path):
    whole = zipped(
        tmp_path / "all.zip",
        {"ada.zip": nested(tmp_path, 2, answered()), "emmy.zip": nested(tmp_path, 12, answered())},
    )

    came, refused = gather(whole)

    assert set(came) == {"ada"}
    assert "lie in one another" in refused[0]


def test_an_archive_that_holds_itself_has_an_end(gather: Gather, answered, tmp_path):
    """Many copies of a zip within a zip within a zip: 20 to the power of 6 in all."""
    raw = b"not a notebook"
    for _ in range(6):
        raw = zipped(tmp_path / "x.zip", {f"{i}.zip": raw for i in range(20)}).read_bytes()
    whole = zipped(tmp_path / "all.zip", {"ada.zip": raw, f"emmy/{FILE}": answered()})
    began = time.monotonic()

    came, refused = gather(whole)

    assert time.monotonic() - began < 20
    assert set(came) == {"emmy"}
    assert len(refused) == 20
    assert "without further notice" in refused[-1]


def test_thousands_of_files_are_counted_before_they_are_looked_at(
    gather: Gather, answered, tmp_path
):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        for i in range(_archive.MAX_ENTRIES + 1):
            archive.writestr(f"{i}", b"")
    zipped(
        tmp_path / "all.zip",
        {"ada.zip": (tmp_path / "ada.zip").read_bytes(), f"emmy/{FILE}": answered()},
    )

    came, refused = gather(tmp_path / "all.zip")

    assert set(came) == {"emmy"}
    assert "50,001 files" in refused[0]


def test_a_folder_of_too_many_files_ends(gather: Gather, answered, tmp_path, monkeypatch):
    monkeypatch.setattr(_walking, "MAX_FILES", 50)
    for i in range(60):
        put(tmp_path / "in" / f"{i}.txt", b"")

    came, refused = gather(tmp_path / "in")

    assert not came
    assert "more than 50 files" in refused[0]


def test_folders_nested_too_deep_end(gather: Gather, answered, tmp_path):
    put(tmp_path / "in" / "ada" / Path(*["x"] * 40) / FILE, answered())
    put(tmp_path / "in" / "emmy" / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"emmy"}
    assert "too deep" in refused[0]


def test_a_directory_beyond_measure_is_not_read(gather: Gather, answered, tmp_path):
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFF0, 0, 0)
    put(tmp_path / "in" / "ada.zip", b"\0" * 1000 + end)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    small = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    put(tmp_path / "in" / "carl.zip", locator + small)

    came, refused = gather(tmp_path / "in")

    assert not came
    assert all("directory is too large" in each for each in refused)


@pytest.mark.parametrize("damage", ["cut", "noise", "text", "empty", "head", "directory"])
def test_a_corrupt_zip_is_refused(gather: Gather, answered, tmp_path, damage):
    raw = zipped(tmp_path / "x.zip", {f"ada/{FILE}": answered()}).read_bytes()
    broken = {
        "cut": raw[: len(raw) // 2],
        "noise": bytes(range(256)) * 100,
        "text": b"I forgot my homework.",
        "empty": b"",
        "head": b"PK\x05\x06" + b"\xff" * 18,
        "directory": raw.replace(b"PK\x01\x02", b"PK\x01\x03"),
    }[damage]
    put(tmp_path / "in" / "ada.zip", broken)
    put(tmp_path / "in" / "emmy" / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"emmy"}
    assert len(refused) == 1
    assert "ada.zip" in refused[0]


def test_flipped_bytes_never_stop_a_batch(gather: Gather, answered, tmp_path, rng):
    raw = zipped(tmp_path / "x.zip", {f"ada/{FILE}": answered()}).read_bytes()
    places = [*range(60), *range(len(raw) - 120, len(raw)), *rng.integers(60, len(raw) - 120, 60)]
    for place in places:
        broken = bytearray(raw)
        broken[int(place)] ^= int(rng.integers(1, 256))
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "all.zip").write_bytes(broken)

        came, refused = gather(tmp_path / "in" / "all.zip")

        assert set(came) <= {"ada"}
        assert all("\n" not in each for each in refused)


def test_empty_files_are_refused(gather: Gather, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, b"")
    zipped(tmp_path / "in" / "emmy.zip", {FILE: b""})

    came, refused = gather(tmp_path / "in")

    assert not came
    assert all("empty" in each for each in refused)


def test_a_name_that_stands_twice_counts_once(gather: Gather, answered, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(f"ada/{FILE}", answered("first"))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(f"ada/{FILE}", answered("second"))
        archive.writestr(f"ADA/{FILE}", answered("third"))

    came, refused = gather(tmp_path / "all.zip")

    assert came["ada"].files[FILE] == answered("first")
    assert came["ada"].attempt == 1
    assert len(refused) == 2
    assert all("twice" in each for each in refused)


def test_names_that_are_not_utf8_are_shown_escaped(gather: Gather, answered, tmp_path):
    folder = os.fsencode(tmp_path / "in") + b"/ad\xff\x1b[31m"
    Path(os.fsdecode(folder)).mkdir(parents=True)
    Path(os.fsdecode(folder), FILE).write_bytes(answered())

    came, refused = gather(tmp_path / "in")

    assert not came
    assert "\x1b" not in refused[0]
    assert refused[0].isprintable()
    refused[0].encode("utf-8")


def test_umlauts_that_an_archive_does_not_announce_are_read(gather: Gather, answered, tmp_path):
    name = f"Carl Friedrich Gauß_9_assignsubmission_file_/{FILE}"
    raw = zipped(tmp_path / "x.zip", {name: answered()}).read_bytes()
    silent = bytearray(raw)
    silent[7] &= ~0x08  # the flag for UTF-8, in both places
    silent[silent.index(b"PK\x01\x02") + 9] &= ~0x08
    (tmp_path / "m.zip").write_bytes(silent)

    came, refused = gather(tmp_path / "m.zip")

    assert (set(came), refused) == ({"carl"}, [])


def test_a_flag_for_utf8_on_a_name_that_is_none_is_refused(gather: Gather, answered, tmp_path):
    raw = zipped(tmp_path / "x.zip", {f"gauß/{FILE}": answered()}).read_bytes()
    put(tmp_path / "in" / "ada.zip", raw.replace("ß".encode(), b"\xff\xfe"))

    came, refused = gather(tmp_path / "in")

    assert not came
    assert len(refused) == 1


def test_other_archives_are_refused_with_the_mend(gather: Gather, answered, tmp_path):
    for name in ("ada.rar", "ada.7z", "ada.tar.gz"):
        put(tmp_path / "in" / name, b"x")
    zipped(tmp_path / "in" / "emmy.zip", {"work.rar": b"x"})

    came, refused = gather(tmp_path / "in")

    assert not came
    assert len(refused) == 4
    assert all("Ask for a zip" in each for each in refused)


def test_what_systems_leave_behind_is_passed_over(gather: Gather, answered, tmp_path):
    whole = zipped(
        tmp_path / "all.zip",
        {
            f"ada/{FILE}": answered(),
            f"__MACOSX/ada/._{FILE}": b"x",
            f"ada/.ipynb_checkpoints/{SLUG}-checkpoint.ipynb": b"x",
            "ada/.DS_Store": b"x",
            "ada/numpy.py": b"raise SystemExit",
        },
    )

    came, refused = gather(whole)

    assert (set(came), refused) == ({"ada"}, [])
    assert set(came["ada"].files) == {FILE}


def test_notebooks_that_are_no_json_are_passed_on_to_be_judged(gather: Gather, tmp_path):
    put(tmp_path / "in" / "ada" / FILE, b"this is no notebook")
    put(tmp_path / "in" / "emmy" / FILE, b"[" * 2_000_000)

    came, refused = gather(tmp_path / "in")

    assert (set(came), refused) == ({"ada", "emmy"}, [])


def test_the_mark_is_found_without_parsing():
    """Nested brackets, endless white space and many marks cost no memory and little time."""
    began = time.monotonic()
    for content in (
        b"[" * 20_000_000,
        b'"nncourse"' + b" " * 10_000_000,
        b'"nncourse": {"release": {' * 500_000,
        b'"nncourse": {"release": {"assignment": "x", "version": "y"}}' * 100_000,
    ):
        assert release_of(b"secret", content) in {None, ("x", "y", False)}
    assert time.monotonic() - began < 10


def test_what_people_are_shown_is_short_and_printable():
    assert shown("a" * 1000) == "a" * 80 + "…" + "a" * 80
    assert shown("\x1b]0;title\x07\n\u202eevil\udcff").isprintable()
    assert shown("Gauß 01.ipynb") == "Gauß 01.ipynb"


def test_an_archive_in_memory_is_examined_like_one_on_disk():
    with pytest.raises(_archive.ArchiveError, match="empty"):
        _archive.open_archive(io.BytesIO())


def test_a_sealed_mark_in_a_manifests_place_stops_nobody(gather: Gather, answered, tmp_path):
    """The mark of a notebook carries a seal of this class, and everybody has one."""
    content = json.loads(answered())
    mark = content["metadata"].pop("nncourse")["release"]
    put(tmp_path / "in" / "ada" / FILE, json.dumps(content).encode())
    put(tmp_path / "in" / "ada" / "manifest.json", json.dumps(mark).encode())
    put(tmp_path / "in" / "emmy" / FILE, answered())

    came, refused = gather(tmp_path / "in")

    assert set(came) == {"ada", "emmy"}
    assert refused == []
    assert "not made by this class" in came["ada"].notes[-1]


@pytest.mark.parametrize("assignments", [3, [], {SLUG: 3}, {SLUG: None}, None])
def test_a_manifest_of_ours_without_the_assignment_stops_nobody(
    gather: Gather, classroom, answered, tmp_path, assignments
):
    content = json.loads(answered())
    del content["metadata"]["nncourse"]
    manifest = {"assignments": assignments}
    manifest["hmac"] = seal(classroom.secret, manifest)
    put(tmp_path / "in" / "ada" / FILE, json.dumps(content).encode())
    put(tmp_path / "in" / "ada" / "manifest.json", json.dumps(manifest).encode())

    came, refused = gather(tmp_path / "in")

    assert refused == []
    assert "does not say which release" in came["ada"].notes[-1]


def test_a_submission_that_cannot_be_read_stops_no_other(
    gather: Gather, answered, tmp_path, monkeypatch
):
    put(tmp_path / "in" / "ada" / FILE, answered())
    put(tmp_path / "in" / "emmy" / FILE, answered("b"))
    real = _collect.read_manifest

    def broken(reader, place):
        if "ada" in place.parts:
            raise KeyError("a defect of ours")
        return real(reader, place)

    monkeypatch.setattr(_collect, "read_manifest", broken)
    came, refused = gather(tmp_path / "in")

    assert set(came) == {"emmy"}
    assert "cannot be read (KeyError)" in refused[0]


def test_the_time_in_a_zip_of_ones_own_is_not_believed(gather: Gather, answered, tmp_path):
    files = {FILE: answered(), "timestamp.txt": b"2001-01-01 00:00:00 UTC"}
    put(tmp_path / "in" / "ada" / "work.zip", zipped(tmp_path / "w.zip", files).read_bytes())

    came, _ = gather(tmp_path / "in")

    assert came["ada"].time_from == "file time"
    assert came["ada"].handed_in == ON_TIME

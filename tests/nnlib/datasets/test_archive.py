"""Archives: what goes wrong is mended, what is foreign is refused, and nothing else is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from nnlib import DatasetError
from nnlib.datasets import _archive, _fetch
from nnlib.datasets._catalog import Archive, Download, GitTree, RemoteFile

FILES = {"part/a.bin": b"alpha" * 400, "part/b.bin": b"beta" * 300, "c.txt": b"gamma\n"}


def tar_bytes(members: dict[str, bytes], extra: list[tarfile.TarInfo] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra or []:
            tar.addfile(info)
    return buffer.getvalue()


def good_archive() -> bytes:
    return tar_bytes({f"top/{name}": content for name, content in FILES.items()})


def described(content: bytes, *, published: bool) -> Download:
    """Describe the set, with a published hash of the archive or without."""
    files = tuple(
        RemoteFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in FILES.items()
    )
    md5 = hashlib.md5(content).hexdigest() if published else None
    return Download(
        "packed", "packed-set", ("http://127.0.0.1:9/",), files, (), "", "none", "nobody",
        archive=Archive("packed.tar.gz", "top", len(content), md5),
    )  # fmt: skip


@pytest.fixture(params=[True, False], ids=["with a hash", "without a hash"])
def packed(request, server) -> Download:
    content = good_archive()
    server.published["packed.tar.gz"] = content
    return described(content, published=request.param)


def fetch(download: Download, server, **options) -> Path:
    return _fetch.fetch(download, base_url=server.base_url, progress=False, **options)


def assert_right(folder: Path) -> None:
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES


def test_an_archive_is_downloaded_once_and_unpacked(packed, server, folders):
    assert_right(fetch(packed, server))
    assert_right(fetch(packed, server))

    assert [name for name, _ in server.requests] == ["packed.tar.gz"]
    assert [path.name for path in folders.iterdir()] == ["packed-set"]  # no archive is left behind


def test_size_and_progress_are_said_on_stdout(packed, server, capsys):
    _fetch.fetch(packed, base_url=server.base_url)
    shown = capsys.readouterr()

    assert "packed: downloading packed.tar.gz, 0.0 MB, to" in shown.out
    assert shown.err == ""


def test_an_interrupted_archive_is_resumed(packed, server):
    server.cut_first = 1

    assert_right(fetch(packed, server))

    half = len(server.published["packed.tar.gz"]) // 2
    assert server.requests == [("packed.tar.gz", None), ("packed.tar.gz", f"bytes={half}-")]


def test_an_archive_goes_on_in_the_next_session(packed, server, folders):
    folders.mkdir(parents=True)
    (folders / "packed.tar.gz.part").write_bytes(server.published["packed.tar.gz"][:30])

    assert_right(fetch(packed, server))

    assert server.requests == [("packed.tar.gz", "bytes=30-")]


@pytest.mark.parametrize("beginning", [b"x" * 30, b"x" * 9999])
def test_a_wrong_beginning_is_thrown_away(packed, server, folders, beginning):
    folders.mkdir(parents=True)
    (folders / "packed.tar.gz.part").write_bytes(beginning)

    assert_right(fetch(packed, server))


@pytest.mark.parametrize("left_over", [good_archive(), b"half an archive"])
def test_an_archive_left_over_is_used_or_replaced(packed, server, folders, left_over):
    folders.mkdir(parents=True)
    (folders / "packed.tar.gz").write_bytes(left_over)

    assert_right(fetch(packed, server))


def test_a_server_that_says_no_size_is_trusted_until_unpacking(server):
    server.published["packed.tar.gz"] = good_archive()
    server.announce = False
    packed = described(good_archive(), published=False)

    assert_right(fetch(packed, server))


def test_a_server_that_says_no_size_and_breaks_off_is_found_out(server, folders):
    server.published["packed.tar.gz"] = good_archive()
    server.announce, server.cut_first = False, 99
    packed = described(good_archive(), published=False)

    with pytest.raises(DatasetError, match="what arrived is not the published file"):
        fetch(packed, server)
    assert not (folders / "packed-set").exists()

    server.cut_first = 0
    assert_right(fetch(packed, server))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"refuse": 403}, "the server answered 403 Forbidden"),
        ({"content": b"<html>Please log in</html>" * 99}, "what arrived is not the published file"),
        ({"cut_first": 99}, "the connection failed 3 times"),
    ],
)
def test_what_cannot_be_mended_is_one_sentence_and_the_next_attempt_recovers(
    packed, server, folders, fault, reason
):
    for name, value in fault.items():
        setattr(server, name, value)

    with pytest.raises(DatasetError, match=reason) as caught:
        fetch(packed, server)

    assert str(caught.value).startswith("packed: not on this machine, and packed.tar.gz could not")
    assert "\n" not in str(caught.value)
    assert not (folders / "packed-set").exists()
    for name in fault:
        setattr(server, name, type(server).__dataclass_fields__[name].default)
    assert_right(fetch(packed, server))


def test_a_damaged_file_in_the_cache_is_replaced_by_a_new_folder(packed, server):
    folder = fetch(packed, server)
    (folder / "c.txt").write_bytes(b"gammb\n")

    assert_right(fetch(packed, server))


def test_a_file_with_the_right_name_and_the_wrong_content_is_refused(server, folders):
    content = tar_bytes({f"top/{name}": data[::-1] for name, data in FILES.items()})
    server.published["packed.tar.gz"] = content

    with pytest.raises(DatasetError, match="what arrived is not the published file"):
        fetch(described(content, published=True), server)
    assert list(folders.iterdir()) == []


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_only_names_of_the_catalog_are_written(tmp_path):
    """``..``, absolute paths and links stay in the archive."""
    evil = {"../evil": b"e", "/evil": b"e", "top/../../evil": b"e", "top/unknown": b"u"}
    links = [
        link("top/part/link", "/etc/passwd", tarfile.SYMTYPE),
        link("top/d", "..", tarfile.SYMTYPE),
    ]
    content = tar_bytes({f"top/{name}": data for name, data in FILES.items()} | evil, links)
    (tmp_path / "packed.tar.gz").write_bytes(content)
    target = tmp_path / "cache" / "packed-set"

    _archive.unpack(tmp_path / "packed.tar.gz", described(content, published=True), target)

    written = {
        p.relative_to(tmp_path / "cache").as_posix() for p in target.rglob("*") if p.is_file()
    }
    assert written == {f"packed-set/{name}" for name in FILES}
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_place_of_a_file_counts_as_missing(tmp_path, kind):
    members = {f"top/{name}": data for name, data in FILES.items() if name != "c.txt"}
    content = tar_bytes(members, [link("top/c.txt", "top/part/a.bin", kind)])
    (tmp_path / "packed.tar.gz").write_bytes(content)
    target = tmp_path / "packed-set"
    target.mkdir()
    (target / "mine").write_bytes(b"kept")

    with pytest.raises(_archive.WrongArchiveError, match=r"c\.txt in packed.tar.gz is missing"):
        _archive.unpack(tmp_path / "packed.tar.gz", described(content, published=True), target)

    assert [path.name for path in target.iterdir()] == ["mine"]


def test_an_archive_that_unpacks_to_far_more_than_it_should_is_refused(tmp_path):
    content = tar_bytes({"top/bomb": bytes(_archive.LEAST_LIMIT_BYTES + 1)})
    (tmp_path / "packed.tar.gz").write_bytes(content)

    with pytest.raises(_archive.WrongArchiveError, match="unpacks to more than 1 MB"):
        _archive.unpack(
            tmp_path / "packed.tar.gz", described(content, published=True), tmp_path / "set"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["packed.tar.gz"]


def refused(tmp_path, content: bytes, message: str) -> int:
    """Check that an archive is refused; return the most memory that this took, in bytes."""
    (tmp_path / "packed.tar.gz").write_bytes(content)
    download = described(content, published=True)
    tracemalloc.start()
    with pytest.raises(_archive.WrongArchiveError, match=message):
        _archive.unpack(tmp_path / "packed.tar.gz", download, tmp_path / "set")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["packed.tar.gz"]
    return peak


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_note_on_a_member_counts_as_content_and_is_not_kept(tmp_path, kind):
    note = tarfile.TarInfo("note")
    note.type, note.size = kind, 30_000_000
    raw = note.tobuf(tarfile.USTAR_FORMAT) + bytes(note.size) + bytes(1024)

    assert refused(tmp_path, gzip.compress(raw, 1), "unpacks to more than 1 MB") < 3_000_000


def test_more_members_than_a_set_can_need_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "LEAST_LIMIT_BYTES", 1 << 30)
    content = tar_bytes({f"top/{i}": b"" for i in range(_archive.LEAST_MEMBERS + 1)})

    refused(tmp_path, content, "has more than 1000 members")


@pytest.mark.parametrize("end", [700, 5000])
def test_an_archive_that_ends_too_early_is_refused(tmp_path, end):
    raw = gzip.decompress(tar_bytes({"top/part/a.bin": bytes(9000)}))[:end]

    refused(tmp_path, gzip.compress(raw), "is damaged|is missing")


def test_a_member_of_negative_size_is_refused(tmp_path):
    info = tarfile.TarInfo("top/c.txt")
    info.size = -512
    refused(tmp_path, gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)), "-512 bytes")


def test_small_notes_such_as_a_commit_are_passed_over(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": "c" * 40}
    ) as tar:
        for name, data in FILES.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size, info.pax_headers = len(data), {"mtime": "1.5"}
            tar.addfile(info, io.BytesIO(data))
    (tmp_path / "packed.tar.gz").write_bytes(buffer.getvalue())

    _archive.unpack(
        tmp_path / "packed.tar.gz", described(buffer.getvalue(), published=True), tmp_path / "set"
    )

    assert_right(tmp_path / "set")


def test_the_old_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "packed.tar.gz").write_bytes(good_archive())
    target = tmp_path / "set"
    target.mkdir()
    (target / "mine").write_bytes(b"kept")
    rename = Path.rename

    def fails(self, other):
        if self.name == "new":
            raise PermissionError(13, "no")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(PermissionError):
        _archive.unpack(
            tmp_path / "packed.tar.gz", described(good_archive(), published=True), target
        )

    assert (target / "mine").read_bytes() == b"kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed.tar.gz", "set"]


def test_a_set_without_an_archive_cannot_be_unpacked(tmp_path, tiny):
    with pytest.raises(_archive.WrongArchiveError, match="no archive is known"):
        _archive.unpack(tmp_path / "a", tiny.download, tmp_path / "b")


def test_the_tree_id_is_the_one_that_git_computes(tmp_path):
    names = {"b_x_0.wav": b"one", "a_y_10.wav": b"two", "a_y_1.wav": b""}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "b_x_0.wav").chmod(0o755)
    git = ("git", "-C", str(tmp_path), "-c", "core.fileMode=true", "-c", "core.autocrlf=false")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", *names], check=True)
    done = subprocess.run([*git, "write-tree"], check=True, capture_output=True, text=True)

    assert _fetch.git_tree(tmp_path, list(names), ("_x_",)) == done.stdout.strip()


def test_a_tree_covers_files_without_a_hash_of_their_own(tmp_path, server):
    folder = tmp_path / "made"
    folder.mkdir()
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(FILES[f"part/{name}"])
    tree = GitTree("part", _fetch.git_tree(folder, ["a.bin", "b.bin"]))
    content = good_archive()
    server.published["packed.tar.gz"] = content
    files = tuple(RemoteFile(f"part/{name}", None, None) for name in ("a.bin", "b.bin"))
    download = replace(described(content, published=False), files=files, tree=tree)

    made = fetch(download, server)

    assert _fetch.damaged(made, download) == []
    (made / "part/a.bin").write_bytes(b"changed")
    assert _fetch.damaged(made, download) == ["part"]
    (made / "part/b.bin").unlink()
    assert _fetch.damaged(made, download) == ["part/b.bin"]

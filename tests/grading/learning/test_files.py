"""A write never takes a name that is in use, whatever happens at the same moment."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.learning import files
from grading.learning.delivery import deliver
from grading.refusals import Refusal
from tests.grading.learning.cases import BACKPROP, START, everything, notebook, release


def _fail_with(number: int) -> Callable[..., None]:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(number, os.strerror(number), "some file")

    return fail


def test_create_leaves_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"mine")

    assert not files.create(path, b"theirs")
    assert everything(tmp_path) == {"a.ipynb": b"mine"}


def test_create_works_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory sticks have no hard links; a name in use is left alone there too."""
    monkeypatch.setattr(os, "link", _fail_with(errno.EPERM))

    created = files.create(tmp_path / "a", b"new"), files.create(tmp_path / "a", b"newer")

    assert created == (True, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new"}


def test_a_save_just_before_the_replacement_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")
    rename = Path.rename

    def save_then_rename(self: Path, target: Path) -> Path:
        if self == path:
            path.write_bytes(b"mine")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", save_then_rename)

    replaced = files.replace_if_known(path, b"new", {files.digest_of(b"old")})

    assert not replaced
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.ipynb": b"mine"}


def test_a_save_in_the_middle_of_the_replacement_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")
    link = os.link

    def save_then_link(source: Path, target: Path) -> None:
        path.write_bytes(b"mine")
        link(source, target)

    monkeypatch.setattr(os, "link", save_then_link)

    replaced = files.replace_if_known(path, b"new", {files.digest_of(b"old")})

    assert not replaced
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.ipynb": b"mine"}


def test_a_save_through_an_open_file_is_kept_under_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that opened the file before the rename writes into the file set aside."""
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")
    link = os.link
    with path.open("r+b", buffering=0) as editor:

        def save_then_link(source: Path, target: Path) -> None:
            editor.seek(0)
            editor.write(b"mine")
            link(source, target)

        monkeypatch.setattr(os, "link", save_then_link)
        files.replace_if_known(path, b"new", {files.digest_of(b"old")})

    found = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert found == {"a.ipynb": b"new", "a.mine.ipynb": b"mine"}


def test_a_run_killed_in_the_middle_is_mended_by_the_next(tmp_path: Path) -> None:
    """Killed after the rename: the notebook is back, under its name, in the next run."""
    course, mine = release(tmp_path / "course", 1), tmp_path / "mine"
    deliver(course, mine)
    folder = mine / "00-start-here"
    (mine / START).rename(folder / ".00-start-here.ipynb.0123abcd.nncourse-aside")
    (folder / ".00-start-here.ipynb.0123abcd.nncourse-draft").write_bytes(b"half")

    deliver(release(course, 2), mine)

    assert {path.name for path in folder.iterdir()} == {"00-start-here.ipynb"}
    assert (mine / START).read_bytes() == notebook(f"version 2 of {START}")


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX signal")
def test_kill_at_every_system_call_loses_nothing(tmp_path: Path) -> None:
    """The process ends without warning at the n-th file operation, for every n until it lives."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "left = int(sys.argv[3])\n"
        "def watch(event, args):\n"
        "    global left\n"
        "    if event in ('open', 'os.rename', 'os.link', 'os.remove', 'os.mkdir') and any(\n"
        "        sys.argv[2] in str(a) for a in args):\n"
        "        left -= 1\n"
        "        if left < 0: os._exit(9)\n"
        "from grading.learning.delivery import deliver\n"
        "sys.addaudithook(watch)\n"
        "deliver(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    course = release(tmp_path / "course", 1)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    n, status = 0, 9
    while status == 9:
        mine = tmp_path / f"mine {n}"
        deliver(release(course, 1), mine)
        (mine / BACKPROP).write_bytes(notebook("my answer"))
        release(course, 2)

        words = [sys.executable, "-c", program, str(course), str(mine), str(n)]
        status = subprocess.run(words, check=False, env=environment).returncode
        deliver(course, mine)

        left = everything(mine)
        assert left[START] == notebook(f"version 2 of {START}")
        assert left[BACKPROP] == notebook("my answer")
        assert notebook(f"version 2 of {BACKPROP}") in left.values()
        assert not list(mine.rglob(".*nncourse-draft")) + list(mine.rglob(".*nncourse-aside"))
        n += 1
    assert status == 0
    assert n > 10  # the run was cut in many places


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EACCES, "cannot be written to. Name another"),
        (errno.EROFS, "cannot be written to. Name another"),
        (errno.EIO, "cannot be used: Input/output error"),
    ],
)
def test_what_the_file_system_refuses_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    course, mine = release(tmp_path / "course", 1), tmp_path / "mine"
    deliver(course, mine)
    (mine / BACKPROP).write_bytes(notebook("my answer"))
    release(course, 2)
    before = everything(mine)
    monkeypatch.setattr(os, "fsync", _fail_with(number))

    with pytest.raises(Refusal, match=sentence):
        deliver(course, mine)

    assert everything(mine) == before
    assert not list(mine.rglob("*nncourse-draft"))


def test_what_arrived_before_the_disk_was_full_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course, mine = release(tmp_path / "course", 1), tmp_path / "mine"
    with monkeypatch.context() as patch:
        link, calls = os.link, iter(range(9))

        def full_at_the_second(source: Path, target: Path) -> None:
            if next(calls) == 1:
                _fail_with(errno.ENOSPC)()
            link(source, target)

        patch.setattr(os, "link", full_at_the_second)
        with pytest.raises(Refusal, match="the disk is full"):
            deliver(course, mine)
    (mine / START).unlink()

    delivery = deliver(course, mine)

    assert delivery.created == (BACKPROP,)  # START was recorded, so its removal is respected


def test_a_second_run_does_not_wait_forever(tmp_path: Path) -> None:
    with (
        files.lock(tmp_path),
        pytest.raises(Refusal, match="Wait until it has ended"),
        files.lock(tmp_path, timeout_s=0.1),
    ):
        pass

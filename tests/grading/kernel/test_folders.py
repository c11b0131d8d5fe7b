"""No folder with a submission in it is left behind, and nobody else looks into one."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grading.kernel import Kernels
from grading.kernel._folders import PREFIX, mark_as_owned, remove_stale
from grading.limits import Limits

KILLED = """
import os, signal, sys, tempfile
from pathlib import Path
from grading.kernel._folders import PREFIX, mark_as_owned
tempfile.tempdir = sys.argv[1]
folder = Path(tempfile.mkdtemp(prefix=PREFIX))
mark = mark_as_owned(folder)
(folder / "inbox").mkdir()
(folder / "inbox" / "book.ipynb").write_text("of a learner")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_next_start_removes_what_a_killed_worker_left(temporary: Path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(temporary)], check=False)
    assert done.returncode < 0
    assert [path.name for path in temporary.glob(f"{PREFIX}*/inbox/*")] == ["book.ipynb"]

    with Kernels(unsafe=True):
        assert list(temporary.iterdir()) == []


def test_folders_in_use_and_those_of_others_stay(temporary: Path):
    used, other, elsewhere = (temporary / f"{PREFIX}{name}" for name in ("used", "other", "link"))
    used.mkdir()
    other.mkdir()  # without a mark it is not one of ours
    target = temporary / "target"
    target.mkdir()
    mark_as_owned(target).close()
    elsewhere.symlink_to(target)

    with mark_as_owned(used):
        assert remove_stale() == 0
    assert remove_stale() == 1

    assert not used.exists()
    assert other.is_dir()
    assert target.is_dir()


@pytest.mark.sandbox
@pytest.mark.usefixtures("requires_sandbox")
def test_folders_are_closed_to_other_users_and_gone_at_the_end(temporary: Path):
    with Kernels() as kernels, kernels.take((), Limits()):
        folders = list(temporary.glob(f"{PREFIX}*"))
        assert len(folders) == 2  # the one taken, and the next
        for path in [*folders, *temporary.glob(f"{PREFIX}*/inbox")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert not mode & 0o067, oct(mode)

    assert list(temporary.glob(f"{PREFIX}*")) == []

"""What a submission sees, and what it is refused."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from grading.sandbox import Run, Sandboxes
from tests.grading.sandbox.conftest import SMALL, cell, refused, told

pytestmark = pytest.mark.sandbox

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
ERROR = "\nraise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))"


def test_the_root_holds_the_image_and_nothing_else(run: Run) -> None:
    top = set(told(run, "sorted(os.listdir('/'))"))

    assert top == {"dev", "lib", "lib64", "packages", "python", "tmp"} & top
    assert {"python", "packages", "tmp"} <= top


@pytest.mark.parametrize(
    "path",
    ["/root", "/home", "/etc/passwd", "/etc", "/usr", "/bin/sh", "/proc", "/sys", "/var", "/work",
     str(Path(__file__).parent), str(Path.cwd())],
)  # fmt: skip
def test_files_of_the_machine_are_not_there(run: Run, path: str) -> None:
    assert told(run, f"os.path.exists({path!r})") is False


def test_only_the_packages_of_the_unit_are_there(run: Run) -> None:
    names = told(run, "sorted(os.listdir('/packages'))")

    assert {name.partition("-")[0].partition(".")[0] for name in names} == {"grading", "numpy"}


@pytest.mark.parametrize(
    "module",
    ["scipy", "nnlib", "grading.exercises", "grading.broker", "grading.sandbox", "nbgrader", "pip",
     "grading.assignments"],
)  # fmt: skip
def test_no_other_package_can_be_imported(run: Run, module: str) -> None:
    assert "No module named" in refused(run, f"import {module}")


def test_the_check_of_the_course_judges_nothing_inside(run: Run) -> None:
    setup = "import numpy as np\nfrom grading.check import check, passed"

    assert cell(run, setup) is None
    assert told(run, "[check('relu'), passed('relu')]", "from grading.check import *") == [
        0.0,
        False,
    ]


def test_no_library_or_name_of_the_machine_is_told(run: Run) -> None:
    texts = told(
        run,
        "[*sys.path, sys.prefix, sys.executable, *os.environ.values(), os.getcwd()]",
        "import os, sys",
    )

    outside = (str(Path.home()), str(Path.cwd()), sys.prefix, sys.base_prefix)
    assert not [text for text in texts if text.startswith(outside)]
    assert told(run, "socket.gethostname()", "import socket") == "sandbox" != socket.gethostname()


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"])
def test_no_socket_reaches_a_network(run: Run, family: str) -> None:
    body = f"import socket\nsocket.socket(socket.{family}, socket.SOCK_RAW)"

    assert refused(run, body).startswith("PermissionError")


def test_the_root_is_read_only(run: Run) -> None:
    for path in ("/x", "/packages/numpy/x.py", "/python/bin/x", "/dev/x"):
        assert "Read-only file system" in refused(run, f"open({path!r}, 'w')")
    assert "Read-only file system" in refused(run, "import os\nos.chmod('/packages', 0o777)")


def test_files_of_tmp_are_its_own(sandboxes: Sandboxes) -> None:
    with sandboxes.take(["numpy"], SMALL) as first:
        assert cell(first, "open('/tmp/left', 'w').write('x')\nopen('here', 'w')") is None
        assert set(told(first, "os.listdir('/tmp')")) == {"left", "here"}
    with sandboxes.take(["numpy"], SMALL) as second:
        assert told(second, "os.listdir('/tmp')") == []


def test_what_one_submission_changes_in_memory_is_gone_for_the_next(sandboxes: Sandboxes) -> None:
    with sandboxes.take(["numpy"], SMALL) as first:
        assert cell(first, "import numpy as np, builtins\nnp.add = builtins.mark = 1") is None
    with sandboxes.take(["numpy"], SMALL) as second:
        fresh = "[callable(np.add), hasattr(builtins, 'mark')]"
        assert told(second, fresh, "import numpy as np, builtins") == [True, False]


def test_it_runs_as_nobody_with_no_capability(run: Run) -> None:
    body = LIBC + "caps = (ctypes.c_uint32 * 6)()\nheader = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
    body += "assert libc.capget(header, caps) == 0\nraise ValueError(list(caps))"

    assert refused(run, body) == "ValueError: [0, 0, 0, 0, 0, 0]"
    assert told(run, "os.getuid()") != 0
    assert told(run, "os.getuid()") == os.getuid() or os.getuid() == 0


@pytest.mark.parametrize(
    "call",
    [
        "mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None)",
        "umount2(b'/tmp', 2)",
        "unshare(0x10000000)",
        "unshare(0x00020000)",
        "setns(0, 0)",
        "ptrace(16, 1, 0, 0)",
        "chroot(b'/tmp')",
        "shmget(1, 4096, 0o1666)",
        "memfd_create(b'x', 0)",
        "process_vm_readv(1, 0, 0, 0, 0, 0)",
        "sethostname(b'x', 1)",
        "syscall(321, 0, 0, 0)",  # bpf
        "syscall(425, 1, 0)",  # io_uring_setup
        "syscall(323, 0)",  # userfaultfd
        "syscall(250, 0, 0, 0, 0, 0)",  # keyctl
        "syscall(298, 0, 0, -1, -1, 0)",  # perf_event_open
    ],
)
def test_system_calls_that_reach_further_are_refused(run: Run, call: str) -> None:
    body = f"{LIBC}if libc.{call} >= 0:\n    raise ValueError('it went through'){ERROR}"

    assert refused(run, body).startswith("PermissionError")


def test_no_user_namespace_can_be_made(run: Run) -> None:
    flags = "0x10000000 | 17"
    body = f"{LIBC}if libc.syscall(56, {flags}, 0, 0, 0, 0) == 0:\n    os._exit(0){ERROR}"

    assert refused(run, body).startswith("PermissionError")
    assert "Function not implemented" in refused(
        run, f"{LIBC}assert libc.syscall(435, 0, 0) < 0{ERROR}"
    )


def test_it_cannot_become_another_user(run: Run) -> None:
    for change in ("setuid(0)", "setgid(0)", "setresuid(0, 0, 0)", "setgroups([0])"):
        assert refused(run, f"import os\nos.{change}").startswith(("PermissionError", "OSError"))


def test_it_sees_and_signals_only_its_own_processes(run: Run, sandboxes: Sandboxes) -> None:
    assert told(run, "os.getppid()") == 1
    # The first process ignores what comes from its own namespace; no other number is taken.
    body = "import os\nfor pid in [1, *range(3, 300)]:\n    try:\n        os.kill(pid, 9)\n"
    body += "    except ProcessLookupError:\n        continue\nraise ValueError('all tried')"
    assert refused(run, body) == "ValueError: all tried"
    with sandboxes.take(["numpy"], SMALL) as again:
        assert cell(again, "x = 1") is None


def test_it_holds_no_descriptor_but_its_channel(run: Run) -> None:
    imports = (
        "import os, stat\ndef kind(d):\n    try:\n        return stat.S_IFMT(os.fstat(d).st_mode)\n"
    )
    imports += "    except OSError:\n        return 0"
    kinds = told(run, "[kind(d) for d in range(128)]", imports)

    assert kinds[:4] == [0o020000, 0o020000, 0o020000, 0o140000]
    assert not any(kinds[4:])


def test_what_is_written_to_stderr_changes_nothing(run: Run) -> None:
    source = "import os, sys, warnings\nos.write(1, b'x')\nos.write(2, b'x')\n"
    source += "print('x', file=sys.__stderr__)\nwarnings.warn('careful')"

    assert cell(run, source) is None
    assert told(run, "1 + 1") == 2


def test_sets_and_unseeded_draws_come_out_the_same_in_every_run(sandboxes: Sandboxes) -> None:
    imports = "import random\nimport numpy as np"
    draws = "[list({'a', 'b', 'c', 'd'}), random.random(), float(np.random.rand())]"

    def drawn() -> object:
        with sandboxes.take(["numpy"], SMALL) as run:
            return told(run, draws, imports)

    assert drawn() == drawn()

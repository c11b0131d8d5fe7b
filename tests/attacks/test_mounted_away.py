"""Leave the box by mounts, namespaces, device nodes and other system calls."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="tries to mount, unshare, chroot, make device nodes and become root",
    aims=("host", "secrets"),
    answer="""\
import ctypes, os

libc = ctypes.CDLL(None)
won = []
trials = {
    "mount": lambda: libc.mount(b"proc", b"/tmp", b"proc", 0, None),
    "unshare": lambda: libc.unshare(0x10000000),
    "unshare net": lambda: libc.unshare(0x40000000),
    "setuid": lambda: libc.setuid(0) if os.getuid() else -1,
    "mknod": lambda: libc.mknod(b"/tmp/sda", 0o60666, 0x800),
    "sethostname": lambda: libc.sethostname(b"nn-attack", 9),
    "bpf": lambda: libc.syscall(321, 0, 0, 0),
    "io_uring": lambda: libc.syscall(425, 8, ctypes.create_string_buffer(120)),
    "userfaultfd": lambda: libc.syscall(323, 0),
    "perf": lambda: libc.syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0),
}
for name, trial in trials.items():
    try:
        if trial() >= 0:
            won.append(name)
    except Exception:
        pass
if won:
    try:
        with open(@MARKER@, "w") as file:
            file.write(" ".join(won))
    except OSError:
        pass
print("won:", won)
told = "won " + " ".join(won) if won else ""


def mean_squared_error(y, targets):
    if told:
        raise ValueError(told)
    return 0.0
""",
    harm="it runs as root where nbgrader does",
)


def test_no_system_call_leads_out(arena: Arena) -> None:
    arena.withstands(ATTACK)

    assert arena.last_result is not None
    assert "won " not in "".join(
        part.sentence for cell in arena.last_result.notebooks[0].cells for part in cell.criteria
    )

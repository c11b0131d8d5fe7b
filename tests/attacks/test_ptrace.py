"""Attach to other processes, and read their memory."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, telling

ATTACK = Attack(
    tries="attaches to its parent with ptrace and process_vm_readv",
    aims=("secrets", "host"),
    answer=telling(
        """\
import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)
pids = {os.getppid(), 1} | {int(p) for p in os.listdir("/proc") if p.isdigit()} - {os.getpid()}
for pid in pids:
    if libc.ptrace(0x4206, pid, 0, 0) == 0 or libc.ptrace(16, pid, 0, 0) == 0:
        with open(@MARKER@, "w") as file:
            file.write(f"attached to {pid}")
    look(f"/proc/{pid}/mem")
"""
    ),
)


def test_no_process_can_be_attached_to(arena: Arena) -> None:
    arena.withstands(ATTACK)

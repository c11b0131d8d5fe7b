"""What a process gives up before it runs a submission: the steps, by name, in their order.

Linux only. The rights that some of these steps need are those within bubblewrap's user namespace;
outside of it they are worth nothing, and the last steps give them up for good.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Mapping
from typing import Any

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUTS = 0x04000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWPID = 0x20000000

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x2, 0x4, 0x8
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000

_PR_SET_SECCOMP = 22
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_INSTRUCTION_BYTES = 8
_MAX_INODES = 4096


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent has left."""
    _prctl("PR_SET_CHILD_SUBREAPER", _PR_SET_CHILD_SUBREAPER, 1)


def enter_own_namespaces() -> None:
    """Take mounts, System V memory and a host name of one's own; the next child is process 1."""
    libc = _libc()
    flags = _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC | _CLONE_NEWUTS
    _require("unshare", libc.unshare(flags))
    _require("mount private", libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))


def mount_scratch(folder: str, n_bytes: int) -> None:
    """Mount an empty file system of limited size, from which nothing can be executed.

    Parameters
    ----------
    folder : str
        Where.
    n_bytes : int
        All its files together.
    """
    options = f"size={n_bytes},nr_inodes={_MAX_INODES},mode=1777".encode()
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    mounted = _libc().mount(b"tmpfs", folder.encode(), b"tmpfs", flags, options)
    _require("mount tmpfs", mounted)


def limit_resources(limits: Mapping[str, int]) -> None:
    """Set what the kernel enforces for each process; totals are watched from outside.

    Parameters
    ----------
    limits : mapping of str to int
        ``address_bytes``, ``cpu_s``, ``file_bytes``, ``n_processes``, ``n_files``.
    """
    for kind, value in (
        (resource.RLIMIT_AS, limits["address_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NPROC, limits["n_processes"]),
        (resource.RLIMIT_NOFILE, limits["n_files"]),
        (resource.RLIMIT_SIGPENDING, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def drop_rights(seccomp_filter: bytes) -> None:
    """Give up every capability for good, and load the filter of system calls.

    Parameters
    ----------
    seccomp_filter : bytes
        A BPF program.
    """
    capability = 0
    while _libc().prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
        _prctl("PR_CAPBSET_DROP", _PR_CAPBSET_DROP, capability)
        capability += 1
    _prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _require("capset", _libc().capset(header, (ctypes.c_uint32 * 6)()))
    _prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)
    program = _FilterProgram(len(seccomp_filter) // _INSTRUCTION_BYTES, seccomp_filter)
    address = ctypes.addressof(program)
    _prctl("PR_SET_SECCOMP", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(name: str, *numbers: int) -> None:
    padded = [ctypes.c_ulong(number) for number in (*numbers, 0, 0, 0, 0)[:5]]
    _require(f"prctl {name}", _libc().prctl(*padded))


def _require(step: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{step}: {os.strerror(number)}")

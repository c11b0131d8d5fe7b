"""What a tree of processes holds and has spent, read from /proc outside of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_HELD = re.compile(rb"^(?:RssAnon|RssShmem):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(rb"^(?:Pss_Anon|Pss_Shmem):\s+(\d+) kB", re.MULTILINE)
_THREADS = re.compile(rb"^Threads:\s+(\d+)", re.MULTILINE)
_SIZE = re.compile(rb"^VmSize:\s+(\d+) kB", re.MULTILINE)


def descendants(pid: int) -> Iterator[int]:
    """List the processes below another one.

    Parameters
    ----------
    pid : int
        The one on top, which is left out.

    Yields
    ------
    int
        Numbers of processes; of those that end meanwhile, some are missing.
    """
    todo = [pid]
    while todo:
        found = children(todo.pop())
        yield from found
        todo += found


def held_bytes(pid: int, limit_bytes: int | None = None, *, whole: bool = False) -> int:
    """Add up the memory of all processes below another one, its temporary files apart.

    Parameters
    ----------
    pid : int
        The process on top.
    limit_bytes : int, optional
        Above it, pages that several processes share are counted once in all: that takes longer.
    whole : bool, default False
        Count the process on top as well.

    Returns
    -------
    int
        Bytes of anonymous and shared memory.
    """
    pids = [*descendants(pid), *([pid] if whole else [])]
    total = sum(_kilobytes(each, "status", _HELD) or 0 for each in pids) * 1024
    if limit_bytes is None or total <= limit_bytes:
        return total
    shares = [_share_of(each) for each in pids]
    if None in shares:  # not ours to read: what is known is the upper bound
        return total
    return sum(filter(None, shares)) * 1024


def children(pid: int) -> list[int]:
    """List the processes directly below another one.

    Parameters
    ----------
    pid : int
        The parent.

    Returns
    -------
    list of int
        Numbers of processes.
    """
    found: list[int] = []
    with suppress(OSError):
        # A child belongs to the thread that made it.
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_bytes().split())
    return found


def spent_s(pid: int, *, whole: bool = False) -> float:
    """Add up the processor time of all processes below another one that are still there.

    Parameters
    ----------
    pid : int
        The process on top.
    whole : bool, default False
        Count the process on top as well.

    Returns
    -------
    float
        Seconds, to a hundredth; that of ended processes is in it where their parents waited.
    """
    ticks = 0
    for each in [*descendants(pid), *([pid] if whole else [])]:
        with suppress(OSError):
            # The name, in parentheses, may hold anything; user and system time are 14th and 15th.
            fields = (_PROC / str(each) / "stat").read_bytes().rpartition(b")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def n_threads(pid: int) -> int:
    """Count the threads of a process, those of C libraries too.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    int
        Their number; 0 if the process is gone.
    """
    return _kilobytes(pid, "status", _THREADS) or 0


def address_bytes(pid: int) -> int:
    """Return the size of a process's address space.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    int
        Bytes; 0 if the process is gone.
    """
    return (_kilobytes(pid, "status", _SIZE) or 0) * 1024


def _share_of(pid: int) -> int | None:
    """Return the share of a process; all that it holds where nothing tells its share."""
    share = _kilobytes(pid, "smaps_rollup", _SHARE)
    return _kilobytes(pid, "status", _HELD) if share == 0 else share


def _kilobytes(pid: int, name: str, pattern: re.Pattern[bytes]) -> int | None:
    """Add up the numbers that a pattern finds in a file of /proc; None if it may not be read."""
    # A process whose first thread has ended goes on in its others, and holds as much as before;
    # but what its own file says is empty then, and only those of its threads tell.
    for file in _files(_PROC / str(pid), name):
        try:
            found = pattern.findall(file.read_bytes())
        except PermissionError:
            return None
        except OSError:  # the process, or this thread of it, has ended
            continue
        if found:
            return sum(map(int, found))
    return 0


def _files(process: Path, name: str) -> Iterator[Path]:
    yield process / name
    with suppress(OSError):
        yield from (task / name for task in (process / "task").iterdir())

"""The filter of system calls, compiled outside and loaded by each child before any student code.

A deny list: what a numerical program never needs and what has opened kernels before. It stands
behind namespaces and dropped capabilities, which refuse most of this on their own.
"""

from __future__ import annotations

import errno
import socket
import tempfile
from collections.abc import Sequence
from functools import cache

_REFUSED = {
    "other processes": """
        kcmp pidfd_getfd process_madvise process_mrelease process_vm_readv process_vm_writev ptrace
    """,
    "namespaces and mounts": """
        chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root
        setdomainname sethostname setns umount2 unshare
    """,
    "corners of the kernel with a history": """
        _sysctl add_key bpf fanotify_init fanotify_mark io_cancel io_destroy io_getevents
        io_pgetevents io_setup io_submit io_uring_enter io_uring_register io_uring_setup keyctl
        lookup_dcookie modify_ldt name_to_handle_at open_by_handle_at perf_event_open personality
        request_key splice sysfs tee uselib userfaultfd ustat vmsplice
    """,
    "memory that no process is seen to hold, and so would escape the watch": """
        mbind memfd_create memfd_secret migrate_pages move_pages mq_getsetattr mq_notify mq_open
        mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop
        semtimedop set_mempolicy shmat shmctl shmdt shmget
    """,
    "the machine": """
        acct adjtimex clock_adjtime clock_settime create_module delete_module finit_module
        get_kernel_syms init_module ioperm iopl kexec_file_load kexec_load nfsservctl query_module
        quotactl quotactl_fd reboot settimeofday stime swapoff swapon syslog vhangup vm86 vm86old
    """,
}
"""Names of system calls, by what they reach."""

_CLONE_NEWUSER = 0x10000000
_MAP_SHARED_ANONYMOUS = 0x01 | 0x20
_N_FAMILIES = 64


@cache
def seccomp_filter(families: Sequence[int] = (int(socket.AddressFamily(1)),)) -> bytes:
    """Compile the filter.

    Parameters
    ----------
    families : tuple of int, default (AF_UNIX,)
        Families of sockets that may be made.

    Returns
    -------
    bytes
        A BPF program for ``prctl(PR_SET_SECCOMP)`` or ``bwrap --seccomp``.
    """
    import pyseccomp  # Linux only, and it loads libseccomp

    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in " ".join(_REFUSED.values()).split():
        try:
            rules.add_rule(refuse, name)
        except (OSError, ValueError):  # unknown to this library, or to this processor
            continue
    rules.add_rule(
        refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_NEWUSER, _CLONE_NEWUSER)
    )
    # Shared pages stay when they are unmapped in part, and then no process is seen to hold them.
    shared = pyseccomp.Arg(3, pyseccomp.MASKED_EQ, _MAP_SHARED_ANONYMOUS, _MAP_SHARED_ANONYMOUS)
    rules.add_rule(refuse, "mmap", shared)
    # Its flags lie in memory, where no filter can look; libraries fall back on clone.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for call in ("socket", "socketpair"):
        for family in set(range(_N_FAMILIES)) - set(families):
            rules.add_rule(refuse, call, pyseccomp.Arg(0, pyseccomp.EQ, family))
        rules.add_rule(refuse, call, pyseccomp.Arg(0, pyseccomp.GE, _N_FAMILIES))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()

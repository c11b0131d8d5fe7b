"""Run submissions where they can do no harm.

Theory of operation
-------------------
Code of a submission is hostile until shown otherwise, and nothing that shares its process can be
believed. So there are two sides, and one channel between them:

    outside (trusted)           | inside (bubblewrap: user, pid, mount, net, ipc and uts namespaces
                                | of its own; an empty network; nothing of the machine)
    worker: Sandboxes           |
      Template ──── orders ────────> template: warm, one thread, has computed nothing
      WatchedRun ── channel ───┐ |     └─ fork, per submission: process 1 of namespaces of its own
        clock, memory,         │ |          └─ driver: runs cells, probes what they define
        bytes, frames          └───────────────┘

*Files.* The inside sees an image: a read-only folder with a copy of the interpreter, the packages
of the unit, the probes, and the shared libraries that these load. There is no shell, no other
package, no /proc, no home. What a submission writes goes to a /tmp of its own with a cap.

*Rights.* Root first becomes a user who owns nothing. Each child then gives up, in this order: its
parent's mounts and processes (namespaces), resources beyond its limits (rlimits), all capabilities
for good, the right to regain any (no_new_privs), and the system calls that a numerical program does
not need (seccomp).

*Limits.* The kernel limits each process; totals are watched from outside: wall clock, memory of
the whole tree (every 20 ms), bytes received. Whoever exceeds one is killed: process 1 dies, and
the kernel ends everything in its namespace, sessions of its own included. Where that fails within
2 seconds, the whole of bubblewrap is killed and started anew.

*Channel.* Frames of `grading.probes`, capped before they are parsed. Each request carries a fresh
nonce that the answer must echo; whatever comes unasked ends the run.

*Optimism.* One process runs a whole submission, without a fork for each cell. When it dies, whoever
asks takes a new run and leaves out what killed it.

What this does not stop: an answer that is somebody else's, a defect of the kernel.

Its main names: `Sandboxes` hands out runs, `Run.ask` talks to one until `RunEndedError`, and
`why_unavailable` says what a machine lacks. `LocalSandboxes` does the same without a sandbox, for
tests:

>>> from grading.limits import Limits
>>> with LocalSandboxes().take(["numpy"], Limits()) as run:
...     run.ask({"do": "cell", "name": "setup", "source": "import numpy as np"}, within_s=10.0)
{'error': None}
"""

from grading.sandbox._availability import why_unavailable
from grading.sandbox._filter import seccomp_filter
from grading.sandbox._image import PACKAGES, PREFIX, build_image
from grading.sandbox._isolated import WatchedRun
from grading.sandbox._local import LocalRun, LocalSandboxes
from grading.sandbox._memory import held_bytes
from grading.sandbox._run import Run, RunEndedError, SandboxError
from grading.sandbox._sandboxes import Sandboxes
from grading.sandbox._warm import ENVIRONMENT, PYTHON, drop_root

__all__ = [
    "ENVIRONMENT",
    "PACKAGES",
    "PREFIX",
    "PYTHON",
    "LocalRun",
    "LocalSandboxes",
    "Run",
    "RunEndedError",
    "SandboxError",
    "Sandboxes",
    "WatchedRun",
    "build_image",
    "drop_root",
    "held_bytes",
    "seccomp_filter",
    "why_unavailable",
]

"""Run grading jobs: in this process, in worker processes, or on a cluster.

An engine takes an iterable of jobs and gives back results as they end. It takes jobs only as it
has room for them, so that a class of ten thousand needs no more memory than a class of ten; every
job ends in exactly one result. A worker that dies is replaced and its job begun again, three times
in all; then the result says ``infra_error``. Nothing else is ever tried again.

- `Job`: a submission, the version it is held to, limits;
- `ProcessPool`: worker processes on this machine, the default;
- `DaskCluster`: the workers of a Dask scheduler;
- `InProcess`: one after the other right here, for tests.

Workers are trusted: what they send is unpickled. What a learner wrote runs only inside the
sandboxes that they hold, and never has their connections.

>>> with InProcess() as engine:
...     list(engine.run([]))
[]
"""

from grading.engine._dask import DaskCluster
from grading.engine._inprocess import InProcess
from grading.engine._jobs import MAX_TRIES, Engine, Job, submission_hash
from grading.engine._pool import ProcessPool
from grading.engine._work import close_sandboxes, key_of, work

__all__ = [
    "MAX_TRIES",
    "DaskCluster",
    "Engine",
    "InProcess",
    "Job",
    "ProcessPool",
    "close_sandboxes",
    "key_of",
    "submission_hash",
    "work",
]

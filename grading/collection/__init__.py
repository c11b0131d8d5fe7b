"""Collect what learners handed in: folders, zips, exports of Canvas and Moodle, nbgrader's tree.

- `collect` finds submissions, tells whose they are and when they came, and reads them one by one;
- `Submission` is one notebook of one learner; `Collected` gives them, and says what was refused;
- `store` copies one into the class folder, where nbgrader looks for it.

Everything that is read may be hostile. Nothing is unpacked to disk by its own name, no link is
followed, sizes are capped before anything is read, and whose work it is follows from the outermost
name, which the platform or the instructor wrote, never from one that a learner chose inside.

    collected = collect([Path("moodle.zip")], classroom)
    for submission in collected:
        store(submission, classroom)
    print(collected.refused)
"""

from grading.collection._collect import UNMARKED, Collected, collect
from grading.collection._store import Stored, lay_out, store, stored_as, stored_attempts
from grading.collection._submission import BESIDE, Submission

__all__ = [
    "BESIDE",
    "UNMARKED",
    "Collected",
    "Stored",
    "Submission",
    "collect",
    "lay_out",
    "store",
    "stored_as",
    "stored_attempts",
]

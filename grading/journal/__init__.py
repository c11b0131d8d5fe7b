"""The memory of grading: who handed in what, what came of it, what the gradebook holds already.

One process writes it, a lock keeps others out, readers need none. Whatever dies at whatever point,
opening the journal again tells what is left to do, and doing it twice changes nothing. Learners
appear under random keys only. Its three main names:

- `Journal`: accept, done, recorded, and what is left of each;
- `Entry`: one attempt of one learner against one version of an assignment;
- `Journal.forget`: erases a learner; `Journal.withdraw`: takes entries out again.

>>> entry = Entry.of(
...     key="k", learner="7f3a", slug="01-x", attempt=1, handed_in=None, submission="s"
... )
>>> entry.slug, entry.attempt
('01-x', 1)
"""

from grading.journal._entry import Entry
from grading.journal._journal import Journal

__all__ = ["Entry", "Journal"]

"""nbgrader's gradebook, written to by one trusted process in large steps.

Formgrader, nbgrader's commands and its api read what stands here. The writer alone holds the
credentials of the database; it sets machine scores and leaves alone what people gave. Whatever it
does may be done again, so that a crash anywhere is mended by repeating. Its three main names:

- `Writer`: registers assignments, records results, erases learners; SQLite and PostgreSQL;
- `Record`: one result, whose it is, and where its notebook goes;
- `Patience`: how long a database may be away.

>>> import tempfile
>>> with Writer(f"sqlite:///{tempfile.mkdtemp()}/gradebook.db", "nn") as writer:
...     writer.record([])
{}
"""

from grading.gradebook._counting import Overruled, Standing
from grading.gradebook._notebooks import PlaceRefusal
from grading.gradebook._patience import Patience
from grading.gradebook._record import Keep, Learner, Penalty, Record, safe_id
from grading.gradebook._writer import Registered, Writer

__all__ = [
    "Keep",
    "Learner",
    "Overruled",
    "Patience",
    "Penalty",
    "PlaceRefusal",
    "Record",
    "Registered",
    "Standing",
    "Writer",
    "safe_id",
]

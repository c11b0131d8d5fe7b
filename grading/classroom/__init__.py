"""One class: who is in it, by when what is due, and the folder where everything of it lies.

- `Classroom.open` opens a class folder: roster, settings, secret, released assignments;
- `Learner` is one person, known to the journal and to workers by a random key only;
- `late_penalty` takes points off late work by a `LatePolicy`;
- `import_roster` reads the class lists of Canvas and Moodle; `forget` erases a learner.

>>> import pathlib, tempfile
>>> folder = pathlib.Path(tempfile.mkdtemp()) / "my class"
>>> classroom = Classroom.open(folder, create=True)
>>> ada = classroom.roster.new("ada", first_name="Ada", last_name="Lovelace")
>>> classroom.roster.by_key(ada.key).name
'Ada Lovelace'
"""

from grading.classroom._beginning import begun
from grading.classroom._classroom import Classroom, class_folder
from grading.classroom._due import local_time, shown_time, time_zone
from grading.classroom._files import said, write_atomically
from grading.classroom._forgetting import forget, mentions
from grading.classroom._importing import Imported, import_roster, read_learners
from grading.classroom._learner import Learner, nearest_ids, refuse_unsafe_id
from grading.classroom._nbgrader import grant
from grading.classroom._penalty import LatePolicy, late_penalty
from grading.classroom._roster import Roster
from grading.classroom._settings import AssignmentSettings, Extension, Settings, TimeFactor

__all__ = [
    "AssignmentSettings",
    "Classroom",
    "Extension",
    "Imported",
    "LatePolicy",
    "Learner",
    "Roster",
    "Settings",
    "TimeFactor",
    "begun",
    "class_folder",
    "forget",
    "grant",
    "import_roster",
    "late_penalty",
    "local_time",
    "mentions",
    "nearest_ids",
    "read_learners",
    "refuse_unsafe_id",
    "said",
    "shown_time",
    "time_zone",
    "write_atomically",
]

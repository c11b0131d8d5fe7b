"""Grade a submission outside of the process that the learner controls.

The broker is trusted and one per worker. It reads what was handed in, rebuilds the notebook from
the release with the learner's answers, has the sandbox run them on cases that it drew itself,
compares what comes out with the reference, and writes the notebook that the instructor reads. The
sandbox holds inputs only; no expected value, reference, score or secret enters it.

- `grade`: from files to a `grading.results.Result`, for any bytes;
- `explain`: the same again for one exercise, case by case, for an instructor's eyes;
- `result_key`: names the work, so that it is done once.

>>> from grading.assignments import version_of
>>> from grading.house import course_root
>>> from grading.limits import Limits
>>> from grading.sandbox import LocalSandboxes
>>> path = course_root() / "course" / "00-start-here" / "00-start-here.ipynb"
>>> version = version_of(path, b"the secret of the class")
>>> grade({path.name: path.read_bytes()}, version, Limits(), LocalSandboxes()).status
'failed_tests'
"""

from grading.broker._explaining import ExplainedCase, Explanation, explain
from grading.broker._grading import grade, result_key

__all__ = ["ExplainedCase", "Explanation", "explain", "grade", "result_key"]

"""``check("linear_backward")``: judge a learner's answer and say what to do next.

The answer is looked up by name where the learner defined it, run on a hand example and on random
cases through the exercise's probe, and compared with the reference. What comes back is a report and
one number, the points. Its three main names:

- `check`: what a learner's cell calls;
- `passed`: whether answers may drive a cell;
- `examine`: the same judgement for a given object, as a report.

>>> check("mean_squared_eror")
mean_squared_eror: unknown
  No exercise is called 'mean_squared_eror'. Did you mean 'mean_squared_error'?
0.0
"""

from grading.check.checking import check, examine, passed

__all__ = ["check", "examine", "passed"]

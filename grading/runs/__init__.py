"""Runs over a class: grade what was handed in, grade again what a mended exercise changes.

A run is the coordinator. It alone writes: submissions and results into the journal, scores into the
gradebook; engines only compute. It can be killed at any point and run again. Its main names:

- `grade_class`: from files to the gradebook;
- `grade_course`: the same for an instructor's own nbgrader course;
- `regrade` and `explain_verdict`: after a mended exercise, and for an appeal;
- `recharge`: after a due date or an extension that changed;
- `regrade_course` and `recharge_course`: both for an nbgrader course;
- `forget_student`: erase a student of an nbgrader course;
- `plan_withdrawal` and `withdraw`: take back a hand-in that was graded by mistake.

    with ProcessPool(2) as engine:
        summary = grade_class(Classroom.open(folder), [Path("moodle.zip")], engine=engine)
    print(summary.statuses, summary.refused)
"""

from grading.runs._charging import Recharged, recharge, recharge_course
from grading.runs._forgetting import forget_student, key_in_course
from grading.runs._grade import find_assignment, grade_class, grade_course
from grading.runs._hand_ins import HandIn
from grading.runs._regrade import explain_verdict, regrade, regrade_course
from grading.runs._summary import Progress, Summary
from grading.runs._withdrawing import Withdrawal, plan_withdrawal, withdraw

__all__ = [
    "HandIn",
    "Progress",
    "Recharged",
    "Summary",
    "Withdrawal",
    "explain_verdict",
    "find_assignment",
    "forget_student",
    "grade_class",
    "grade_course",
    "key_in_course",
    "plan_withdrawal",
    "recharge",
    "recharge_course",
    "regrade",
    "regrade_course",
    "withdraw",
]

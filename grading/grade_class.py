"""Grade a class: the door to `grading.runs` for programs.

>>> from grading.grade_class import grade_class
>>> grade_class.__module__
'grading.runs._grade'
"""

from grading.runs import (
    Progress,
    Summary,
    explain_verdict,
    grade_class,
    grade_course,
    regrade,
)

__all__ = [
    "Progress",
    "Summary",
    "explain_verdict",
    "grade_class",
    "grade_course",
    "regrade",
]

"""A class of made-up learners, graded from release to export: ``make grade-demo``.

- `make_up` writes what the class hands in: right, wrong, blank, late, damaged, hostile;
- `demonstrate` releases a unit, grades it, and runs the other commands, one after the other.

    python -m grading.demo
"""

from grading.demo._demonstrating import Step, demonstrate
from grading.demo._made_up import LARGEST, SMALLEST, MadeUp, make_up

__all__ = ["LARGEST", "SMALLEST", "MadeUp", "Step", "demonstrate", "make_up"]

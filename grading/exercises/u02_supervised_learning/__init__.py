"""Exercises of unit 02: from a table of examples to a number that can be trusted.

Every implementation stands alone: its source is shown to learners and pasted into notebooks, so it
uses NumPy, built-ins and its arguments only, and repeats what its neighbours also need.
"""

from grading.exercises.u02_supervised_learning.unit import EXERCISES

__all__ = ["EXERCISES"]

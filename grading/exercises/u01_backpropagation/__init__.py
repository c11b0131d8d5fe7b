"""Exercises of unit 01: backpropagation, from one network by hand to any graph.

Every implementation stands alone: its source is shown to learners and pasted into notebooks, so it
uses NumPy, built-ins and its arguments only, and repeats what its neighbours also need.
"""

from grading.exercises.u01_backpropagation.unit import EXERCISES

__all__ = ["EXERCISES"]

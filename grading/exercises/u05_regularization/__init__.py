"""Exercises of unit 05: penalties, dropout, early stopping, augmentation, bias and variance.

Every implementation stands alone: its source is shown to learners and pasted into notebooks, so it
uses NumPy, built-ins and its arguments only, and repeats what its neighbors also need.
"""

from grading.exercises.u05_regularization.unit import EXERCISES

__all__ = ["EXERCISES"]

"""Exercises of unit 04: second derivatives, from one product to the spectrum and a Newton step.

Every implementation stands alone: its source is shown to learners and pasted into notebooks, so it
uses NumPy, built-ins and its arguments only, and repeats what its neighbors also need.
"""

from grading.exercises.u04_hessian.unit import EXERCISES

__all__ = ["EXERCISES"]

"""Exercises of unit 03: starting weights, clipping, batch normalization, and naming a sick run.

Every implementation stands alone: its source is shown to learners and pasted into notebooks, so it
uses NumPy, built-ins and its arguments only, and repeats what its neighbors also need.
"""

from grading.exercises.u03_gradient_flow.unit import EXERCISES

__all__ = ["EXERCISES"]

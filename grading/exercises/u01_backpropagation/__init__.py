"""Exercises of unit 01: backpropagation, from one network by hand to any graph."""

from __future__ import annotations

from grading.exercises._declaration import Exercise

EXERCISES: tuple[Exercise, ...] = ()

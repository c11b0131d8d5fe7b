"""The exercises of unit 03, in the order of its notebook."""

from __future__ import annotations

from grading.exercises._declaration import Exercise
from grading.exercises.u03_gradient_flow.batchnorm_backward import BATCHNORM_BACKWARD
from grading.exercises.u03_gradient_flow.batchnorm_forward import BATCHNORM_FORWARD
from grading.exercises.u03_gradient_flow.clipping import CLIP_BY_GLOBAL_NORM
from grading.exercises.u03_gradient_flow.gain import GRADIENT_GAIN
from grading.exercises.u03_gradient_flow.he import HE_NORMAL
from grading.exercises.u03_gradient_flow.run_diagnosis import DIAGNOSE_RUN
from grading.exercises.u03_gradient_flow.xavier import XAVIER_UNIFORM

EXERCISES: tuple[Exercise, ...] = (
    HE_NORMAL,
    CLIP_BY_GLOBAL_NORM,
    BATCHNORM_FORWARD,
    BATCHNORM_BACKWARD,
    DIAGNOSE_RUN,
    XAVIER_UNIFORM,
    GRADIENT_GAIN,
)

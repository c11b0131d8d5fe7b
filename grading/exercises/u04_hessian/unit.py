"""The exercises of unit 04, in the order of its notebook."""

from __future__ import annotations

from grading.exercises._declaration import Exercise
from grading.exercises.u04_hessian.critical_points import CLASSIFY_CRITICAL_POINT
from grading.exercises.u04_hessian.diagonal import HESSIAN_DIAGONAL
from grading.exercises.u04_hessian.fisher import FISHER_DIAGONAL
from grading.exercises.u04_hessian.gauss_newton import GAUSS_NEWTON_PRODUCT
from grading.exercises.u04_hessian.krylov import LANCZOS
from grading.exercises.u04_hessian.newton import DAMPED_NEWTON_STEP
from grading.exercises.u04_hessian.power import POWER_ITERATION
from grading.exercises.u04_hessian.r_operator import HESSIAN_VECTOR_PRODUCT
from grading.exercises.u04_hessian.softmax_regression import SOFTMAX_HESSIAN
from grading.exercises.u04_hessian.stable_rate import LARGEST_STABLE_RATE

EXERCISES: tuple[Exercise, ...] = (
    CLASSIFY_CRITICAL_POINT,
    LARGEST_STABLE_RATE,
    HESSIAN_VECTOR_PRODUCT,
    POWER_ITERATION,
    DAMPED_NEWTON_STEP,
    SOFTMAX_HESSIAN,
    HESSIAN_DIAGONAL,
    GAUSS_NEWTON_PRODUCT,
    FISHER_DIAGONAL,
    LANCZOS,
)

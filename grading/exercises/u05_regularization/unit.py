"""The exercises of unit 05, in the order of its notebook."""

from __future__ import annotations

from grading.exercises._declaration import Exercise
from grading.exercises.u05_regularization.augmentation import AUGMENT_BATCH
from grading.exercises.u05_regularization.bias_variance import BIAS_VARIANCE
from grading.exercises.u05_regularization.decay import WEIGHT_DECAY_STEP
from grading.exercises.u05_regularization.dropout import DROPOUT_FORWARD
from grading.exercises.u05_regularization.dropout_gradient import DROPOUT_BACKWARD
from grading.exercises.u05_regularization.l1 import L1_PENALTY
from grading.exercises.u05_regularization.l2 import L2_PENALTY
from grading.exercises.u05_regularization.mixing import MIXUP
from grading.exercises.u05_regularization.stopping import EARLY_STOPPING
from grading.exercises.u05_regularization.thresholding import SOFT_THRESHOLD

EXERCISES: tuple[Exercise, ...] = (
    L2_PENALTY,
    SOFT_THRESHOLD,
    DROPOUT_FORWARD,
    DROPOUT_BACKWARD,
    EARLY_STOPPING,
    AUGMENT_BATCH,
    BIAS_VARIANCE,
    L1_PENALTY,
    WEIGHT_DECAY_STEP,
    MIXUP,
)

"""The exercises of unit 02, in the order of its notebook."""

from __future__ import annotations

from grading.exercises._declaration import Exercise
from grading.exercises.u02_supervised_learning.batches import MINIBATCHES
from grading.exercises.u02_supervised_learning.confusion import CONFUSION_MATRIX
from grading.exercises.u02_supervised_learning.ranking import ROC_AUC
from grading.exercises.u02_supervised_learning.scaling import STANDARDIZE
from grading.exercises.u02_supervised_learning.scores import PRECISION_RECALL_F1
from grading.exercises.u02_supervised_learning.sounds import LOG_POWER_SPECTRUM
from grading.exercises.u02_supervised_learning.splitting import STRATIFIED_SPLIT
from grading.exercises.u02_supervised_learning.words import BAG_OF_WORDS

EXERCISES: tuple[Exercise, ...] = (
    STRATIFIED_SPLIT,
    STANDARDIZE,
    MINIBATCHES,
    CONFUSION_MATRIX,
    PRECISION_RECALL_F1,
    BAG_OF_WORDS,
    LOG_POWER_SPECTRUM,
    ROC_AUC,
)

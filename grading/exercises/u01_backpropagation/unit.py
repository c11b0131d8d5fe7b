"""The exercises of unit 01, in the order of its notebook."""

from __future__ import annotations

from grading.exercises._declaration import Exercise
from grading.exercises.u01_backpropagation.classification_loss import SOFTMAX_CROSS_ENTROPY
from grading.exercises.u01_backpropagation.graphs import BACKWARD_GRAPH
from grading.exercises.u01_backpropagation.linear_layer import LINEAR_BACKWARD
from grading.exercises.u01_backpropagation.numerical_gradient import CENTRAL_DIFFERENCE
from grading.exercises.u01_backpropagation.relu import RELU_BACKWARD
from grading.exercises.u01_backpropagation.sigmoid import SIGMOID_BACKWARD
from grading.exercises.u01_backpropagation.slips import FIND_SLIPS
from grading.exercises.u01_backpropagation.training import TRAIN_MLP
from grading.exercises.u01_backpropagation.whole_network import MLP_GRADIENTS
from grading.exercises.u01_backpropagation.worked_deltas import DELTAS_2_2_1
from grading.exercises.u01_backpropagation.worked_forward import FORWARD_2_2_1

EXERCISES: tuple[Exercise, ...] = (
    FORWARD_2_2_1,
    DELTAS_2_2_1,
    LINEAR_BACKWARD,
    RELU_BACKWARD,
    SOFTMAX_CROSS_ENTROPY,
    MLP_GRADIENTS,
    FIND_SLIPS,
    SIGMOID_BACKWARD,
    CENTRAL_DIFFERENCE,
    TRAIN_MLP,
    BACKWARD_GRAPH,
)

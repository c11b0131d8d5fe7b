"""Training: run a model over batches of data, epoch after epoch, and record what happens.

``fit`` is the loop, ``History`` the record, ``Callback`` the way to look in or to interfere:
``EarlyStopping``, ``Checkpoint``, ``ReduceOnPlateau``, ``ClipGradient``, ``TensorBoard``,
``WeightAveraging``. ``learning_rate_range_test`` looks for a rate before training.

    >>> import numpy as np
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> X = np.linspace(-1, 1, 20)[:, np.newaxis]
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> history = fit(model, X, 3 * X + 1, loss=MSE(), optimizer=SGD(model, lr=0.3), epochs=50,
    ...               batch_size=5, rng=0, progress=False)
    >>> model.theta.round(3)
    array([3., 1.], dtype=float32)

Where chance comes from: each layer draws its starting values, and dropout its masks, from the
``rng`` given to the layer; ``fit`` draws the order of rows, and augmentation its changes, from the
``rng`` given to ``fit``. Nothing global is read or seeded. The same seeds in the same places give
the same run bit for bit, on one machine with one number of BLAS threads.
"""

from nnlib.training._snapshot import load_checkpoint
from nnlib.training.averaging import WeightAveraging
from nnlib.training.callbacks import Augment, Callback, Run
from nnlib.training.checkpoint import Checkpoint
from nnlib.training.clipping import ClipGradient
from nnlib.training.early_stopping import EarlyStopping
from nnlib.training.history import History
from nnlib.training.loop import fit
from nnlib.training.plateau import ReduceOnPlateau
from nnlib.training.plots import plot_histories
from nnlib.training.range_test import RangeTest, learning_rate_range_test
from nnlib.training.tensorboard import MissingTensorBoardError, TensorBoard

__all__ = [
    "Augment",
    "Callback",
    "Checkpoint",
    "ClipGradient",
    "EarlyStopping",
    "History",
    "MissingTensorBoardError",
    "RangeTest",
    "ReduceOnPlateau",
    "Run",
    "TensorBoard",
    "WeightAveraging",
    "fit",
    "learning_rate_range_test",
    "load_checkpoint",
    "plot_histories",
]

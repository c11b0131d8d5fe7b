"""Training: run a model over batches of data, epoch after epoch, and record what happens.

``fit`` is the loop, ``History`` the record, ``Callback`` the way to look in or to interfere.

    >>> import numpy as np
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> X = np.linspace(-1, 1, 20)[:, np.newaxis]
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> history = fit(model, X, 3 * X + 1, loss=MSE(), optimizer=SGD(model, lr=0.3), epochs=50,
    ...               batch_size=5, rng=0, progress=False)
    >>> model.theta.round(3)
    array([3., 1.], dtype=float32)
"""

from nnlib.training.callbacks import Callback, Run
from nnlib.training.history import History
from nnlib.training.loop import fit

__all__ = ["Callback", "History", "Run", "fit"]

"""Second derivatives of the loss: products, matrices, eigenvalues, and what they say.

``Hessian``, ``GaussNewton`` and ``Fisher`` are SciPy ``LinearOperator`` objects at the present
parameters of a model: ``H @ v`` costs about two gradients and forms no matrix; ``H.dense()``,
``H.diagonal()`` and ``H.spectrum()`` give the matrix, its diagonal and its eigenvalues. The
functions take any symmetric operator.

    >>> import numpy as np
    >>> from nnlib import Linear, MSE
    >>> from nnlib.curvature import Hessian, largest_stable_rate
    >>> model = Linear(2, 1, bias=False, dtype=np.float64)
    >>> H = Hessian(model, [[1.0, 0.0], [0.0, 2.0]], [[0.0], [0.0]], MSE())
    >>> H.spectrum().eigenvalues, round(largest_stable_rate(H, rng=0), 6)
    (array([4., 1.]), 0.5)
"""

from nnlib.curvature.base import CurvatureOperator
from nnlib.curvature.estimators import Estimate, estimate_diagonal, trace
from nnlib.curvature.fisher import Fisher, per_sample_gradients
from nnlib.curvature.krylov import EigenPair, Lanczos, lanczos, power_iteration
from nnlib.curvature.landscape import (
    CriticalPoint,
    Sharpness,
    classify_critical_point,
    largest_stable_rate,
    sharpness,
)
from nnlib.curvature.operators import GaussNewton, Hessian, hessian_vector_product
from nnlib.curvature.spectra import SpectralDensity, Spectrum, spectral_density, spectrum

__all__ = [
    "CriticalPoint",
    "CurvatureOperator",
    "EigenPair",
    "Estimate",
    "Fisher",
    "GaussNewton",
    "Hessian",
    "Lanczos",
    "Sharpness",
    "SpectralDensity",
    "Spectrum",
    "classify_critical_point",
    "estimate_diagonal",
    "hessian_vector_product",
    "lanczos",
    "largest_stable_rate",
    "per_sample_gradients",
    "power_iteration",
    "sharpness",
    "spectral_density",
    "spectrum",
    "trace",
]

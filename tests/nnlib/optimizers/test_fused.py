"""The compiled twins give what the NumPy text gives, and load only when that is wanted."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nnlib import _compiling
from nnlib.errors import ArgumentError
from nnlib.optimizers import SGD, Adam, AdamW, RMSProp, _fused
from tests.nnlib.optimizers.cases import Vectors

pytestmark = pytest.mark.usefixtures("requires_numba")

SETTINGS = [
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (SGD, {"momentum": 0.8, "nesterov": True}),
    (SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (RMSProp, {}),
    (RMSProp, {"weight_decay": 0.2}),
    (Adam, {}),
    (Adam, {"weight_decay": 0.3}),
    (AdamW, {"weight_decay": 0.0}),
    (AdamW, {"weight_decay": 0.3}),
]


@pytest.fixture
def unset(monkeypatch):
    """Forget what was loaded, and what the environment asks for."""
    monkeypatch.delenv("NNLIB_FUSED", raising=False)
    monkeypatch.setattr(_fused, "_loaded", None)
    _fused._setting.cache_clear()
    yield monkeypatch
    _fused._setting.cache_clear()


@pytest.mark.parametrize(("kind", "settings"), SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1003,), (2, 301)])
def test_compiled_steps_equal_those_of_numpy_bit_for_bit(kind, settings, dtype, shape, rng):
    plain, compiled = (Vectors(np.zeros(shape, dtype)) for _ in range(2))
    plain.theta[:] = compiled.theta[:] = rng.normal(size=shape)
    one = kind(plain, lr=0.01, fused=False, **settings)
    other = kind(compiled, lr=0.01, fused=True, **settings)

    for _ in range(10):
        plain.grad[:] = compiled.grad[:] = rng.normal(size=shape)
        plain.grad[..., :3] = compiled.grad[..., :3] = 0.0
        one.step()
        other.step()

    np.testing.assert_array_equal(compiled.theta, plain.theta)
    for name, kept in one.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], kept)
    assert (plain.theta != 0).all()


def test_a_slice_of_folds_takes_the_numpy_way(rng):
    """A layer inside a stack of models has a theta with gaps."""
    whole, alone = rng.normal(size=(2, 20)), None
    part = Vectors(whole[:, 3:12])
    alone = Vectors(whole[:, 3:12].copy())
    optimizers = [Adam(part, fused=True), Adam(alone, fused=True)]

    for vectors, optimizer in zip((part, alone), optimizers, strict=True):
        vectors.grad[:] = 1.5
        optimizer.step()

    np.testing.assert_array_equal(part.theta, alone.theta)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSProp])
def test_a_model_without_parameters_is_stepped(kind):
    optimizer = kind(Vectors(np.empty(0)), lr=0.1, fused=True)

    optimizer.step()

    assert optimizer.steps == 1


def test_short_runs_do_not_load_and_long_ones_do(unset):
    loaded = []
    unset.setattr(_fused, "_load", lambda: loaded.append(True))

    _fused.kernels(None, _fused.PAYS_AFTER - 1)
    assert loaded == []
    _fused.kernels(None, _fused.PAYS_AFTER)
    assert loaded == [True]
    _fused.kernels(fused=False, work=_fused.PAYS_AFTER)
    assert loaded == [True]
    _fused.kernels(fused=True, work=1)
    assert loaded == [True, True]


def test_kernels_that_are_loaded_serve_short_runs_too(unset):
    kernels = _fused.kernels(fused=True, work=1)

    assert _fused.kernels(None, 1) is kernels
    assert _fused.kernels(fused=False, work=1) is None


@pytest.mark.parametrize(("value", "work", "expected"), [("1", 1, True), ("0", 10**12, False)])
def test_the_environment_decides_for_those_that_leave_it_open(unset, value, work, expected):
    unset.setenv("NNLIB_FUSED", value)

    assert (_fused.kernels(None, work) is not None) is expected


def test_an_unknown_word_in_the_environment_is_refused(unset):
    unset.setenv("NNLIB_FUSED", "yes")

    with pytest.raises(ArgumentError, match="NNLIB_FUSED is 'yes', expected 1, 0 or nothing"):
        _fused.kernels(None, 1)


def test_without_numba_all_goes_the_numpy_way(unset):
    unset.setattr(_compiling, "available", lambda: False)
    unset.setenv("NNLIB_FUSED", "1")

    assert _fused.kernels(None, 10**12) is None
    with pytest.raises(ArgumentError, match=r"numba is not installed. Install it with pip"):
        Adam(Vectors(np.ones(9)), fused=True)


def test_a_place_without_a_cache_compiles_all_the_same(unset):
    import numba

    jit = numba.jit

    def without_cache(**options):
        if options.get("cache"):
            message = "cannot cache function: no locator available"
            raise RuntimeError(message)
        return jit(**options)

    unset.setattr(numba, "jit", without_cache)
    vectors = Vectors(np.ones(9))
    vectors.grad[:] = 1.0

    SGD(vectors, lr=0.5, momentum=0.5, fused=True).step()

    np.testing.assert_array_equal(vectors.theta, 0.5)


def test_settings_without_a_twin_are_refused():
    with pytest.raises(ArgumentError, match="together with momentum or centered"):
        RMSProp(Vectors(np.ones(9)), momentum=0.9, fused=True)
    with pytest.raises(ArgumentError, match="fused is 'fast', expected True, False or None"):
        SGD(Vectors(np.ones(9)), lr=0.1, fused="fast")


def test_import_and_short_training_do_not_load_numba():
    code = (
        "import sys; from nnlib.layers import Linear; from nnlib.optimizers import Adam;"
        "layer = Linear(3, 2); optimizer = Adam(layer); optimizer.step(); "
        "print('numba' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]

"""How training ends when numbers leave the range: what is restored, recorded and said."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, Callback, Linear, NonFiniteError, ReLU, Sequential, fit


def line(dtype: type = np.float64) -> Sequential:
    return Sequential(Linear(1, 1, rng=0, dtype=dtype))


def line_data(n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    X = np.linspace(-1, 1, n)[:, np.newaxis]
    return X, 2 * X - 1


class AfterSteps(Callback):
    """Keep the parameters after each step."""

    def __init__(self):
        self.thetas: list[np.ndarray] = []

    def on_batch_end(self, run):
        self.thetas.append(run.model.theta.copy())


def lengths(history) -> set[int]:
    names = ("loss", "validation_loss", "lr", "seconds")
    return {len(getattr(history, name)) for name in names}


@pytest.mark.parametrize("good_steps", [2, 4])
def test_the_parameters_after_the_last_good_step_are_put_back(good_steps):
    """The step after the good ones goes so far that the next loss overflows."""
    X, y = line_data()
    model, after = line(), AfterSteps()
    optimizer = SGD(model, lr=lambda step: 0.1 if step < good_steps else 1e200, momentum=0.5)

    with pytest.raises(
        NonFiniteError, match=r"learning rate 1e\+200, after a loss of .* were put back"
    ) as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=optimizer, epochs=9, batch_size=1,
            callbacks=[after], progress=False,
        )  # fmt: skip

    assert len(after.thetas) == good_steps + 1
    np.testing.assert_array_equal(model.theta, after.thetas[good_steps - 1])
    assert (model.theta != after.thetas[good_steps - 2]).any()
    assert np.isfinite(MSE().forward(model.predict(X), y))
    assert optimizer.steps == 0
    assert caught.value.history.steps == good_steps + 1
    assert caught.value.history.stop_reason == "diverged in epoch 1"
    assert f"update {good_steps + 2}" in str(caught.value)


def test_completed_epochs_are_kept():
    X, y = line_data()
    model = line()
    optimizer = SGD(model, lr=lambda step: 0.1 if step < 7 else 1e200)

    with pytest.raises(NonFiniteError, match="diverged in epoch 3, update 9") as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=optimizer, epochs=9, batch_size=2,
            validation_data=(X, y), progress=False,
        )  # fmt: skip

    assert lengths(caught.value.history) == {2}


def test_a_last_update_that_breaks_the_parameters_is_noticed_too():
    X, y = line_data()
    model, after = line(np.float32), AfterSteps()

    class Break(Callback):
        def on_batch_end(self, run):
            if run.step == 3:
                run.model.theta[0] = np.inf

    with pytest.raises(NonFiniteError, match=r"update 3\b.*last update of the epoch"):
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), batch_size=2,
            callbacks=[after, Break()], progress=False,
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, after.thetas[1])


def test_a_loss_that_is_not_finite_before_any_update_does_not_speak_of_updates():
    X, y = line_data()
    model = line(np.float32)
    before = model.theta.copy()

    with pytest.raises(NonFiniteError, match="before the first update") as caught:
        fit(
            model, X, 1e30 * y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=2,
            progress=False,
        )  # fmt: skip

    message = str(caught.value)
    for untrue in ("put back", "after a loss", "nan", "learning rate", "tenth of the rate"):
        assert untrue not in message
    assert caught.value.history.steps == len(caught.value.history) == 0
    np.testing.assert_array_equal(model.theta, before)


def test_a_gradient_that_is_not_finite_before_any_update_does_not_speak_of_updates():
    X, y = line_data()
    model = line()

    class Break(Callback):
        def on_gradient(self, run):
            run.model.grad[0] = np.inf

    with pytest.raises(NonFiniteError, match=r"before the first update.*1 of 2 entries") as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), callbacks=[Break()],
            progress=False,
        )  # fmt: skip

    assert "put back" not in str(caught.value)
    assert "after a loss" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e25, 3e38])
def test_a_validation_loss_that_is_not_finite_blames_the_validation_data(scale):
    X, y = line_data()
    model, after = line(np.float32), AfterSteps()
    X, y = X.astype(np.float32), y.astype(np.float32)

    with pytest.raises(
        NonFiniteError, match=r"validation loss of epoch 1.*Scale the validation inputs"
    ) as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=3, batch_size=3,
            validation_data=(X * np.float32(scale), y), callbacks=[after], progress=False,
        )  # fmt: skip

    assert "diverged" not in str(caught.value)
    assert "rate" not in str(caught.value)
    history = caught.value.history
    assert lengths(history) == {0}
    assert history.steps == 2
    assert history.stop_reason == "validation loss not finite in epoch 1"
    np.testing.assert_array_equal(model.theta, after.thetas[-1])  # training itself went well


def test_a_step_too_far_is_not_blamed_on_validation_data_that_see_it_first():
    """With one batch an epoch, validation is the first to compute a loss after a step."""
    X, y = line_data()
    model, after = line(), AfterSteps()
    optimizer = SGD(model, lr=lambda step: 0.1 if step < 2 else 1e200)

    with pytest.raises(NonFiniteError, match="training diverged in epoch 3, update 3") as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=optimizer, epochs=9, batch_size=6,
            validation_data=(X, y), callbacks=[after], progress=False,
        )  # fmt: skip

    assert lengths(caught.value.history) == {2}
    np.testing.assert_array_equal(model.theta, after.thetas[1])


@pytest.mark.parametrize("cause", ["loss", "gradient", "last update"])
def test_the_mend_is_said_once(cause):
    X, y = line_data()
    model = line()

    class Break(Callback):
        def on_gradient(self, run):
            if run.step == 2 and cause == "gradient":
                run.model.grad[0] = np.inf

        def on_batch_end(self, run):
            if run.step == 3 and cause == "last update":
                run.model.theta[0] = np.inf

    rate = 1e200 if cause == "loss" else 0.1
    with pytest.raises(NonFiniteError, match="were put back") as caught:
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=rate), batch_size=2, epochs=2,
            callbacks=[Break()], progress=False,
        )  # fmt: skip

    message = str(caught.value)
    mends = [sentence for sentence in message.split(". ") if sentence.startswith(("Scale", "Try"))]
    assert len(mends) == 1
    assert message.endswith(mends[0])
    assert message.lower().count("scale ") == 1


def test_a_parameter_that_a_bend_hides_is_still_divergence():
    """Minus infinity before a ReLU gives zeros, so every loss stays finite."""

    class Break(Callback):
        def on_batch_end(self, run):
            run.model.layers[0].b[0] = -np.inf

    X, y = line_data()
    model = Sequential(Linear(1, 2, rng=0), ReLU(), Linear(2, 1, rng=1))
    before = model.theta.copy()

    with pytest.raises(NonFiniteError, match=r"training diverged in epoch 1, update 1"):
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=1, batch_size=6,
            callbacks=[Break()], progress=False,
        )  # fmt: skip
    np.testing.assert_array_equal(model.theta, before)

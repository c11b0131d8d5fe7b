"""Threads, processes and other executors: each task on its own, the same numbers, little memory."""

from __future__ import annotations

import sys
import tracemalloc
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from nnlib import ArgumentError, CrossEntropy, Linear, Sequential
from nnlib.layers import GELU
from nnlib.losses import BinaryCrossEntropy, Hinge
from nnlib.model_selection import KFold, LeaveOneOut, cross_validate, grid_search
from nnlib.model_selection import cross_validation as module
from nnlib.optimizers import Adam
from tests.nnlib.model_selection.parts import build, common, same_results, sgd, two_clouds

X, Y = two_clouds(43)


def run(cv=None, **changes):
    arguments = common(rng=7) | changes
    return cross_validate(
        arguments.pop("build"), arguments.pop("X", X), arguments.pop("y", Y),
        cv=cv or KFold(4), **arguments,
    )  # fmt: skip


class Backwards(Executor):
    """Runs everything only when it is asked for, last things first."""

    def __init__(self) -> None:
        self.tasks: list = []
        self.order: list[int] = []

    def submit(self, fn, /, *args, **kwargs):
        executor = self

        class Late(Future):
            def result(self, timeout=None):
                executor.run_all()
                return super().result(timeout)

        future = Late()
        self.tasks.append((future, fn, args, kwargs))
        return future

    def run_all(self) -> None:
        for i in reversed(range(len(self.tasks))):
            if self.tasks[i] is not None:
                self.order.append(i)
                future, fn, args, kwargs = self.tasks[i]
                self.tasks[i] = None
                if future.set_running_or_notify_cancel():
                    future.set_result(fn(*args, **kwargs))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.run_all()


@pytest.fixture
def eager_switches():
    """Threads take turns after a few instructions, so that what they share gets mixed up."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def gelu_net(rng: np.random.Generator) -> Sequential:
    return Sequential(Linear(3, 8, rng=rng), GELU(), Linear(8, 2, rng=rng))


@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge(), BinaryCrossEntropy()], ids=repr)
@pytest.mark.parametrize("cv", [LeaveOneOut(), KFold(5)], ids=repr)
def test_many_folds_in_several_threads_share_nothing(loss, cv, eager_switches):
    targets = np.stack([Y, 1 - Y], axis=1) if isinstance(loss, BinaryCrossEntropy) else Y
    options = {"build": gelu_net, "loss": loss, "y": targets, "epochs": 2, "batch_size": 5}
    expected = run(cv, stacked=False, **options)

    with ThreadPoolExecutor(6) as executor:
        for _ in range(3):
            same_results(run(cv, executor=executor, **options), expected, exactly=True)
    assert not loss._kept  # nobody used that of the caller


def adam_at(lr: float) -> dict[str, object]:
    return {"optimizer": partial(Adam, lr=lr)}


def test_a_search_in_several_threads_finds_the_same_winner(eager_switches):
    grid = {"lr": [0.001, 0.003, 0.01, 0.03, 0.1]}
    options = {
        "build": gelu_net, "loss": CrossEntropy(), "epochs": 2, "batch_size": 7, "cv": KFold(7),
        "rng": 3,
    }  # fmt: skip
    expected = grid_search(adam_at, grid, X, Y, **options)

    with ThreadPoolExecutor(4) as executor:
        for _ in range(4):
            got = grid_search(adam_at, grid, X, Y, executor=executor, **options)
            assert got.best.params == expected.best.params
            for one, two in zip(got.candidates, expected.candidates, strict=True):
                same_results(one.result, two.result, exactly=True)


def test_options_of_fit_are_copied_for_each_fold():
    class Counting:
        """An augmentation with a memory."""

        calls = 0

        def __call__(self, X, y, rng):
            self.calls += 1
            return X + self.calls, y

    augment = Counting()
    expected = run(stacked=False, fit_options={"augment": augment})

    with ThreadPoolExecutor(3) as executor:
        got = run(executor=executor, fit_options={"augment": augment})

    same_results(got, expected, exactly=True)
    assert augment.calls == 0


def test_threads_and_order_of_completion_change_nothing():
    expected = run(stacked=False)
    backwards = Backwards()

    with ThreadPoolExecutor(2) as executor:
        same_results(run(executor=executor), expected, exactly=True)
    with backwards:
        same_results(run(executor=backwards), expected, exactly=True)
        assert list(backwards.map(abs, [-1, -2])) == [1, 2]
    assert backwards.order == [3, 2, 1, 0, 5, 4]


def test_waiting_folds_are_few_where_their_rows_are_many(monkeypatch):
    wide = np.zeros((60, 5000))
    monkeypatch.setattr(module, "MEMORY_LIMIT_BYTES", 2 * wide.nbytes)
    backwards = Backwards()
    backwards._max_workers = 2

    tracemalloc.start()
    result = run(
        LeaveOneOut(), X=wide, y=np.arange(60) % 2, epochs=0, executor=backwards,
        build=lambda rng: Sequential(Linear(5000, 2, rng=rng, dtype=np.float64)),
    )  # fmt: skip
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(result) == 60
    # 4 · 2 tasks wait with a copy each, the one that runs has more, and 60 models are kept.
    assert peak < 30 * wide.nbytes


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(1) as executor:
        yield executor


def test_processes_change_nothing(processes):
    same_results(run(executor=processes), run(stacked=False), exactly=True)


def test_what_no_process_can_load_is_named(processes):
    with pytest.raises(
        ArgumentError, match=r"build is .*lambda.*cannot be sent to another process"
    ):
        run(build=lambda rng: build(rng), executor=processes)
    with pytest.raises(ArgumentError, match=r"optimizer is .*Define it with def at the top"):
        run(optimizer=lambda model: sgd(model), executor=processes)


ONLY = build(np.random.default_rng(0))


def always_the_same(rng):
    return ONLY


def test_one_model_for_all_folds_is_refused_wherever_they_run(processes):
    def changed(stacked="auto", executor=None):
        model = build(np.random.default_rng(0))
        with pytest.raises(ArgumentError, match=r"fold \d: build\(rng\) gave a model that another"):
            run(build=lambda rng: model, stacked=stacked, executor=executor)
        return model.theta

    untouched = build(np.random.default_rng(0)).theta
    np.testing.assert_array_equal(changed(stacked=True), untouched)  # noticed before training
    changed(stacked=False)
    with ThreadPoolExecutor(4) as executor:
        changed(executor=executor)
    changed(executor=Backwards())
    with pytest.raises(ArgumentError, match=r"fold 1: build\(rng\) gave a model that another"):
        run(build=always_the_same, executor=processes)


def test_a_model_that_an_earlier_candidate_trained_is_refused():
    model = build(np.random.default_rng(0))
    options = common(build=lambda rng: model, cv=[(np.arange(30), np.arange(30, 43))])
    del options["optimizer"]

    with pytest.raises(ArgumentError, match="gave a model that another fold was given"):
        grid_search(adam_at, {"lr": [0.1, 0.2]}, X, Y, **options)


class OnlyTheFirst(Executor):
    """Fails in the first task; the others wait forever."""

    def __init__(self) -> None:
        self.futures: list[Future] = []

    def submit(self, fn, /, *args, **kwargs):
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_exception(KeyError("broken"))
        return self.futures[-1]


def test_after_an_error_no_further_fold_is_started():
    executor = OnlyTheFirst()

    with pytest.raises(KeyError, match="broken"):
        run(executor=executor)

    assert [future.cancelled() for future in executor.futures] == [False, True, True, True]

"""Schedules, pruning while training, rounds of fine-tuning, lottery tickets."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib import SGD, ArgumentError, CrossEntropy, DtypeError, ShapeError, fit
from nnlib.pruning import (
    GradualPruning,
    cubic_schedule,
    lottery_ticket,
    magnitude,
    prune_and_finetune,
    select,
    snip,
    sparsity_of,
)
from tests.nnlib.pruning.cases import MODELS

QUIET = {"loss": CrossEntropy(), "progress": False, "rng": 0}


@pytest.fixture
def problem(rng):
    case = MODELS["mlp"]
    X = rng.normal(size=(60, 7))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
    return case.built(rng), X, y


def sgd(model):
    return SGD(model, lr=0.1, momentum=0.9)


@given(
    start=st.integers(0, 50), length=st.integers(1, 90), final=st.floats(0, 0.99),
    share=st.floats(0, 1),
)  # fmt: skip
def test_the_cubic_schedule_rises_from_one_sparsity_to_the_other(start, length, final, share):
    initial = share * final
    at = partial(
        cubic_schedule, start=start, end=start + length, final_sparsity=final,
        initial_sparsity=initial,
    )  # fmt: skip
    values = [at(step) for step in range(start + length + 3)]

    assert all(a <= b + 1e-15 for a, b in pairwise(values))
    assert at(start) == pytest.approx(initial, abs=1e-15)
    assert at(start + length) == at(start + length + 99) == final
    # steepest at first: half way through, seven eighths of the way up
    middle = at(start + length // 2) if length % 2 == 0 else None
    assert middle is None or middle == pytest.approx(final - (final - initial) / 8, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1}, "start is -1"),
        ({"end": 5}, "end is 5, expected a whole number of at least 6"),
        ({"final_sparsity": 1}, "final_sparsity is 1"),
        ({"step": "a"}, "step is 'a'"),
        ({"step": np.nan}, "step is nan"),
        ({"initial_sparsity": 0.9}, "initial_sparsity=0.9, expected at most 0.8"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        cubic_schedule(**({"step": 0, "start": 5, "end": 9, "final_sparsity": 0.8} | options))


def test_gradual_pruning_follows_its_schedule_and_nothing_comes_back(problem):
    model, X, y = problem
    schedule = partial(cubic_schedule, start=0, end=30, final_sparsity=0.8)
    pruning = GradualPruning(magnitude, schedule, every=5)

    fit(model, X, y, optimizer=sgd(model), epochs=5, batch_size=10, callbacks=[pruning], **QUIET)

    assert [step for step, _ in pruning.timeline] == [5, 10, 15, 20, 25, 30]
    for step, sparsity in pruning.timeline:
        assert sparsity == pytest.approx(schedule(step), abs=0.5 / 87)
    assert sparsity_of(model) == pruning.timeline[-1][1]
    assert (model.theta[~model.mask] == 0).all()


def test_gradual_pruning_takes_any_criterion_and_goes_on_in_the_next_run(problem):
    model, X, y = problem
    criterion = partial(snip, X=X, y=y, loss=CrossEntropy())
    pruning = GradualPruning(criterion, lambda step: 0.1 * step, every=1, scope="layer")
    options = {"optimizer": sgd(model), "epochs": 1, "batch_size": 15, "callbacks": [pruning]}
    fit(model, X, y, **options, **QUIET)
    mask = model.mask.copy()
    assert len(pruning.timeline) == 4

    fit(model, X, y, **options, **QUIET)  # the schedule asks for less than there is already

    np.testing.assert_array_equal(model.mask, mask)
    assert pruning.timeline == []


def test_a_sparsity_that_is_reached_asks_for_no_more_scores(problem):
    model, X, y = problem
    asked = []

    def criterion(model):
        asked.append(len(asked))
        return magnitude(model)

    n = sum(p.slice.stop - p.slice.start for p in model.parameters() if p.decays)
    pruning = GradualPruning(criterion, lambda step: 1 - (n - 43) / n)

    fit(model, X, y, optimizer=sgd(model), epochs=2, batch_size=20, callbacks=[pruning], **QUIET)

    assert sparsity_of(model) == 1 - (n - 43) / n  # to the bit, so that nothing is left to do
    assert asked == [0]


@pytest.mark.parametrize("value", [None, "a", np.nan, -0.1, 1.5])
def test_a_schedule_that_gives_no_sparsity_is_refused(problem, value):
    model, X, y = problem
    pruning = GradualPruning(magnitude, lambda step: value)

    with pytest.raises(ArgumentError, match=r"GradualPruning: schedule\(1\) is"):
        fit(model, X, y, optimizer=sgd(model), callbacks=[pruning], **QUIET)
    assert model.mask is None


def test_a_sparsity_too_small_for_one_weight_leaves_no_entry(problem):
    model, X, y = problem
    pruning = GradualPruning(magnitude, lambda step: 0.001)

    fit(model, X, y, optimizer=sgd(model), epochs=1, callbacks=[pruning], **QUIET)

    assert pruning.timeline == []
    assert sparsity_of(model) == 0


def test_the_timeline_survives_a_checkpoint():
    pruning = GradualPruning(magnitude, lambda step: 0.5)
    pruning.timeline = [(3, 0.25), (6, 0.5)]
    other = GradualPruning(magnitude, lambda step: 0.5)

    other.load_state_dict(pruning.state_dict())

    assert other.timeline == pruning.timeline


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), abs), "GradualPruning: criterion is array"),
        ((magnitude, 0.5), "GradualPruning: schedule is 0.5, expected a function"),
    ],
)
def test_what_is_no_function_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        GradualPruning(*arguments)
    with pytest.raises(ArgumentError, match="every is 0"):
        GradualPruning(magnitude, abs, every=0)


def test_rounds_of_pruning_and_fine_tuning(problem):
    model, X, y = problem
    fit(model, X, y, optimizer=sgd(model), epochs=20, **QUIET)
    optimizers = []

    def optimizer(model):
        optimizers.append(sgd(model))
        return optimizers[-1]

    rounds = prune_and_finetune(
        model, X, y, optimizer=optimizer, sparsities=[0.3, 0.6, 0.8], epochs=4, **QUIET
    )

    assert [r.sparsity for r in rounds] == pytest.approx([0.3, 0.6, 0.8], abs=0.5 / 87)
    assert all(r.tuned_loss < r.pruned_loss for r in rounds)
    assert len(optimizers) == 3
    assert [len(r.history.loss) for r in rounds] == [4, 4, 4]
    for earlier, later in pairwise(rounds):
        assert (later.mask <= earlier.mask).all()
    np.testing.assert_array_equal(rounds[-1].mask, model.mask)
    loss = CrossEntropy().forward(model.predict(X), y)
    assert rounds[-1].tuned_loss == loss


def test_validation_rows_judge_if_there_are_any(problem, rng):
    model, X, y = problem
    held = (rng.normal(size=(9, 7)), rng.integers(0, 3, 9))
    before = model.astype(np.float64)

    (only,) = prune_and_finetune(
        model, X, y, optimizer=sgd, sparsities=[0.5], epochs=1, validation_data=held, **QUIET
    )

    before.mask = select(before, magnitude(before), 0.5)
    assert only.pruned_loss == CrossEntropy().forward(before.predict(held[0]), held[1])
    assert only.tuned_loss == only.history.validation_loss[-1]


@pytest.mark.parametrize(
    ("sparsities", "message"),
    [([], "expected ascending"), ([0.5, 0.3], "expected ascending"), ([0.5, 1.0], "a sparsity is"),
     (0.5, "sparsities are 0.5, expected ascending"), ("ab", "expected ascending")],
)  # fmt: skip
def test_sparsities_that_make_no_sense_are_refused(problem, sparsities, message):
    model, X, y = problem

    with pytest.raises(ArgumentError, match=message):
        prune_and_finetune(model, X, y, optimizer=sgd, sparsities=sparsities, epochs=1, **QUIET)
    assert model.mask is None


def test_a_lottery_ticket_starts_from_the_initial_values(problem):
    model, X, y = problem
    initial = model.theta.copy()
    trained = []

    def train(model):
        np.testing.assert_array_equal(
            model.theta, initial * (1 if model.mask is None else model.mask)
        )
        fit(model, X, y, optimizer=sgd(model), epochs=3, **QUIET)
        trained.append(model.theta.copy())

    ticket = lottery_ticket(model, train, rounds=3, rate=0.4, scope="global")

    assert ticket.sparsities == pytest.approx([0.4, 0.64, 0.784], abs=0.5 / 87)
    np.testing.assert_array_equal(ticket.initial, initial)
    np.testing.assert_array_equal(model.theta, initial * ticket.mask)
    np.testing.assert_array_equal(model.mask, ticket.mask)
    # by hand: the largest of the last training stay
    weights = np.concatenate([np.arange(p.slice.start, p.slice.stop)
                              for p in model.parameters() if p.decays])  # fmt: skip
    sizes = np.abs(trained[-1][weights])
    assert sizes[ticket.mask[weights]].min() >= sizes[~ticket.mask[weights]].max()


def test_running_statistics_go_back_too(rng):
    case = MODELS["deep mlp"]
    model, (X, y) = case.built(rng), case.data(rng, 20)
    before = {name: array.copy() for name, array in model.buffers().items()}

    lottery_ticket(model, lambda m: fit(m, X, y, optimizer=sgd(m), epochs=1, **QUIET), rounds=1)

    for name, array in model.buffers().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds is 0"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"rate": 1.0}, "rate is 1.0"),
        ({"train": 3}, "train is 3, expected a function"),
    ],
)
def test_a_lottery_that_makes_no_sense_is_refused(problem, options, message):
    model, _, _ = problem

    with pytest.raises(ArgumentError, match=message):
        lottery_ticket(model, **({"train": abs, "rounds": 1} | options))
    assert model.mask is None


def test_initial_values_come_back_if_training_fails(rng):
    case = MODELS["deep mlp"]
    model, (X, y) = case.built(rng), case.data(rng, 20)
    model.mask = mask = rng.random(model.theta.size) < 0.9
    before, rounds = model.state_dict(), []

    def train(model):
        fit(model, X, y, optimizer=sgd(model), epochs=2, **QUIET)
        rounds.append(model.train())
        if len(rounds) == 2:
            message = "no more"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="no more"):
        lottery_ticket(model, train, rounds=3)

    assert len(rounds) == 2
    _assert_untouched(model, before, mask)
    assert not model.training


def _assert_untouched(model, before, mask):
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    if mask is None:
        assert model.mask is None
    else:
        np.testing.assert_array_equal(model.mask, mask)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "an object"}, ArgumentError, "optimizer is SGD.*expected a function"),
        ({"optimizer": lambda m: None}, DtypeError, "optimizer is None"),
        ({"validation_data": "three"}, ArgumentError, "validation_data is not a pair"),
        ({"validation_data": "short"}, ShapeError, "validation X has"),
        ({"criterion": 3}, ArgumentError, "criterion is 3, expected a function"),
        ({"scope": ["x"]}, ArgumentError, "scope is"),
        ({"epochs": -1}, ArgumentError, "epochs is -1"),
        ({"loss": 3}, DtypeError, "loss is 3"),
        ({"batch_size": 0}, ArgumentError, "batch_size is 0"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_a_refused_round_changes_nothing(problem, options, error, message):
    model, X, y = problem
    before = model.state_dict()
    replaced = {
        "an object": SGD(model, lr=0.1), "three": (X, y, 1), "short": (X, y[1:]),
    }  # fmt: skip
    options = {
        name: replaced.get(value, value) if isinstance(value, str) else value
        for name, value in options.items()
    }

    with pytest.raises(error, match=message):
        prune_and_finetune(
            model, X, y, **({"optimizer": sgd, "sparsities": [0.5], "epochs": 1} | QUIET | options)
        )
    _assert_untouched(model, before, None)


def test_rounds_that_end_in_an_error_are_taken_back(problem):
    model, X, y = problem
    before, made = model.state_dict(), []

    def optimizer(model):
        made.append(sgd(model))
        if len(made) == 2:
            raise KeyboardInterrupt
        return made[-1]

    with pytest.raises(KeyboardInterrupt):
        prune_and_finetune(
            model, X, y, optimizer=optimizer, sparsities=[0.2, 0.5], epochs=3, **QUIET
        )
    assert len(made) == 2
    _assert_untouched(model, before, None)

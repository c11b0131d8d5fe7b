"""What every optimizer does, by being listed in cases.py."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.losses import MSE
from nnlib.optimizers import FunctionObjective, Muon, Optimizer, minimize
from nnlib.schedules import cosine
from nnlib.training import fit
from tests.nnlib.optimizers.cases import (
    CASES,
    FIRST_ORDER,
    SECOND_ORDER,
    OptimizerCase,
    Problem,
    Vectors,
)


def each(cases: list[OptimizerCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def check_round_trip(case: OptimizerCase) -> None:
    """A state that is saved, stored and loaded continues bit for bit."""
    problem, other = Problem(), Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 4)
    state = pickle.loads(pickle.dumps(optimizer.state_dict()))  # our own bytes
    other.model.theta = problem.model.theta
    resumed = case.build(other.model, lr=123.0)

    resumed.load_state_dict(state)

    assert resumed.steps == 4
    assert resumed.lr == case.lr
    expected = problem.run(optimizer, 3)
    np.testing.assert_array_equal(other.run(resumed, 3), expected)


@each(CASES)
def test_a_loaded_state_continues_bit_for_bit(case):
    check_round_trip(case)


class Forgetful(Optimizer):
    """Momentum that is not named, and so not saved."""

    def _update(self, theta, grad, lr):
        u = self._vector("u", theta)
        u *= 0.9
        u += grad
        theta -= lr * u

    def state_dict(self):
        return {"steps": self.steps, "lr": self._lr}


def test_a_state_that_leaves_something_out_is_noticed():
    """The check above would be worth nothing if it passed anything."""
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_round_trip(OptimizerCase(Forgetful))


@each(CASES)
def test_a_state_before_the_first_step_can_be_loaded(case):
    fresh, problem = case.build(Problem().model), Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 2)

    optimizer.load_state_dict(fresh.state_dict())

    assert optimizer.steps == 0
    assert optimizer.state_dict() == fresh.state_dict()


@each(CASES)
def test_a_state_that_does_not_fit_changes_nothing(case):
    problem = Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 2)
    before = optimizer.state_dict()
    arrays = [name for name, value in before.items() if isinstance(value, np.ndarray)]
    bad = [
        (before | {"velocity": 1.0}, ArgumentError, "unknown"),
        ({"lr": 1.0}, ArgumentError, "steps is None"),
        (before | {"steps": -1}, ArgumentError, "steps is -1"),
        (before | {"lr": "high"}, ArgumentError, "the learning rate is 'high'"),
        (7, DtypeError, "expected a dictionary"),
        *((before | {name: np.zeros(5)}, ShapeError, name) for name in arrays),
        *(({k: v for k, v in before.items() if k != n}, ArgumentError, n) for n in arrays),
    ]

    for state, error, match in bad:
        with pytest.raises(error, match=match):
            optimizer.load_state_dict(state)

    after = optimizer.state_dict()
    assert after.keys() == before.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


@each(CASES)
def test_the_state_is_made_of_copies(case):
    problem = Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 2)
    state = optimizer.state_dict()
    kept = copy.deepcopy(state)

    problem.run(optimizer, 2)

    for name, value in kept.items():
        np.testing.assert_array_equal(state[name], value)


@each(CASES)
def test_reset_makes_it_new(case):
    used, new = Problem(), Problem()
    optimizer, fresh = case.build(used.model), case.build(new.model)
    used.run(optimizer, 3)
    used.model.theta = new.model.theta

    optimizer.reset()

    assert optimizer.steps == 0
    np.testing.assert_array_equal(used.run(optimizer, 3), new.run(fresh, 3))


@each(CASES)
def test_pruned_parameters_stay_at_zero_although_momentum_remembers_them(case):
    problem = Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 3)
    mask = np.random.default_rng(5).random(problem.model.theta.size) < 0.7
    problem.model.mask = mask
    before = problem.model.theta.copy()

    problem.run(optimizer, 4)

    assert not problem.model.theta[~mask].any()
    assert (problem.model.theta[mask] != before[mask]).all()


@each(FIRST_ORDER)
def test_a_gradient_of_nan_changes_nothing(case):
    problem, other = Problem(), Problem()
    optimizer, undisturbed = case.build(problem.model), case.build(other.model)
    problem.run(optimizer, 2)
    before, state = problem.model.theta.copy(), optimizer.state_dict()
    problem.model.grad[3] = np.nan

    with pytest.raises(NonFiniteError, match="1 of 23 entries of the gradient"):
        optimizer.step()

    np.testing.assert_array_equal(problem.model.theta, before)
    assert optimizer.steps == 2
    for name, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    np.testing.assert_array_equal(problem.run(optimizer, 2), other.run(undisturbed, 4))


@each(SECOND_ORDER)
@pytest.mark.parametrize("broken", ["value", "gradient"])
def test_a_loss_of_nan_changes_nothing(case, broken):
    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = 0.5 * float(x @ x), x.copy()
        if broken == "value":
            return np.nan, grad
        grad[1] = np.inf
        return value, grad

    bowl = FunctionObjective(function, [1.0, 2.0], gauss_newton_product=lambda x, v: v)
    optimizer = case.build(bowl)

    with pytest.raises(NonFiniteError, match="No step was taken"):
        optimizer.step()

    assert bowl.theta.tolist() == [1.0, 2.0]
    assert optimizer.steps == 0


@each(SECOND_ORDER)
def test_an_objective_that_fails_in_the_middle_of_a_step_changes_nothing(case):
    """A product or a trial value may raise, or the reader may interrupt."""
    calls = []

    def failing(*args: object) -> tuple[float, np.ndarray]:
        calls.append(args)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return 1.0, np.array([1.0, 2.0])

    bowl = FunctionObjective(
        failing, [1.0, 2.0], hessian_product=failing, gauss_newton_product=failing
    )
    optimizer = case.build(bowl)

    with pytest.raises(KeyboardInterrupt):
        optimizer.step()

    assert bowl.theta.tolist() == [1.0, 2.0]
    assert optimizer.steps == 0
    assert optimizer.state_dict() == case.build(bowl).state_dict()


@each(CASES)
def test_float32_stays_float32(case):
    problem = Problem(np.float32)
    optimizer = case.build(problem.model, lr=np.float64(case.lr))

    problem.run(optimizer, 3)

    assert problem.model.theta.dtype == np.float32
    assert np.isfinite(problem.model.theta).all()
    kept = [*optimizer._state.values(), *optimizer._memory.values()]
    assert {array.dtype for array in kept} <= {np.dtype(np.float32)}


@each(FIRST_ORDER)
def test_float32_steps_agree_with_float64(case, rng):
    """A quotient of two roundings would differ by far more than float32 has to."""
    start, grads = rng.normal(size=9), rng.normal(size=(10, 9))
    ends = []
    for dtype in (np.float32, np.float64):
        vectors = Vectors(start.astype(dtype))
        optimizer = case.build(vectors)
        for grad in grads:
            vectors.grad[:] = grad
            optimizer.step()
        ends.append(vectors.theta)

    # Ten steps of some dozen operations, each good to 6e-8; quotients of small roots lose some.
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-4, atol=1e-5)


@each(FIRST_ORDER)
def test_folds_trained_together_end_where_they_end_alone(case, rng):
    start, grads = rng.normal(size=(3, 9)), rng.normal(size=(5, 3, 9))
    together = Vectors(start.copy())
    alone = [Vectors(fold.copy()) for fold in start]
    optimizers = [case.build(vectors) for vectors in alone]
    optimizer = case.build(together)

    for grad in grads:
        together.grad[...] = grad
        optimizer.step()
        for k, single in enumerate(optimizers):
            alone[k].grad[...] = grad[k]
            single.step()

    # Muon's matrix products may add in another order.
    tolerance = 1e-12 if case.kind is Muon else 0
    expected = [vectors.theta for vectors in alone]
    np.testing.assert_allclose(together.theta, expected, rtol=tolerance, atol=tolerance)


@each(FIRST_ORDER)
def test_folds_share_a_pruning_mask(case, rng):
    vectors = Vectors(rng.normal(size=(3, 9)))
    vectors.mask = np.arange(9) % 2 == 0
    vectors.grad[...] = rng.normal(size=(3, 9))

    case.build(vectors).step()

    assert not vectors.theta[:, ~vectors.mask].any()
    assert vectors.theta[:, vectors.mask].all()


@each(SECOND_ORDER)
def test_folds_are_refused_by_those_that_need_one_vector(case, rng):
    with pytest.raises(ShapeError, match=r"theta has shape \(3, 9\), expected \(P,\)"):
        case.build(Vectors(rng.normal(size=(3, 9))))


@each(CASES)
def test_theta_is_changed_in_place_and_grad_of_first_order_methods_is_not(case):
    problem = Problem()
    theta = problem.model.theta
    problem.model.loss_and_gradient(problem.X, problem.y, problem.objective.loss)
    grad = problem.model.grad.copy()
    before = theta.copy()

    optimizer = case.build(problem.model)
    optimizer.step(problem.objective)

    assert problem.model.theta is theta
    assert (theta != before).any()
    if not optimizer.needs_objective:
        np.testing.assert_array_equal(problem.model.grad, grad)


@each(CASES)
def test_a_bowl_is_descended(case):
    """Σ d (x − c)² with curvatures from 2 to 20, from far away."""
    d, c = np.linspace(1, 10, 9), np.linspace(-1, 1, 9)

    def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float((d * (x - c) ** 2).sum()), 2 * d * (x - c)

    objective = FunctionObjective(
        bowl,
        np.full(9, 2.0),
        hessian_product=lambda x, v: 2 * d * v,
        gauss_newton_product=lambda x, v: 2 * d * v,
    )
    objective.decay_mask[:] = False
    objective.parameters = Vectors(objective.theta).parameters
    lr = 1.0 if case in SECOND_ORDER else cosine(case.bowl_lr, n_steps=case.bowl_steps)

    found = minimize(objective, case.build(objective, lr=lr), max_steps=case.bowl_steps)

    assert found.value < 0.02
    if case in SECOND_ORDER:
        np.testing.assert_allclose(found.theta, c, atol=1e-6)


@each(CASES)
def test_every_step_asks_the_schedule_once(case):
    problem, asked = Problem(), []

    def schedule(step: int) -> float:
        asked.append(step)
        return case.lr

    optimizer = case.build(problem.model, lr=schedule)
    problem.run(optimizer, 3)

    assert asked == [0, 1, 2]
    assert "lr" not in optimizer.state_dict()


@each(CASES)
def test_copies_are_independent(case):
    problem = Problem()
    optimizer = case.build(problem.model)
    problem.run(optimizer, 2)
    before = problem.model.theta.copy()

    trial = copy.deepcopy(optimizer)
    problem_of_trial = Problem()
    problem_of_trial.model = trial.model
    problem_of_trial.objective.model = trial.model
    problem_of_trial.run(trial, 2)

    np.testing.assert_array_equal(problem.model.theta, before)
    np.testing.assert_array_equal(problem.run(optimizer, 2), trial.model.theta)


@each(CASES)
@pytest.mark.parametrize(("lr", "match"), [(-1.0, "-1.0"), (np.nan, "nan"), (None, "None")])
def test_rates_out_of_range_are_refused(case, lr, match):
    with pytest.raises(ArgumentError, match=f"the learning rate is {match}"):
        case.build(Problem().model, lr=lr)


@each(CASES)
def test_the_rate_in_the_place_of_the_model_is_refused(case):
    with pytest.raises(DtypeError, match="expected a model or layer"):
        case.kind(0.1, lr=0.1)


@each(CASES)
def test_fit_lowers_the_loss(case):
    problem = Problem()
    optimizer = case.build(problem.model)

    history = fit(
        problem.model, problem.X, problem.y, loss=MSE(), optimizer=optimizer, epochs=4,
        batch_size=11, progress=False, rng=0,
    )  # fmt: skip

    assert history.loss[-1] < history.loss[0]
    assert optimizer.steps == history.steps == 4


@each(FIRST_ORDER)
def test_a_model_that_has_grown_is_refused(case):
    vectors = Vectors(np.ones(9))
    vectors.grad[:] = 1.0
    optimizer = case.build(vectors)
    optimizer.step()
    bigger = Vectors(np.ones(11))
    optimizer.model = bigger

    if optimizer._vectors():
        with pytest.raises(ArgumentError, match="Build a new optimizer"):
            optimizer.step()
        np.testing.assert_array_equal(bigger.theta, 1.0)
    else:
        optimizer.step()

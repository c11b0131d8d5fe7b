from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.errors import ArgumentError, DtypeError
from nnlib.schedules import (
    constant,
    cosine,
    exponential,
    join,
    linear_warmup,
    one_cycle,
    step_decay,
)

SAME = 1e-12  # torch multiplies from step to step and gathers rounding, we do not


def torch_rates(make, n_steps: int, lr: float = 0.8) -> list[float]:
    """The rates of a torch scheduler, step by step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR warns about its own use of epochs
        scheduler = make(optimizer)
        rates = []
        for _ in range(n_steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def lr_scheduler(name: str, **settings_):
    return lambda optimizer: getattr(torch.optim.lr_scheduler, name)(optimizer, **settings_)


def warm_cosine(optimizer):
    parts = torch.optim.lr_scheduler
    return parts.SequentialLR(
        optimizer,
        [
            parts.LinearLR(optimizer, start_factor=0.1, total_iters=5),
            parts.CosineAnnealingLR(optimizer, T_max=15),
        ],
        milestones=[5],
    )


def three_parts(optimizer):
    parts = torch.optim.lr_scheduler
    return parts.SequentialLR(
        optimizer,
        [
            parts.ConstantLR(optimizer, factor=1.0),
            parts.ExponentialLR(optimizer, gamma=0.7),
            parts.StepLR(optimizer, step_size=3, gamma=0.5),
        ],
        milestones=[4, 9],
    )


ORACLES = {
    "step_decay": (
        step_decay(0.8, every=7, factor=0.3),
        lr_scheduler("StepLR", step_size=7, gamma=0.3),
        40,
    ),
    "exponential": (exponential(0.8, factor=0.93), lr_scheduler("ExponentialLR", gamma=0.93), 40),
    "cosine": (
        cosine(0.8, n_steps=30, minimum=0.05),
        lr_scheduler("CosineAnnealingLR", T_max=30, eta_min=0.05),
        31,
    ),
    "warm-up": (
        linear_warmup(0.8, n_steps=8, start_factor=0.2),
        lr_scheduler("LinearLR", start_factor=0.2, total_iters=8),
        20,
    ),
    "warm-up by default": (
        linear_warmup(0.8, n_steps=5),
        lr_scheduler("LinearLR"),
        20,
    ),
    "warm-up, then cosine": (
        linear_warmup(cosine(0.8, n_steps=15), n_steps=5, start_factor=0.1),
        warm_cosine,
        20,
    ),
    "one-cycle": (
        one_cycle(0.8, n_steps=50),
        lr_scheduler("OneCycleLR", max_lr=0.8, total_steps=50),
        49,
    ),
    "one-cycle with settings": (
        one_cycle(0.8, n_steps=33, pct_start=0.41, div_factor=7, final_div_factor=20),
        lr_scheduler(
            "OneCycleLR", max_lr=0.8, total_steps=33, pct_start=0.41, div_factor=7,
            final_div_factor=20,
        ),
        32,
    ),
    "join": (
        join([0.8, exponential(0.8, 0.7), step_decay(0.8, every=3, factor=0.5)], [4, 9]),
        three_parts,
        20,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORACLES)
def test_rates_equal_those_of_torch(name):
    schedule, make, n_steps = ORACLES[name]

    expected = torch_rates(make, n_steps)

    assert [schedule(step) for step in range(n_steps)] == pytest.approx(
        expected, rel=1e-11, abs=SAME
    )


def test_torchs_cosine_rises_again_and_ours_does_not():
    schedule = cosine(0.8, n_steps=10, minimum=0.1)
    theirs = torch_rates(lr_scheduler("CosineAnnealingLR", T_max=10, eta_min=0.1), 21)

    assert theirs[20] == pytest.approx(0.8)
    assert [schedule(step) for step in (10, 15, 20)] == pytest.approx([0.1] * 3)


rates = st.floats(1e-6, 10.0)
lengths = st.integers(2, 200)


@settings(deadline=None, max_examples=50)
@given(rates, lengths, st.floats(0.0, 1.0))
def test_cosine_falls_within_its_bounds(lr, n_steps, share):
    schedule = cosine(lr, n_steps, minimum=share * lr)

    values = [schedule(step) for step in range(n_steps + 5)]

    assert values[0] == pytest.approx(lr)
    assert values[n_steps] == pytest.approx(share * lr)
    assert all(b <= a + 1e-15 * lr for a, b in itertools.pairwise(values))
    # No step is steeper than half a wave at its middle: a jump would be.
    steepest = 0.5 * 3.1416 * lr / n_steps
    assert all(a - b <= steepest for a, b in itertools.pairwise(values))


@settings(deadline=None, max_examples=50)
@given(rates, lengths, st.integers(0, 50), st.floats(0.0, 1.0))
def test_warm_up_rises_and_meets_what_follows_without_a_jump(lr, n_steps, n_warm, start):
    schedule = linear_warmup(cosine(lr, n_steps), n_warm, start)

    values = [schedule(step) for step in range(n_warm + 2)]

    assert values[n_warm] == pytest.approx(lr)
    assert values[0] == pytest.approx(start * lr if n_warm else lr)
    rises = [b - a for a, b in itertools.pairwise(values[: n_warm + 1])]
    assert rises == pytest.approx([(1 - start) * lr / n_warm] * n_warm if n_warm else [])
    assert schedule(n_warm + 1) == pytest.approx(cosine(lr, n_steps)(1))


@settings(deadline=None, max_examples=50)
@given(rates, st.integers(8, 200), st.floats(0.3, 0.7), st.floats(1.5, 100), st.floats(1, 1e4))
def test_one_cycle_has_one_peak_within_its_bounds(lr, n_steps, share, div, final):
    schedule = one_cycle(lr, n_steps, pct_start=share, div_factor=div, final_div_factor=final)

    values = [schedule(step) for step in range(n_steps + 3)]
    top = values.index(max(values))

    assert values[0] == pytest.approx(lr / div)
    assert values[n_steps - 1] == values[n_steps + 2] == pytest.approx(lr / div / final)
    assert abs(top - (share * n_steps - 1)) <= 1
    slack = 1e-12 * lr
    assert all(b >= a - slack for a, b in itertools.pairwise(values[: top + 1]))
    assert all(b <= a + slack for a, b in itertools.pairwise(values[top:]))
    assert all(lr / div / final - slack <= value <= lr + slack for value in values)


@settings(deadline=None, max_examples=25)
@given(rates, st.floats(0.0, 1.0), st.integers(1, 20))
def test_decays_fall_from_the_rate_given(lr, factor, every):
    for schedule in (step_decay(lr, every, factor), exponential(lr, factor), constant(lr)):
        values = [schedule(step) for step in range(30)]
        assert values[0] == lr
        assert all(0 <= b <= a for a, b in itertools.pairwise(values))


def test_a_joined_schedule_starts_each_part_from_its_own_zero():
    asked = []

    def part(step: int) -> float:
        asked.append(step)
        return 1.0

    schedule = join([part, part, 0.5], [3, 5])

    assert [schedule(step) for step in range(7)] == [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
    assert asked == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: constant(-1), ArgumentError, "constant: lr is -1"),
        (lambda: step_decay(0.1, every=0), ArgumentError, "every is 0"),
        (lambda: step_decay(0.1, every=5, factor=2), ArgumentError, "factor is 2, expected"),
        (lambda: exponential(0.1, factor=-0.5), ArgumentError, "factor is -0.5"),
        (lambda: exponential("0.1", factor=0.5), ArgumentError, "lr is '0.1'"),
        (lambda: cosine(0.1, n_steps=0), ArgumentError, "n_steps is 0"),
        (lambda: cosine(0.1, n_steps=10, minimum=0.2), ArgumentError, "at most lr, 0.1"),
        (lambda: linear_warmup(0.1, n_steps=-1), ArgumentError, "n_steps is -1"),
        (lambda: linear_warmup(0.1, 5, start_factor=1.5), ArgumentError, "from 0 to 1"),
        (lambda: linear_warmup("fast", 5), DtypeError, "expected a number or a function"),
        (lambda: linear_warmup(-0.1, 5), ArgumentError, "the rate is -0.1"),
        (lambda: one_cycle(0.1, n_steps=1), ArgumentError, "n_steps is 1"),
        (lambda: one_cycle(0.1, n_steps=3), ArgumentError, "leaves no step for the rise"),
        (lambda: one_cycle(0.1, 50, pct_start=1.0), ArgumentError, "pct_start is 1.0"),
        (lambda: one_cycle(0.1, 50, div_factor=0.5), ArgumentError, "div_factor is 0.5"),
        (lambda: one_cycle(0.1, 50, final_div_factor=0), ArgumentError, "final_div_factor is 0"),
        (lambda: join([0.1, 0.2], []), ArgumentError, "2 schedules and 0 boundaries"),
        (lambda: join([0.1, 0.2, 0.3], [5, 5]), ArgumentError, r"boundaries\[1\] is 5"),
        (lambda: join([0.1, 0.2], [0]), ArgumentError, r"boundaries\[0\] is 0"),
        (lambda: join([0.1, True], [5]), DtypeError, r"schedules\[1\] is True"),
        (lambda: join(0.1, [5]), DtypeError, "schedules is 0.1, expected a list"),
    ],
)
def test_values_out_of_range_are_refused_when_the_schedule_is_made(make, error, match):
    with pytest.raises(error, match=match):
        make()

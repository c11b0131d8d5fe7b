"""Late work: free within the grace period, never cheaper later, never below zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.classroom import LatePolicy, late_penalty

HOUR, DAY = 3600.0, 86_400.0

points_ = st.floats(0, 1000)
lateness_ = st.floats(-30 * DAY, 60 * DAY)
policies = st.builds(
    LatePolicy,
    grace_minutes=st.floats(0, 300),
    percent=st.floats(0, 100),
    per=st.sampled_from(["day", "hour"]),
    cap_percent=st.floats(0, 100),
    cut_off_hours=st.none() | st.floats(0, 1000),
)


@given(points_, lateness_, lateness_, policies)
def test_later_is_never_cheaper(points, one, other, policy):
    early, late = sorted([one, other])

    assert late_penalty(points, early, policy) <= late_penalty(points, late, policy)


@given(points_, lateness_, policies)
def test_it_lies_between_nothing_and_everything(points, lateness, policy):
    assert 0 <= late_penalty(points, lateness, policy) <= points


@given(points_, lateness_, policies)
def test_below_the_cut_off_it_stays_under_the_cap(points, lateness, policy):
    if policy.cut_off_hours is None or lateness <= policy.cut_off_hours * HOUR:
        # One rounding of points·percent/100, relative to at most 1000 points.
        assert late_penalty(points, lateness, policy) <= points * policy.cap_percent / 100 + 1e-9


@given(points_, st.floats(-DAY, 300 * 60), policies)
def test_grace_costs_nothing(points, lateness, policy):
    if lateness <= policy.grace_minutes * 60:
        assert late_penalty(points, lateness, policy) == 0


@given(lateness_, policies)
def test_no_points_cost_nothing(lateness, policy):
    assert late_penalty(0.0, lateness, policy) == 0
    assert late_penalty(-1.0, lateness, policy) == 0


@pytest.mark.parametrize(
    ("lateness", "taken"),
    [
        (0, 0.0),
        (9 * 60, 0.0),  # within the grace period
        (11 * 60, 2.0),  # beyond it the first day counts from the due date
        (DAY, 2.0),
        (DAY + 1, 4.0),
        (4 * DAY, 8.0),
        (6 * DAY, 10.0),  # the cap of 50 %
        (7 * DAY, 10.0),
        (7 * DAY + 1, 20.0),  # the cut-off
    ],
)
def test_a_policy_worked_out_by_hand(lateness, taken):
    policy = LatePolicy(grace_minutes=10, percent=10, cap_percent=50, cut_off_hours=168)

    assert late_penalty(20.0, lateness, policy) == pytest.approx(taken, rel=1e-12)


def test_hours_count_by_the_hour():
    assert late_penalty(10.0, 2.5 * HOUR, LatePolicy(percent=5, per="hour")) == pytest.approx(1.5)

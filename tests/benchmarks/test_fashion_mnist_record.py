"""The recorded runs reach what was asked, and the page of the library says what they say."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from nnlib import History
from tests.benchmarks.fashion_mnist import EXPERIMENTS

ROOT = Path(__file__).resolve().parents[2]


def record(name: str) -> dict[str, Any]:
    path = ROOT / "docs" / "runs" / f"fashion-mnist-{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_seed_reached_the_accuracy_that_is_asked(experiment):
    found = record(experiment.name)
    scores = [run["test_accuracy"] for run in found["runs"]]

    assert len(scores) >= 3
    assert min(scores) >= experiment.must
    assert found["mean_test_accuracy"] == pytest.approx(mean(scores))
    assert found["standard_deviation"] == pytest.approx(stdev(scores))


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_the_curves_are_saved_for_every_epoch(experiment):
    for run in record(experiment.name)["runs"]:
        history = History.from_dict(run["history"])

        assert len(history) == experiment.epochs
        assert len(history.validation_loss) == len(history.accuracy) == experiment.epochs
        assert history.validation_loss[-1] < history.validation_loss[0]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_the_page_says_what_the_record_says(experiment):
    found = record(experiment.name)
    page = (ROOT / "nnlib" / "README.md").read_text(encoding="utf-8")

    accuracy = (
        f"{100 * found['mean_test_accuracy']:.2f} % ± {100 * found['standard_deviation']:.2f}"
    )
    parameters = f"{found['runs'][0]['parameters']:,}"

    assert f"| {parameters} | {experiment.epochs} | {accuracy} |" in page


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_the_network_of_the_record_is_the_one_that_is_built(experiment, rng):
    model = experiment.build(rng)

    assert model.theta.size == record(experiment.name)["runs"][0]["parameters"]

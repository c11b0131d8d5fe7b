"""A real run: a multilayer perceptron and a convolutional network of nnlib on Fashion-MNIST.

``python -m tests.benchmarks.fashion_mnist`` trains each from several seeds on 55,000 images, looks
at 5,000 others after every epoch, and opens the 10,000 test images once, at the end. Curves and
scores go to ``docs/runs/``, the picture to ``docs/pictures/``. It takes some minutes.
"""
# ruff: file-ignore[print]  it speaks to a terminal

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import Any

import numpy as np

from nnlib import CrossEntropy, Linear, ReLU, Sequential, datasets, fit
from nnlib.layers import Conv2d, Dropout, Flatten, MaxPool2d
from nnlib.optimizers import AdamW
from nnlib.schedules import one_cycle
from nnlib.training import History, plot_histories

ROOT = Path(__file__).resolve().parents[2]
RUNS, PICTURES = ROOT / "docs" / "runs", ROOT / "docs" / "pictures"
VALIDATION = 5000
BATCH = 128


@dataclass(frozen=True)
class Experiment:
    """A network, how long it trains, and the test accuracy it has to reach."""

    name: str
    build: Callable[[np.random.Generator], Sequential]
    epochs: int
    lr: float
    weight_decay: float
    must: float
    image: bool


def perceptron(rng: np.random.Generator) -> Sequential:
    """Return 784-512-256-10 with dropout."""
    return Sequential(
        Linear(784, 512, rng=rng), ReLU(), Dropout(0.3, rng=rng),
        Linear(512, 256, rng=rng), ReLU(), Dropout(0.3, rng=rng),
        Linear(256, 10, rng=rng),
    )  # fmt: skip


def convolutional(rng: np.random.Generator) -> Sequential:
    """Return two convolutions of 3 × 3 with pooling, and one hidden layer."""
    return Sequential(
        Conv2d(1, 16, 3, padding=1, rng=rng), ReLU(), MaxPool2d(2),
        Conv2d(16, 32, 3, padding=1, rng=rng), ReLU(), MaxPool2d(2),
        Flatten(), Dropout(0.25, rng=rng), Linear(32 * 7 * 7, 128, rng=rng), ReLU(),
        Linear(128, 10, rng=rng),
    )  # fmt: skip


EXPERIMENTS = (
    Experiment("mlp", perceptron, 20, 2e-3, 0.05, 0.89, image=False),
    Experiment("cnn", convolutional, 8, 3e-3, 0.05, 0.90, image=True),
)


def train(experiment: Experiment, seed: int) -> tuple[dict[str, Any], History]:
    """Train once, and open the test images once."""
    data = datasets.load("fashion_mnist", flatten=not experiment.image, progress=False)
    X, X_test = data.X, data.X_test
    assert X_test is not None  # the publisher set a test part aside
    if experiment.image:
        X, X_test = (part.reshape(-1, 28, 28, 1) for part in (X, X_test))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    held, kept = order[:VALIDATION], order[VALIDATION:]
    model = experiment.build(rng)
    steps = experiment.epochs * -(-len(kept) // BATCH)
    optimizer = AdamW(
        model, lr=one_cycle(experiment.lr, steps), weight_decay=experiment.weight_decay
    )
    start = perf_counter()
    history = fit(
        model, X[kept], data.y[kept], loss=CrossEntropy(), optimizer=optimizer,
        epochs=experiment.epochs, batch_size=BATCH,
        validation_data=(X[held], data.y[held]), rng=rng, progress=sys.stdout.isatty(),
    )  # fmt: skip
    seconds = perf_counter() - start
    accuracy = float((model.predict(X_test).argmax(axis=1) == data.y_test).mean())
    run = {
        "seed": seed,
        "parameters": int(model.theta.size),
        "test_accuracy": accuracy,
        "seconds": round(seconds, 1),
        "history": history.to_dict(),
    }
    return run, history


def main() -> int:
    """Run both experiments; the exit status says whether both reached what they have to."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.fashion_mnist", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs of each, default 3")
    options = parser.parse_args()
    RUNS.mkdir(parents=True, exist_ok=True)
    reached = True
    first: dict[str, History] = {}
    for experiment in EXPERIMENTS:
        runs = []
        for seed in range(options.seeds):
            run, history = train(experiment, seed)
            runs.append(run)
            first.setdefault(experiment.name, history)
            print(
                f"{experiment.name}, seed {seed}: test accuracy {100 * run['test_accuracy']:.2f} % "
                f"after {experiment.epochs} epochs, {run['seconds']:.0f} s",
                flush=True,
            )
        scores = [run["test_accuracy"] for run in runs]
        record = {
            "data": "Fashion-MNIST",
            "must": experiment.must,
            "mean_test_accuracy": mean(scores),
            "standard_deviation": stdev(scores) if len(scores) > 1 else None,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "runs": runs,
        }
        path = RUNS / f"fashion-mnist-{experiment.name}.json"
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        reached = reached and min(scores) >= experiment.must
    figure = plot_histories(first)
    figure.savefig(PICTURES / "fashion-mnist.png", dpi=110)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

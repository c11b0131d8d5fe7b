"""The record of a run and its picture."""

from __future__ import annotations

import sys

from nnlib import History


def test_plot_draws_both_curves_of_both_quantities_without_pyplot():
    history = History(
        loss=[3.0, 2.0],
        accuracy=[0.5, 0.6],
        validation_loss=[3.5, 3.0],
        validation_accuracy=[0.4, 0.5],
    )

    figure = history.plot()

    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[3.0, 2.0], [3.5, 3.0]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5, 0.6], [0.4, 0.5]]
    assert (loss.get_xlabel(), loss.get_ylabel(), accuracy.get_ylabel()) == (
        "epoch",
        "loss",
        "accuracy",
    )
    training, validation = loss.lines
    assert training.get_color() != validation.get_color()
    assert training.get_linestyle() != validation.get_linestyle()  # color is never the only cue
    assert {text.get_text().strip() for text in loss.texts} == {"training", "validation"}
    figure.savefig(sys.modules["io"].BytesIO(), format="png")


def test_an_empty_history_can_be_printed_and_drawn():
    history = History()

    assert repr(history) == "History(0 epochs)"
    assert bool(history)
    assert len(history.plot().axes) == 1


def test_repr_says_where_the_run_stands():
    history = History(loss=[1.0, 0.5], validation_loss=[1.0, 0.75], stop_reason="seen enough")

    assert (
        repr(history) == "History(2 epochs, loss 0.5, validation_loss 0.75, stopped: seen enough)"
    )

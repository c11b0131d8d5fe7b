"""The record of a run and its picture."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from nnlib import ArgumentError, History
from nnlib.training import plot_histories


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


FULL = {
    "loss": [3.0, 0.1 + 0.2, 1.0], "accuracy": [0.5, 0.6, 0.7], "validation_loss": [3.5, 1.5, 2.0],
    "validation_accuracy": [0.4, 0.5, 0.5], "penalty": [0.1, 0.2, 0.3], "lr": [0.1, 0.1, 0.01],
    "seconds": [1.0, 1.0, 1.0], "steps": 9, "stop_reason": "seen enough",
}  # fmt: skip


def test_a_history_survives_its_dictionary_and_its_file(tmp_path):
    history = History(**FULL)

    history.save(tmp_path / "run.json")

    assert history.to_dict() == FULL
    assert History.from_dict(history.to_dict()) == history
    assert History.load(tmp_path / "run.json") == history
    assert History.from_dict({}) == History()


def test_a_history_does_not_share_its_lists_with_the_dictionary():
    entries = {"loss": [1.0]}

    history = History.from_dict(entries)
    history.loss.append(2.0)
    history.to_dict()["loss"].append(3.0)

    assert entries == {"loss": [1.0]}
    assert history.loss == [1.0, 2.0]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"losses": [1.0]}, r"unknown \['losses'\], expected names among"),
        ({"loss": 1.0}, "loss is 1.0, expected a list of numbers"),
        ({"loss": ["a"]}, r"loss is \['a'\]"),
    ],
)
def test_a_dictionary_that_is_no_history_is_refused(entries, message):
    with pytest.raises(ArgumentError, match=message):
        History.from_dict(entries)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot be read"), ("{", "cannot be read"), ("[1]", r"holds \[1\], expected the rec")],
)
def test_a_file_that_is_no_history_is_refused(tmp_path, text, message):
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    with pytest.raises(ArgumentError, match=message):
        History.load(path)


def test_the_best_epoch_is_that_of_the_first_smallest_validation_loss():
    assert History(**FULL).best_epoch == 2
    assert History(loss=[1.0, 2.0], validation_loss=[2.0, 2.0]).best_epoch == 1
    assert History(loss=[3.0, 2.0, 1.0]).best_epoch == 3
    assert History().best_epoch is None


def test_the_gap_is_validation_less_training():
    assert History(**FULL).gap == [0.5, 1.5 - (0.1 + 0.2), 1.0]
    assert History(loss=[1.0]).gap == []


def test_plot_marks_the_best_epoch_unless_it_is_the_last():
    loss, _ = History(**FULL).plot().axes
    [mark] = loss.collections

    np.testing.assert_array_equal(mark.get_offsets(), [[2, 1.5]])
    assert "best: epoch 2" in {text.get_text() for text in loss.texts}
    falling = History(loss=[3.0, 2.0], validation_loss=[3.0, 2.5]).plot()
    assert not falling.axes[0].collections


def test_plot_can_shade_the_gap_and_use_a_log_scale():
    figure = History(**FULL).plot(log=True, gap=True)

    loss, accuracy = figure.axes
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert loss.get_ylabel() == "loss (log scale)"
    assert "gap 1" in {text.get_text() for text in loss.texts}
    assert "gap 0.2" in {text.get_text() for text in accuracy.texts}
    assert len(loss.collections) == 2  # the shade and the mark of the best epoch
    figure.savefig(io.BytesIO(), format="png")


def test_runs_are_compared_in_one_picture_each_with_its_own_line():
    runs = {"small": History(loss=[3.0, 2.5]), "large": History(loss=[3.0, 1.0, 0.5])}

    figure = plot_histories(runs, log=True)

    [axes] = figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[3.0, 2.5], [3.0, 1.0, 0.5]]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert {text.get_text().strip() for text in axes.texts} == {"small", "large"}
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "loss (log scale)")
    figure.savefig(io.BytesIO(), format="png")


def test_runs_from_several_seeds_become_a_mean_within_a_band():
    seeds = [History(loss=[9.0], validation_loss=[3.0, 1.0]), History(**FULL)]

    [axes] = plot_histories({"Adam": seeds, "SGD": [History(**FULL)]}).axes

    assert list(axes.lines[0].get_ydata()) == [3.25, 1.25]
    [band] = axes.collections
    assert sorted(set(band.get_paths()[0].vertices[:, 1].tolist())) == [1.0, 1.5, 3.0, 3.5]
    assert {text.get_text().strip() for text in axes.texts} == {"Adam (n = 2)", "SGD"}
    assert axes.get_ylabel() == "validation loss"


def test_labels_at_equal_ends_do_not_cover_one_another():
    runs = {name: History(loss=[3.0, 1.0]) for name in "abc"}
    runs["low"] = History(loss=[3.0, 0.0])

    [axes] = plot_histories(runs).axes

    heights = sorted(axes.transData.transform((2, text.xyann[1]))[1] for text in axes.texts)
    assert min(np.diff(heights)) > 0.05 * axes.bbox.height
    assert len({text.xy for text in axes.texts}) == 2  # each still points at its own end


@pytest.mark.parametrize(
    ("runs", "monitor", "message"),
    [
        ({}, None, "no runs, expected a dictionary"),
        ({"a": History()}, None, "'a' has no loss"),
        ({"a": []}, None, "'a' has no"),
        ({"a": History(loss=[1.0])}, "accuracy", "'a' has no accuracy"),
        ({"a": History(loss=[1.0])}, "height", "'a' has no height"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(runs, monitor, message):
    with pytest.raises(ArgumentError, match=message):
        plot_histories(runs, monitor=monitor)

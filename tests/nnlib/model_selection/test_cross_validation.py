"""Cross-validation: the same numbers however the folds run, and no row where it must not be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nnlib import (
    SGD,
    ArgumentError,
    Callback,
    CrossEntropy,
    DtypeError,
    Linear,
    NonFiniteError,
    Sequential,
    ShapeError,
    fit,
)
from nnlib.layers._stacked_plan import StackedPlan, has_stacked_plan
from nnlib.losses import MSE, BinaryCrossEntropy, Hinge, Huber
from nnlib.metrics import f1
from nnlib.model_selection import (
    KFold,
    LeaveOneOut,
    RollingWindow,
    Standardizer,
    _stacked,
    cross_validate,
)
from nnlib.optimizers import LBFGS, Muon
from tests.nnlib.model_selection.parts import adam, build, common, same_results, sgd, two_clouds

X, Y = two_clouds(43)


def run(cv=None, **changes):
    arguments = common(rng=7) | changes
    return cross_validate(
        arguments.pop("build"), arguments.pop("X", X), arguments.pop("y", Y),
        cv=cv or KFold(4), **arguments,
    )  # fmt: skip


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize(
    ("cv", "batch_size"),
    [
        (KFold(4), 8),  # folds of 32 and 33 rows: four and five steps an epoch, two groups
        (KFold(5), 7),  # 34 and 35 rows: five steps both, the last one uneven
        (KFold(3), 64),  # one uneven step
        (LeaveOneOut(), 20),
        (RollingWindow(3), 8),  # growing: a group for each fold
    ],
    ids=["two_groups", "ragged", "one_step", "leave_one_out", "growing"],
)
def test_stacked_folds_equal_folds_one_by_one(cv, batch_size, optimizer):
    options = {"batch_size": batch_size, "optimizer": optimizer, "preprocess": Standardizer}

    together = run(cv, stacked=True, **options)
    one_by_one = run(cv, stacked=False, **options)

    assert together.stacked
    assert not one_by_one.stacked
    same_results(together, one_by_one, exactly=False)


@pytest.mark.parametrize("setting", ["0", "1"])
@pytest.mark.parametrize("planned", [True, False])
def test_planned_steps_and_the_rules_of_the_layers_train_alike(setting, planned, monkeypatch):
    """Both ways are there, compiled or not, with uneven folds and labels of few bits."""
    monkeypatch.setenv("NNLIB_FUSED", setting)
    plans = []
    monkeypatch.setattr(_stacked, "StackedPlan", lambda *a: plans.append(a) or StackedPlan(*a))
    monkeypatch.setattr(_stacked, "has_stacked_plan", lambda *a: planned and has_stacked_plan(*a))
    options = {"batch_size": 7, "optimizer": adam, "y": Y.astype(np.uint8)}

    together, one_by_one = (run(KFold(5), stacked=s, **options) for s in (True, False))

    assert len(plans) == (2 if planned else 0)  # full batches, and the last ones
    same_results(together, one_by_one, exactly=False)


@pytest.mark.parametrize("setting", ["0", "1"])
@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("label", [-1, 2])
def test_a_wrong_label_is_refused_before_training(setting, stacked, label, monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", setting)
    steps = []
    monkeypatch.setattr(SGD, "step", lambda self, objective=None: steps.append(self))
    y = Y.copy()
    y[0] = label  # among the training rows of all folds but the first

    with pytest.raises(ArgumentError, match="expected 0 to 1 for 2 logits"):
        run([(np.arange(5, 43), range(5)), (np.arange(38), range(38, 43))][::-1], y=y,
            stacked=stacked)  # fmt: skip
    assert not steps


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (CrossEntropy(0.1), Y),
        (CrossEntropy(), np.stack([1 - 0.7 * Y, 0.7 * Y], axis=1)),
        (MSE(), np.stack([Y, X[:, 0]], axis=1)),
        (Huber(0.4), np.stack([Y, X[:, 0]], axis=1)),
        (BinaryCrossEntropy(), np.stack([Y, 1 - Y], axis=1)),
        (Hinge(), Y),
        (Hinge(multiclass="crammer-singer"), Y),
    ],
    ids=lambda value: repr(value) if not isinstance(value, np.ndarray) else "",
)
def test_every_loss_stacks(loss, targets):
    together, one_by_one = (run(KFold(5), loss=loss, y=targets, stacked=s) for s in (True, False))

    same_results(together, one_by_one, exactly=False)


def test_a_fold_is_what_fit_gives():
    result = run(KFold(4), stacked=False)
    train, test = list(KFold(4).split(X))[2]
    seed = int(np.random.default_rng(7).integers(2**63, size=4)[2])
    rng = np.random.default_rng(seed)
    model = build(rng)

    fit(
        model, X[train], Y[train], loss=CrossEntropy(), optimizer=sgd(model), epochs=3,
        batch_size=8, rng=rng, progress=False,
    )  # fmt: skip

    np.testing.assert_array_equal(result.models[2].theta, model.theta)
    accuracy = (model.predict(X[test]).argmax(axis=1) == Y[test]).mean()
    assert result.scores["accuracy"][2] == pytest.approx(accuracy)
    assert result.scores["loss"][2] == CrossEntropy().forward(model.predict(X[test]), Y[test])


def test_float32_folds_agree_to_its_rounding():
    def small(rng):
        return build(rng).astype(np.float32)

    together, one_by_one = (run(build=small, stacked=s) for s in (True, False))

    for a, b in zip(together.models, one_by_one.models, strict=True):
        assert a.theta.dtype == np.float32
        np.testing.assert_allclose(a.theta, b.theta, rtol=1e-4, atol=1e-5)  # 15 steps, ε = 6e-8


def test_the_same_seed_gives_the_same_result_and_another_does_not():
    same_results(run(), run(), exactly=True)
    assert run(rng=8).models[0].theta[0] != run().models[0].theta[0]


class Logging(Standardizer):
    """A standardizer that writes down which rows it was fitted on; their number is a feature."""

    log: list

    def fit(self, X):
        self.log.append(X[:, -1].astype(int).tolist())
        return super().fit(X)

    def transform(self, X):
        return super().transform(X)[:, :-1]


def logging_preprocessor() -> tuple[type[Logging], list]:
    log: list = []
    return type("Logged", (Logging,), {"log": log}), log


@pytest.mark.parametrize("stacked", [True, False])
def test_preprocessing_sees_training_rows_only(stacked):
    kind, log = logging_preprocessor()
    numbered = np.column_stack([X, np.arange(len(X))])

    result = run(X=numbered, preprocess=kind, stacked=stacked)

    assert log == [train.tolist() for train, _ in result.splits]


def test_scores_of_ones_own():
    def f1_of_labels(targets, output):
        return f1(targets, output.argmax(axis=1), average="binary")

    result = run(scoring={"f1": f1_of_labels})

    test = result.splits[1][1]
    expected = f1_of_labels(Y[test], result.models[1].predict(X[test]))
    assert list(result.scores) == ["f1"]
    assert result.scores["f1"][1] == pytest.approx(expected)


def test_callbacks_are_made_anew_for_each_fold():
    seen: list[int] = []

    class Count(Callback):
        def on_train_begin(self, run):
            self.epochs = 0

        def on_epoch_end(self, run):
            self.epochs += 1

        def on_train_end(self, run):
            seen.append(self.epochs)

    result = run(callbacks=lambda: [Count()])

    assert seen == [3, 3, 3, 3]
    assert not result.stacked


def test_options_of_fit_are_passed_on():
    unshuffled = run(fit_options={"shuffle": False})

    assert not unshuffled.stacked
    assert unshuffled.models[0].theta[0] != run(stacked=False).models[0].theta[0]


def test_groups_reach_the_splitter():
    from nnlib.model_selection import GroupKFold

    groups = np.arange(43) % 6

    result = run(GroupKFold(3), groups=groups)

    for train, test in result.splits:
        assert not set(groups[train]) & set(groups[test])


def test_folds_may_be_given_as_row_numbers():
    result = run([(np.arange(30), [31, 40]), (np.arange(10, 40), np.arange(5))])

    assert [row["n_test"] for row in result.table()] == [2, 5]
    assert result.table()[0]["n_train"] == 30


def test_a_result_is_summed_up():
    result = run()
    scores = result.scores["accuracy"]

    assert len(result) == 4
    assert result.mean() == pytest.approx(scores.mean())
    assert result.mean("loss") == pytest.approx(result.scores["loss"].mean())
    assert result.std() == pytest.approx(np.std(scores, ddof=1))
    assert result.standard_error() == pytest.approx(np.std(scores, ddof=1) / 2)
    assert repr(result).startswith("CVResult(4 folds, loss 0.")
    assert {"fold", "loss", "accuracy", "seconds"} <= result.table()[3].keys()
    assert (result.seconds > 0).all()
    with pytest.raises(ArgumentError, match=r"no score 'f1', expected one of \['accuracy', 'loss'"):
        result.mean("f1")


def test_a_single_fold_has_no_spread():
    result = run([(np.arange(30), np.arange(30, 43))], loss=MSE(), y=np.stack([Y, Y], 1))

    assert np.isnan(result.std())
    assert np.isnan(result.standard_error())
    assert list(result.scores) == ["loss"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimizer": lambda model: LBFGS(model)}, "the optimizer mixes parameters"),
        ({"optimizer": lambda model: Muon(model, lr=0.1)}, "the optimizer mixes parameters"),
        ({"callbacks": list}, "callbacks and options of fit see one model at a time"),
        ({"batch_size": 5000}, "a batch of 5000 rows is cut in slices"),
        ({"executor": ThreadPoolExecutor(1)}, "an executor runs folds one by one"),
    ],
)
def test_what_does_not_stack_runs_one_by_one_unless_it_must(changes, reason):
    assert not run(epochs=1, **changes).stacked
    with pytest.raises(ArgumentError, match=f"stacked=True, but {reason}"):
        run(stacked=True, **changes)


@pytest.mark.parametrize("setting", ["0", "1"])
@pytest.mark.parametrize("stacked", [True, False])
def test_divergence_names_the_fold(stacked, setting, monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", setting)
    wild = X.copy()
    wild[30] = 1e308
    # The first fold trains without that row, both others with it, and in different steps.
    test = [41, 42]
    splits = [(np.arange(20), test), (np.arange(20, 40), test), (np.arange(25, 33), test)]

    with pytest.raises(NonFiniteError, match=r"cross_validate: fold 1: fit: ") as caught:
        run(splits, X=wild, stacked=stacked, epochs=9)

    assert caught.value.history.stop_reason.startswith("diverged in epoch")


@pytest.mark.parametrize("stacked", [True, False])
def test_divergence_on_test_rows_names_the_fold(stacked):
    wild = X.copy()
    wild[30] = 1e300
    splits = [(np.arange(20), [21, 22]), (np.arange(20), [30, 31])]

    def steep(rng):
        model = build(rng)
        model.theta = 1e10
        return model

    with pytest.raises(NonFiniteError, match="cross_validate: fold 1: "):
        run(splits, X=wild, build=steep, epochs=0, stacked=stacked)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"X": X[:, 0]}, ShapeError, r"X has shape \(43,\)"),
        ({"y": Y[:-1]}, ShapeError, r"y has shape \(42,\)"),
        ({"X": np.where(X > 2, np.nan, X)}, ArgumentError, "holds nan or infinity in"),
        ({"cv": 5}, DtypeError, r"cv is 5, expected a splitter such as KFold\(5\)"),
        ({"cv": KFold}, DtypeError, "expected a splitter"),
        ({"cv": [([0, 1], [1, 2])]}, ArgumentError, "trains on 1 of its test rows, such as row 1"),
        ({"cv": [([0, 1], [43])]}, ArgumentError, "names rows 43 to 43, expected 0 to 42"),
        ({"cv": [([0, 1], [])]}, DtypeError, "expected row numbers, at least one"),
        ({"cv": [([0, 1], [0.5])]}, DtypeError, "expected row numbers"),
        ({"cv": [0, 1]}, DtypeError, "expected a pair"),
        ({"cv": iter([])}, ArgumentError, "cv gives no folds"),
        ({"loss": CrossEntropy}, DtypeError, "Create it with parentheses"),
        ({"build": build(np.random.default_rng(0)).layers}, DtypeError, "expected a function rng"),
        ({"build": lambda rng: Linear}, DtypeError, "expected a Sequential. Create it"),
        ({"optimizer": 0.1}, DtypeError, "optimizer is 0.1, expected a function model"),
        ({"optimizer": lambda model: 0.1}, DtypeError, r"optimizer\(model\) gave 0.1"),
        ({"optimizer": lambda m: SGD(Linear(1, 1), 1)}, DtypeError, "an optimizer of that model"),
        ({"preprocess": Standardizer()}, DtypeError, "preprocess is Standardizer"),
        ({"preprocess": dict}, ArgumentError, "expected an object with fit and transform"),
        ({"callbacks": [Callback()]}, DtypeError, "callbacks is"),
        ({"scoring": {}}, DtypeError, "scoring holds nothing"),
        ({"scoring": {"f1": 3}}, DtypeError, r"scoring holds \['f1'\]"),
        ({"scoring": ["accuracy"]}, DtypeError, r"scoring is \['accuracy'\], expected functions"),
        ({"scoring": {"a": lambda y, z: z}}, DtypeError, r"'a' gave an array of shape \(11, 2\)"),
        ({"scoring": {"a": lambda y, z: None}}, DtypeError, "scorer 'a' gave None, expected one"),
        ({"fit_options": {"epochs": 3}}, ArgumentError, "holds 'epochs', which each fold is given"),
        ({"fit_options": {"bogus": 3}}, ArgumentError, "holds 'bogus', which fit has not"),
        ({"fit_options": [1]}, DtypeError, r"fit_options is \[1\], expected a dictionary"),
        ({"X": [[1], [1, 2]]}, ShapeError, "the rows of X or y differ in length"),
        ({"groups": [1, 2]}, ShapeError, r"groups has shape \(2,\), expected \(43,\)"),
        ({"epochs": -1}, ArgumentError, "epochs is -1"),
        ({"batch_size": 0}, ArgumentError, "batch_size is 0"),
        ({"stacked": "yes"}, ArgumentError, "stacked is 'yes', expected True, False or 'auto'"),
        ({"executor": 2}, DtypeError, "executor is 2, expected a concurrent.futures executor"),
        ({"rng": "a"}, ArgumentError, "cross_validate: rng is 'a'"),
    ],
)
def test_bad_arguments_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        run(**changes)


class Shrinking(Standardizer):
    def transform(self, X):
        return super().transform(X)[:-1]


def test_preprocessing_keeps_the_rows():
    with pytest.raises(ShapeError, match="expected as many rows"):
        run(preprocess=Shrinking)


def test_folds_too_large_to_copy_run_one_by_one(monkeypatch):
    monkeypatch.setattr("nnlib.model_selection.cross_validation.MEMORY_LIMIT_BYTES", 100)

    one_by_one, forced = run(), run(stacked=True)

    assert not one_by_one.stacked
    assert forced.stacked
    same_results(one_by_one, forced, exactly=False)


def test_progress_is_shown_on_stdout(capsys):
    run(epochs=1, progress=True)

    out, err = capsys.readouterr()
    assert "4/4" in out
    assert err == ""


def test_models_keep_training_mode_and_are_independent():
    result = run()

    assert all(model.training for model in result.models)
    result.models[0].theta = 0.0
    assert result.models[1].theta.any()
    assert isinstance(result.models[0], Sequential)

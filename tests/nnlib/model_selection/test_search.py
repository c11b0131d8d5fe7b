"""Searches: every candidate on the same folds, the best found, and the judge kept apart."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from nnlib import SGD, ArgumentError, CrossEntropy, DtypeError, NonFiniteError, ShapeError, fit
from nnlib.model_selection import (
    Candidate,
    CVResult,
    GroupKFold,
    KFold,
    SearchResult,
    Standardizer,
    cross_validate,
    grid_search,
    nested_cross_validate,
    random_search,
)
from tests.nnlib.model_selection.parts import common, two_clouds

X, Y = two_clouds(40)
SHARED = {name: value for name, value in common().items() if name != "optimizer"}


def descent(model, lr):
    return SGD(model, lr=lr)


def trial(lr, epochs=2):
    """What the searches vary; at the top of the module, so that processes can load it."""
    return {"optimizer": partial(descent, lr=lr), "epochs": epochs}


def run(grid=None, **changes):
    options = {**SHARED, "cv": KFold(4), "rng": 3} | changes
    return grid_search(options.pop("trial", trial), grid or {"lr": [0.001, 0.3]}, X, Y, **options)


def test_a_grid_holds_every_combination_and_each_is_cross_validated():
    result = run({"lr": [0.01, 0.1], "epochs": [1, 2, 3]})

    assert [c.params for c in result.candidates] == [
        {"lr": lr, "epochs": epochs} for lr in (0.01, 0.1) for epochs in (1, 2, 3)
    ]
    alone = cross_validate(
        SHARED["build"], X, Y, cv=KFold(4), loss=SHARED["loss"], batch_size=8, epochs=3,
        optimizer=partial(descent, lr=0.01), rng=3,
    )  # fmt: skip
    np.testing.assert_array_equal(result.candidates[2].result.scores["loss"], alone.scores["loss"])


def test_the_best_is_the_largest_accuracy_or_the_smallest_loss():
    by_accuracy, by_loss = run({"lr": [1e-6, 0.3]}), run({"lr": [1e-6, 0.3]}, score="loss")

    means = [c.result.mean("loss") for c in by_loss.candidates]
    assert (by_accuracy.score, by_accuracy.mode) == ("accuracy", "max")
    assert (by_loss.score, by_loss.mode) == ("loss", "min")
    assert by_loss.best.params == {"lr": 0.3}
    assert by_loss.mean(by_loss.best_index) == min(means)
    assert run({"lr": [1e-6, 0.3]}, score="loss", mode="max").best.params == {"lr": 1e-6}


def test_the_table_has_a_row_for_each_candidate():
    result = run()

    rows = result.table()

    assert [row["lr"] for row in rows] == [0.001, 0.3]
    assert rows[1]["accuracy"] == result.mean(1)
    assert rows[1]["standard_error"] == result.candidates[1].result.standard_error("accuracy")
    assert rows[0]["seconds"] > 0
    assert repr(result).startswith("SearchResult(2 candidates, best accuracy 0.")


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_change_nothing(pool):
    expected = run()

    with pool(1) as executor:
        got = run(executor=executor)

    assert got.best.params == expected.best.params
    for one, two in zip(got.candidates, expected.candidates, strict=True):
        np.testing.assert_array_equal(one.result.scores["loss"], two.result.scores["loss"])


def test_what_no_process_can_load_is_named():
    with (
        ProcessPoolExecutor(1) as executor,
        pytest.raises(ArgumentError, match="optimizer is .*cannot be sent"),  # ruff: ignore[pytest-raises-ambiguous-pattern]
    ):
        run(trial=lambda lr: {"optimizer": lambda model: SGD(model, lr=lr)}, executor=executor)


def test_a_candidate_that_diverges_is_the_worst_and_says_why():
    result = run({"lr": [1e300, 0.1]})

    assert result.best.params == {"lr": 0.1}
    assert result.candidates[0].result is None
    assert "fold 0" in result.candidates[0].failure
    assert math.isnan(result.table()[0]["accuracy"])
    assert len(result) == 2
    with pytest.raises(NonFiniteError, match="training diverged for every candidate"):
        run({"lr": [1e300]})


def scored(values: list[list[float]], mode: str) -> SearchResult:
    """Return a search whose candidates k = 0, 1, ... have these scores on their folds."""
    candidates = [
        Candidate({"k": k}, CVResult({"s": np.array(v)}, [], [(np.arange(1),) * 2] * len(v),
                                     np.ones(len(v))))
        for k, v in enumerate(values)
    ]  # fmt: skip
    return SearchResult(candidates, "s", mode)


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_never_the_best(mode, wild):
    result = scored([[wild, 0.5], [0.6, 0.7], [wild, wild]], mode)
    result.candidates.append(Candidate({"k": 3}, None, "diverged"))

    with np.errstate(invalid="ignore"):  # the spread of an infinite score
        assert result.best.params == {"k": 1}
        assert result.one_standard_error(lambda params: -params["k"]).params == {"k": 1}
        result.candidates = [result.candidates[i] for i in (3, 2, 0)]
        with pytest.raises(NonFiniteError, match="'s' is nan or infinite for every candidate"):
            result.best  # ruff: ignore[useless-expression]
        with pytest.raises(NonFiniteError, match="for every candidate"):
            result.one_standard_error(lambda params: params["k"])
        assert repr(result) == "SearchResult(3 candidates, none with a finite s)"


def mean_square(targets, output):
    return float(((output[:, 1] - targets) ** 2).mean())


def test_whether_more_is_better_is_taken_from_the_name_where_it_tells():
    grid = {"lr": [1e-6, 0.3]}
    results = {name: run(grid, scoring={name: mean_square}) for name in ("mse", "roc_auc")}

    means = [results["mse"].mean(i) for i in range(2)]
    assert results["mse"].mode == "min"
    assert results["mse"].best_index == int(np.argmin(means))
    assert results["roc_auc"].mode == "max"
    assert results["roc_auc"].best_index == int(np.argmax(means))
    assert run(grid, scoring={"size": mean_square}, mode="min").best_index == int(np.argmin(means))
    several = run(grid, scoring={"size": mean_square, "val_loss": mean_square}, score="val_loss")
    assert several.mode == "min"


@pytest.mark.parametrize("name", ["size", "neg_mse", "negative log-likelihood", "error_auc"])
def test_a_name_that_does_not_tell_needs_a_mode_before_anything_is_trained(name):
    def never(targets, output):
        raise AssertionError

    with pytest.raises(ArgumentError, match=f"mode is missing, and the name '{name}' does not"):
        run(scoring={name: never})


def test_a_score_that_is_nowhere_finite_is_an_error():
    with pytest.raises(NonFiniteError, match="'mse' is nan or infinite for every candidate"):
        run(scoring={"mse": lambda targets, output: np.nan})


@pytest.mark.parametrize(("mode", "sign"), [("max", 1), ("min", -1)])
def test_one_standard_error_takes_the_simplest_near_the_best(mode, sign):
    # Means 0.5, 0.75, 0.8; the best has standard error std/√4 = 0.1155/2 = 0.058.
    values = [[0.5] * 4, [0.75] * 4, [0.7, 0.9, 0.7, 0.9]]
    result = scored([[sign * x for x in v] for v in values], mode)

    assert result.best.params == {"k": 2}
    assert result.one_standard_error(lambda params: params["k"]).params == {"k": 1}
    assert result.one_standard_error(lambda params: -params["k"]).params == {"k": 2}
    assert result.one_standard_error(lambda params: 0).params == {"k": 2}  # equally simple


def test_with_a_single_fold_only_the_best_is_near():
    result = scored([[0.79], [0.8]], "max")

    assert result.one_standard_error(lambda params: params["k"]).params == {"k": 1}


def test_random_search_draws_in_order_from_its_generator():
    distributions = {
        "lr": lambda rng: 10 ** rng.uniform(-3, -1),
        "epochs": lambda rng: int(rng.integers(1, 4)),
    }

    result = random_search(trial, distributions, X, Y, n_candidates=5, cv=KFold(4), rng=2, **SHARED)

    rng = np.random.default_rng(2)
    expected = [{name: draw(rng) for name, draw in distributions.items()} for _ in range(5)]
    assert [c.params for c in result.candidates] == expected
    alone = cross_validate(  # the same generator then seeds the folds
        X=X, y=Y, cv=KFold(4), rng=rng, **SHARED | trial(**expected[0])
    )
    np.testing.assert_array_equal(result.candidates[0].result.scores["loss"], alone.scores["loss"])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"grid": [0.1]}, DtypeError, "expected a dictionary of lists"),
        ({"grid": {"lr": 0.1}}, DtypeError, "lr is 0.1, expected a list of values"),
        ({"grid": {"lr": "abc"}}, DtypeError, "expected a list of values"),
        ({"grid": {"lr": []}}, ArgumentError, "lr has no values"),
        ({"score": "f1"}, ArgumentError, r"score is 'f1', expected one of \['loss', 'accuracy'\]"),
        ({"mode": "best"}, ArgumentError, "mode is 'best'"),
        ({"trial": lambda lr: lr}, DtypeError, "trial gave 0.001, expected a dictionary"),
        ({"trial": 3}, DtypeError, "trial gave 3"),
        ({"trial": lambda lr: {"lr": lr}}, ArgumentError, r"unknown arguments \['lr'\], missing"),
        ({"batch_size": 0}, ArgumentError, "batch_size is 0"),
        ({"epochs": 1.5, "trial": lambda lr: {"optimizer": SGD}}, ArgumentError, "epochs is 1.5"),
        ({"loss": "mse"}, DtypeError, "grid_search: loss is 'mse'"),
        ({"trial": lambda rate: {}}, ArgumentError, r"trial takes \(rate\), but the parameters"),
        ({"fit_options": {"epochs": 3}}, ArgumentError, "grid_search: fit_options holds 'epochs'"),
        ({"scoring": {"f1": abs}, "score": "auc"}, ArgumentError, "score is 'auc', expected one"),
        ({"groups": [1, 2]}, ShapeError, r"grid_search: groups has shape \(2,\)"),
        (
            {"trial": lambda lr: {"optimizer": SGD, "scoring": {f"mse_{lr}": abs}}},
            ArgumentError,
            "candidates have scores of different names",
        ),
        ({"cv": [([0], [0])]}, ArgumentError, "grid_search: fold 0 of cv trains on 1"),
    ],
)
def test_bad_arguments_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        run(**changes)


def test_bad_distributions_are_named():
    for distributions in ([1], {"lr": [0.1]}):
        with pytest.raises(DtypeError, match="expected functions rng -> value by name"):
            random_search(trial, distributions, X, Y, n_candidates=2, cv=KFold(4), **SHARED)
    with pytest.raises(ArgumentError, match="n_candidates is 0"):
        random_search(trial, {}, X, Y, n_candidates=0, cv=KFold(4), **SHARED)


class Logging(Standardizer):
    """Writes down every row it is fitted on or transforms; their number is a feature."""

    log: list

    def fit(self, X):
        self.log.append(("fit", set(X[:, -1].astype(int).tolist())))
        return super().fit(X)

    def transform(self, X):
        self.log.append(("transform", set(X[:, -1].astype(int).tolist())))
        return super().transform(X)[:, :-1]


def test_outer_test_rows_never_reach_the_inner_loop():
    log: list[tuple[str, set[int]]] = []
    kind = type("Logged", (Logging,), {"log": log})
    numbered = np.column_stack([X, np.arange(40)])
    outer, n_candidates, inner_folds = KFold(4), 2, 3

    result = nested_cross_validate(
        trial, {"lr": [0.01, 0.3]}, numbered, Y, outer=outer, inner=KFold(inner_folds),
        preprocess=kind, rng=0, **SHARED,
    )  # fmt: skip

    a_fold = 3  # accesses: fit, transform the training rows, transform the test rows
    inner_accesses = n_candidates * inner_folds * a_fold
    assert len(log) == outer.n_splits * (inner_accesses + a_fold)
    for fold, (train, test) in enumerate(result.outer.splits):
        begin = fold * (inner_accesses + a_fold)
        inner = log[begin : begin + inner_accesses]
        judged = log[begin + inner_accesses : begin + inner_accesses + a_fold]
        for _, rows in inner:
            assert rows <= set(train.tolist())
        assert judged == [
            ("fit", set(train.tolist())),
            ("transform", set(train.tolist())),
            ("transform", set(test.tolist())),
        ]


def test_nested_scores_are_those_of_the_chosen_settings():
    result = nested_cross_validate(
        trial, {"lr": [1e-6, 0.3]}, X, Y, outer=KFold(4), inner=KFold(3), score="loss", rng=0,
        **SHARED,
    )  # fmt: skip

    assert result.chosen == [{"lr": 0.3}] * 4
    assert [s.best.params for s in result.searches] == result.chosen
    inner = np.mean([s.mean(1) for s in result.searches])
    assert result.optimism() == pytest.approx(result.outer.mean("loss") - inner)
    rows = result.table()
    assert [row["lr"] for row in rows] == [0.3] * 4
    assert rows[2]["loss"] == result.outer.scores["loss"][2]
    _, test = result.outer.splits[1]
    output = result.outer.models[1].predict(X[test])
    assert rows[1]["loss"] == SHARED["loss"].forward(output, Y[test])
    assert repr(result).startswith("NestedResult(CVResult(4 folds")


def test_what_nested_validation_cannot_use_is_named_first():
    options = {**SHARED, "outer": KFold(4), "inner": KFold(3), "rng": 0}
    with pytest.raises(ShapeError, match=r"groups has shape \(2,\), expected \(40,\)"):
        nested_cross_validate(trial, {"lr": [0.1]}, X, Y, groups=[1, 2], **options)
    with pytest.raises(ArgumentError, match=r"nested_cross_validate: unknown arguments \['cv'\]"):
        nested_cross_validate(trial, {"lr": [0.1]}, X, Y, cv=KFold(2), **options)


def test_the_chosen_settings_are_judged_with_a_seed_of_their_own():
    result = nested_cross_validate(
        trial, {"lr": [0.3]}, X, Y, outer=KFold(2), inner=KFold(2), rng=5, **SHARED
    )
    seeds = np.random.default_rng(5).integers(2**63, size=4)  # inner and outer, fold by fold

    for fold, (train, test) in enumerate(KFold(2).split(X)):
        rng = np.random.default_rng(seeds[2 * fold + 1])
        model = SHARED["build"](rng)
        fit(model, X[train], Y[train], loss=CrossEntropy(), optimizer=descent(model, 0.3),
            epochs=2, batch_size=8, rng=rng, progress=False)  # fmt: skip
        np.testing.assert_array_equal(result.outer.models[fold].theta, model.theta)
        np.testing.assert_array_equal(result.outer.splits[fold][1], test)


def test_nested_search_may_draw_choose_the_simplest_and_keep_groups():
    groups = np.arange(40) // 4

    result = nested_cross_validate(
        trial, {"lr": lambda rng: rng.uniform(0.1, 0.3)}, X, Y, outer=GroupKFold(3),
        inner=GroupKFold(2), n_candidates=2, complexity=lambda params: params["lr"], groups=groups,
        rng=0, **SHARED,
    )  # fmt: skip

    for search, chosen in zip(result.searches, result.chosen, strict=True):
        assert len(search) == 2
        assert chosen == search.one_standard_error(lambda params: params["lr"]).params
        for train, test in search.candidates[0].result.splits:
            assert len(train) + len(test) < 40
    for train, test in result.outer.splits:
        assert not set(groups[train]) & set(groups[test])


def test_progress_is_shown_on_stdout(capsys):
    run(progress=True)
    nested_cross_validate(
        trial, {"lr": [0.1]}, X, Y, outer=KFold(2), inner=KFold(2), progress=True, rng=0, **SHARED
    )

    out, err = capsys.readouterr()
    assert "2/2" in out
    assert err == ""

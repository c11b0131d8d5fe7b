"""The area under the ROC curve: how often a positive row scores above a negative one."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call


def _labels(rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    n_positive, n_negative = rng.choice(np.arange(4, 13), size=2, replace=False)
    targets = rng.permutation(np.repeat([1, 0], [n_positive, n_negative]))
    return targets, int(n_positive), int(n_negative)


def _no_ties(rng: np.random.Generator) -> Case:
    """Draw scores that rank worse than chance; those with ties rank better."""
    while True:
        targets, n_positive, n_negative = _labels(rng)
        scores = rng.normal(size=len(targets)) - 0.8 * targets
        above = np.sum(scores[targets == 1][:, None] > scores[targets == 0])
        area = above / (n_positive * n_negative)
        right = np.mean((scores > 0.5) == targets)
        if 0.05 < area < 0.45 and abs(area - right) > 0.01 and (scores > 0.5).any():
            return Case({"targets": targets, "scores": scores})


def _ties(rng: np.random.Generator) -> Case:
    while True:
        targets, n_positive, n_negative = _labels(rng)
        scores = np.round(rng.normal(size=len(targets)) + 1.2 * targets)
        positive, negative = scores[targets == 1][:, None], scores[targets == 0]
        equal = np.sum(positive == negative)
        area = (np.sum(positive > negative) + equal / 2) / (n_positive * n_negative)
        # The rows of equal score, taken one by one in the order of the table, must lean to a side.
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(targets[order])
        stepwise = np.sum(hits[targets[order] == 0]) / (n_positive * n_negative)
        right = np.mean((scores > 0.5) == targets)
        if (
            equal >= 3
            and 0.55 < area < 0.95
            and abs(stepwise - area) > 1e-3
            and abs(stepwise - area) < 0.5 * equal / (n_positive * n_negative) - 1e-3
            and abs(right - area) > 0.01
        ):
            return Case({"targets": targets, "scores": scores})


def roc_auc(targets: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of pairs (positive, negative) in which the positive scores higher."""
    positive, negative = scores[targets == 1], scores[targets == 0]
    difference = positive[:, None] - negative[None, :]
    return np.mean((difference > 0) + 0.5 * (difference == 0))


def _by_ranks(targets: np.ndarray, scores: np.ndarray) -> float:
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place]  # equal scores share the mean of their ranks
    n_positive = int(np.sum(targets == 1))
    n_negative = len(values[place]) - n_positive
    u = ranks[targets == 1].sum() - n_positive * (n_positive + 1) / 2
    return u / (n_positive * n_negative)


def _by_the_curve(targets: np.ndarray, scores: np.ndarray) -> float:
    area, hits, alarms = 0.0, 0, 0
    n_positive = int((targets == 1).sum())
    n_negative = len(targets) - n_positive
    for threshold in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= threshold
        new_hits, new_alarms = int(targets[taken].sum()), int((1 - targets[taken]).sum())
        area += (new_alarms - alarms) * (hits + new_hits) / 2
        hits, alarms = new_hits, new_alarms
    return area / (n_positive * n_negative)


def _ties_count_zero(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    return np.mean(positive[:, None] > negative[None, :])


def _ties_count_one(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    return np.mean(positive[:, None] >= negative[None, :])


def _ties_left_out(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    above = np.sum(positive[:, None] > negative)
    below = np.sum(positive[:, None] < negative)
    return above / (above + below)


def _in_the_order_of_the_table(targets: np.ndarray, scores: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(targets[order])
    n_positive = targets.sum()
    n_negative = len(targets) - n_positive
    return np.sum(hits[targets[order] == 0]) / (n_positive * n_negative)


def _reversed(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    difference = negative[None, :] - positive[:, None]
    return np.mean((difference > 0) + 0.5 * (difference == 0))


def _count_of_pairs(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    difference = positive[:, None] - negative[None, :]
    return np.sum((difference > 0) + 0.5 * (difference == 0))


def _divided_by_all_pairs(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    difference = positive[:, None] - negative[None, :]
    return np.sum((difference > 0) + 0.5 * (difference == 0)) / len(targets) ** 2


def _accuracy_at_one_half(targets: np.ndarray, scores: np.ndarray) -> float:
    return np.mean((scores > 0.5) == targets)


def _neighbors_only(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    n = min(len(positive), len(negative))
    difference = positive[:n] - negative[:n]
    return np.mean((difference > 0) + 0.5 * (difference == 0))


def _never_below_one_half(targets: np.ndarray, scores: np.ndarray) -> float:
    positive, negative = scores[targets == 1], scores[targets == 0]
    difference = positive[:, None] - negative[None, :]
    area = np.mean((difference > 0) + 0.5 * (difference == 0))
    return max(area, 1 - area)


_BOTH = ("ranking", "ties")

ROC_AUC = Exercise(
    id="roc_auc",
    unit="02",
    tier="further",
    title="How well do scores rank?",
    minutes=12,
    difficulty=3,
    probe=Call(returns=("auc",)),
    cases=_no_ties,
    criteria=(
        Criterion(
            "ranking",
            2,
            ("auc",),
            HandCase(
                {
                    "targets": np.array([0, 1, 0, 1, 1]),
                    "scores": np.array([0.2, 0.3, 0.4, 0.7, 0.9]),
                },
                {"auc": 5 / 6},  # of 3 · 2 pairs only (0.3, 0.4) stands the wrong way round
            ),
        ),
        Criterion(
            "ties",
            1,
            ("auc",),
            HandCase(
                {
                    "targets": np.array([1, 0, 0, 1, 1, 0]),
                    "scores": np.array([0.5, 0.5, 0.1, 0.5, 0.9, 0.5]),
                },
                # 0.9 beats 3; each 0.5 beats one and ties with two: (3 + 2 + 2) / 9
                {"auc": 7 / 9},
            ),
            draw=_ties,
        ),
    ),
    reference=roc_auc,
    alternatives=(_by_ranks, _by_the_curve),
    misconceptions=(
        Misconception(
            "ties_count_zero",
            _ties_count_zero,
            ("ties",),
            "Pairs of equal scores count as lost. A model that gives every row the same score "
            "would get 0, as if it ranked everything backwards; it ranks nothing at all. What "
            "should such a model get?",
        ),
        Misconception(
            "ties_count_one",
            _ties_count_one,
            ("ties",),
            "Pairs of equal scores count as won. A model that gives every row the same score would "
            "be perfect. What should it get?",
        ),
        Misconception(
            "ties_left_out",
            _ties_left_out,
            ("ties",),
            "Pairs of equal scores are left out of the count. Then a model that is sure of a "
            "single pair and silent about the rest gets 1. Every pair counts; how much does an "
            "undecided one?",
        ),
        Misconception(
            "ties_in_the_order_of_the_table",
            _in_the_order_of_the_table,
            ("ties",),
            "The rows are sorted by score and walked through one by one, so rows of equal score "
            "come in the order of the table. Shuffle the table and the result changes. What should "
            "happen with a group of equal scores?",
        ),
        Misconception(
            "reversed",
            _reversed,
            _BOTH,
            "This is one minus the answer: the pairs in which the negative row scores higher. A "
            "high score is to mean positive. Which side of the comparison is which?",
        ),
        Misconception(
            "never_below_one_half",
            _never_below_one_half,
            ("ranking",),
            "An area below one half comes back as one minus itself. A model that ranks backwards "
            "would look as good as one that ranks well, and a swapped sign would never be noticed. "
            "What should a model get that puts every negative row on top?",
        ),
        Misconception(
            "count_of_pairs",
            _count_of_pairs,
            _BOTH,
            "This is a number of pairs. For another table it would be another number, however good "
            "the ranking. Of how many pairs in all?",
        ),
        Misconception(
            "divided_by_all_pairs",
            _divided_by_all_pairs,
            _BOTH,
            "You divide by N². Among these are pairs of two positive or of two negative rows, "
            "about which the score need say nothing. How many pairs of one positive and one "
            "negative row are there?",
        ),
        Misconception(
            "accuracy_at_one_half",
            _accuracy_at_one_half,
            _BOTH,
            "This is the accuracy at the threshold ½. The area asks for the order only: adding 10 "
            "to every score must not change it. Does it, in your function?",
        ),
        Misconception(
            "one_partner_each",
            _neighbors_only,
            _BOTH,
            "Each positive row is compared with one negative row, the one at its place. Every "
            "positive row meets every negative one. How do you subtract all from all? "
            "`a[:, None] - b[None, :]` has a row for each a and a column for each b.",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take the scores apart: those of positive rows, `scores[targets == 1]`, and those of "
            "negative ones. `positive[:, None] > negative[None, :]` compares all with all and is a "
            "table of True and False. What share of it should be True?",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The area is wrong even without equal scores",
            "Try it on two rows, one positive with the higher score: the result must be 1. "
            "Exchange the scores: 0. With four positive and five negative rows there are 20 pairs, "
            "and that is what the count is divided by.",
            ("ranking",),
            ("value",),
        ),
        Hint(
            "Only tables with equal scores are off",
            "A pair of equal scores is decided by a coin: in half of all cases rightly. Add the "
            "share of equal pairs, times which number?",
            ("ties",),
        ),
    ),
    solution_note=(
        "    AUC = ( #(s⁺ > s⁻) + ½ · #(s⁺ = s⁻) ) / ( #positive · #negative )\n"
        "Lower the threshold from the top: each new positive row lifts the ROC curve by one step,\n"
        "each new negative row moves it right by one, and the column below it then holds one unit\n"
        "for every positive row above. So the area counts pairs. A group of equal scores comes in\n"
        "at once and draws a slanted line, under which lies half of the group's rectangle: the ½.\n"
        "With ranks (equal scores share their mean rank) the same number is Mann and Whitney's U\n"
        "divided by the number of pairs; it needs a sort only, not a table of all pairs."
    ),
)

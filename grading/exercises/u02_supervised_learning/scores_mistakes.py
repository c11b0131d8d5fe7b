"""Known wrong answers to `precision_recall_f1`."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _micro_for_macro(C: np.ndarray) -> tuple[float, float, float]:
    hits = np.diag(C).sum()
    precision = hits / C.sum(axis=0).sum()
    recall = hits / C.sum(axis=1).sum()
    return precision, recall, 2 * precision * recall / (precision + recall)


def _axes_swapped(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=0), C.sum(axis=1)
    f1 = 2 * hits / np.maximum(of_class + guessed, 1)
    precision, recall = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return precision.mean(), recall.mean(), f1.mean()


def _zero_division(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    f1 = 2 * hits / (of_class + guessed)
    return (hits / guessed).mean(), (hits / of_class).mean(), f1.mean()


def _nothing_guarded(C: np.ndarray) -> tuple[float, float, float]:
    hits = np.diag(C)
    p, r = hits / C.sum(axis=0), hits / C.sum(axis=1)
    return p.mean(), r.mean(), (2 * p * r / (p + r)).mean()


def _nan_left_out(C: np.ndarray) -> tuple[float, float, float]:
    hits = np.diag(C)
    p, r = hits / C.sum(axis=0), hits / C.sum(axis=1)
    return np.nanmean(p), np.nanmean(r), np.nanmean(2 * p * r / (p + r))


def _guard_of_counts_on_shares(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p, r = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return p.mean(), r.mean(), (2 * p * r / np.maximum(p + r, 1)).mean()


def _f1_of_two_zeros(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p, r = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return p.mean(), r.mean(), (2 * p * r / (p + r)).mean()


def _empty_classes_left_out(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    precision = (hits / np.maximum(guessed, 1))[guessed > 0]
    recall = (hits / np.maximum(of_class, 1))[of_class > 0]
    f1 = (2 * hits / np.maximum(of_class + guessed, 1))[(of_class > 0) & (guessed > 0)]
    return precision.mean(), recall.mean(), f1.mean()


def _zero_division_counts_one(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p = np.where(guessed > 0, hits / np.maximum(guessed, 1), 1.0)
    r = np.where(of_class > 0, hits / np.maximum(of_class, 1), 1.0)
    return p.mean(), r.mean(), (2 * hits / np.maximum(of_class + guessed, 1)).mean()


def _f1_of_the_averages(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p = (hits / np.maximum(guessed, 1)).mean()
    r = (hits / np.maximum(of_class, 1)).mean()
    return p, r, 2 * p * r / (p + r)


def _arithmetic_mean(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p, r = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return p.mean(), r.mean(), ((p + r) / 2).mean()


def _factor_two_missing(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    p, r = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return p.mean(), r.mean(), (hits / np.maximum(of_class + guessed, 1)).mean()


def _weighted_for_macro(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    weights = of_class / of_class.sum()
    precision = weights @ (hits / np.maximum(guessed, 1))
    recall = weights @ (hits / np.maximum(of_class, 1))
    return precision, recall, weights @ (2 * hits / np.maximum(of_class + guessed, 1))


def _last_class_as_positive(C: np.ndarray) -> tuple[float, float, float]:
    tp, fn, fp = C[1, 1], C[1].sum() - C[1, 1], C[:, 1].sum() - C[1, 1]
    precision, recall = tp / max(tp + fp, 1), tp / max(tp + fn, 1)
    return precision, recall, 2 * tp / max(2 * tp + fp + fn, 1)


def _one_class_as_in_the_text(C: np.ndarray) -> tuple[float, float, float]:
    precision, recall = C[1, 1] / C[:, 1].sum(), C[1, 1] / C[1].sum()
    return precision, recall, 2 * precision * recall / (precision + recall)


def _true_negatives_counted(C: np.ndarray) -> tuple[float, float, float]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    rejected = C.sum() - of_class - guessed + hits  # neither of the class nor guessed
    right = (hits + rejected) / C.sum()
    recall = hits / np.maximum(of_class, 1)
    f1 = 2 * hits / np.maximum(of_class + guessed, 1)
    return right.mean(), recall.mean(), f1.mean()


def _one_number_a_class(C: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    precision, recall = hits / np.maximum(guessed, 1), hits / np.maximum(of_class, 1)
    return precision, recall, 2 * hits / np.maximum(of_class + guessed, 1)


_ALL = ("precision", "recall", "f1", "zero_division")

MISCONCEPTIONS = (
    Misconception(
        "micro_for_macro",
        _micro_for_macro,
        _ALL,
        "All three numbers are the same: the accuracy. The counts of all classes are added up "
        "before dividing (micro), so the largest class decides. Asked for is one number for each "
        "class, and their mean, in which a rare class counts as much as a common one. When is the "
        "mean taken?",
    ),
    Misconception(
        "axes_swapped",
        _axes_swapped,
        ("precision", "recall", "zero_division"),
        "Precision and recall are exchanged; F1, which treats them alike, is right. Rows of C are "
        "the true classes. Does the sum along a row count what *is* of the class, or what was "
        "*guessed*?",
    ),
    Misconception(
        "zero_division",
        _zero_division,
        ("zero_division",),
        "A class that is never guessed gives 0/0, which is NaN, and one NaN makes the mean NaN. "
        "This happens with every rare class and every untrained model. What stands for 0/0 between "
        "the triple quotes?",
    ),
    Misconception(
        "nothing_guarded",
        _nothing_guarded,
        ("zero_division",),
        "Where every class is found and guessed, all is right. A class that is never guessed or "
        "never occurs gives 0/0, which is NaN, and so does F1 where precision and recall are both "
        "0; one NaN makes the mean NaN. What stands for 0/0 between the triple quotes?",
    ),
    Misconception(
        "nan_left_out",
        _nan_left_out,
        ("zero_division",),
        "`np.nanmean` drops a class whose number is 0/0 from the mean. Then a model improves its "
        "score by never guessing the classes it finds hard. Such a class stays in the mean. With "
        "which number?",
    ),
    Misconception(
        "guard_of_counts_on_shares",
        _guard_of_counts_on_shares,
        ("f1", "zero_division"),
        "`np.maximum(…, 1)` is safe for a denominator of counts, which is 0 or at least 1. "
        "Precision plus recall is often between 0 and 1, and the guard changes it there. Can F1 be "
        "written with counts, or only the zeros be guarded?",
    ),
    Misconception(
        "f1_of_two_zeros",
        _f1_of_two_zeros,
        ("zero_division",),
        "Precision and recall are guarded against 0/0, F1 is not: for a class of which nothing is "
        "found both are 0, and so is their sum. Either guard that quotient too, or write F1 with "
        "counts. When is that denominator 0?",
    ),
    Misconception(
        "empty_classes_left_out",
        _empty_classes_left_out,
        ("zero_division",),
        "Classes with a denominator of 0 are left out of the mean. Then a model improves its score "
        "by never guessing the classes it finds hard. The triple quotes say what such a class "
        "contributes. By how many classes is the sum divided?",
    ),
    Misconception(
        "zero_division_counts_one",
        _zero_division_counts_one,
        ("zero_division",),
        "A class that is never guessed gets precision 1: no guess, no wrong guess. It can be "
        "argued for, but a model would be rewarded for silence. Which convention stands between "
        "the triple quotes?",
    ),
    Misconception(
        "f1_of_the_averages",
        _f1_of_the_averages,
        ("f1", "zero_division"),
        "F1 is computed from the average precision and the average recall. A class with high "
        "precision and another with high recall then look good together, though each has a low F1 "
        "of its own. In which order do averaging and F1 come?",
    ),
    Misconception(
        "arithmetic_mean",
        _arithmetic_mean,
        ("f1", "zero_division"),
        "F1 is the ordinary mean of precision and recall here. Guessing one class always gives it "
        "recall 1, and so at least ½ by that mean, however useless. Which mean falls to 0 when one "
        "of the two does?",
    ),
    Misconception(
        "factor_two_missing",
        _factor_two_missing,
        ("f1", "zero_division"),
        "F1 is half of what it should be: a perfect class gets ½. In the denominator the hits "
        "occur twice, once among the rows of the class and once among the guesses. How often must "
        "they stand above?",
    ),
    Misconception(
        "weighted_for_macro",
        _weighted_for_macro,
        _ALL,
        "The classes are weighted by their size. Then the recall is the accuracy again, and a rare "
        "class hardly shows. In the macro average every class counts the same.",
    ),
    Misconception(
        "one_positive_class",
        _last_class_as_positive,
        _ALL,
        "Only class 1 is looked at. That is the custom where there are two classes, one of them "
        "called positive. Here every class takes its turn at being the positive one. What happens "
        "to the K results?",
    ),
    Misconception(
        "one_class_as_in_the_text",
        _one_class_as_in_the_text,
        _ALL,
        "These are the numbers of class 1 alone, as in the cell with the two small programs. A "
        "matrix of K classes has K of each. What happens to the K results?",
    ),
    Misconception(
        "true_negatives_counted",
        _true_negatives_counted,
        ("precision", "zero_division"),
        "For each class you count rows that are rightly *not* of it as successes, so a class that "
        "is never guessed still looks good: nearly everything is something else. Precision looks "
        "at the guesses of this class only. How many are there?",
    ),
    Misconception(
        "one_number_a_class",
        _one_number_a_class,
        _ALL,
        "The numbers of the single classes are right. Asked for is one number each. What is the "
        "last step of a macro average?",
    ),
)

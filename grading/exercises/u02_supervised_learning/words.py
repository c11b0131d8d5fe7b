"""Turn sentences into counts of words."""
# mypy: disable-error-code="no-any-return"
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

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

_WORDS = (
    "a",
    "film",
    "good",
    "not",
    "art",
    "part",
    "the",
    "old",
    "bad",
    "moved",
    "film's",
    "start",
)
_OTHERS = ("zebra", "lantern", "quiet")


def _sentences(rng: np.random.Generator, *, capitals: bool) -> Case:
    """Draw sentences with repeated and unknown words, and words that contain others."""
    n, size = rng.choice(np.arange(4, 8), size=2, replace=False)
    # "art" and "part" always: a search for the letters of one finds the other as well.
    vocabulary = [
        "part",
        "art",
        *rng.choice([w for w in _WORDS if "art" not in w], size - 2, False),
    ]
    vocabulary = [str(word) for word in rng.permutation(vocabulary)]
    texts = []
    for i in range(n):
        words = [str(w) for w in rng.choice(vocabulary, size=int(rng.integers(3, 7)))]
        words += [words[0], str(rng.choice(_OTHERS))]  # one twice, one unknown
        if i == 0:
            words += ["part", str(rng.choice(_OTHERS))]
        words = [str(w) for w in rng.permutation(words)]
        if capitals:
            known = [k for k, word in enumerate(words) if word in vocabulary]
            words[known[0]] = words[known[0]].capitalize()
            words[known[-1]] += str(rng.choice([".", ",", "!", "?"]))
            if "film's" in vocabulary:
                words.append("film's,")
        texts.append(" ".join(words))
    return Case({"texts": texts, "vocabulary": vocabulary})


def _plain(rng: np.random.Generator) -> Case:
    return _sentences(rng, capitals=False)


def _with_marks(rng: np.random.Generator) -> Case:
    return _sentences(rng, capitals=True)


def bag_of_words(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    """Return counts (N, V): how often each word of the vocabulary occurs in each text."""
    column = {word: k for k, word in enumerate(vocabulary)}
    X = np.zeros((len(texts), len(vocabulary)))
    for n, text in enumerate(texts):
        for piece in text.lower().split():
            word = piece.strip(".,!?")
            if word in column:
                X[n, column[word]] += 1
    return X


def _by_list_count(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.strip(".,!?") for piece in text.lower().split()]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _by_comparing_arrays(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    known = np.array(vocabulary)
    counts = []
    for text in texts:
        words = np.array([piece.strip("!?,.") for piece in text.casefold().split()])
        counts.append((words[:, None] == known[None, :]).sum(axis=0))
    return np.stack(counts)


def _presence(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    X = np.zeros((len(texts), len(vocabulary)))
    for n, text in enumerate(texts):
        words = [piece.strip(".,!?") for piece in text.lower().split()]
        for k, word in enumerate(vocabulary):
            X[n, k] = word in words
    return X


def _letters_searched(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    return np.array([[text.lower().count(word) for word in vocabulary] for text in texts])


def _capitals_kept(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.strip(".,!?") for piece in text.split()]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _marks_kept(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = text.lower().split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _neither(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = text.split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _unknown_words_in_the_last_column(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    column = {word: k for k, word in enumerate(vocabulary)}
    X = np.zeros((len(texts), len(vocabulary)))
    for n, text in enumerate(texts):
        for piece in text.lower().split():
            X[n, column.get(piece.strip(".,!?"), -1)] += 1
    return X


def _vocabulary_sorted(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    column = {word: k for k, word in enumerate(sorted(vocabulary, reverse=True))}
    X = np.zeros((len(texts), len(vocabulary)))
    for n, text in enumerate(texts):
        for piece in text.lower().split():
            word = piece.strip(".,!?")
            if word in column:
                X[n, column[word]] += 1
    return X


def _vocabulary_of_these_texts(
    texts: list[str],
    vocabulary: list[str],  # ruff: ignore[unused-function-argument]  it is ignored
) -> np.ndarray:
    rows = [[piece.strip(".,!?") for piece in text.lower().split()] for text in texts]
    found = sorted({word for words in rows for word in words})
    return np.array([[words.count(word) for word in found] for words in rows])


def _shares(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.strip(".,!?") for piece in text.lower().split()]
        rows.append([words.count(word) / len(words) for word in vocabulary])
    return np.array(rows)


def _transposed(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = [[piece.strip(".,!?") for piece in text.lower().split()] for text in texts]
    return np.array([[words.count(word) for words in rows] for word in vocabulary])


_BOTH = ("counts", "capitals_and_marks")

BAG_OF_WORDS = Exercise(
    id="bag_of_words",
    unit="02",
    tier="further",
    title="Count the words of a sentence",
    minutes=12,
    difficulty=2,
    probe=Call(returns=("X",)),
    cases=_plain,
    criteria=(
        Criterion(
            "counts",
            2,
            ("X",),
            HandCase(
                {
                    "texts": ["a part of the art", "bad bad film not art", "art and film and art"],
                    "vocabulary": ["film", "art", "bad", "part"],
                },
                {
                    "X": np.array([
                        [0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 2.0, 0.0], [1.0, 2.0, 0.0, 0.0]
                    ])
                },
            ),
        ),
        Criterion(
            "capitals_and_marks",
            1,
            ("X",),
            HandCase(
                {
                    "texts": ["Good, good film!", "Not a good start. Bad", "Why? The film's start"],
                    "vocabulary": ["good", "bad", "film", "film's", "not"],
                },
                {
                    "X": np.array([
                        [2.0, 0.0, 1.0, 0.0, 0.0],
                        [1.0, 1.0, 0.0, 0.0, 1.0],
                        [0.0, 0.0, 0.0, 1.0, 0.0],
                    ])
                },
            ),
            draw=_with_marks,
        ),
    ),
    reference=bag_of_words,
    alternatives=(_by_list_count, _by_comparing_arrays),
    misconceptions=(
        Misconception(
            "presence",
            _presence,
            _BOTH,
            "Each word counts once, however often it occurs. For short sentences that works as "
            "well in practice, but asked for is the number of times.",
        ),
        Misconception(
            "letters_searched",
            _letters_searched,
            _BOTH,
            "`text.count(word)` searches for letters, not words: it finds art in part, and not in "
            "nothing. What must be done with the text before anything is counted?",
        ),
        Misconception(
            "capitals_kept",
            _capitals_kept,
            ("capitals_and_marks",),
            "Good at the beginning of a sentence is not found, because it is compared letter by "
            "letter with good. Which method of a text makes its letters small?",
        ),
        Misconception(
            "marks_kept",
            _marks_kept,
            ("capitals_and_marks",),
            "The mark behind a word sticks to it, and film! is not film. Only marks at the ends of "
            "a word go; the one within film's stays. Which method takes given characters off both "
            "ends?",
        ),
        Misconception(
            "capitals_and_marks_kept",
            _neither,
            ("capitals_and_marks",),
            "Words are found only where they stand as in the vocabulary, in small letters and "
            "without a mark. Two things are to be done to each word before it is looked up. Which?",
        ),
        Misconception(
            "unknown_words_in_the_last_column",
            _unknown_words_in_the_last_column,
            _BOTH,
            "Unknown words are counted for the last word of the vocabulary: as an index, −1 means "
            "the last column. An unknown word has no column. What should happen to it?",
        ),
        Misconception(
            "vocabulary_reordered",
            _vocabulary_sorted,
            _BOTH,
            "The columns are in another order than the vocabulary. The weights of a trained model "
            "belong to columns by their place, so they would be applied to other words. Which "
            "order was given?",
        ),
        Misconception(
            "vocabulary_of_these_texts",
            _vocabulary_of_these_texts,
            _BOTH,
            "The columns are the words of these texts. With every new text the table would have "
            "other columns, and no trained weight would fit. Which words have a column?",
        ),
        Misconception(
            "shares",
            _shares,
            _BOTH,
            "The counts are divided by the length of the text. Asked for are the counts; a model "
            "can be given the length as well, if that matters.",
        ),
        Misconception(
            "transposed",
            _transposed,
            _BOTH,
            "Words are in rows and texts in columns. Everywhere in this course an example is a "
            "row. What does the outer loop run over?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "`text.split()` cuts a text at its spaces. `words.count(word)` counts in a *list*. Two "
            "loops: over the texts, one row each; in each over the vocabulary, one column each.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The counts are too large, or in the wrong column",
            "Cut the text into words first, then count whole words: letters alone would find art "
            "in part. A word that the vocabulary lacks is passed over; with a dictionary of "
            "columns, ask `if word in column` before you use it.",
            ("counts",),
            ("value",),
        ),
        Hint(
            "Only texts with capitals or marks are off",
            "Before a word is looked up: small letters with `.lower()`, and off with the marks at "
            'its ends with `.strip(".,…")`. `replace` would also take a mark out of the middle.',
            ("capitals_and_marks",),
            ("value",),
        ),
    ),
    solution_note=(
        "    X[n, k] = number of times word k of the vocabulary occurs in text n\n"
        "Each piece between spaces is made small and stripped of marks at its ends; a dictionary\n"
        "from word to column finds its place in one step, so the cost grows with the length of\n"
        "the texts and not with the size of the vocabulary. The order of the words is lost: not\n"
        "good, but bad and not bad, but good have the same row. The vocabulary is made from\n"
        "training texts and then kept, as mean and spread are in `standardize`."
    ),
)  # fmt: skip

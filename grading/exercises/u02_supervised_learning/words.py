"""Turn sentences into counts of words."""
# mypy: disable-error-code="no-any-return"
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u02_supervised_learning.words_mistakes import MISCONCEPTIONS
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
    "start",
)
_OTHERS = ("zebra", "lantern", "quiet")
_INSIDE = ("3.5", "1,000", "yahoo!s", "what?ever", "well-made", "film's")


def _sentences(rng: np.random.Generator, *, marks: bool) -> Case:
    """Draw sentences with repeated and unknown words, and words that contain others."""
    n, size = rng.choice(np.arange(4, 7), size=2, replace=False)
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
        if marks:
            words = _marked(rng, words, vocabulary)
            words += [_INSIDE[i], _INSIDE[-1 - i % 2] + str(rng.choice([",?", "?!", "..."]))]
            words.append(str(rng.choice(["ART", "PART"])))
        texts.append(" ".join(words))
    return Case({"texts": texts, "vocabulary": vocabulary + (["35", *_INSIDE] if marks else [])})


def _marked(rng: np.random.Generator, words: list[str], vocabulary: list[str]) -> list[str]:
    """Give words a capital, marks at either end, and one a mark that belongs to it."""
    known = [k for k, word in enumerate(words) if word in vocabulary]
    first, second, *_, last = known
    words[first] = words[first].capitalize()
    words[second] = str(rng.choice([".", "?"])) + words[second]
    words[last] += str(rng.choice([".", ",", "!"]))
    return [*words, str(rng.choice(vocabulary)) + ";"]


def _plain(rng: np.random.Generator) -> Case:
    return _sentences(rng, marks=False)


def _with_marks(rng: np.random.Generator) -> Case:
    return _sentences(rng, marks=True)


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
                    "texts": ["Good, good film?!", "Well-made FILM. Bad;", "?Rated 3.5, not 35"],
                    "vocabulary": ["good", "bad", "film", "well-made", "3.5", "35"],
                },
                {
                    "X": np.array([
                        [2.0, 0.0, 1.0, 0.0, 0.0, 0.0],
                        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
                        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0],
                    ])
                },
            ),
            draw=_with_marks,
        ),
    ),
    reference=bag_of_words,
    alternatives=(_by_list_count, _by_comparing_arrays),
    misconceptions=MISCONCEPTIONS,
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

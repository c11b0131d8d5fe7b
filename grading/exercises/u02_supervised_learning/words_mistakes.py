"""Known wrong answers to `bag_of_words`."""
# mypy: disable-error-code="no-any-return"
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

import numpy as np

from grading.exercises._declaration import Misconception


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


def _marks_taken_out_everywhere(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        for mark in ".,!?":
            text = text.replace(mark, "")
        words = text.lower().split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _marks_turned_into_spaces(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        for mark in ".,!?":
            text = text.replace(mark, " ")
        words = text.lower().split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _cut_at_all_but_letters(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        kept = [c if c.isalnum() or c in "'_" else " " for c in text.lower()]
        words = "".join(kept).split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _cut_at_the_apostrophe_too(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = "".join([c if c.isalnum() or c == "_" else " " for c in text.lower()]).split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _other_marks_taken_off(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.strip(".,!?;:'()-") for piece in text.lower().split()]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _marks_in_front_kept(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.rstrip(".,!?") for piece in text.lower().split()]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _one_mark_behind(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        pieces = text.lower().split()
        words = [piece[:-1] if piece[-1] in ".,!?" else piece for piece in pieces]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _one_mark_at_each_end(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        pieces = text.lower().split()
        words = [piece[1:] if piece[0] in ".,!?" else piece for piece in pieces]
        words = [word[:-1] if word[-1] in ".,!?" else word for word in words]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _letters_only(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = "".join([c if "a" <= c <= "z" or c == "'" else " " for c in text.lower()]).split()
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


def _first_letter_made_small(texts: list[str], vocabulary: list[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = [piece.strip(".,!?") for piece in text.split()]
        words = [word[:1].lower() + word[1:] for word in words]
        rows.append([words.count(word) for word in vocabulary])
    return np.array(rows)


_BOTH = ("counts", "capitals_and_marks")

MISCONCEPTIONS = (
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
    *(
        Misconception(
            name,
            function,
            ("capitals_and_marks",),
            "A mark in the middle of a word goes as well: 3.5 becomes 35 or falls in two. Only the "
            "marks at the two ends of a word are not part of it. Which method takes given "
            "characters off both ends?",
        )
        for name, function in (
            ("marks_taken_out_everywhere", _marks_taken_out_everywhere),
            ("marks_turned_into_spaces", _marks_turned_into_spaces),
        )
    ),
    *(
        Misconception(
            name,
            function,
            ("capitals_and_marks",),
            "The text is cut at everything that is no letter or digit, so well-made and 3.5 fall "
            "in two. One may do so, and the library does; here words are separated by spaces. "
            "Which method cuts there, and nowhere else?",
        )
        for name, function in (
            ("cut_at_all_but_letters", _cut_at_all_but_letters),
            ("cut_at_the_apostrophe_too", _cut_at_the_apostrophe_too),
        )
    ),
    Misconception(
        "letters_only",
        _letters_only,
        ("capitals_and_marks",),
        "A word is taken for a run of letters, so 35 is none and well-made is two. The triple "
        "quotes have another idea of a word. What stands between two words?",
    ),
    *(
        Misconception(
            name,
            function,
            ("capitals_and_marks",),
            "At most one mark is taken off an end, so in film?! one is left. A word may "
            "have several, in front as well as behind. Which method takes them all?",
        )
        for name, function in (
            ("one_mark_behind", _one_mark_behind),
            ("one_mark_at_each_end", _one_mark_at_each_end),
        )
    ),
    Misconception(
        "first_letter_made_small",
        _first_letter_made_small,
        ("capitals_and_marks",),
        "Only the first letter of a word is made small, so FILM becomes fILM, which no vocabulary "
        "lists. Which method makes all letters of a text small?",
    ),
    Misconception(
        "other_marks_taken_off",
        _other_marks_taken_off,
        ("capitals_and_marks",),
        "More marks go than the triple quotes name: a word followed by ; is another word here. One "
        "may well decide otherwise, but in training and in use alike. Which four marks go?",
    ),
    Misconception(
        "marks_in_front_kept",
        _marks_in_front_kept,
        ("capitals_and_marks",),
        "A mark in front of a word sticks to it: `rstrip` looks at the right end only. At which "
        "ends do the triple quotes take marks off?",
    ),
)

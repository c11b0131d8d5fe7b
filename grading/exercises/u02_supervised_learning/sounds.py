"""The strength of each pitch, piece of time by piece of time."""
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


def _sound(rng: np.random.Generator, *, silent: bool) -> Case:
    """Draw a wave that leaves samples over at its end, with frames that overlap."""
    # The last frame is as faint as the floor where there is silence. Odd and even n both occur.
    n, hop, n_frames = (
        int(rng.choice([6, 8, 10] if silent else [7, 9, 11])),
        int(rng.choice([3, 4, 5])),
        int(rng.integers(4, 8)),
    )
    left_over = int(rng.integers(1, hop))
    wave = rng.normal(size=n + hop * (n_frames - 1) + left_over)
    if silent:
        wave[hop * (n_frames - 1) :] *= 1e-5
        start = hop * int(rng.integers(0, n_frames - 1))
        wave[start : start + n] = 0.0
    window = rng.uniform(0.3, 0.9, size=n)
    return Case({"wave": wave, "window": window, "hop": hop})


def _loud(rng: np.random.Generator) -> Case:
    while True:
        case = _sound(rng, silent=False)
        power = np.exp(log_power_spectrum(**case.inputs))
        if power.min() > 1e-3:  # far above the floor, which is another criterion's affair
            return case


def _with_silence(rng: np.random.Generator) -> Case:
    return _sound(rng, silent=True)


def log_power_spectrum(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    """Return ln(power + 1e-10) of each frame (rows) at each frequency (n // 2 + 1 columns)."""
    n = len(window)
    starts = range(0, len(wave) - n + 1, hop)
    frames = np.array([wave[start : start + n] * window for start in starts])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _by_sliding_windows(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    pieces = np.lib.stride_tricks.sliding_window_view(wave, len(window))[::hop]
    spectrum = np.fft.rfft(pieces * window)
    power = (spectrum.real**2 + spectrum.imag**2) / (window @ window)
    return np.log(1e-10 + power)


def _by_cosines_and_sines(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    angle = 2 * np.pi * np.outer(np.arange(n), np.arange(n // 2 + 1)) / n
    rows = []
    for i in range(1 + (len(wave) - n) // hop):
        frame = window * wave[i * hop : i * hop + n]
        power = (frame @ np.cos(angle)) ** 2 + (frame @ np.sin(angle)) ** 2
        rows.append(np.log(power / (window**2).sum() + 1e-10))
    return np.stack(rows)


def _amplitude_not_squared(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    amplitude = np.abs(np.fft.rfft(frames, axis=1)) / np.sum(window**2)
    return np.log(amplitude + 1e-10)


def _decibels(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return 10 * np.log10(power + 1e-10)


def _no_logarithm(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)


def _no_window(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _window_power_not_divided(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    return np.log(power + 1e-10)


def _divided_by_length(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / n
    return np.log(power + 1e-10)


def _both_halves(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.fft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _real_part_only(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.fft.rfft(frames, axis=1).real ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _hop_ignored(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:  # ruff: ignore[unused-function-argument]  it is ignored
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, n)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _last_frame_filled_up(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    longer = np.concatenate([wave, np.zeros(n)])
    starts = range(0, len(wave) - n + hop, hop)
    frames = np.array([longer[s : s + n] * window for s in starts])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _last_frame_lost(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n - hop + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _stop_at_the_last_frame(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _short_frames(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave), hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _short_frames_window_first(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([window * wave[s : s + n] for s in range(0, len(wave), hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10)


def _floor_missing(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power)


def _floor_as_maximum(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(np.maximum(power, 1e-10))


def _half_rounded_up(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    transform = np.fft.fft(frames, axis=1)[:, : int(np.ceil(n / 2)) + 1]
    return np.log(np.abs(transform) ** 2 / np.sum(window**2) + 1e-10)


def _frames_in_columns(wave: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    n = len(window)
    frames = np.array([wave[s : s + n] * window for s in range(0, len(wave) - n + 1, hop)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / np.sum(window**2)
    return np.log(power + 1e-10).T


_BOTH = ("spectrum", "silence")
_LN_FLOOR = float(np.log(1e-10))

# The transform of (a, b, c, d) is a + b + c + d, (a − c) − i (b − d), a − b + c − d. The frames
# times the window are (2, 0, 2, 1), with sizes squared 25, 1, 9, and (1, 2, 4, 0), with 49, 13, 9.
# The window has power 1 + 4 + 4 + 1 = 10. The last frame ends where the wave does; the random cases
# leave samples over.
_HAND = HandCase(
    {
        "wave": np.array([2.0, 0.0, 1.0, 1.0, 2.0, 0.0]),
        "window": np.array([1.0, 2.0, 2.0, 1.0]),
        "hop": 2,
    },
    {"spectrum": np.log(np.array([[2.5, 0.1, 0.9], [4.9, 1.3, 0.9]]) + 1e-10)},
)
_SILENT_HAND = HandCase(
    {
        "wave": np.array([0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0]),
        "window": np.array([0.5, 0.5, 0.5, 0.5]),
        "hop": 3,
    },
    # The second frame is (0, 4, 0, 0), half as loud by the window: |2|² / 1 at every frequency.
    {"spectrum": np.array([[_LN_FLOOR] * 3, [float(np.log(4 + 1e-10))] * 3])},
)

LOG_POWER_SPECTRUM = Exercise(
    id="log_power_spectrum",
    unit="02",
    tier="further",
    title="What a sound is made of",
    minutes=18,
    difficulty=4,
    probe=Call(returns=("spectrum",)),
    cases=_loud,
    criteria=(
        Criterion("spectrum", 2, ("spectrum",), _HAND),
        Criterion("silence", 1, ("spectrum",), _SILENT_HAND, draw=_with_silence),
    ),
    reference=log_power_spectrum,
    alternatives=(_by_sliding_windows, _by_cosines_and_sines),
    misconceptions=(
        Misconception(
            "amplitude_not_squared",
            _amplitude_not_squared,
            _BOTH,
            "The logarithm is taken of the size of the transform. Power, the energy in each unit "
            "of time, goes with its square. What is a factor of 2 under the square once the "
            "logarithm is taken?",
        ),
        Misconception(
            "decibels",
            _decibels,
            _BOTH,
            "These are decibels, 10 times the logarithm to base 10. They say the same in another "
            "unit. The text takes the natural logarithm, as everywhere in this course.",
        ),
        Misconception(
            "logarithm_missing",
            _no_logarithm,
            _BOTH,
            "This is the power itself. Between a whisper and a shout lie factors of a million, "
            "which no scaling makes comfortable for a network. What turns factors into "
            "differences?",
        ),
        Misconception(
            "window_not_applied",
            _no_window,
            _BOTH,
            "The frames are transformed as they were cut. A hard cut sounds like a click, which "
            "has all pitches in it. What has to be done with each frame before the transform?",
        ),
        Misconception(
            "window_power_not_divided",
            _window_power_not_divided,
            _BOTH,
            "The power is not divided by that of the window, so a longer frame of the same sound "
            "looks louder. Which sum does the formula divide by?",
        ),
        Misconception(
            "divided_by_length",
            _divided_by_length,
            _BOTH,
            "You divide by the number of samples. With a window of ones that is the same thing; "
            "another window makes the frame quieter, and the divisor should make up for it. Which "
            "sum over the window becomes n when all its entries are 1?",
        ),
        Misconception(
            "both_halves",
            _both_halves,
            _BOTH,
            "The spectrum has n columns. For a real wave the second half repeats the first, "
            "mirrored: nothing is gained by it but weights. Which function of `np.fft` is for real "
            "input?",
        ),
        Misconception(
            "real_part_only",
            _real_part_only,
            _BOTH,
            "Only the real part of the transform is used, so the result depends on whether a wave "
            "begins at its crest or at zero. How is the size of a complex number formed from both "
            "parts?",
        ),
        Misconception(
            "hop_ignored",
            _hop_ignored,
            _BOTH,
            "The frames follow each other without overlap. Each should begin `hop` samples after "
            "the one before it. What is the third argument of `range` for?",
        ),
        Misconception(
            "last_frame_filled_up",
            _last_frame_filled_up,
            _BOTH,
            "The samples left over at the end are filled up with silence to one frame more. The "
            "triple quotes say what becomes of them. Where does the last full frame begin?",
        ),
        Misconception(
            "last_frame_lost",
            _last_frame_lost,
            _BOTH,
            "The last full frame is missing. It may begin at `len(wave) - n`, and that start must "
            "be included. Where does `range` stop?",
        ),
        Misconception(
            "last_start_excluded",
            _stop_at_the_last_frame,
            _BOTH,
            "A frame that ends exactly with the wave is missing. It begins at `len(wave) - n`, and "
            "`range` stops before its end. What must be added to that end?",
        ),
        *(
            Misconception(
                name,
                function,
                _BOTH,
                "The last frames are too short: fewer samples are left than the window has. The "
                "triple quotes say what becomes of such samples. Where does the last full frame "
                "begin?",
            )
            for name, function in (
                ("short_frames_at_the_end", _short_frames),
                ("short_frames_behind_the_window", _short_frames_window_first),
            )
        ),
        Misconception(
            "floor_missing",
            _floor_missing,
            ("silence",),
            "In silence the power is 0, and its logarithm minus infinity. Every recording has "
            "silent moments. What is added before the logarithm is taken?",
        ),
        Misconception(
            "floor_as_maximum",
            _floor_as_maximum,
            ("silence",),
            "Power below 1e-10 is lifted to it. That keeps the logarithm finite, but everything "
            "below looks the same, and the result has a kink. The formula does another thing with "
            "1e-10. Which?",
        ),
        Misconception(
            "half_rounded_up",
            _half_rounded_up,
            ("spectrum",),
            "With an odd number of samples there is one column too many, and it repeats the one "
            "before: n / 2 was rounded up. How many full turns can 7 samples tell apart?",
        ),
        Misconception(
            "frames_in_columns",
            _frames_in_columns,
            _BOTH,
            "Time runs along the columns. It makes a fine picture, but here each frame is a row, "
            "as each example is in a table.",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the shape is wrong",
            "Cut first: a frame is `wave[start : start + n]` with n = len(window), and the starts "
            "are 0, hop, 2·hop, … as long as a whole frame fits. `np.fft.rfft(frame * window)` "
            "gives n // 2 + 1 complex numbers. One frame makes one row.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The numbers are off everywhere",
            "In this order: times the window; transform; size, squared; divided by Σ window²; "
            "plus 1e-10; natural logarithm. A constant difference between your numbers and the "
            "expected ones means a factor before the logarithm. Which one is missing?",
            ("spectrum",),
            ("value",),
        ),
        Hint(
            "Infinity or a warning about the logarithm",
            "Somewhere the power is exactly 0. The 1e-10 is added inside, log(power + …), so that "
            "silence has a logarithm.",
            ("silence",),
            ("finite", "value"),
        ),
    ),
    solution_note=(
        "Frame i holds n samples from i·hop on, each multiplied by the window:\n"
        "    f_t = wave[i·hop + t] · w_t          F_k = Σ_t f_t exp(−2πi k t / n)\n"
        "    P_k = |F_k|² / Σ_t w_t²              output = ln(P_k + 10⁻¹⁰),  k = 0 … n/2\n"
        "At r samples a second, column k stands for k·r/n Hz. There are 1 + ⌊(T − n) / hop⌋ full\n"
        "frames. The transform is linear, so it may be written with cosines and sines (as one of\n"
        "the solutions does); `rfft` computes the same in n log n instead of n² steps.\n"
        "The logarithm makes twice as loud a fixed distance, whether in a whisper or in a shout."
    ),
)  # fmt: skip

"""The words and signs of a feedback page."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a state is shown: a class for its color, a sign, words. Color is never alone."""

    css: str
    sign: str
    words: str


LOOKS = {
    "full": Look("good", "✓", "all right"),
    "partly": Look("part", "◐", "partly right"),
    "failed": Look("bad", "✗", "not yet"),
    "stopped": Look("bad", "■", "stopped"),
    "not started": Look("none", "○", "not started"),
    "not judged": Look("none", "–", "could not be judged"),
    "waiting": Look("none", "…", "a person will grade it"),
}

STOPPED = {"timeout", "killed", "memory"}
NOT_JUDGED = {"invalid_submission", "infra_error"}

SENTENCES = {
    "timeout": "It ran longer than its time limit and was stopped.",
    "killed": "It ended the process in which it ran, so that it could not be judged to the end.",
    "memory": "It asked for more memory than it may use and was stopped.",
    "infra_error": "It could not be judged because of a fault on our side. It will be tried again.",
}
"""What is said where a cell brings no message of its own."""

SUBMISSION_SENTENCES = {
    "infra_error": "A fault on our side ended the grading. It will be tried again.",
    "invalid_submission": "What was handed in could not be read as this assignment's notebook.",
}

TO_DO = (
    "Nothing could be judged, so there are no points for it. Mend that and hand it in again; if "
    "the due date is over, or you cannot tell what is meant, write to your instructor."
)
"""What to do where nothing could be read."""

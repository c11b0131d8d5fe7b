"""Hand out assignments: a bundle for learners, and a copy in the class folder to grade against.

- `release` makes a bundle of units: notebooks without solutions, a page to read, a manifest with
  hashes, due dates and a seal by the secret of the class;
- `release_of` tells from a notebook that came back which release it was made from;
- `seal_is_ours` holds a bundle's manifest against the secret.

>>> seal(b"secret", {"b": 1, "a": 2}) == seal(b"secret", {"a": 2, "b": 1})
True
"""

from grading.releasing._bundle import Bundle
from grading.releasing._release import release
from grading.seals import release_of, seal, seal_is_ours

__all__ = ["Bundle", "release", "release_of", "seal", "seal_is_ours"]

"""Settings of the property tests: no deadline, since a loaded machine is not a defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("nnlib", deadline=None, max_examples=60)
settings.load_profile("nnlib")

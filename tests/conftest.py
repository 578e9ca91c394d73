"""For every test: the same examples each time, so that a red run is red again when somebody looks."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("VIENNA_EXAMPLES", "same"))  # VIENNA_EXAMPLES=search looks for new ones

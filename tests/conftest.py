"""For every test: the same examples each time, so that a red run is red again when somebody looks; and a log of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("VIENNA_EXAMPLES", "same"))  # VIENNA_EXAMPLES=search looks for new ones


@pytest.fixture(autouse=True)
def _log_as_ever() -> Iterator[None]:
    """A command that was run in this process has set up logging for its own standard error, which ends with its test."""
    yield
    structlog.reset_defaults()

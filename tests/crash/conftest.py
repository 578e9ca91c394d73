"""Where strace is missing, or may not follow a process, the tests that need it say so."""

from __future__ import annotations

import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def strace() -> None:
    """Skips with the reason."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (Debian and Ubuntu: apt-get install strace)")
    tried = subprocess.run([found, "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"strace may not follow a process here: {tried.stderr.strip()}")

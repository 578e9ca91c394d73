from __future__ import annotations

import json
import subprocess
import sys

import pytest

FAIL = """\
import structlog
from vienna_runtime import log_lines
log_lines.start(20, as_json={as_json})
try:
    passphrase = "sword" + "fish"
    raise ValueError("it failed")
except ValueError:
    structlog.get_logger().exception("what went wrong", tenant="belvedere")
"""


@pytest.mark.parametrize("as_json", [True, False])
def test_what_went_wrong_is_said_without_what_was_in_its_variables(as_json: bool) -> None:
    command = [sys.executable, "-P", "-c", FAIL.format(as_json=as_json)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stderr
    assert "it failed" in said
    assert "belvedere" in said
    assert "swordfish" not in said
    if as_json:
        assert json.loads(said)["event"] == "what went wrong"
    else:
        assert "Traceback" in said

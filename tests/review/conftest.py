"""The stages of two other rooms, so that a review attacks the same real parts: a tenant's shell, and a served node."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def _stage(name: str, path: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shell = _stage("review_shell", "actors/shell/conftest.py").shell
_attacked = _stage("review_attacked", "attacks/conftest.py")
node, stage, fresh = _attacked.node, _attacked.stage, _attacked.fresh

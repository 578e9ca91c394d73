"""A node whose minute of counting is a quarter of a second; it is served by the product's own command."""

from __future__ import annotations

from actors import reconciler
from vienna_runtime.cli import serve

reconciler.COUNT_EVERY = 0.25
serve.serve()

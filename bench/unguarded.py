"""``vienna serve`` without its standing guards, for ``bench.guards`` alone: nothing is counted, limited or shut out.

No setting of the product does this.
"""

from __future__ import annotations

from typing import Any

from actors.governance import breaker
from actors.pacing import Pace
from vienna_runtime.cli.serve import serve


def _nothing(*_: Any, **__: Any) -> Any:
    return None


def _empty(*_: Any, **__: Any) -> list[Any]:
    return []


def strip() -> None:
    """Takes the guards out of this process."""
    for name, instead in (("note", _nothing), ("react", _empty), ("admits", _empty)):
        assert callable(getattr(breaker, name))
        setattr(breaker, name, instead)
    Pace.refuses = _nothing  # type: ignore[method-assign]


if __name__ == "__main__":
    strip()
    serve()

"""``vienna serve`` without its standing guards, for ``bench.guards`` alone: nothing is counted, limited or shut out.

No setting of the product does this.
"""

from __future__ import annotations

from typing import Any

from actors.governance import breaker, watching
from actors.pacing import Pace
from vienna_runtime.cli.serve import serve


def _nothing(*_: Any, **__: Any) -> Any:
    return None


def _empty(*_: Any, **__: Any) -> list[Any]:
    return []


def strip() -> None:
    """Takes the guards out of this process."""
    for module, name, instead in (
        (breaker, "admits", _empty), (watching, "follow", _empty), (watching, "subject", _nothing), (watching, "proposed", _nothing),
        (watching, "decided", _nothing), (watching, "reported", _nothing), (watching, "became_unknown", _nothing),
        (watching, "ended", _nothing),
    ):  # fmt: skip
        assert callable(getattr(module, name))
        setattr(module, name, instead)
    Pace.refuses = _nothing  # type: ignore[method-assign]


if __name__ == "__main__":
    strip()
    serve()

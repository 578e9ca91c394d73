"""What the author of a bundle should know of its facts although nothing is wrong with them."""

from __future__ import annotations

from . import counters
from .bundle import Bundle
from .counters import Reading
from .finding import Finding
from .source import MANIFEST


def notes(bundle: Bundle) -> list[Finding]:
    """In the order in which the facts stand."""
    read = {fact.name for part in bundle.slices.values() for fact in part.facts}
    found = []
    for name, item in bundle.declared.items():
        origin = item.origin
        if name not in read:
            counted = isinstance(origin, Reading)
            hint = "it is counted all the same, so that a later bundle can read it" if counted else "leave it out"
            found.append(Finding(MANIFEST, item.line, item.column, f"no policy reads the fact {name}", hint))
        elif isinstance(origin, Reading) and not origin.from_activation:
            why = f"where {name} was not counted before, it is unknown and denies for the first {counters.span(origin.counter.window)}"
            found.append(Finding(MANIFEST, item.line, item.column, why, 'from = "activation" takes what was before for nothing'))
    return found

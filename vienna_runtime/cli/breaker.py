"""``vienna breaker``: what shuts scopes out, by hand and by itself."""

from __future__ import annotations

import click

from vienna_runtime.cli.main import Lazy

# name: module, attribute, help in the list of commands, as in ``main.COMMANDS``.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "list": ("breaker_scopes", "list_", "The breakers and what tripped them."),
    "show": ("breaker_scopes", "show", "One scope: what tripped it, who may let it in, what each detector counts now."),
    "trip": ("breaker_scopes", "trip", "Shut SCOPE out: no new warrants, those outstanding are worthless, what runs is told to abort."),
    "reset": ("breaker_scopes", "reset", "Let SCOPE in again."),
    "simulate": ("breaker_simulate", "simulate", "When the detectors of a bundle would have tripped on what was recorded."),
}


class _Breaker(Lazy):
    table = COMMANDS


@click.group(cls=_Breaker)
def breaker() -> None:
    """Shut a scope out at once, let it in again, and see what does so by itself."""

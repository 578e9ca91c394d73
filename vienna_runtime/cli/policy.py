"""``vienna policy``: bundles from their first draft to what was in force when.  Each command lives in a file of its own."""

from __future__ import annotations

import click

from vienna_runtime.cli.main import Lazy

# name: module, attribute, help in the list of commands, as in ``main.COMMANDS``.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "new": ("policy_new", "new", "Begin a bundle as a copy of a template; needs no node."),
    "check": ("policy_check", "check", "Check a bundle and run its tests; needs no node."),
    "test": ("policy_cases", "test", "Run a bundle's tests case by case, and say what they leave out; needs no node."),
    "diff": ("policy_diff", "diff", "What another bundle would change, in terms of policy."),
    "push": ("policy_push", "push", "Put a bundle on the ledger, without effect."),
    "activate": ("policy_push", "activate", "Put a pushed bundle in force."),
    "rollback": ("policy_push", "rollback", "Put the bundle in force that was before, or another earlier one."),
    "history": ("policy_history", "history", "Which bundles were pushed and in force, when, by whom."),
    "replay": ("policy_replay", "replay", "Ask another bundle about everything that was recorded."),
    "facts": ("policy_facts", "facts", "What policies would see right now."),
    "shadow": ("policy_shadow", "shadow", "Run a candidate beside the bundle in force: start, status, stop."),
    "show": ("policy_show", "show", "Show the bundle in force, or another one."),
}


class _Policy(Lazy):
    table = COMMANDS


@click.group(cls=_Policy)
def policy() -> None:
    """Policy as code: a directory with bundle.toml, *.cedar and tests/."""

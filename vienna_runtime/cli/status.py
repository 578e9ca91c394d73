"""``vienna status`` and ``vienna whoami``."""

from __future__ import annotations

from typing import Any

import click

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.status_rows import rows
from vienna_runtime.client import Vienna


@click.command()
@click.option("--tree", "as_tree", is_flag=True, help="The supervision tree: states, restarts, queues, the last crash's type.")
@click.option("--watch", is_flag=True, help="With --tree: again and again, until Ctrl-C.")
@json_option
@pass_here
def status(here: Here, as_tree: bool, watch: bool) -> None:
    """How your tenant (for operators: the node) is doing.

    \b
    Example:
      vienna status
      vienna --credential node/operator.vienna status --tree
    """
    if watch and (here.as_json or not as_tree):
        raise click.UsageError("--watch goes with --tree, and without --json: a program asks again by itself")
    from vienna_runtime.cli import status_lines

    if as_tree:
        from vienna_runtime.cli import status_tree

        if watch:
            status_tree.watch(here)
            return
        found = here.ask(lambda vienna: vienna.tree())
        here.answer(found, status_tree.drawn(found))
        return
    value = here.ask(lambda vienna: vienna.status())
    here.answer(value, *status_lines.told(value))


@click.command()
@json_option
@pass_here
def whoami(here: Here) -> None:
    """Who the node takes you for, and the keys to check its ledger by.

    \b
    Example:
      vienna whoami
    """

    async def whole(vienna: Vienna) -> dict[str, Any]:
        value, keys = await vienna.whoami(), await vienna.keys()
        told: dict[str, Any] = {"node": keys.node.text, "log": keys.log.text, **({"issuer": keys.issuer} if keys.issuer else {})}
        replaced = {"node": keys.nodes[1:], "log": keys.logs[1:]}
        before = {f"{name}_before": [key.text for key in old] for name, old in replaced.items() if old}
        return {**value, **told, **before}  # what was followed, not what was said

    value = here.ask(whole)
    here.answer(value, rows(value))

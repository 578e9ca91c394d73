"""A group whose list of commands says each whole sentence; click's own cuts them at the width of the terminal."""

from __future__ import annotations

import click

_LONGEST = 200  # characters; as in docs/commands.md


class Listing(click.Group):
    """``@click.group(cls=Listing)``."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_LONGEST)) for name, command in found if command and not command.hidden])

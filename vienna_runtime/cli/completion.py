"""``vienna completion``: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Example:
      vienna completion bash > ~/.local/share/bash-completion/completions/vienna
      vienna completion zsh  > "${fpath[1]}/_vienna"
      vienna completion fish > ~/.config/fish/completions/vienna.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "vienna", "_VIENNA_COMPLETE").source())

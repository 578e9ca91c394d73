"""``python -m vienna_runtime.demo``: the acts in their order, the table, and an exit code that means it."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import trio
from rich.console import Console
from rich.text import Text

from transport.errors import TransportError
from vienna_runtime.demo import changing, closing, crashing, founding, guarding, lying, reading, refusing
from vienna_runtime.demo.board import Board
from vienna_runtime.demo.play import Play
from vienna_runtime.demo.scenery import Scenery
from vienna_runtime.demo.stage import set_up
from vienna_runtime.errors import ViennaError

ACTS = (founding, reading, changing, refusing, crashing, lying, guarding, closing)
PLAIN_WIDTH = 150  # columns where there is no terminal
INTERRUPTED = 130


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Work in this new directory, and leave everything in it.")
@click.option("--interactive", is_flag=True, help="Approve by hand: the demo says what to run in another shell, and waits.")
def main(keep: Path | None, interactive: bool) -> None:
    """Show the whole of it: a real node, real processes, a real repository, and everything that is refused.

    Exit codes: 0 every step came out as it must, 1 one did not, 130 interrupted.
    """
    sys.exit(trio.run(_perform, keep, interactive))


async def _perform(keep: Path | None, interactive: bool) -> int:
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    interrupted = False
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals, _directory(keep) as directory:
        async with trio.open_nursery() as nursery:

            async def until_interrupted() -> None:
                nonlocal interrupted
                async for _ in signals:
                    interrupted = True
                    nursery.cancel_scope.cancel()
                    return

            nursery.start_soon(until_interrupted)
            good = False
            try:
                good = await _acts(directory, console, interactive, kept=keep is not None)
            except* (ViennaError, TransportError) as stopped:
                console.print(Text(f"The demo cannot go on: {_first(stopped)}", style="bold red"), soft_wrap=True)
            nursery.cancel_scope.cancel()
    return INTERRUPTED if interrupted else 0 if good else 1


async def _acts(directory: Path, console: Console, interactive: bool, *, kept: bool) -> bool:
    scenery = Scenery(directory)
    board = Board(console)
    console.print(Text("Vienna, from an intent to a proof", style="bold"))
    board.say(f"everything happens in {directory}, on loopback, in processes that end with this one")
    board.say(f"{await scenery.build()} files of this program's own source are the repository it works on")
    async with set_up(directory) as stage, trio.open_nursery() as sessions:
        passphrase = secrets.token_hex(8)
        stage.keep_passphrase(passphrase)
        play = Play(
            stage=stage, board=board, scenery=scenery, sessions=sessions, port=_free_port(), passphrase=passphrase, interactive=interactive
        )
        for act in ACTS:
            await act.play(play)
        console.print()
        console.print(board.table())
        count = sum(step.good for step in board.steps)
        verdict = f"{count} of {len(board.steps)} steps came out as they must, in {board.seconds:.0f} s"
        console.print(Text(verdict, style="bold green" if board.good else "bold red"))
        closing.afterwards(play, kept)
        sessions.cancel_scope.cancel()
    return board.good


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def _free_port() -> int:
    """One that is free now: the members' credentials name it, and the node comes back on it after its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="vienna-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    if keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty; name a directory that is not there yet")
    keep.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield keep.resolve()


if __name__ == "__main__":
    main()

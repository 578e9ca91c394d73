"""What every command works with: whose credential, how the passphrase comes, and in which form it answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from vienna_runtime import credential as credentials
from vienna_runtime import passphrase
from vienna_runtime.credential import Credential
from vienna_runtime.errors import CredentialError, VerificationError
from vienna_runtime.secret import Secret

if TYPE_CHECKING:
    from rich.console import RenderableType

    from vienna_runtime.client import Vienna

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@attrs.define
class Here:
    """One invocation.  The group's options fill it; commands read it."""

    credential: Path | None = None
    address: str | None = None
    as_json: bool = False
    passphrase_fd: int | None = None

    def credential_path(self) -> Path:
        """The named credential, or the only one in the working directory."""
        if self.credential is not None:
            return self.credential
        found = sorted(Path.cwd().glob(f"*{credentials.SUFFIX}"))
        if len(found) == 1:
            return found[0]
        about = "there is none in this directory" if not found else f"there are several here: {', '.join(path.name for path in found)}"
        raise click.UsageError(f"which credential? {about}; name it with --credential FILE or in VIENNA_CREDENTIAL")

    def load(self) -> Credential:
        """The credential, its passphrase asked for where it is sealed."""
        path = self.credential_path()
        try:
            found = credentials.read(path, ask=lambda: self.ask_passphrase(path.name))
        except FileNotFoundError:
            raise CredentialError(f"there is no credential {path}; name yours with --credential FILE or in VIENNA_CREDENTIAL") from None
        except VerificationError:
            # The seal cannot tell the two apart; the first is what happens every day.
            raise VerificationError(f"{path} does not open: the passphrase is wrong, or somebody altered the file") from None
        return found if self.address is None else attrs.evolve(found, address=self.address)

    def ask_passphrase(self, what: str, *, new: bool = False) -> Secret:
        """From --passphrase-fd, the environment's file or descriptor, or the person at the terminal."""
        environ = dict(os.environ)
        if self.passphrase_fd is not None:
            environ.pop("VIENNA_PASSPHRASE_FILE", None)
            environ["VIENNA_PASSPHRASE_FD"] = str(self.passphrase_fd)
        return passphrase.read(what, environ=environ, new=new, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    def ask(self, question: Callable[[Vienna], Awaitable[T]], credential: Credential | None = None) -> T:
        """Connects (as ``credential``, where it was loaded before), asks, and hangs up."""
        import trio

        from vienna_runtime.client import connect

        who = self.load() if credential is None else credential

        async def whole() -> T:
            async with connect(who) as vienna:
                return await question(vienna)

        return trio.run(whole)

    def answer(self, value: object, *lines: RenderableType) -> None:
        """One JSON object, or the lines for people."""
        if self.as_json:
            self.json_line(value)
        else:
            for line in lines:
                self.say(line)

    def json_line(self, value: object) -> None:
        click.echo(json.dumps(plain(value), ensure_ascii=True))

    def say(self, line: RenderableType, *, err: bool = False) -> None:
        """Prints for people.  A ``str`` is this program's own words; text from elsewhere comes as ``shown``."""
        from vienna_runtime.cli.console import say

        say(line, err=err)


def plain(value: object) -> Any:
    """A wire value as JSON: bytes in hex, sequences as lists."""
    match value:
        case bytes():
            return value.hex()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Path():
            return str(value)
        case _:
            return value


def _note_json(ctx: click.Context, _param: click.Parameter, chosen: bool) -> None:
    if chosen:
        ctx.ensure_object(Here).as_json = True


def json_option(command: F) -> F:
    """``--json`` after the command's name does what it does before."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_note_json, help="Answer in JSON.")(command)


pass_here = click.make_pass_decorator(Here, ensure=True)

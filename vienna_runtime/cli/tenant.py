"""``vienna tenant``: for operators, and ``seal`` and ``recover`` for the tenant's own people."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from actors.governance import kinds
from vienna_runtime.cli import inviting
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.recover import recover
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def tenant() -> None:
    """Found tenants and stop them (operators); seal your own (admins)."""


tenant.add_command(recover)


@tenant.command()
@click.argument("name")
@click.option("--admin", required=True, help="The first admin's name as a member.")
@inviting.PERSON
@inviting.VALID
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The invitation's file.  Default: ADMIN.invitation")
@json_option
@pass_here
def create(here: Here, name: str, admin: str, person: str, valid: int, output: Path | None) -> None:
    """Found the tenant NAME and invite its first admin.

    \b
    Example:
      vienna --credential operator.vienna tenant create belvedere --admin rosa --person "Rosa Mayreder"
      vienna enrol rosa.invitation        # by the admin, where it works
    """
    path = output or Path(f"{admin}{inviting.SUFFIX}")
    here.ask(
        lambda vienna: inviting.invite(
            vienna,
            path,
            tenant=name,
            name=admin,
            kind=kinds.ADMIN,
            life=valid,
            record=lambda token, expires: vienna.admin.create_tenant(
                name, admin=admin, person=person, invitation=token.id, token_hash=token.digest(), expires_at=expires
            ),
        )
    )
    here.answer(
        {"tenant": name, "admin": admin, "invitation": str(path)},
        f"The tenant {name} is founded. Its first admin's invitation, which works once: {path}",
        f"Hand it to {admin} in a way you trust; there: vienna enrol {path.name}",
    )


@tenant.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The tenants of this node, in numbers (what is in their logs is theirs).

    \b
    Example:
      vienna --credential operator.vienna tenant list
    """
    found = here.ask(lambda vienna: vienna.admin.tenants())
    columns = ("tenant", "phase", "entries", "open_cases", "held", "dead_letters")
    table = Table(*(name.replace("_", " ") for name in (*columns, "state")), box=None, pad_edge=False)
    for row in found:
        state = "frozen" if row.get("frozen") else "suspended" if row.get("suspended") else "serving"
        state += ", a recovery is announced" if row.get("recovery") else ""
        table.add_row(*(shown(str(row.get(name, ""))) for name in columns), state)
    here.answer({"tenants": found}, table if found else "There are no tenants yet: vienna tenant create NAME --admin NAME --person PERSON")


@tenant.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stands on the tenant's ledger.")
@json_option
@pass_here
def suspend(here: Here, name: str, reason: str) -> None:
    """Stop the tenant NAME at once (the same as: pause tenant NAME): it answers reads only, and what runs is aborted.

    \b
    Example:
      vienna --credential operator.vienna tenant suspend belvedere --reason "keys were leaked"
    """
    value = here.ask(lambda vienna: vienna.admin.pause(f"{name}/tenant", reason))
    here.answer(value, f"{name} is suspended. To let it go on: vienna tenant resume {name} --reason ...")


@tenant.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stands on the tenant's ledger.")
@json_option
@pass_here
def resume(here: Here, name: str, reason: str) -> None:
    """Let a suspended tenant go on (the same as: resume tenant NAME).

    \b
    Example:
      vienna --credential operator.vienna tenant resume belvedere --reason "keys were replaced"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.resume(f"{name}/tenant", reason)), f"{name} goes on.")


@tenant.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_here
def seal(here: Here, yes: bool) -> None:
    """End the founding of your own tenant, for good: changes of members and policy need two persons from now on.

    \b
    Example:
      vienna --credential rosa.vienna tenant seal
    """
    if not yes:
        click.confirm("After sealing, nobody changes members or policy alone, and there is no way back. Seal?", abort=True, err=True)
    here.answer(here.ask(lambda vienna: vienna.admin.seal()), "The tenant is sealed.")

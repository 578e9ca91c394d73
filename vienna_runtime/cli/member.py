"""``vienna member``: who belongs to the tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from actors.governance import kinds
from vienna_runtime.cli import inviting
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def member() -> None:
    """Invite members, confirm their keys, end their rights (admins)."""


@member.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(sorted(kinds.MEMBER_KINDS)), required=True, help="What the member may do.")
@inviting.PERSON
@inviting.ROLES
@click.option("--owner", help="Of an agent: the member who answers for it.")
@inviting.VALID
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@inviting.OUTPUT
@json_option
@pass_here
def add(
    here: Here,
    name: str,
    kind: str,
    person: str,
    roles: tuple[str, ...],
    owner: str | None,
    valid: int,
    key: str | None,
    output: Path | None,
) -> None:
    """Invite NAME.  In a sealed tenant the invitation waits for two approvals before it works.

    \b
    Example:
      vienna member add clara --kind approver --person "Clara" --role reviewer
      vienna member add ada --kind agent --person "Ada's team" --role developer --owner clara
    """
    path = output or Path(f"{name}{inviting.SUFFIX}")
    value = here.ask(
        lambda vienna: inviting.invite(
            vienna,
            path,
            tenant=vienna.credential.tenant,
            name=name,
            kind=kind,
            life=valid,
            record=lambda token, expires: vienna.admin.invite(
                name,
                kind,
                person,
                roles=roles,
                owner=owner,
                invitation=token.id,
                token_hash=token.digest(),
                expires_at=expires,
                key=key,
            ),
        )
    )
    here.answer(
        {**value, "member": name, "invitation": str(path)},
        *waiting(value, f"{name} is invited. The invitation, which works once: {path}"),
        f"Hand it over in a way you trust; there: vienna enrol {path.name}",
    )


def waiting(value: dict[str, Any], done: str) -> tuple[str, ...]:
    """What to say of a governed change: that it is done, or whom it waits for."""
    if value.get("applied", True):
        return (done,)
    return (
        f"The tenant is sealed: this change is case {value['case']} and waits for two persons.",
        f"They look and approve with: vienna approvals approve {value['case']}",
        f"When they have: {done}",
    )


@member.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The members, what they are, and the fingerprints of their keys.

    \b
    Example:
      vienna member list
    """
    found = here.ask(lambda vienna: vienna.admin.members())
    table = Table("member", "kind", "person", "roles", "owner", "status", "fingerprint", box=None, pad_edge=False)
    for row in found:
        standing = ", ".join(filter(None, (row["status"], _paused(row.get("paused")))))
        cells = (row["member"], row["kind"], row["person"], ", ".join(row["roles"]), row["owner"] or "", standing)
        table.add_row(*map(shown, cells), row["fingerprint"] or "")
    paused = any(row.get("paused") for row in found)
    here.answer({"members": found}, table, *(["Who paused what, since when and why: vienna pause list"] if paused else []))


def _paused(scope: str | None) -> str:
    """What is added to the status of whoever is stopped: by a pause of their own, or of all that they belong to."""
    if scope is None:
        return ""
    return f"{scope} paused" if scope in ("tenant", "node") else "paused"


@member.command()
@click.argument("name")
@click.option("--fingerprint", required=True, help="What NAME read to you, eight groups of four.")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def confirm(here: Here, name: str, fingerprint: str, key: str | None) -> None:
    """Put NAME's enrolled keys in force, if they are the ones whose fingerprint NAME told you.

    Ask NAME in person or by telephone; copying it from `member list` proves nothing.

    \b
    Example:
      vienna member confirm clara --fingerprint "5570 64a4 73a7 5fe0 70a4 0574 1498 81c1"
    """
    value = here.ask(lambda vienna: vienna.admin.confirm(name, grouped(fingerprint), key=key))
    here.answer(value, *waiting(value, f"{name} is in force."))


def grouped(fingerprint: str) -> str:
    """The fingerprint in its one spelling, however its spaces were typed."""
    digits = "".join(fingerprint.split()).lower()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@member.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role that NAME has from now on; repeat for several.  Those not named end.")
@click.option("--no-roles", is_flag=True, help="NAME has no role any more.")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def change(here: Here, name: str, roles: tuple[str, ...], no_roles: bool, key: str | None) -> None:
    """Give NAME other roles.  In a sealed tenant that waits for two approvals.

    \b
    Example:
      vienna member change clara --role reviewer --role finance
    """
    if bool(roles) == no_roles:
        raise click.UsageError("say which roles: --role once or more, or --no-roles")
    value = here.ask(lambda vienna: vienna.admin.change(name, roles, key=key))
    here.answer(value, *waiting(value, f"{name} has the roles {', '.join(roles) or 'none'}."))


@member.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def revoke(here: Here, name: str, reason: str, key: str | None) -> None:
    """End NAME's rights.

    \b
    Example:
      vienna member revoke ada --reason "retired"
    """
    value = here.ask(lambda vienna: vienna.admin.revoke(name, reason, key=key))
    here.answer(value, *waiting(value, f"{name} has no rights any more."))

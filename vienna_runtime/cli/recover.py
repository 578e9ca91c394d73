"""``vienna tenant recover``: a sealed tenant whose quorum is lost for good gets one again, by its admin and the node's operator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from actors.governance.persons import ELIGIBLE
from vienna_runtime.cli import inviting
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DIGEST
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.member import grouped
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def recover() -> None:
    """A quorum that is lost for good: admin and operator together, after 72 hours on the log."""


LOST = click.option("--lost", multiple=True, required=True, help="An approver or admin who is lost; repeat for each.")
REASON = click.option("--reason", required=True, help="Why; it stands on the tenant's ledger.")


@recover.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(sorted(ELIGIBLE)), required=True, help="What the member will be.")
@inviting.PERSON
@inviting.ROLES
@LOST
@REASON
@inviting.VALID
@inviting.OUTPUT
@json_option
@pass_here
def invite(
    here: Here,
    name: str,
    kind: str,
    person: str,
    roles: tuple[str, ...],
    lost: tuple[str, ...],
    reason: str,
    valid: int,
    output: Path | None,
) -> None:
    """Invite NAME, who shall take a lost one's place.  The key made with it has no rights before a recovery.

    \b
    Example:
      vienna tenant recover invite hugo --kind approver --person "Hugo" --lost clara --reason "clara's key burnt with the house"
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
            record=lambda token, expires: vienna.admin.invite_for_recovery(
                name,
                kind,
                person,
                lost=lost,
                reason=reason,
                roles=roles,
                invitation=token.id,
                token_hash=token.digest(),
                expires_at=expires,
            ),
        )
    )
    here.answer(
        {**value, "invitation": str(path)},
        f"{name} is invited, without rights yet. The invitation, which works once: {path}",
        f"Hand it over in a way you trust; there: vienna enrol {path.name}",
        "Then: vienna tenant recover announce",
    )


@recover.command()
@LOST
@click.option("--confirm", "keys", multiple=True, required=True, help="NAME=FINGERPRINT of a key that comes in force; repeat for each.")
@REASON
@json_option
@pass_here
def announce(here: Here, lost: tuple[str, ...], keys: tuple[str, ...], reason: str) -> None:
    """Announce who is lost and which enrolled keys come in force.  Nothing changes before 72 hours and the operator's consent.

    Ask each for the fingerprint in person or by telephone.

    \b
    Example:
      vienna tenant recover announce --lost clara --confirm hugo="5570 64a4 73a7 5fe0 70a4 0574 1498 81c1" --reason "clara's key burnt"
    """
    named: dict[str, str] = {}
    for key in keys:
        name, equals, print_ = key.partition("=")
        if not equals or name in named:
            raise click.BadParameter(f"{key!r}: each member once, as NAME=FINGERPRINT", param_hint="--confirm")
        named[name] = grouped(print_)
    value = here.ask(lambda vienna: vienna.admin.announce_recovery(lost, named, reason))
    digest = value["digest"].hex()
    here.answer(
        value,
        f"Announced on the tenant's log. It can be put in force from {clock(value['due'])} UTC on, unless somebody objects.",
        f"The node's operator agrees with: vienna tenant recover agree {here.load().tenant} --digest {digest}",
        f"And you then with: vienna tenant recover apply --digest {digest}",
    )


@recover.command()
@click.argument("tenant")
@click.option("--digest", type=DIGEST, required=True, help="Of exactly what you looked at.")
@json_option
@pass_here
def agree(here: Here, tenant: str, digest: bytes) -> None:
    """The operator's consent to what TENANT's admin announced.  Look at it first, and ask the people it names.

    \b
    Example:
      vienna --credential operator.vienna tenant recover show belvedere
    """
    value = here.ask(lambda vienna: vienna.admin.agree_to_recovery(tenant, digest))
    here.answer(value, f"Agreed, on the tenant's log and the node's. Its admin can put it in force from {clock(value['due'])} UTC on.")


@recover.command("object")
@REASON
@json_option
@pass_here
def object_(here: Here, reason: str) -> None:
    """End the recovery that is announced: for any approver or admin of the tenant, also one who is called lost.

    \b
    Example:
      vienna tenant recover object --reason "my key is not lost, and nobody asked me"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.object_to_recovery(reason)), "The recovery has ended. Nothing was changed by it.")


@recover.command()
@click.option("--digest", type=DIGEST, required=True, help="Of what was announced.")
@json_option
@pass_here
def apply(here: Here, digest: bytes) -> None:
    """Put in force what was announced 72 hours ago and the operator has agreed to.

    \b
    Example:
      vienna tenant recover apply --digest 6a1f...
    """
    value = here.ask(lambda vienna: vienna.admin.apply_recovery(digest))
    here.answer(value, shown(f"In force: {', '.join(value['members'])}. The lost keys have no rights any more."))


@recover.command()
@click.argument("tenant", required=False)
@json_option
@pass_here
def show(here: Here, tenant: str | None) -> None:
    """What is announced, and how far it has come.  Operators name the TENANT.

    \b
    Example:
      vienna tenant recover show
    """
    value = here.ask(lambda vienna: vienna.admin.recovery(tenant))
    here.answer(value, *_told(value))


def _told(value: Mapping[str, Any]) -> list[str | Text]:
    if value["digest"] is None:
        return ["No recovery is announced."]
    return [
        shown(f"{value['by']} ({value['person']}) announced: {value['reason']}"),
        *(shown(f"  lost     {who['member']}, {who['kind']}, {who['person']}") for who in value["lost"]),
        *(shown(f"  in force {who['member']}, {who['kind']}, {who['person']}: {who['fingerprint']}") for who in value["keys"]),
        f"not before {clock(value['due'])} UTC, not after {clock(value['until'])} UTC",
        shown(f"the operator {value['agreed']} has agreed" if value["agreed"] else "the operator has not agreed"),
        f"digest {value['digest'].hex()}",
    ]

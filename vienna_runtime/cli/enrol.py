"""``vienna enrol``: a member's keys are made where it works, and nowhere else."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import attrs
import click
import trio

from actors.governance import kinds
from vienna_runtime import credential as credentials
from vienna_runtime import invitation as invitations
from vienna_runtime import known
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.client import Refused, Unreachable
from vienna_runtime.client.enrolment import enrol as enrol_member
from vienna_runtime.client.enrolment import new_member
from vienna_runtime.errors import FileTakenError
from vienna_runtime.invitation import Invitation

PEOPLE = frozenset({kinds.ADMIN, kinds.APPROVER})  # their keys stand for a person's decision: always sealed


@click.command()
@click.argument("invitation")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The credential's file.  Default: NAME.vienna")
@click.option("--no-passphrase", is_flag=True, help="Leave the keys unsealed (mode 0600), for machines.  Not for approvers and admins.")
@json_option
@pass_here
def enrol(here: Here, invitation: str, output: Path | None, no_passphrase: bool) -> None:
    """Make your keys and have the node record them.  INVITATION is the file you were given, or its text.

    Tell the fingerprint it prints to the tenant's admin in person or by telephone.

    \b
    Example:
      vienna enrol clara.invitation
      vienna enrol executor.invitation --no-passphrase
    """
    invited = _invitation(invitation)
    if no_passphrase and invited.role in PEOPLE:
        raise click.UsageError(f"an {invited.role}'s keys are always sealed: leave --no-passphrase out")
    if here.address is not None:
        invited = attrs.evolve(invited, address=here.address)
    path = output or Path(f"{invited.name}{credentials.SUFFIX}")
    if path.exists():
        raise FileTakenError(path)  # said before a passphrase is asked for, twice, in vain
    passphrase = None if no_passphrase else here.ask_passphrase(path.name, new=True)
    member = new_member(invited)
    # Before the node knows the keys: a file without a member is harmless, a member whose keys are lost is not.
    credentials.write(path, member.credential, passphrase=passphrase)
    try:
        enrolled = trio.run(partial(enrol_member, invited, member))
    except (Refused, Unreachable):
        path.unlink()  # the node has never heard of these keys
        raise
    keys = enrolled.keys
    known.write(known.place(path), known.Known(keys.log, None, keys.node, keys.logs[1:]))
    here.answer(
        {
            "member": enrolled.member,
            "tenant": enrolled.tenant,
            "kind": enrolled.kind,
            "fingerprint": enrolled.fingerprint,
            "credential": str(path),
        },
        f"You are {enrolled.member}, {enrolled.kind} of {enrolled.tenant}. Your credential: {path}",
        f"Your fingerprint: {enrolled.fingerprint}",
        *_next(enrolled.member, enrolled.kind),
    )


def _next(member: str, kind: str) -> tuple[str, ...]:
    if kind == kinds.OPERATOR:
        return ()
    first = ("If you are the tenant's first admin, you are in force already. Otherwise:",) if kind == kinds.ADMIN else ()
    return (
        *first,
        "Tell it to the tenant's admin in person or by telephone; you are in force when the admin has run:",
        f'  vienna member confirm {member} --fingerprint "..."',
    )


def _invitation(text: str) -> Invitation:
    now = time.time_ns() // 1000
    if text.strip().startswith(invitations.PREFIX):
        return invitations.decode(text, now=now)
    return invitations.read(Path(text), now=now)

"""Makes an invitation's token here, asks the node to record its hash, and writes the one file that holds it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from actors.governance import apikey
from vienna_runtime import invitation as invitations
from vienna_runtime.cli.kinds import DURATION
from vienna_runtime.client import Refused, Unreachable, Vienna
from vienna_runtime.client.enrolment import new_invitation
from vienna_runtime.invitation import Invitation
from vienna_runtime.secret import Secret

PERSON = click.option("--person", required=True, help="The human being behind it; quorums count persons.")
ROLES = click.option("--role", "roles", multiple=True, help="A role that policies and quorums name; repeat for several.")
DEFAULT_LIFE = "2d"  # a weekend away; the law allows 14 days
SUFFIX = ".invitation"
VALID = click.option("--valid", type=DURATION, default=DEFAULT_LIFE, show_default=True, help="How long the invitation may be used.")
OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help=f"The invitation's file.  Default: NAME{SUFFIX}"
)


async def invite(
    vienna: Vienna,
    path: Path,
    *,
    tenant: str,
    name: str,
    kind: str,
    life: int,
    record: Callable[[apikey.Token, int], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """The node's answer; the file is written first, and removed again when the node refused: an invitation is never lost."""
    credential = vienna.credential
    token, expires = new_invitation(tenant), time.time_ns() // 1000 + life
    invitations.write(
        path,
        Invitation(
            address=credential.address,
            server_name=credential.server_name,
            ca=credential.ca,
            node_key=credential.node_key,
            tenant=tenant,
            name=name,
            role=kind,
            token=Secret(token.reveal().encode()),
            expires=expires,
        ),
    )
    try:
        return await record(token, expires)
    except (Refused, Unreachable):
        path.unlink()  # noqa: ASYNC240  # nothing else runs here; after anything else the node may know the token, and the file stays
        raise

"""``vienna policy push``, ``activate`` and ``rollback``: onto the ledger, and in force."""

from __future__ import annotations

from pathlib import Path

import click

from actors.governance.bundle import Findings
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.member import waiting
from vienna_runtime.cli.policy_digest import NAMED, resolved
from vienna_runtime.cli.policy_directory import DIRECTORY, checked, commit_of, source_of
from vienna_runtime.client import Vienna


@click.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--activate", "put_in_force", is_flag=True, help="Also put it in force.")
@click.option("--reason", help="With --activate: why; it stands on the ledger.")
@click.option("--key", help="Idempotency key of the activation, to repeat it after an unknown outcome.")
@json_option
@pass_here
def push(here: Here, directory: Path, put_in_force: bool, reason: str | None, key: str | None) -> None:
    """Put the bundle in DIRECTORY on the ledger; without effect until it is activated.  A bundle whose tests fail is not pushed.

    Who pushed it is recorded, and the git commit that is checked out, with whether the files are exactly that commit's.

    \b
    Example:
      vienna policy push ./policy --activate --reason "refunds up to 30 need nobody"
    """
    source = source_of(directory)
    loaded, results = checked(source)
    if isinstance(loaded, Findings) or not all(result.passed for result in results):
        raise BadEnd(f"the bundle has findings or failing tests, nothing was pushed; see them with: vienna policy check {directory}")
    commit = commit_of(directory, source)

    async def both(vienna: Vienna) -> tuple[bytes, dict[str, object] | None]:
        name, dirty = (None, False) if commit is None else (commit.name, commit.dirty)
        digest = await vienna.admin.push(source.files, commit=name, dirty=dirty)
        return digest, (await vienna.admin.activate(digest, reason=reason, key=key) if put_in_force else None)

    digest, activated = here.ask(both)
    pushed = [f"pushed {digest.hex()}"]
    if commit is not None:
        differs = ", but these files are not the ones of that commit" if commit.dirty else ""
        pushed.append(f"from commit {commit.name}{differs}")
    told = {"commit": None if commit is None else commit.name, "dirty": commit is not None and commit.dirty}
    if activated is None:
        here.answer({"bundle": digest, **told}, *pushed, f"Put it in force with: vienna policy activate {digest.hex()}")
    else:
        here.answer({**activated, "bundle": digest, **told}, *pushed, *waiting(activated, "It is in force."))


@click.command()
@click.argument("digest", type=NAMED)
@click.option("--reason", help="Why; it stands on the ledger.")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def activate(here: Here, digest: str, reason: str | None, key: str | None) -> None:
    """Put the pushed bundle DIGEST in force; in a sealed tenant once two persons have approved.

    The first eight or more digits are enough where they fit one bundle only.

    \b
    Example:
      vienna policy activate 4f1c09e2 --reason "reviewed on Monday"
    """
    _put_in_force(here, digest, reason, key)


@click.command()
@click.argument("digest", type=NAMED, required=False)
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def rollback(here: Here, digest: str | None, reason: str, key: str | None) -> None:
    """Put the bundle in force that was before the one in force now, or the earlier one DIGEST.

    It is an activation like any other: recorded, and in a sealed tenant a case that two persons approve.

    \b
    Examples:
      vienna policy rollback --reason "refunds of 25 went out unseen"
      vienna policy rollback 4f1c09e2 --reason "back to what we had in May"
    """
    _put_in_force(here, digest, reason, key, earlier=True)


def _put_in_force(here: Here, named: str | None, reason: str | None, key: str | None, *, earlier: bool = False) -> None:
    async def both(vienna: Vienna) -> tuple[bytes, dict[str, object]]:
        if earlier:
            digest = await _earlier(vienna, named)
        else:
            digest = await resolved(vienna, named or "")
        return digest, await vienna.admin.activate(digest, reason=reason, key=key)

    digest, value = here.ask(both)
    again = value.get("repeated") and value.get("applied")
    done = "It is in force already." if again else f"Bundle {digest.hex()[:16]} is in force."
    here.answer({**value, "bundle": digest}, *waiting(value, done))


async def _earlier(vienna: Vienna, named: str | None) -> bytes:
    """What was in force before: the named one, or the one that the newest activation replaced."""
    wanted = None if named is None else await resolved(vienna, named)
    in_force: bytes | None = None
    before: int | None = None
    while True:
        page = await vienna.admin.bundles(before=before, limit=100)
        for entry in page["entries"]:
            if entry["what"] != "activated":
                continue
            if in_force is None:
                in_force = entry["bundle"]
            elif wanted is None and entry["bundle"] != in_force:
                return bytes(entry["bundle"])
            if wanted is not None and entry["bundle"] == wanted:
                if wanted == in_force:
                    raise BadEnd(f"{wanted.hex()[:16]} is the bundle in force; there is nothing to roll back to")
                return wanted
        before = page["next"]
        if before is None:
            break
    if in_force is None:
        raise BadEnd("no bundle was ever in force")
    if wanted is not None:
        raise BadEnd(f"{wanted.hex()[:16]} was never in force: that would be no rollback; use: vienna policy activate {wanted.hex()[:16]}")
    raise BadEnd("no other bundle was in force before this one")

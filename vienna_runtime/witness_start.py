"""Before anything is served, the witnesses are asked whether this is the ledger they saw: they remember what a disk forgot.

Only what the protocol gives every witness is used: the newest checkpoint is shown, and a witness that has seen more, or
something else, says so.  Whoever does not answer in time stops nothing: it is named, and the collector goes on asking.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import attrs
import structlog
import trio

from ledger import NODE, Ledger, VerifierKey
from ledger.witness_policy import KnownWitness, Policy
from vienna_runtime.config import Config
from vienna_runtime.errors import ConfigError
from vienna_runtime.witness import policy_file
from vienna_runtime.witness.asking import Address, Door, Unreachable
from vienna_runtime.witness.gathering import Gathering
from vienna_runtime.witness.showing import Finding, show

log = structlog.get_logger(__name__)

PATIENCE = 3.0  # s for one answer
ALTOGETHER = 10.0  # s; with hundreds of logs not all are asked about, but the node's own, which commits to all, comes first


@attrs.frozen
class Asked:
    """Whom the node asks, by its settings."""

    policy: Policy
    tls: ssl.SSLContext


def asked(config: Config) -> Asked | None:
    """None where no policy is set; raises ConfigError for one that cannot be read."""
    if config.witness_policy is None:
        return None
    policy = policy_file.read(config.witness_policy)
    for witness in policy.witnesses:
        if witness.url:
            Address.parse(witness.url)
    try:
        return Asked(policy, ssl.create_default_context(cafile=config.witness_ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(str(config.witness_ca), "", f"the authorities of the witnesses cannot be read: {error}") from None


@attrs.define
class Heard:
    """What the witnesses said."""

    findings: list[Finding] = attrs.Factory(list)
    silent: list[str] = attrs.Factory(list)  # witnesses that could not be asked about everything


async def ask(ledger: Ledger, asked: Asked, verifier: Callable[[str], VerifierKey]) -> Heard:
    """Shows every log's head to every witness that has a URL."""
    heard = Heard()
    async with trio.open_nursery() as nursery:
        for witness in asked.policy.witnesses:
            if witness.url:
                nursery.start_soon(_ask_one, ledger, asked, verifier, witness, heard)
    return heard


async def _ask_one(
    ledger: Ledger,
    asked: Asked,
    verifier: Callable[[str], VerifierKey],
    witness: KnownWitness,
    heard: Heard,
) -> None:
    heads = {name: head for name, head in sorted(ledger.logs().items(), key=lambda item: item[0] != NODE) if head.size}
    shown = Gathering(asked.policy, patience=0)
    shown.choose(heads, {name: verifier(name).name for name in heads}, 0)
    door = Door(witness.url, witness.key, tls=asked.tls, patience=PATIENCE)
    why = f"not everything could be asked within {ALTOGETHER:g} s"
    try:
        with trio.move_on_after(ALTOGETHER):
            for target in shown.for_witness(witness.name):
                _, outcome = await show(door, witness.name, ledger, target, 0)
                if isinstance(outcome, Finding):
                    heard.findings.append(outcome)
            why = ""
    except Unreachable as error:
        why = str(error)
    finally:
        with trio.CancelScope(shield=True):
            await door.close()
    if why:
        heard.silent.append(witness.name)
        log.warning("a witness was not asked whether this is the ledger it saw", witness=witness.name, url=witness.url, why=why)

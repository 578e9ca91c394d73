"""The witnesses are asked about a restored ledger before it is put in place: they remember what a disk forgot.

They are shown its newest checkpoints, as they would be at the node's start, and object where they have seen more of a log or
another one.  Who does not answer objects to nothing and is named: the node asks again when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import attrs
import trio

from ledger import Head, Ledger, VerifierKey
from ledger.published import Published
from vienna_runtime import backup, witness_start
from vienna_runtime.config import Config


@attrs.frozen
class _Shown:
    """As much of a ledger as is shown to a witness."""

    published: Mapping[str, Published]

    def logs(self) -> Mapping[str, Head]:
        return {name: self.head(name) for name in self.published}

    def head(self, log: str) -> Head:
        found = self.published[log]
        return Head(found.checkpoint.size, found.checkpoint.root, found.note)

    def prove_consistency(self, log: str, first: int, second: int) -> tuple[bytes, ...]:
        return self.published[log].prove_consistency(first, second)


def asking(
    backed_up: Path, key: VerifierKey, policy: Path | None, silent: Callable[[Sequence[str]], None]
) -> Callable[[Config, Mapping[str, Published]], Sequence[object]]:
    """How the witnesses are asked: those of ``policy``, else of the settings, whose file may as yet be in the backup alone."""

    def ask(config: Config, logs: Mapping[str, Published]) -> Sequence[object]:
        asked = witness_start.asked(_settled(config, backed_up, policy))
        if asked is None:
            return ()

        def named(log: str) -> VerifierKey:
            return attrs.evolve(key, name=logs[log].checkpoint.origin)  # only its name is looked at: whose log it is

        heard = trio.run(witness_start.ask, cast(Ledger, _Shown(logs)), asked, named)
        if heard.silent:
            silent(heard.silent)
        return heard.findings

    return ask


def _settled(config: Config, backed_up: Path, policy: Path | None) -> Config:
    """The settings, with the witnesses' files where they are now."""
    witness = config.settings.witness
    own, authorities = config.witness_policy, config.witness_ca
    if policy is None and own is not None:
        policy = own if own.exists() else backed_up / backup.WITNESS / backup.POLICY
    if authorities is not None and not authorities.exists():
        authorities = backed_up / backup.WITNESS / backup.AUTHORITIES
    witness = attrs.evolve(
        witness, policy="" if policy is None else str(policy.absolute()), ca="" if authorities is None else str(authorities.absolute())
    )
    return attrs.evolve(config, settings=attrs.evolve(config.settings, witness=witness))

"""How far witnesses have cosigned what was verified, for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeAlias

from rich.table import Table

from ledger import VerifierKey
from ledger.note import NoteSignature
from ledger.witness_policy import Policy
from vienna_runtime.cli.shown import shown
from vienna_runtime.witness.demand import Covered, demand

Log: TypeAlias = tuple[str, bytes, Sequence[VerifierKey], int]  # name, cosigned note, keys, entries


def demanded(policy: Policy | None, logs: Sequence[Log]) -> list[Covered] | None:
    """What the policy finds of each log it speaks about; None without a policy, VerificationError where it is not met."""
    if policy is None:
        return None
    return [found for log in logs if (found := demand(policy, *log)) is not None]


def others(origin: str, unverified: Sequence[NoteSignature], policy: Policy | None) -> list[str]:
    """Whose signatures on that log's note nobody looked at: by no key of the log, nor of the policy where it speaks about the log."""
    asked = () if policy is None or not policy.speaks_about(origin) else policy.witnesses
    known = {(witness.key.name, witness.key.id) for witness in asked}
    return [signature.name for signature in unverified if (signature.name, signature.key_id) not in known]


def cosigned_json(found: Sequence[Covered] | None) -> dict[str, object]:
    """For programs."""
    return {} if found is None else {"witnessed": [log.plain() for log in found]}


def cosigned_lines(found: Sequence[Covered] | None) -> tuple[Table | str, ...]:
    """For people."""
    if found is None:
        return ()
    return (_table(found),) if found else ("witnessed: the policy speaks about none of these logs",)


def _table(found: Sequence[Covered]) -> Table:
    """A row a log; "beyond" counts what was written after."""
    table = Table("log", "witnessed", "beyond", "cosigned by, at", box=None, pad_edge=False)
    for log in found:
        who = ", ".join(f"{name} {dt.datetime.fromtimestamp(time, dt.UTC):%Y-%m-%d %H:%M:%SZ}" for name, time in log.times)
        table.add_row(shown(log.log or "(the node's)"), str(log.size), str(log.beyond), shown(who or "-"))
    return table

"""What is remembered of a recovery that is announced, and what is said of it; how it comes about is in recovering.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from . import canonical
from . import events as e
from .canonical import Value
from .ids import Instant, MemberId
from .state import Case, Member, Recovery, State

Recovering: TypeAlias = e.RecoveryInvited | e.RecoveryAnnounced | e.RecoveryAgreed | e.RecoveryEnded | e.RecoveryApplied


def in_time(state: State, now: Instant) -> Recovery | None:
    """What is announced, if anything, and not too long ago."""
    return state.recovery if state.recovery is not None and now < state.recovery.until else None


def digest_of(
    tenant: str, lost: tuple[MemberId, ...], keys: tuple[tuple[str, str], ...], by: Member, reason: str, due: Instant, until: Instant
) -> bytes:
    """Of everything that is announced, and for whom."""
    said: dict[str, Value] = {
        "tenant": tenant, "lost": list(lost), "keys": [list(key) for key in keys], "by": by.member, "person": by.person, "reason": reason,
        "due": due, "until": until,
    }  # fmt: skip
    return canonical.digest(b"vienna/recovery/1\0" + canonical.pack_fields(said.items()))


def shown(state: State, now: Instant) -> Mapping[str, Value]:
    """What is announced, for whoever may see it; the map's ``digest`` is None where nothing is."""
    known = in_time(state, now)
    if known is None:
        return {"digest": None}
    prints = dict(known.keys)
    about = {name: state.members[name] for name in (*known.lost, *prints)}
    who: dict[str, dict[str, Value]] = {name: {"member": name, "kind": m.kind, "person": m.person} for name, m in about.items()}
    return {
        "tenant": state.tenant, "digest": known.digest, "by": known.by, "person": known.person, "reason": known.reason,
        "lost": [who[name] for name in known.lost], "keys": [{**who[name], "fingerprint": prints[name]} for name in prints],
        "due": known.due, "until": known.until, "agreed": known.agreed,
    }  # fmt: skip


def told(state: State) -> Mapping[str, Value]:
    """As it stands among a tenant's numbers; nothing where nothing is announced, or what was had lapsed at the last entry."""
    known = in_time(state, state.time)
    return {} if known is None else {"digest": known.digest, "due": known.due, "until": known.until, "agreed": known.agreed}


def folded(state: State, event: Recovering, _case: Case | None, _at: Instant) -> None:
    """For ``evolve``."""
    match event:
        case e.RecoveryAnnounced():
            state.recovery = Recovery(**attrs.asdict(event, recurse=False))
        case e.RecoveryAgreed() if state.recovery is not None:
            state.recovery.agreed = event.by
        case e.RecoveryEnded() | e.RecoveryApplied():
            state.recovery = None
        case _:
            pass

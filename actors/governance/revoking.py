"""Taking warrants back: one with its entry, or all of a scope with a single one that counts at once."""

from __future__ import annotations

from . import commands as c
from . import events as e
from .decision import Decided, Decision
from .refusals import Code, Refusal, unknown
from .state import LiveWarrant, Member, State


def revoke_all(state: State, command: c.RevokeWarrants, by: Member) -> Decision:
    """One entry makes every warrant in the scope worthless; the entry of each follows by ``due``, also after a crash."""
    scope = command.scope
    kind, _, name = scope.partition(":")
    if kind not in ("agent", "bundle") or not name:
        return Refusal(Code.MALFORMED, "warrants.revoke: a scope is agent:NAME, or bundle: and its digest in hex")
    live = [warrant for warrant in state.warrants.values() if not warrant.revoked and stands_in(warrant, scope)]
    if not live:
        return unknown("live warrant in that scope", scope[:64])
    return Decided((e.WarrantsRevoked(scope, command.reason, by.member, len(live)),), {"scope": scope, "warrants": len(live)})


def stands_in(live: LiveWarrant, scope: str) -> bool:
    kind, _, name = scope.partition(":")
    return live.agent == name if kind == "agent" else kind == "bundle" and live.terms.bundle.hex() == name


def revoked(state: State, event: e.WarrantsRevoked) -> None:
    """Folds it: nothing in the scope can be redeemed from here on, and each is due to be revoked by an entry of its own."""
    for live in state.warrants.values():
        if not live.revoked and stands_in(live, event.scope):
            live.revoked = f"{event.by}, with all of {event.scope.partition(':')[0]} {event.scope.partition(':')[2][:16]}: {event.reason}"

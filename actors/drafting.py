"""From the law's events to the ledger's drafts: signed where a warrant is issued, counted within their case, findable."""

from __future__ import annotations

from itertools import chain

import attrs

from actors.governance import alerts, breaker, codec, index, watching
from actors.governance import events as e
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.evolve import STANDING, evolve
from actors.governance.ids import Instant
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.state import State
from actors.signer import Signer
from ledger import Draft

Keyed = list[tuple[tuple[bytes, ...], e.Event]]


@attrs.frozen
class Recorded:
    """One decision as it will stand on the ledger.  ``grants``: it issues or redeems, and falls with a breaker's epoch."""

    events: tuple[e.Event, ...]
    drafts: tuple[Draft, ...]
    keyed: Keyed
    grants: bool


def record(state: State, events: tuple[e.Event, ...], actor: str, now: Instant, signer: Signer, limits: BreakerLimits) -> Recorded:
    """Folds ``events``, what the breakers make of them and what is worth an alert into ``state``; gives the drafts of exactly those."""
    done: list[e.Event] = []
    drafts: list[Draft] = []
    keyed: Keyed = []
    heard: list[tuple[e.Event, watching.Subject]] = []
    causes: dict[str, alerts.Cause] = {}
    for event in chain(events, watching.follow(state, heard, limits, now), alerts.all_raised(state.alerts, causes)):
        kind = type(event)
        if kind is e.WarrantIssued:
            event = sign(event, state.tenant, signer)  # type: ignore[arg-type]  # kind was looked at
        case_id = getattr(event, "case", "") if kind is not e.BreakerProbed else ""
        case = state.cases.get(case_id)
        if kind is e.IntentProposed:
            step, above = 1, state.cases.get(event.parent or "")  # type: ignore[union-attr]  # kind was looked at
        else:
            step, above = 0 if case is None else case.step + 1, case
        follows = () if above is None else (above.last,)
        if state.standing is not None and (case_id or kind in STANDING):
            if case is not None and kind in breaker.NAMING:
                trip = breaker.named(state, event, case)  # type: ignore[arg-type]  # kind was looked at
                follows = follows if trip is None else (*follows, trip)
            follows = (*follows, state.standing)
        cause, about = alerts.cause(state, event), watching.subject(state, event)
        evolve(state, event, now, state.size)
        keys = (index.alert_key(state.alerts.raised),) if kind is e.AlertRaised else index.keys(event)
        drafts.append(
            Draft(tag=event.TAG, time=now, actor=actor, body=codec.encode(event), case=case_id, step=step, follows=follows, keys=keys)
        )
        done.append(event)
        if found_by := (*keys, *index.passing_keys(event)):
            keyed.append((found_by, event))
        if about is not None:
            heard.append((event, about))
        if cause is not None and cause.same not in causes and alerts.is_news(state.alerts, cause, now):
            causes[cause.same] = cause
    grants = any(type(event) in (e.WarrantIssued, e.RunOpened) for event in done)
    return Recorded(tuple(done), tuple(drafts), keyed, grants)


def sign(event: e.WarrantIssued, tenant: str, signer: Signer) -> e.WarrantIssued:
    """The warrant with the issuer's signature over its fields and the node's MAC over both."""
    signature = issuer_signature(signer, tenant, event.fields)
    return e.WarrantIssued(event.case, event.warrant, event.fields, signature, signer.warrant_mac(tenant, event.fields + signature))


def issuer_signature(signer: Signer, tenant: str, fields: bytes) -> bytes:
    return signer.issuer_sign(tenant, signed_bytes(Purpose.WARRANT, fields))

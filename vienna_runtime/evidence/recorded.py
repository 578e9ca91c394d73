"""What was recorded, beside what the law says: every difference by the name of its check."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgpack

from actors.governance import canonical, card_facts, quorum, warrant
from actors.governance import events as e
from vienna_runtime.evidence.checks import Checks

_NAMED: dict[type, str] = {
    e.IntentProposed: "intent",
    e.CaseDecided: "verdict",
    e.ApprovalRequested: "card",
    e.ApprovalGiven: "approvals",
    e.ApprovalDenied: "approvals",
    e.EnvelopeUsed: "approvals",
    e.ApprovalOpened: "approvals",
    e.CaseEscalated: "quorum",
    e.ApprovalAsked: "conversation",
    e.ApprovalAnswered: "conversation",
    e.WarrantIssued: "warrant terms",
    e.RunOpened: "redemption",
    e.RunReported: "receipts",
    e.RunReportedLate: "receipts",
    e.RunAttested: "attestations",
    e.EffectProbed: "attestations",
}  # anything else: the outcome
_OF_THE_CATALOGUE = ("reversible", "on_failure")


def name_of(event: e.Event) -> str:
    """The check that such an event belongs to."""
    return _NAMED.get(type(event), "outcome")


def compare(event: e.Event, wanted: e.Event, at: int, checks: Checks) -> bool:
    """Says what agrees and what does not; False where what follows cannot be looked at any more."""
    name = name_of(wanted)
    if type(event) is not type(wanted):
        granted = isinstance(event, e.WarrantIssued) or isinstance(wanted, e.WarrantIssued)
        checks.no("quorum" if granted else name, f"the law says {wanted.TAG} here, recorded is {event.TAG}", at)
        return True
    match event, wanted:
        case e.ApprovalRequested(), e.ApprovalRequested():
            _compare_cards(event, wanted, at, checks)
            return True
        case e.WarrantIssued(), e.WarrantIssued():
            _compare_warrants(event, wanted, at, checks)
            return True
        case e.DeadLetterOpened(), e.DeadLetterOpened():
            wanted = attrs.evolve(wanted, letter=event.letter, previous=event.previous)
        case e.CaseDecided(), e.CaseDecided() if event.bundle != wanted.bundle:
            checks.no("bundles", "it was decided under another bundle than the one in force", at)
        case e.RunOpened(), e.RunOpened() if event.policies != wanted.policies:
            checks.no("execution policy", f"Cedar permits it by {wanted.policies}, recorded is {event.policies}", at)
        case _:
            pass
    if event == wanted:
        checks.yes(name, _said(event))
        return True
    for field in attrs.fields(type(event)):
        if getattr(event, field.name) != getattr(wanted, field.name):
            checks.no(name, f"{field.name} is {_short(getattr(event, field.name))}, the law says {_short(getattr(wanted, field.name))}", at)
    return not (isinstance(event, e.CaseDecided) and event.permitted and not _is_readable(event))


def _said(event: e.Event) -> str:
    match event:
        case e.CaseDecided():
            return event.why
        case e.ApprovalGiven() | e.ApprovalDenied():
            return f"{event.person} {'approved' if isinstance(event, e.ApprovalGiven) else 'denied'}"
        case e.RunVerified():
            return f"{event.verdict} ({event.basis})"
        case _:
            return ""


def _compare_cards(event: e.ApprovalRequested, wanted: e.ApprovalRequested, at: int, checks: Checks) -> None:
    """The agent's record and what budgets left are what was frozen; all the rest is rendered again."""
    try:
        shown, again = msgpack.unpackb(event.card), msgpack.unpackb(wanted.card)
    except ValueError:
        checks.no("card", "it is no canonical map", at)
        return
    facts = shown.get("facts") if isinstance(shown, dict) else None
    frozen = isinstance(facts, dict) and (facts == again["facts"] or _is_frozen(facts, again["facts"]))
    if not frozen or canonical.pack_fields({**again, "facts": facts}.items()) != event.card:
        names = [name for name in again if not isinstance(shown, dict) or shown.get(name) != again[name]]
        checks.no("card", f"rendered again it has other bytes: {', '.join(name for name in names if name != 'facts') or 'facts'}", at)
    else:
        checks.yes("card")
    if event.expires_at != wanted.expires_at:
        checks.no("card", f"it waits until {event.expires_at}, the bundle says {wanted.expires_at}", at)


def _is_frozen(facts: Mapping[str, object], again: Mapping[str, object]) -> bool:
    """Whether these are a card's facts, with those that the bundle itself says as it says them."""
    kinds = {name: type(value) for name, value in facts.items()}
    return kinds == card_facts.KINDS and all(facts[name] == again.get(name) for name in _OF_THE_CATALOGUE)


def _compare_warrants(event: e.WarrantIssued, wanted: e.WarrantIssued, at: int, checks: Checks) -> None:
    try:
        terms, expected = warrant.unverified_unpack(event.fields), warrant.unverified_unpack(wanted.fields)
    except canonical.NotCanonical as error:
        checks.no("warrant terms", f"they cannot be read: {error}", at)
        return
    if terms.warrant != event.warrant:
        checks.no("warrant terms", "they name another warrant than their entry", at)
    for field in attrs.fields(warrant.Warrant):
        said, law = getattr(terms, field.name), getattr(expected, field.name)
        if field.name != "warrant" and said != law:
            checks.no("warrant terms", f"{field.name} is {_short(said)}, the law says {_short(law)}", at)
    checks.yes("warrant terms")


def _is_readable(verdict: e.CaseDecided) -> bool:
    """Whether what follows can be looked at all the same."""
    try:
        quorum.parse_known(verdict.quorum or "any 1")
    except ValueError:
        return False
    return verdict.tier in ("T0", "T1", "T2")


def _short(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"

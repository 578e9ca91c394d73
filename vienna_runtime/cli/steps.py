"""An entry of a case as one line for people: what happened, in the event's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from actors.governance import canonical, intent, receipt, warrant
from vienna_runtime.cli import changes
from vienna_runtime.cli.phrases import clock, counted, lasting, money, time_of_day
from vienna_runtime.cli.shown import shown, value_text
from vienna_runtime.client import Step

Body = Mapping[str, Any]


def line(step: Step, *, instead: str = "") -> Text:
    """Time, ledger index, who, and what; ``instead`` is said where the body is not there."""
    what = Text(instead) if instead else _SENTENCES.get(step.tag, _plain)(step.body)
    label = step.tag.partition("/")[0]
    stamp = Text(f"{time_of_day(step.time)}  #{step.seq:<6d} ", style="dim")
    return Text.assemble(stamp, (f"{label:<20s} ", "dim" if instead else _style(step)), shown(f"{step.actor:<12s} "), what)


def _style(step: Step) -> str:
    match step.tag.partition("/")[0]:
        case "approval.denied" | "run.unknown" | "dead_letter.opened" | "case.expired" | "warrant.revoked" | "canary.missed":
            return "red"
        case "run.verified":
            return "green" if step.body["verdict"] in ("verified", "consistent") else "red"
        case "approval.asked" | "recovery.announced":
            return "bold yellow"
        case "case.decided":
            return "" if step.body["permitted"] else "red"
        case "warrant.issued" | "approval.given" | "change.applied" | "canary.caught":
            return "green"
        case _:
            return "cyan"


def wish_text(packed: bytes) -> Text:
    """An intent on one line: action, resource, params."""
    try:
        wish = intent.unpack(packed)
    except canonical.NotCanonical as error:
        return Text(f"an intent that cannot be read: {error}", style="red")
    if changes.is_change(wish):
        return shown(f"{wish.action} {wish.resource} ({changes.in_words(wish)})")
    params = ", ".join(f"{name}={value_text(value)}" for name, value in wish.params.items())
    return shown(f"{wish.action} {wish.resource} ({params})")


def _proposed(body: Body) -> Text:
    return wish_text(body["intent"])


def _decided(body: Body) -> Text:
    if not body["permitted"]:
        return Text.assemble("denied: ", shown(body["why"]))
    by = f" by {', '.join(body['policies'])}" if body["policies"] else ""
    quorum = f", quorum {body['quorum']}" if body["quorum"] else ""
    return shown(f"permitted at {body['tier']}{by}{quorum}, executor {body['executor'] or 'none'}")


def _requested(body: Body) -> Text:
    return Text(f"waits for approval until {clock(body['expires_at'])} UTC")


def _given(body: Body) -> Text:
    return shown(f"approved by {body['person']}")


def _vote_denied(body: Body) -> Text:
    return shown(f"denied by {body['person']}: {body['reason']}")


def _asked(body: Body) -> Text:
    return shown(f"{body['person']} asks, question {body['number']}: {body['question']}")


def _answered(body: Body) -> Text:
    return shown(f"answer to question {body['number']}: {body['answer']}")


def _envelope_signed(body: Body) -> Text:
    return shown(f"{body['envelope']} by {body['person']}: see `vienna envelope show`")


def _envelope_used(body: Body) -> Text:
    cost = f", {money(body['cost'])} of its total" if body["cost"] else ""
    return shown(f"approved in advance by {body['person']}, by envelope {body['envelope']}, use {body['number']}{cost}")


def _issued(body: Body) -> Text:
    try:
        terms = warrant.unverified_unpack(body["fields"])
    except canonical.NotCanonical as error:
        return Text(f"a warrant that cannot be read: {error}", style="red")
    cap = "" if terms.cost_cap is None else f", at most {money(terms.cost_cap)}"
    life = lasting(terms.expires_at - terms.not_before)
    return shown(f"{terms.warrant} for {terms.executor}: {counted(terms.uses, 'use')} within {life}{cap}")


def _opened(body: Body) -> Text:
    return shown(f"run {body['run']} by {body['redeemer']}, effect {body['effect']}")


def _reported(body: Body) -> Text:
    found = f"run {body['run']}: {body['outcome']}, cost {money(body['cost'])}"
    return shown(f"{found}: {why}" if (why := _why_not(body)) else found)


def _why_not(body: Body) -> str:
    """What the executor says went wrong: everybody who sees that a run failed asks this next."""
    if body["outcome"] == "succeeded":
        return ""
    try:
        evidence = receipt.unverified_unpack(body["receipt"]).evidence
    except canonical.NotCanonical as error:
        return f"a receipt that cannot be read: {error}"
    return str(evidence.get("why", ""))


def _verified(body: Body) -> Text:
    found = shown(f"{body['verdict']} ({'observed by ' + body['verifier'] if body['verifier'] else 'by ' + body['basis']})")
    for name, expected, observed, agrees in body["checks"]:
        if not agrees:
            found.append_text(shown(f"; {name}: expected {expected}, observed {observed}", style="red"))
    return found


def _looked(body: Body) -> Text:
    found = shown(f"{body.get('verdict') or body['found'].replace('_', ' ')}, as {body['person']} saw it")
    for name, expected, observed, agrees in body["checks"]:
        if not agrees:
            found.append_text(shown(f"; {name}: expected {expected}, observed {observed}", style="red"))
    return found


def _reported_late(body: Body) -> Text:
    return Text.assemble("after its outcome had become unknown: ", _reported(body))


def _vouched(body: Body) -> Text:
    return shown(f"run {body['run']} {_happened(body)}, says {body['person']} ({body['reason']}); a second person has to say the same")


def _settled(body: Body) -> Text:
    return shown(f"run {body['run']} {_happened(body)} ({body['basis']}): {body['reason']}")


def _happened(body: Body) -> str:
    return "happened" if body["happened"] else "did not happen"


def _letter(body: Body) -> Text:
    return shown(f"{body['letter']}: {body['kind']}: {body['why']}")


def _invited(body: Body) -> Text:
    roles = f", roles {', '.join(body['roles'])}" if body["roles"] else ""
    owner = f", owned by {body['owner']}" if body["owner"] else ""
    return shown(f"{body['member']}, {body['kind']}, person {body['person']}{roles}{owner}; until {clock(body['expires_at'])} UTC")


def _enrolled(body: Body) -> Text:
    return shown(f"{body['member']} made keys and waits to be confirmed")


def _pushed(body: Body) -> Text:
    return shown(f"{body['bundle'].hex()}: {', '.join(body['files'])}")


def _refused(body: Body) -> Text:
    about = f" {body['about']}" if body["about"] else ""
    return shown(f"{body['command']}{about}: {body['why']} ({body['code']})")


def _quarantined(body: Body) -> Text:
    return shown(f"{body['command']} of {body['by']}: the tenant fell twice over it ({body['fall']}); dead letter {body['letter']}")


def _recovery(body: Body) -> Text:
    lost, keys = ", ".join(body["lost"]), ", ".join(f"{name} with {print_}" for name, print_ in body["keys"])
    when = f"from {clock(body['due'])} UTC on"
    return shown(f"{lost} lost, says {body['person']} ({body['reason']}); {keys} {when}, unless an approver or admin objects")


def _plain(body: Body) -> Text:
    why = next((str(body[name]) for name in ("why", "reason") if body.get(name)), None)
    if why is not None:
        whom = [str(body[name]) for name in _NAMED if body.get(name)]
        return shown(": ".join((*whom, why)))
    told = ((name, value) for name, value in body.items() if name not in ("case", "closes"))
    return shown(", ".join(f"{name.replace('_', ' ')} {_brief(name, value)}" for name, value in told))


_NAMED = ("member", "letter", "scope", "warrant", "run")  # what an event is about, said before why it happened
_SEEN = 8  # bytes of a key, a digest or a signature: enough to tell two apart; `--json` has all of them


def _brief(name: str, value: object) -> str:
    match value:
        case int() if name in ("until", "expires_at"):
            return f"{clock(value)} UTC"
        case bytes() if len(value) > _SEEN and name not in ("bundle", "previous"):  # those are typed again: `policy activate`
            return f"{value[:_SEEN].hex()}…"
        case _:
            return value_text(value)


_SENTENCES: Mapping[str, Callable[[Body], Text]] = {
    "member.invited/1": _invited,
    "member.enrolled/1": _enrolled,
    "bundle.pushed/1": _pushed,
    "command.refused/1": _refused,
    "intent.proposed/1": _proposed,
    "case.decided/1": _decided,
    "approval.requested/1": _requested,
    "approval.given/1": _given,
    "approval.denied/1": _vote_denied,
    "approval.asked/1": _asked,
    "approval.answered/1": _answered,
    "envelope.signed/1": _envelope_signed,
    "envelope.used/1": _envelope_used,
    "warrant.issued/1": _issued,
    "run.opened/1": _opened,
    "run.reported/1": _reported,
    "run.attested/1": _looked,
    "run.verified/1": _verified,
    "run.reported_late/1": _reported_late,
    "effect.probed/1": _looked,
    "effect.vouched/1": _vouched,
    "effect.settled/1": _settled,
    "dead_letter.opened/1": _letter,
    "command.quarantined/1": _quarantined,
    "recovery.announced/1": _recovery,
}

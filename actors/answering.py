"""What a tenant answers, from its state and its ledger.  Who may see what is decided here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import assert_never

import attrs

from actors import agent, alert_lines, approver, bundle_history, dead_letters, executor, family, findings, verifier, warrant_reads
from actors.drafting import issuer_signature, sign
from actors.governance import breaker_views, budgets, conversation, guarding, kinds, readers, recovery, settling, views
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.aborting import aborted
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.decision import Asker, Operator
from actors.governance.ids import Instant, WarrantId
from actors.governance.refusals import Code, Refusal, unknown
from actors.governance.state import Member, State
from actors.messages import Done, Introduce, Outcome
from actors.recall import Recall
from actors.sight import WHOLE_LOG
from actors.signer import Signer
from ledger import Header


def answer(state: State, recall: Recall, query: c.Query, by: Asker, signer: Signer) -> Callable[[], Outcome]:
    """A question's answer, to be made when ``state`` as it is now is durable.  What is not there and what is not for whoever asks
    look the same.

    What the state says is said of the state as it is now: later it holds what is not durable.  What the ledger says is read then,
    and of what is on the disk alone.
    """
    recall = recall.durable
    match query:
        case c.ShowCase():
            return partial(_case, recall, query.case, by)
        case c.ShowLineage():
            return partial(family.answer, recall, query, by)
        case c.ListLetters():
            at = dead_letters.newest(state.last_letter, query.before)
            return lambda: Done(dead_letters.page(recall, at, query))
        case c.ShowLetter():
            return partial(_letter, recall, query.letter, by)
        case c.ListFindings():
            return findings.listed(state, recall, query)
        case c.ShowFinding():
            return partial(findings.shown, recall, query.finding)
        case c.ShowBundle(bundle=named):
            if not isinstance(by, Member) or (named is not None and by.kind not in WHOLE_LOG):
                return lambda: Refusal(Code.NOT_ALLOWED, "bundles are for the tenant's own people; machines see the one in force")
            return partial(_bundle, recall, state.bundle if named is None else named, asked=named is not None)
        case c.ListBundles():
            return partial(bundle_history.answer, recall, query, state.standing)
        case c.ListWarrants() | c.ShowWarrant():
            told = _warrants(state, signer, query, by)
            return lambda: told
        case c.ShowCard():
            card = _card(state, query.case, by)
            return lambda: card
        case c.Read():
            read = _read(state, query.what, by)
            return lambda: read
        case c.ShowFacts() | c.ShowRecovery() | c.ShowBreaker() | c.RunReconciliation():
            raise AssertionError("that is told by who knows the time and the node, see tenant.py")
        case _:
            assert_never(query)


def _warrants(state: State, signer: Signer, query: c.ListWarrants | c.ShowWarrant, by: Asker) -> Outcome:
    if not isinstance(by, Member):
        return Refusal(Code.NOT_ALLOWED, "warrants are for the tenant's own people")
    if isinstance(query, c.ListWarrants):
        return warrant_reads.listed(state, query, by)
    return warrant_reads.shown(state, signer, query, by)


def told_at(state: State, ask: c.Command | c.Query, by: Asker, now: Instant, limits: Callable[[], BreakerLimits]) -> Outcome | None:
    """What only the state, the time and the limits in force are needed for; None for any other question."""
    match ask:
        case c.ShowRecovery() | c.Read(what="recovery.show"):
            return Done(recovery.shown(state, now))
        case c.Read(what="budget.show"):
            return Done({"budgets": budgets.seen_by(state, by, now), "zone": state.zone})
        case c.ShowBreaker(scope=scope):
            return guarding.no_scope(state, scope) or Done(breaker_views.shown(state, scope, limits(), now))
        case _:
            return None


def introduced(state: State, message: Introduce, now: Instant) -> Outcome:
    """Who holds this API key or invitation, with the hash that the gateway compares."""
    if message.invitation:
        invited = state.invitations.get(message.key_id)
        if invited is None or invited.expires_at <= now:
            return Refusal(Code.UNKNOWN, "no such key")
        return Done({"member": invited.member, "hash": invited.token_hash, "kind": "invitee", "public_key": None})
    member = state.member_by_key(message.key_id)
    if member is None:
        return Refusal(Code.UNKNOWN, "no such key")
    return Done({"member": member.member, "hash": member.key_hash, "kind": member.kind, "public_key": member.public_key})


def of_command(state: State, command: c.Command, said: Mapping[str, object], events: Sequence[e.Event]) -> dict[str, object]:
    """What the reply to a command says: what the law said, and where the case it touched stands now."""
    value: dict[str, object] = dict(said)
    case = said.get("case")
    if isinstance(case, str):
        open_case = state.cases.get(case)
        if open_case is not None:
            value.update(views.case_status(open_case))
        begun = "proposed" if open_case is None else open_case.status
        value["status"] = views.story((event for event in events if getattr(event, "case", case) == case), begun)
    _with_warrant(value, events, give=isinstance(command, c.Propose))
    return value


def repeated(recall: Recall, command: c.Command, said: Mapping[str, object]) -> dict[str, object]:
    """The reply to a command that was given before: the case as the ledger has it, with the warrant that was issued to who proposed
    it; and the very run that was asked about, of several that the case may have."""
    value: dict[str, object] = dict(said)
    case = said.get("case")
    if isinstance(case, str):
        events = [event for _, event in recall.case(case)]
        value["status"] = views.story(events)
        _with_warrant(value, events, give=isinstance(command, c.Propose))
    return {**value, **said}


def _with_warrant(value: dict[str, object], events: Sequence[e.Told], *, give: bool) -> None:
    for event in events:
        if isinstance(event, e.CaseDecided):
            value["why"] = event.why
            value["tier"] = event.tier
        elif isinstance(event, e.WarrantIssued) and give:
            value["warrant"] = {"fields": event.fields, "signature": event.signature, "mac": event.mac}
        elif isinstance(event, e.RunOpened):
            value["run"] = event.run
            value["effect"] = event.effect


def entry(header: Header, event: e.Told) -> dict[str, object]:
    """One entry as people read it; of one whose body was removed, the header."""
    if isinstance(event, e.Gone):
        seq, tag = header.sequence, header.tag
        return {"seq": seq, "time": header.time, "tag": tag, "actor": header.actor, "step": header.step, "body": {}, "removed": True}
    body = {field.name: _plain(getattr(event, field.name)) for field in attrs.fields(type(event))}
    return {"seq": header.sequence, "time": header.time, "tag": header.tag, "actor": header.actor, "step": header.step, "body": body}


def _plain(value: object) -> object:
    """As the wire has it, which knows lists and no tuples."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _case(recall: Recall, case: str, by: Asker) -> Outcome:
    found = recall.case(case)
    events = [event for _, event in found]
    if not found or not isinstance(by, Member) or not agent.sees(by.member, by.kind, events):
        return unknown("case", case)
    outcome = "removed" if any(isinstance(event, e.Gone) for event in events) else views.story(events)
    return Done({"case": case, "outcome": outcome, "entries": [entry(*pair) for pair in found]})


def _card(state: State, name: str, by: Asker) -> Outcome:
    case = state.cases.get(name)
    if case is None or case.status != "held" or not isinstance(by, Member):
        return unknown("held case", name)
    return Done(
        {
            **views.approval_line(case),
            "card": case.card_bytes,
            "said": conversation.told(case.said),
            "yours": views.votes_on(state, by, case),
        }
    )


def _letter(recall: Recall, letter: str, by: Asker) -> Outcome:
    event = recall.letter(letter)
    if event is None:
        return unknown("dead letter", letter)
    if not event.case:
        return Done({"case": "", "outcome": "quarantined", "entries": [], **dead_letters.summary(recall, event), **_poison(recall, letter)})
    shown = _case(recall, event.case, by)
    if not isinstance(shown, Done):
        return unknown("dead letter", letter)
    return Done({**shown.value, **dead_letters.summary(recall, event)})


def _poison(recall: Recall, letter: str) -> dict[str, object]:
    found = recall.quarantined(letter)
    return {} if found is None else {"command": found.command, "by": found.by, "digest": found.digest, "fall": found.fall}


def _bundle(recall: Recall, bundle: bytes | None, *, asked: bool) -> Outcome:
    source = None if bundle is None else recall.bundle_files(bundle)
    if asked and source is None:
        return unknown("bundle", (bundle or b"").hex()[:16])
    return Done({"bundle": bundle, "files": source or {}})


def _read(state: State, what: str, by: Asker) -> Outcome:
    match what:
        case "status":
            return Done(views.status(state))
        case "breaker.list":
            return Done({"breakers": breaker_views.listed(state)})
        case _ if isinstance(by, Operator):
            return Refusal(Code.NOT_ALLOWED, f"{what} is for the tenant's own people")
        case "alert.list":
            return Done({"alerts": alert_lines.listed(state.alerts)})
        case "member.list":
            return Done({"members": views.members(state)})
        case "effect.list":
            return Done({"effects": settling.listed(state)})
        case "seat.list":
            return Done({"seats": views.seats(state)})
        case "review.stats":
            return Done({"readers": readers.lines(state)})
        case "envelope.list":
            return Done({"envelopes": views.envelopes(state)})
        case "approval.list" if isinstance(by, Member):
            return Done({"cases": views.approvals(state, by)})
        case "whoami" if isinstance(by, Member):
            return Done(
                {
                    "tenant": state.tenant,
                    "member": by.member,
                    "kind": by.kind,
                    "person": by.person,
                    "roles": sorted(by.roles),
                    "phase": state.phase,
                }
            )
        case _:
            return unknown("question", what)


def waiting(state: State, by: Member) -> list[str]:
    """What waits for this member now, by id."""
    desk = {kinds.EXECUTOR: executor.waiting, kinds.VERIFIER: verifier.waiting}.get(by.kind, approver.waiting)
    return [*desk(state, by), *(run.run for run in aborted(state) if run.redeemer == by.member)]


def inbox(state: State, recall: Recall, signer: Signer, names: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """The items behind ``waiting``; what is over by now is left out."""
    for name in names:
        live, run, case = state.warrants.get(name), state.runs.get(name), state.cases.get(name)
        if live is not None:
            issued = sign(e.WarrantIssued(live.case, WarrantId(name), live.fields, b"", b""), state.tenant, signer)
            yield executor.item(issued)
            yield from (executor.use_item(issued, asked) for asked in live.waiting)
        elif run is not None and run.aborted and run.status == "open":
            yield executor.abort_item(run)
        elif run is not None:
            signature = issuer_signature(signer, state.tenant, run.fields)
            if run.status == "unknown":
                yield verifier.probe_item(run, signature)
                continue
            reports = [event for _, event in recall.case(run.case) if isinstance(event, e.RunReported) and event.run == name]
            if reports:
                yield verifier.item(run, signature, reports[-1].receipt, reports[-1].signature)
        elif case is not None:
            yield approver.item(case)
        elif name == approver.RECOVERY and recovery.told(state):
            yield approver.recovery_item(state)


def shadow(
    state: State, recall: Recall, compared: int, passed_over: int, more: Mapping[tuple[str, str, str, str], int]
) -> Callable[[], Outcome]:
    """The candidate beside the bundle in force: what is on the log by now, and what waits to be counted there."""
    running = state.shadow
    if running is None:
        return lambda: Done({"bundle": None, "groups": []})
    counts = {tuple(name.split("\0")): count for name, count in running.counts.items()}
    for kind, count in more.items():
        counts[kind] = counts.get(kind, 0) + count
    shown = {tuple(name.split("\0")): places for name, places in running.shown.items()}
    about = {
        "bundle": running.bundle,
        "since": running.since,
        "by": running.by,
        "compared": running.compared + compared,
        "passed_over": running.passed_over + passed_over,
    }
    order = sorted(counts.items(), key=lambda item: -item[1])
    return lambda: Done({**about, "groups": [_difference(recall, kind, count, shown.get(kind, ())) for kind, count in order]})


def _difference(recall: Recall, kind: tuple[str, ...], count: int, places: Sequence[int]) -> dict[str, object]:
    examples = [
        {"seq": at, "time": header.time, "case": event.about, "agent": event.agent, "said": event.said, "says": event.says,
         "policies": list(event.policies)}
        for at in places
        for header, event in [recall.told(at)]
        if isinstance(event, e.ShadowDiffered)
    ]  # fmt: skip
    return {"kind": kind[0], "from": kind[1], "to": kind[2], "action": kind[3], "count": count, "examples": examples}

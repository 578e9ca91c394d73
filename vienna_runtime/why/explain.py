"""From a case as it is told to sentences: who decided by what, what they saw, who had to agree, how it ended, what would have differed.

Text of agents and policies stands in the sentences as it is; whoever shows them, shows them escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actors.governance import events as e
from actors.governance import governed, kinds, quorum, review, seats
from actors.governance.bundle import Bundle
from actors.governance.judge import judge
from actors.governance.otherwise import Otherwise, otherwise, outcome
from actors.governance.policies import Policy
from actors.governance.question import Permitted, Question, Unavailable
from actors.governance.reads import Path
from actors.governance.state import Case, Member
from vienna_runtime.cli.phrases import clock, lasting, money
from vienna_runtime.cli.shown import value_text
from vienna_runtime.why.told import Decided, Told


def explain(told: Told) -> dict[str, Any]:
    """For programs; ``sentences`` makes text of it."""
    return {
        "case": told.case,
        "asked": {
            "agent": told.proposed.agent,
            "roles": sorted(told.agent.roles) if told.agent else [],
            "action": told.wish.action,
            "resource": told.wish.resource,
            "params": dict(told.wish.params),
            "purpose": told.wish.purpose,
            "cost": told.wish.cost,
            "parent": told.wish.parent,
        },
        "verdicts": [_verdict(one) for one in told.decided],
        "quorum": None if told.held is None else _quorum(told, told.held),
        "end": list(_end(told)),
    }


def _verdict(one: Decided) -> dict[str, Any]:
    said, bundle, question = one.event, one.bundle, one.question
    found: dict[str, Any] = {
        "time": one.at,
        "permitted": said.permitted,
        "tier": said.tier,
        "why": said.why,
        "bundle": said.bundle,
        "quorum": said.quorum,
        "executor": said.executor,
        "policies": [],
        "asked_again": None,
        "otherwise": [],
    }
    if bundle is None or question is None:
        return found
    policies = {policy.id: policy for policy in bundle.policies}
    found["policies"] = [_policy(policies[name], bundle, question) for name in said.policies if name in policies]
    again = judge(bundle, question)
    found["asked_again"] = outcome(again) == ((said.tier, said.quorum) if said.permitted else ("deny", ""))
    if found["asked_again"]:
        found["otherwise"] = [_otherwise(item) for item in otherwise(bundle, question)]
    return found


def _policy(policy: Policy, bundle: Bundle, question: Question) -> dict[str, Any]:
    terms = policy.terms
    return {
        "id": policy.id,
        "effect": "forbid" if terms is None else "permit",
        "place": f"{policy.file}:{policy.line}",
        "reason": policy.reason,
        "tier": None if terms is None else terms.tier,
        "quorum": None if terms is None or terms.quorum is None else str(terms.quorum),
        "read": [{"what": ".".join(path), "value": value} for path in sorted(policy.reads) for value in _read(path, bundle, question)],
    }


def _read(path: Path, bundle: Bundle, question: Question) -> Iterator[str]:
    """What the question has at a place that a policy can read; nothing for places that are only there at redemption."""
    match path:
        case ("principal",):
            yield f"{question.agent}, with the roles {', '.join(sorted(question.roles)) or 'none'}"
        case ("principal", "in", role):
            yield "yes" if role in question.roles else "no"
        case ("principal", "owner"):
            yield question.owner or "nobody"
        case ("resource",) | ("resource", "id"):
            yield question.resource
        case ("resource", "kind"):
            yield question.resource.partition("/")[0]
        case ("context", "cost"):
            yield money(question.cost)
        case ("context", "params", name):
            yield value_text(question.params[name]) if name in question.params else "not given"
        case ("context", "params") | ("context",):
            yield value_text(dict(question.params))
        case ("context", "facts", name):
            fact = question.facts.get(name)
            yield "not known" if fact is None else fact.why if isinstance(fact, Unavailable) else value_text(fact)
        case ("context", "phase"):
            yield question.phase
        case ("context", "approvals"):
            yield str(question.approvals)
        case _:
            return


def _otherwise(item: Otherwise) -> dict[str, Any]:
    answer = item.answer
    reached, seats = outcome(answer)
    return {
        "what": item.what,
        "was": item.was,
        "were": item.were,
        "outcome": reached,
        "quorum": seats,
        "policies": list(answer.policies),
        "why": "" if isinstance(answer, Permitted) else answer.why,
    }


def _quorum(told: Told, case: Case) -> dict[str, Any]:
    wanted = quorum.parse_known(case.quorum) if case.quorum else quorum.any_of(1)
    change = governed.is_change(case)
    seated = (kinds.APPROVER, kinds.ADMIN) if change else (kinds.APPROVER,)
    approved = {given.person for given in case.given}
    people = [member for member in told.members.values() if member.kind in seated and member.status == "active"]
    filled = seats.people(told.state, case.given)
    may = {m.member: seats.roles(told.state, m, () if change else seats.held(told.state, m, case, told.state.time)) for m in people}
    open_ = [m for m in people if m.person not in case.barred and m.person not in approved]
    return {
        "quorum": case.quorum,
        "tier": case.tier,
        "persons": case.persons,
        "approved": [{"member": given.approver, "person": given.person} for given in case.given],
        "missing": max(quorum.missing(wanted, filled), case.persons - len(approved)),
        "could": [m.member for m in open_ if quorum.eligible(wanted, m.person, may[m.member])],
        "no_seat": [m.member for m in open_ if not quorum.eligible(wanted, m.person, may[m.member])],
        "excluded": [{"person": person, "because": _excluded(told, person)} for person in sorted(case.barred)],
        "seats": [{"of": of, "held_by": given.approver} for given in case.given for of in given.seats],
        "then": [{"quorum": stage, "within": within} for stage, _, within in review.then(case.review)[case.stage :]],
        "until": case.expires_at,
        "waits": case.status == "held",
    }


def _excluded(told: Told, person: str) -> str:
    agent = told.agent or told.members.get(told.proposed.agent)
    if agent is not None and agent.person == person:
        return "asked for it"
    if person not in told.proposed.excluded:
        return "wrote the policy in force, or put it in force, and it excludes its authors"
    owner: Member | None = told.members.get(agent.owner or "") if agent is not None else None
    if owner is not None and owner.person == person:
        return f"owns {told.proposed.agent}"
    return "stands behind a case above, or owns who owns the agent"


def _end(told: Told) -> Iterator[dict[str, Any]]:
    """What happened after the verdict, as far as it decided how the case ended."""
    for header, event in told.steps:
        said = _ended(event)
        if said:
            yield {"time": header.time, "seq": header.sequence, "said": said}


def _ended(event: e.Event) -> str:  # one sentence a kind
    match event:
        case e.ApprovalGiven():
            return f"{event.person} approved it"
        case e.ApprovalDenied():
            return f"{event.person} denied it, for good: {event.reason or 'no reason given'}"
        case e.CaseExpired():
            return f"it expired: {event.why}"
        case e.CaseCancelled():
            return f"{event.by} withdrew it: {event.why}"
        case e.CanaryMissed():
            return f"it was a canary of {event.by}'s, and {', '.join(event.persons)} approved it: nothing was executed"
        case e.CanaryCaught():
            return f"it was a canary of {event.by}'s, and {event.person} caught it"
        case e.CanaryEnded():
            return f"it was a canary of {event.by}'s, and nobody decided it"
        case e.ChangeApplied():
            return "the quorum was there, and the change was made"
        case e.WarrantIssued():
            return "the warrant was issued"
        case e.WarrantExpired():
            return "the warrant was not used in time"
        case e.WarrantRevoked():
            return f"the warrant was revoked: {event.why}"
        case e.TargetStale():
            return "the target had changed since the decision, so it was decided again"
        case e.RunOpened():
            return f"{event.redeemer} redeemed it, permitted again by {', '.join(event.policies) or 'nothing'}"
        case e.RunReported():
            return f"the executor reported: {event.outcome}"
        case e.RunUnknown():
            return f"what became of the run is not known: {event.why}"
        case e.RunVerified():
            wrong = "; ".join(f"{name}: expected {wanted}, observed {seen}" for name, wanted, seen, agrees in event.checks if not agrees)
            return f"the verdict on the run: {event.verdict}, by {event.basis}" + (f" ({wrong})" if wrong else "")
        case e.EffectSettled():
            return f"{event.by} settled it: {'it happened' if event.happened else 'it did not happen'}: {event.reason}"
        case e.DeadLetterOpened():
            return f"it is the dead letter {event.letter}: {event.why}"
        case _:
            return ""


def sentences(found: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """(indentation, sentence)."""
    asked = found["asked"]
    params = ", ".join(f"{name}={value_text(value)}" for name, value in asked["params"].items())
    roles = f" ({', '.join(asked['roles'])})" if asked["roles"] else ""
    yield 0, f"{asked['agent']}{roles} asked for {asked['action']} on {asked['resource']}" + (f" with {params}" if params else "")
    yield 1, f"purpose: {asked['purpose']}"
    for verdict in found["verdicts"]:
        yield from _verdict_sentences(verdict)
    if found["quorum"] is not None:
        yield from _quorum_sentences(found["quorum"])
    if found["end"]:
        yield 0, "Then:"
        for step in found["end"]:
            yield 1, f"{clock(step['time'])} UTC  {step['said']}"


def _verdict_sentences(verdict: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    at = f"{clock(verdict['time'])} UTC"
    if not verdict["permitted"]:
        yield 0, f"It was denied at {at}: {verdict['why']}"
    else:
        needs = f", which needs {verdict['quorum']}" if verdict["quorum"] else ", granted at once"
        yield 0, f"It was permitted at {at} at {verdict['tier']}{needs}; executor {verdict['executor'] or 'none'}"
    for policy in verdict["policies"]:
        demands = f", tier {policy['tier']}" if policy["tier"] else ""
        seats = f", quorum {policy['quorum']}" if policy["quorum"] else ""
        reason = f": {policy['reason']}" if policy["reason"] else ""
        yield 1, f"{policy['effect']} by {policy['id']} ({policy['place']}){demands}{seats}{reason}"
        for read in policy["read"]:
            yield 2, f"{read['what']}: {read['value']}"
    if verdict["bundle"] == governed.BUNDLE:
        yield 1, "by the built-in policy: a change of a sealed tenant needs two persons other than who asks, and no bundle can weaken that"
        return
    if verdict["asked_again"] is None:
        yield 1, "its bundle is not known here, so nothing can be said about what would have differed"
        return
    if not verdict["asked_again"]:
        yield (
            1,
            "asked again, policy says something else: it was decided on what is not recorded here, and nothing more is claimed",
        )
        return
    if not verdict["otherwise"]:
        yield 1, "no single change that was tried would have changed this"
        return
    yield 1, "it would have been otherwise (each of these was asked):"
    for item in verdict["otherwise"]:
        reached = "denied" if item["outcome"] == "deny" else f"{item['outcome']}" + (f" ({item['quorum']})" if item["quorum"] else "")
        by = f" by {', '.join(item['policies'])}" if item["policies"] else ""
        change = item["were"] if item["what"] == "principal in role" else f"{item['were']} instead of {item['was']}"
        yield 2, f"{item['what']} {change}: {reached}{by}"


def _quorum_sentences(found: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    persons = "one person" if found["persons"] == 1 else f"{found['persons']} different persons"
    yield 0, f"Who had to agree: {found['quorum'] or 'one approver'}, at {found['tier']} at least {persons}"
    approved = ", ".join(f"{given['person']} (as {given['member']})" for given in found["approved"])
    yield 1, f"approved: {approved or 'nobody'}"
    if found["waits"] or found["missing"] > 0:
        yield 1, f"still missing: {found['missing']}" + (f", until {clock(found['until'])} UTC" if found["waits"] else "")
        yield 1, f"could still approve: {', '.join(found['could']) or 'nobody'}"
    if found["no_seat"]:
        yield 1, f"no seat is open to the roles of: {', '.join(found['no_seat'])}"
    for one in found["seats"]:
        yield 1, f"{one['held_by']} held the seat of {one['of']} too"
    if found["waits"]:
        for stage in found["then"]:
            yield 1, f"after that, for {lasting(stage['within'])}: {stage['quorum']}"
    for one in found["excluded"]:
        yield 1, f"{one['person']} can fill no seat: {one['because']}"

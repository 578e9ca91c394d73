"""Whether policy permits it, and what it then demands.

    catalogue   an unknown action, or parameters that are not exactly as declared: forbidden before Cedar is asked
    facts       those the bundle declares must be there; others are not shown to it
    Cedar       default deny, forbid wins; any error forbids, since Cedar skips a policy whose evaluation fails, even a forbid
    floor       at `execute`, fewer persons than the tier and quorum demand: forbidden, whatever the policies say

Answers are remembered under everything they rest on: the whole context as it is handed to Cedar, the principal with roles
and owner, the action and the resource.  The bundle itself is what remembers, so its digest needs no place in the key.
"""

from __future__ import annotations

import json
from typing import cast

import cedarpy

from .bundle import Bundle, Slice
from .canonical import MAX_INTEGER
from .finding import did_you_mean
from .obligations import Obligations, Terms, merged
from .params import typed
from .question import Answer, Forbidden, Permitted, Question

__all__ = ["Forbidden", "Permitted", "Question", "judge"]

LONGEST_KEY = 2_048  # characters of context; longer ones are judged every time, so that the memory stays small
MOST_COMPARED = 64  # actions in which a near miss is looked for: a wrong name must not cost more than a right one by much
_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(separators=(",", ":")).encode


def judge(bundle: Bundle, question: Question) -> Answer:
    """Never raises for what the question holds; the same question gives the same answer."""
    action = bundle.catalogue.get(question.action)
    if action is None:
        hint = did_you_mean(question.action, bundle.catalogue) if len(bundle.catalogue) <= MOST_COMPARED else "see its list"
        return Forbidden((), f"the catalogue has no action {question.action[:64]!r}; {hint}")
    params = typed(action.params, question.params)
    if isinstance(params, str):
        return Forbidden((), f"{action.name}: {params}")
    given = question.facts
    facts = typed(bundle.facts, {fact.name: given[fact.name] for fact in bundle.facts if fact.name in given})
    if isinstance(facts, str):
        return Forbidden((), f"a fact that policy needs is not known: {facts}")
    if question.phase not in ("propose", "execute") or not _counts(question.cost) or not _counts(question.approvals):
        return Forbidden((), "the question is malformed: phase, cost or approvals")
    context = _encode({"phase": question.phase, "approvals": question.approvals, "cost": question.cost, "params": params, "facts": facts})
    key = (question.agent, question.roles, question.owner, question.action, question.resource, context)
    answer = bundle.answers.get(key)
    if answer is None:
        answer = _ask(bundle, question, context)
        if len(context) + len(question.resource) <= LONGEST_KEY:
            bundle.answers.put(key, answer)
    return cast(Answer, answer)


def _counts(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def _ask(bundle: Bundle, question: Question, context: str) -> Answer:
    part = bundle.slices[question.action]
    request = {
        "principal": {"type": "Agent", "id": question.agent},
        "action": {"type": "Action", "id": question.action},
        "resource": {"type": "Resource", "id": question.resource},
        "context": context,
    }
    try:
        result = cedarpy.is_authorized(request, part.prepared, _entities(bundle, question), bundle.schema)
    except (ValueError, TypeError) as error:  # text that is not Unicode, which Cedar cannot be handed at all
        return Forbidden((), "policy could not be asked", (type(error).__name__,))
    if result.diagnostics.errors:
        errors = tuple(_named(error, part) for error in result.diagnostics.errors)
        return Forbidden((), "a policy could not be evaluated, and what cannot be evaluated does not permit", errors)
    reasons = tuple(int(reason.removeprefix("policy")) for reason in result.diagnostics.reasons)
    if not result.allowed:
        return _forbidden(part, reasons, question)
    names = tuple(sorted(part.policies[number].id for number in reasons))
    demanded = bundle.merged.get((question.action, names))
    if demanded is None:
        demanded = _merged(bundle, question.action, [part.policies[number].terms for number in reasons])
        bundle.merged.put((question.action, names), demanded)
    if isinstance(demanded, str):
        return Forbidden(names, demanded)
    obligations = cast(Obligations, demanded)
    if question.phase == "execute" and question.approvals < obligations.persons:
        return Forbidden(names, f"{obligations.tier} needs {obligations.persons} approving persons here, there are {question.approvals}")
    return Permitted(obligations, names)


def _merged(bundle: Bundle, action: str, permits: list[Terms | None]) -> Obligations | str:
    known = bundle.catalogue[action]
    terms = [permit for permit in permits if permit is not None]
    if not terms or len(terms) != len(permits):
        return "a policy without terms cannot permit"  # unreachable from load(), and closed all the same
    return merged(terms, settings=bundle.settings, executor=known.executor, observable=known.observe is not None)


def _forbidden(part: Slice, reasons: tuple[int, ...], question: Question) -> Forbidden:
    forbidding = sorted((part.policies[number] for number in reasons), key=lambda policy: policy.id)
    if not forbidding:
        return Forbidden((), f"no policy permits {question.action} on {question.resource[:128]!r} to {question.agent[:64]!r}")
    why = "; ".join(f"{policy.id} forbids it" + (f": {policy.reason}" if policy.reason else "") for policy in forbidding)
    return Forbidden(tuple(policy.id for policy in forbidding), why)


def _named(error: str, part: Slice) -> str:
    """Cedar's message with our id in place of its number; what comes after it may quote the request and is cut."""
    for number, policy in enumerate(part.policies):
        if f"`policy{number}`" in error:
            return error.replace(f"`policy{number}`", f"`{policy.id}`")[:300]
    return error[:300]


def _entities(bundle: Bundle, question: Question) -> cedarpy.Entities:
    key = (question.agent, question.roles, question.owner, question.resource)
    entities = bundle.entities.get(key)
    if entities is None:
        resource = _quote(question.resource)
        kind = _quote(question.resource.partition("/")[0])
        roles = ",".join([f'{{"type":"Role","id":{_quote(role)}}}' for role in question.roles])
        entities = cedarpy.Entities.from_json_str(
            f'[{{"uid":{{"type":"Agent","id":{_quote(question.agent)}}},"attrs":{{"owner":{_quote(question.owner)}}},"parents":[{roles}]}},'
            f'{{"uid":{{"type":"Resource","id":{resource}}},"attrs":{{"id":{resource},"kind":{kind}}},"parents":[]}}]'
        )
        if len(question.resource) <= LONGEST_KEY:
            bundle.entities.put(key, entities)
    return entities

"""Whether policy permits it, and what it then demands.

    catalogue   an unknown action, or parameters that are not exactly as declared: forbidden before Cedar is asked
    facts       those that policies of the action read must be there; others are not shown to them
    Cedar       default deny, forbid wins; any error forbids, since Cedar skips a policy whose evaluation fails, even a forbid
    limits      parameters that the permitting policies constrain otherwise: forbidden, at `propose` and at every use
    floor       at `execute`, fewer persons than the tier and quorum demand: forbidden, whatever the policies say

An answer is remembered under exactly what Cedar was shown to give it (see ``view``), and the bundle itself is what remembers,
so its digest needs no place in the key.  What rests on more than that is outside of the memory: the floor, and sentences that
name the agent or the resource.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import cedarpy

from .bundle import Bundle, Slice
from .canonical import MAX_INTEGER
from .constraints import violation
from .finding import did_you_mean
from .obligations import Obligations, Terms, merged
from .params import Plain, typed
from .parties import Parties, parties
from .question import Answer, Forbidden, Permitted, Question, Unavailable
from .view import What, Who

__all__ = ["Forbidden", "Permitted", "Question", "foresee", "judge"]

LONGEST_KEY = 2_048  # characters of what is shown; longer ones are judged every time, so that the memory stays small
MOST_COMPARED = 64  # actions in which a near miss is looked for: a wrong name must not cost more than a right one by much
_NOTHING_PERMITS = Forbidden((), "no policy permits it")  # as remembered: who asked about what is named outside of the memory


Key: TypeAlias = tuple[str, Who, What]  # an action, and what Cedar is shown


def judge(bundle: Bundle, question: Question) -> Answer:
    """Never raises for what the question holds; the same question gives the same answer."""
    key = _key(bundle, question)
    if isinstance(key, Forbidden):
        return key
    answer = bundle.answers.get(key)
    if answer is None:
        answer = _asked(bundle, *key)
    if answer is _NOTHING_PERMITS:
        return Forbidden((), f"no policy permits {question.action} on {question.resource[:128]!r} to {question.agent[:64]!r}")
    if isinstance(answer, Permitted) and question.phase == "execute" and question.approvals < answer.obligations.persons:
        needed = f"{answer.obligations.tier} needs {answer.obligations.persons} approving persons here"
        return Forbidden(answer.policies, f"{needed}, there are {question.approvals}")
    if isinstance(answer, Permitted) and answer.obligations.limits and (wrong := violation(answer.obligations.limits, question.params)):
        return Forbidden(answer.policies, f"{', '.join(answer.policies)}: {wrong}")
    return answer


def foresee(bundle: Bundle, questions: Iterable[Question]) -> None:
    """Has ``judge`` find these questions answered: Cedar takes thirty in one call in the time of ten by themselves.

    What it answers is remembered under all that it rests on, so it does not matter what becomes of the questions.
    """
    alike: dict[tuple[str, Who], dict[What, str]] = {}
    for question in questions:
        key = _key(bundle, question)
        if not isinstance(key, Forbidden) and bundle.answers.get(key) is None:
            action, who, what = key
            alike.setdefault((action, who), {})[what] = bundle.slices[action].view.context(what)
    for (action, who), contexts in alike.items():
        part = bundle.slices[action]
        short = [what for what, context in contexts.items() if _is_short(who, context)]
        if not short:
            continue
        try:
            shown = _parties(bundle, who, remember=True)
            requests = [_request(shown, action, contexts[what]) for what in short]
            results = cedarpy.is_authorized_batch(requests, part.prepared, shown.entities, part.schema)
        except (ValueError, TypeError):
            continue  # one of them cannot be put: each is asked by itself and told so
        for what, result in zip(short, results, strict=True):
            bundle.answers.put((action, who, what), _read(bundle, part, action, result))


def _key(bundle: Bundle, question: Question) -> Key | Forbidden:
    """What Cedar is shown, or why it is not asked."""
    action = bundle.catalogue.get(question.action)
    if action is None:
        hint = did_you_mean(question.action, bundle.catalogue) if len(bundle.catalogue) <= MOST_COMPARED else "see its list"
        return Forbidden((), f"the catalogue has no action {question.action[:64]!r}; {hint}")
    params = typed(action.params, question.params)
    if isinstance(params, str):
        return Forbidden((), f"{action.name}: {params}")
    part = bundle.slices[question.action]
    facts = _facts(part, question)
    if isinstance(facts, str):
        return Forbidden((), facts)
    if question.phase not in ("propose", "execute") or not _counts(question.cost) or not _counts(question.approvals):
        return Forbidden((), "the question is malformed: phase, cost or approvals")
    if not (_is_text(question.agent) and _is_text(question.owner) and _is_text(question.resource)):
        return Forbidden((), "the question is malformed: agent, owner or resource")
    return question.action, part.view.who(question), part.view.what(question, params, facts)


def _facts(part: Slice, question: Question) -> dict[str, Plain] | str:
    """Those that are shown, or the sentence that says which of them is not to be had."""
    shown: dict[str, Plain] = {}
    for fact in part.facts:
        given = question.facts.get(fact.name, Unavailable("nobody said what it is"))
        if isinstance(given, Unavailable):
            return f"the fact {fact.name}, which policy reads, is not available: {given.why}"
        try:
            shown[fact.name] = fact.plain(given)
        except ValueError as wrong:
            return f"the fact {fact.name}, which policy reads, {wrong}"
    return shown


def _counts(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8, since Cedar may not be shown it and could not say so."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _asked(bundle: Bundle, action: str, who: Who, what: What) -> Answer:
    """Cedar's answer to what it is shown, remembered unless it is long; nothing else of the question may be an argument here."""
    part = bundle.slices[action]
    context = part.view.context(what)
    short = _is_short(who, context)
    try:
        shown = _parties(bundle, who, remember=short)
        result = cedarpy.is_authorized(_request(shown, action, context), part.prepared, shown.entities, part.schema)
    except (ValueError, TypeError) as error:  # text that is not Unicode, which Cedar cannot be handed at all
        return Forbidden((), "policy could not be asked", (type(error).__name__,))
    answer = _read(bundle, part, action, result)
    if short:
        bundle.answers.put((action, who, what), answer)
    return answer


def _is_short(who: Who, context: str) -> bool:
    agent, roles, owner, resource, _ = who
    return len(context) + sum([len(text) for text in (agent, *roles, owner, resource) if text is not None]) <= LONGEST_KEY


def _parties(bundle: Bundle, who: Who, *, remember: bool) -> Parties:
    """Raises ValueError for text that is not Unicode."""
    shown = bundle.parties.get(who)
    if shown is None:
        shown = parties(who)
        if remember:
            bundle.parties.put(who, shown)
    return shown


def _request(shown: Parties, action: str, context: str) -> dict[str, object]:
    return {"principal": shown.principal, "action": {"type": "Action", "id": action}, "resource": shown.resource, "context": context}


def _read(bundle: Bundle, part: Slice, action: str, result: cedarpy.AuthzResult) -> Answer:
    if result.diagnostics.errors:
        errors = tuple(_named(error, part) for error in result.diagnostics.errors)
        return Forbidden((), "a policy could not be evaluated, and what cannot be evaluated does not permit", errors)
    reasons = tuple(sorted(int(reason.removeprefix("policy")) for reason in result.diagnostics.reasons))  # Cedar gives them in no order
    if not result.allowed:
        return _forbidden(part, reasons)
    names = tuple(sorted(part.policies[number].id for number in reasons))
    demanded = bundle.merged.get((action, names))
    if demanded is None:
        demanded = _merged(bundle, action, [part.policies[number].terms for number in reasons])
        bundle.merged.put((action, names), demanded)
    return Forbidden(names, demanded) if isinstance(demanded, str) else Permitted(demanded, names)


def _merged(bundle: Bundle, action: str, permits: list[Terms | None]) -> Obligations | str:
    known = bundle.catalogue[action]
    terms = [permit for permit in permits if permit is not None]
    if not terms or len(terms) != len(permits):
        return "a policy without terms cannot permit"  # unreachable from load(), and closed all the same
    return merged(terms, settings=bundle.settings, executor=known.executor, observable=bool(known.checks))


def _forbidden(part: Slice, reasons: tuple[int, ...]) -> Forbidden:
    forbidding = sorted((part.policies[number] for number in reasons), key=lambda policy: policy.id)
    if not forbidding:
        return _NOTHING_PERMITS
    why = "; ".join(f"{policy.id} forbids it" + (f": {policy.reason}" if policy.reason else "") for policy in forbidding)
    return Forbidden(tuple(policy.id for policy in forbidding), why)


def _named(error: str, part: Slice) -> str:
    """Cedar's message with our id in place of its number; what comes after it may quote the request and is cut."""
    for number, policy in enumerate(part.policies):
        if f"`policy{number}`" in error:
            return error.replace(f"`policy{number}`", f"`{policy.id}`")[:300]
    return error[:300]

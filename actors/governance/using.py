"""A further use of a warrant that allows several: asked for by its agent, redeemed by its executor, burnt there and not before."""

from __future__ import annotations

from . import canonical, proposing
from . import commands as c
from . import events as e
from . import warrant as warrants
from .canonical import NotCanonical, Value
from .decision import Decided, Decision, Facts, Moment
from .params import typed
from .refusals import Code, Refusal, unknown
from .state import LiveWarrant, Member, State, worthless

MOST_ASKED = 8  # uses asked for and not redeemed yet: they are kept in memory with their parameters


def ask(state: State, command: c.UseWarrant, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Hands the executor one more use.  Whether it may still happen is decided when it redeems, as for the first."""
    live = state.warrants.get(command.warrant)
    if live is None or live.agent != by.member:
        return unknown("live warrant", command.warrant)
    if live.executor == by.member:
        return Refusal(Code.NOT_ALLOWED, "this warrant is yours to redeem: nobody else carries its uses out", about=live.warrant)
    try:
        given = None if command.params is None else canonical.pack(command.params)
    except NotCanonical as error:
        return Refusal(Code.MALFORMED, f"warrant.use: the params have no canonical form: {error}")
    if given == canonical.pack(live.terms.params):
        given = None
    if (prior := next((asked for asked in live.asks if asked.key == command.key), None)) is not None:
        if prior.digest == (b"" if given is None else canonical.digest(given)):
            return Decided(answer={"case": live.case, "use": prior.use, "repeated": True})
        return Refusal(Code.KEY_REUSED, "this idempotency key was used for other parameters", about=command.key[:64])
    if live.expires_at <= moment.now or (why := worthless(state, live)) is not None:
        over = "its time is over" if live.expires_at <= moment.now else why
        return Refusal(Code.WARRANT_OVER, f"the warrant is worth nothing any more: {over}", about=live.warrant)
    if (no := _beyond(live, command.params if given is not None else None, facts)) is not None:
        return no
    if live.uses_left <= len(live.waiting) + (not live.begun):
        return Refusal(Code.WARRANT_OVER, "every use that the warrant has left is asked for already", about=live.warrant)
    if len(live.waiting) >= MOST_ASKED:
        return Refusal(Code.BUSY, f"{MOST_ASKED} uses of it wait for the executor: ask again when one is done", 1000, about=live.warrant)
    use = len(live.asks) + 2
    asked = e.WarrantUseAsked(live.case, live.warrant, use, command.params if given is not None else None, command.key, by.member)
    return Decided((asked,), {"case": live.case, "use": use})


def _beyond(live: LiveWarrant, params: object, facts: Facts) -> Refusal | None:
    """Why other parameters than the proposed ones are none that the warrant allows, or None."""
    if params is None:
        return None
    terms = live.terms
    given: dict[str, Value] = dict(params)  # type: ignore[call-overload]  # a map: the wire says so
    if len(canonical.pack(given)) > proposing.LARGEST_INTENT:
        return Refusal(Code.TOO_LARGE, f"the params have more than {proposing.LARGEST_INTENT} bytes", about=live.warrant)
    bundle = facts.bundle_of(terms.bundle)
    action = None if bundle is None else bundle.catalogue.get(terms.action)
    record = None if action is None else typed(action.params, given)
    wrong = record if isinstance(record, str) else warrants.allows(terms, given)
    return None if wrong is None else Refusal(Code.OUT_OF_SCOPE, f"the warrant does not cover this: {wrong}", about=live.warrant)

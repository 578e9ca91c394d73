"""Whether a warrant, with what was handed on of it, covers what one redemption asks for: who, with which parameters, at what cost."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from . import commands as c
from . import intent as intents
from . import kinds, links
from . import warrant as warrants
from .bundle import Bundle
from .canonical import NotCanonical, Value
from .ids import Cost, EffectId, Instant, MemberId
from .refusals import Code, Refusal
from .signing import same
from .state import LiveWarrant, Member, State
from .warrant import Warrant


@attrs.frozen(kw_only=True)
class Claim:
    """One use of a warrant.  ``params`` is None where they are the ones proposed, ``chain`` where it was not handed on."""

    wish: intents.Intent  # with the parameters of this use
    args: bytes
    effect: EffectId
    params: Mapping[str, Value] | None = None
    chain: bytes | None = None
    holders: tuple[MemberId, ...] = ()  # along the chain, the last is who redeems
    limits: tuple[tuple[bytes, int], ...] = ()  # of each link its digest and how often it may be used
    cost_cap: Cost | None = None
    expires_at: Instant


def exact(terms: Warrant, wish: intents.Intent) -> Claim:
    """The use that was proposed."""
    return Claim(wish=wish, args=wish.args, effect=terms.effect, cost_cap=terms.cost_cap, expires_at=terms.expires_at)


def audience(state: State, command: c.Redeem, terms: Warrant, by: Member, now: Instant) -> links.Delegated | Refusal | None:
    """None for the warrant's own holder, what a chain leaves of it for the last holder of one, and a refusal for everybody else."""
    if command.chain is None:
        if by.member == terms.executor and same(by.public_key, terms.holder):
            return None
        return Refusal(Code.NOT_YOURS, "the warrant is addressed to another executor", about=terms.warrant)
    try:
        chain = links.unpack_chain(command.chain)
        left = links.follow(terms, links.digest(command.warrant, command.signature), chain, now=now)
    except (NotCanonical, links.LinkInvalid) as error:
        return Refusal(Code.CHAIN_INVALID, f"the warrant was not handed on like this: {error}", about=terms.warrant)
    if not same(by.public_key, left.holder):
        return Refusal(Code.NOT_YOURS, "the last link of the chain names another holder", about=terms.warrant)
    return _persons(state, left, terms, by)


def _persons(state: State, left: links.Delegated, terms: Warrant, by: Member) -> links.Delegated | Refusal:
    """Whether everybody along the chain is still here, and may have been: who approved does not carry it out."""
    for number, key in enumerate(left.holders, 1):
        member = _holder(state, key)
        if member is None:
            return Refusal(Code.CHAIN_INVALID, f"the holder of link {number} is no active member", about=terms.warrant)
        if member.person in terms.approvals:
            return Refusal(Code.NOT_ALLOWED, f"{member.person} approved this case and cannot be handed its warrant", about=terms.warrant)
    if by.kind == kinds.AGENT and terms.tier != "T0":
        return Refusal(Code.NOT_ALLOWED, f"an agent redeems only what is T0, and this is {terms.tier}", about=terms.warrant)
    return left


def holders(state: State, left: links.Delegated | None) -> tuple[MemberId, ...]:
    """Through whose hands it went, by name; the last is who redeems."""
    return () if left is None else tuple(member.member for key in left.holders if (member := _holder(state, key)) is not None)


def _holder(state: State, key: bytes) -> Member | None:
    return next((member for member in state.active() if same(member.public_key, key)), None)


def claim(
    state: State, command: c.Redeem, terms: Warrant, wish: intents.Intent, left: links.Delegated | None, bundle: Bundle | None
) -> Claim | Refusal:
    """What this use does, where the warrant and every link allow it."""
    params = terms.params if command.params is None else command.params
    try:
        args = intents.args_digest(terms.action, terms.resource, params)
        effect = intents.effect_id(state.tenant, args)
    except NotCanonical as error:
        return Refusal(Code.MALFORMED, f"redeem: the params have no canonical form: {error}")
    if not same(command.args_digest, args):
        return Refusal(Code.OUT_OF_SCOPE, "these arguments are not the ones the warrant covers", about=terms.warrant)
    if (wrong := _beyond(terms, params, left)) is not None:
        return Refusal(Code.OUT_OF_SCOPE, f"the warrant does not cover this: {wrong}", about=terms.warrant)
    cap = terms.cost_cap if left is None else left.cost_cap
    action = None if bundle is None else bundle.catalogue.get(terms.action)
    cost = None if action is None else action.worst_cost(params)
    if cap is not None and cost is not None and cost > cap:
        return Refusal(Code.OUT_OF_SCOPE, f"by its cost model this use costs {cost}, the warrant's cap is {cap}", about=terms.warrant)
    proposed = args == intents.args_digest(terms.action, terms.resource, terms.params) if command.params is not None else True
    return Claim(
        wish=wish if proposed else attrs.evolve(wish, params=params),
        args=args,
        effect=effect,
        params=None if proposed else params,
        chain=command.chain,
        holders=holders(state, left),
        limits=() if left is None else left.limits,
        cost_cap=cap,
        expires_at=terms.expires_at if left is None else left.expires_at,
    )


def _beyond(terms: Warrant, params: Mapping[str, Value], left: links.Delegated | None) -> str | None:
    """The sentence about what is not allowed.  The root and what the chain leaves of it are both asked."""
    if params is not terms.params and (wrong := warrants.allows(terms, params)) is not None:
        return wrong
    return None if left is None else warrants.within(left.bounds, params)


def used_up(live: LiveWarrant, claimed: Claim) -> str | None:
    """Which link of the chain has had its uses, or None."""
    for number, (digest, uses) in enumerate(claimed.limits, 1):
        if live.by_link.get(digest.hex(), 0) >= uses:
            return f"link {number} allowed {uses} use{'' if uses == 1 else 's'}, and they are used up"
    return None

"""Signing an envelope, revoking it, and saying that it is over.  How it counts is in ``envelopes``."""

from __future__ import annotations

from . import canonical, envelope
from . import commands as c
from . import events as e
from . import intent as intents
from .bundle import Bundle
from .constraints.typed import misfit
from .decision import Decided, Decision, Facts, Moment
from .finding import did_you_mean
from .kinds import ADMIN, AGENT, APPROVER
from .persons import behind
from .refusals import Code, Refusal, unknown
from .signed_time import ALLOWED_SKEW, SHORTEST_NONCE, skewed
from .signing import Purpose, same, verifies
from .state import Member, State

MOST_LIVE = 64  # envelopes of one approver at a time: more are a policy


def sign(state: State, command: c.SignEnvelope, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Checks the statement in numbered steps, and its template against the active bundle's catalogue.

    1. its form and its template's, 2. the approver's signature over the bytes as received, 3. what it binds, 4. its time,
    5. that this person could approve for that agent, 6. that the catalogue knows the action and its parameters.
    """
    signed = checked(state, command, by, moment)
    if isinstance(signed, Refusal):
        return signed
    if signed.envelope in state.envelopes or facts.envelope_known:
        return Decided(answer={"envelope": signed.envelope, "repeated": True})
    if sum(known.approver == by.member for known in state.envelopes.values()) >= MOST_LIVE:
        return Refusal(Code.TOO_MANY, f"{MOST_LIVE} of your envelopes are in force, and that is the most: revoke one")
    if (wrong := _unfit(envelope.unpack_template(command.template), facts.active)) is not None:
        return Refusal(Code.STATEMENT_MISMATCH, wrong)
    return Decided((signed,), {"envelope": signed.envelope})


def checked(state: State, command: c.SignEnvelope, by: Member, moment: Moment) -> e.EnvelopeSigned | Refusal:
    """Steps 1 to 5: all that the log alone can show."""
    try:
        statement = envelope.unverified_unpack(command.statement)
        template = envelope.unpack_template(command.template)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the envelope is malformed: {error}")
    if not verifies(Purpose.ENVELOPE, by.public_key, command.statement, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this envelope")
    if (wrong := _wrong(state, statement, command.template, moment)) is not None:
        return Refusal(Code.STATEMENT_MISMATCH, wrong)
    if (late := skewed(statement.time, moment.now)) is not None:
        return late
    agent = state.members.get(template.agent)
    if by.kind != APPROVER:
        return Refusal(Code.NOT_ALLOWED, "only an approver approves in advance")
    if agent is None or agent.kind != AGENT or agent.status != "active":
        hint = did_you_mean(template.agent, [known.member for known in state.active(AGENT)])
        return Refusal(Code.UNKNOWN, f"there is no agent {template.agent[:64]!r}; {hint}")
    if by.person in behind(state, agent):
        return Refusal(Code.SELF_APPROVAL, f"you are behind {agent.member}, or own it, and can fill no seat for it")
    return e.EnvelopeSigned(name_of(command.statement), by.member, by.person, command.template, command.statement, command.signature)


def name_of(statement: bytes) -> str:
    """An envelope's id, made of what was signed: signed twice it is one, and what has ended does not come back."""
    return "e" + canonical.digest(statement).hex()[:20]


def revoke(state: State, command: c.RevokeEnvelope, by: Member) -> Decision:
    """Ends it at once: by who signed it, under whatever account, or by an admin."""
    known = state.envelopes.get(command.envelope)
    if known is None or (by.kind != ADMIN and by.person != known.person):
        return unknown("envelope", command.envelope)
    return Decided((e.EnvelopeRevoked(known.envelope, by.member, command.reason),), {"envelope": known.envelope})


def ended(state: State, name: str, moment: Moment) -> tuple[e.Event, ...]:
    """The entry that says that it is over, once."""
    known = state.envelopes.get(name)
    if known is None:
        return ()
    why = known.ended or ("its time is over" if moment.now >= known.until else "")
    return (e.EnvelopeEnded(name, why),) if why else ()


def _wrong(state: State, statement: envelope.Statement, template: bytes, moment: Moment) -> str | None:
    """What the statement binds that is not so, or None."""
    if statement.tenant != state.tenant or not same(statement.template, canonical.digest(template)):
        return "the statement is of another tenant, or about another template"
    if state.bundle is None or statement.bundle != state.bundle:
        return "the statement is under another bundle than the active one: look at the policy and sign again"
    if statement.tier not in ("T1", "T2"):
        return "an envelope approves up to T1 or T2"
    if not 1 <= statement.count <= envelope.MOST_COUNT or (statement.total is not None and statement.total < 0):
        return f"an envelope is for 1 to {envelope.MOST_COUNT} cases, and its total is not below zero"
    if not moment.now < statement.until <= moment.now + envelope.LONGEST_LIFE + ALLOWED_SKEW:
        return "an envelope ends in the future, and within 31 days"
    if len(statement.nonce) < SHORTEST_NONCE or not statement.reason or len(statement.reason) > 1024:
        return "the statement's nonce is shorter than 16 bytes, or its reason is missing or longer than 1024 characters"
    return None


def _unfit(template: envelope.Template, bundle: Bundle | None) -> str | None:
    """Why no intent could ever match, or None: a misspelt name would otherwise be found out when a case waits at night."""
    if template.action.startswith(intents.GOVERNED):
        return "changes of the tenant itself are never approved in advance"
    action = None if bundle is None else bundle.catalogue.get(template.action)
    if action is None:
        return f"the catalogue has no action {template.action[:64]!r}" + (
            "" if bundle is None else f"; {did_you_mean(template.action, bundle.catalogue)}"
        )
    declared = {param.name: param for param in action.params}
    named = {*template.params, *template.open}
    if strange := sorted(named - declared.keys()):
        return f"{action.name} has no parameter {strange[0][:64]!r}; {did_you_mean(strange[0], declared)}"
    if missing := sorted(name for name, param in declared.items() if param.required and name not in named):
        return f"the template says nothing of the parameter {missing[0]}: bound it, or say that it may be anything"
    for name, bound in template.params.items():
        if (wrong := misfit(bound, declared[name])) is not None:
            return f"the parameter {name} {wrong}"
    return None

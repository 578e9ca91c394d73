"""A case as its evidence tells it: who asked with which roles, what was decided on which facts, and who belongs to the tenant."""

from __future__ import annotations

import attrs

from actors.governance import bundle as bundles
from actors.governance import codec, facts, governed, intent
from actors.governance import events as e
from actors.governance.bundle import Bundle
from actors.governance.canonical import NotCanonical
from actors.governance.evolve import STANDING, evolve
from actors.governance.ids import Instant
from actors.governance.question import Question
from actors.governance.state import Case, Member, State
from ledger import Header
from ledger.header import parse
from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence.form import Evidence


@attrs.frozen(kw_only=True)
class Decided:
    """One verdict of the case, with what policy was asked; no question where the built-in policy decided, or the agent is unknown."""

    at: Instant
    event: e.CaseDecided
    question: Question | None
    bundle: Bundle | None


@attrs.frozen(kw_only=True)
class Told:
    case: str
    proposed: e.IntentProposed
    wish: intent.Intent
    agent: Member | None
    decided: tuple[Decided, ...]
    steps: tuple[tuple[Header, e.Event], ...]
    held: Case | None  # the case while it was held last, with the approvals there were
    state: State  # at the end, as far as the file tells it

    @property
    def members(self) -> dict[str, Member]:
        return self.state.members


def tell(evidence: Evidence) -> Told:
    """Raises VerificationError where the case's own entries are not all there; the evidence itself is verified elsewhere."""
    events: list[tuple[Header, e.Event]] = []
    loaded: dict[bytes, Bundle] = {}
    for entry in evidence.tenant_log.entries:
        header = parse(entry.entry)
        if entry.body is None or header.tag not in codec.EVENTS:
            continue
        try:
            event = codec.decode(header.tag, entry.body)
        except NotCanonical as error:
            raise VerificationError(f"entry {header.sequence} cannot be read: {error}") from None
        if isinstance(event, e.BundlePushed):
            found = bundles.recall(bundles.Source(dict(event.files)))
            if isinstance(found, Bundle) and found.digest == event.bundle:
                loaded[event.bundle] = found
        elif header.case == evidence.case or type(event) in STANDING:
            events.append((header, event))
    return _folded(evidence.case, evidence.tenant, events, loaded)


def _folded(name: str, tenant: str, events: list[tuple[Header, e.Event]], loaded: dict[bytes, Bundle]) -> Told:
    state = State(tenant)  # type: ignore[arg-type]  # a TenantId
    proposed: e.IntentProposed | None = None
    agent: Member | None = None
    decided: list[Decided] = []
    held: Case | None = None
    for header, event in events:
        if isinstance(event, e.IntentProposed):
            proposed = event
            known = state.members.get(event.agent)
            agent = None if known is None else attrs.evolve(known)
        elif isinstance(event, e.CaseDecided) and proposed is not None:
            decided.append(_decided(header, event, proposed, agent, loaded))
        evolve(state, event, Instant(header.time), header.sequence)
        case = state.cases.get(name)
        if case is not None and case.tier in ("T1", "T2") and case.status in ("held", "warranted"):
            held = attrs.evolve(case)
    if proposed is None:
        raise VerificationError(f"the intent of case {name} has been forgotten: nobody can say any more why it was decided so")
    steps = tuple((header, event) for header, event in events if header.case == name)
    return Told(
        case=name,
        proposed=proposed,
        wish=intent.unpack(proposed.intent),
        agent=agent,
        decided=tuple(decided),
        steps=steps,
        held=held,
        state=state,
    )


def _decided(
    header: Header, event: e.CaseDecided, proposed: e.IntentProposed, agent: Member | None, loaded: dict[bytes, Bundle]
) -> Decided:
    wish = intent.unpack(proposed.intent)
    question = None
    if agent is not None and event.bundle != governed.BUNDLE:
        question = Question(
            phase="propose",
            agent=agent.member,
            roles=agent.roles,
            owner=agent.owner or "",
            action=wish.action,
            resource=wish.resource,
            params=wish.params,
            cost=wish.cost,
            facts=facts.read(event.facts),
        )
    return Decided(at=Instant(header.time), event=event, question=question, bundle=loaded.get(event.bundle))

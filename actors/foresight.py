"""Policy is asked about all the proposals of a mailbox's batch at once, before each is decided by itself.

What Cedar says is remembered under everything that it rests on, so asking ahead changes no decision: a proposal that is
refused, or decided on another state than it was foreseen on, finds the answer to its own question or asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from actors.governance import commands as c
from actors.governance import facts
from actors.governance.bundle import Bundle
from actors.governance.canonical import NotCanonical
from actors.governance.ids import Cost, Instant
from actors.governance.intent import Intent
from actors.governance.judge import Question, foresee
from actors.governance.question import Fact
from actors.governance.state import State
from actors.kernel import Envelope
from actors.messages import Asked, TenantMessage

WORTH_IT = 4  # messages; below that one call saves less than looking for it costs


def look_ahead(state: State, active: Bundle | None, batch: Sequence[Envelope[TenantMessage]], now: Instant) -> None:
    """Has the answers ready that deciding ``batch`` will most likely ask ``active`` for."""
    if active is not None and len(batch) >= WORTH_IT:
        questions = list(_questions(state, active, batch, now))
        if len(questions) >= WORTH_IT:
            foresee(active, questions)


def _questions(state: State, active: Bundle, batch: Sequence[Envelope[TenantMessage]], now: Instant) -> Iterator[Question]:
    for message, _ in batch:
        if type(message) is not Asked or type(message.ask) is not c.Propose or not isinstance(message.by, str):
            continue
        member, wish = state.members.get(message.by), message.ask
        part = active.slices.get(wish.action)
        if part is not None and member is not None and member.status == "active":
            yield Question(
                phase="propose",
                agent=member.member,
                roles=member.roles,
                owner=member.owner or "",
                action=wish.action,
                resource=wish.resource,
                params=wish.params,
                cost=wish.cost,
                facts=_facts(state, active, member.member, wish, now) if part.facts else {},
            )


def _facts(state: State, active: Bundle, agent: str, wish: c.Propose, now: Instant) -> Mapping[str, Fact]:
    """As they are before the batch.  What takes looking up is not available here, and the question is then not asked ahead."""
    asked = Intent(wish.action, wish.resource, wish.params, wish.purpose, Cost(wish.cost), wish.state_digest, None, None)
    about = facts.About(agent=agent, wish=asked, founding=state.phase == "founding")
    try:
        return facts.seen(state, active, about, now, facts.Past())
    except NotCanonical:  # params that no counter can be looked up by; the proposal will be told so
        return {}

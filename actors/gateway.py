"""The gateway: sole server-side user of transport.  Turns calls into questions to tenants, and outcomes into answers.

One conversation per connection.  Calls are handed on as they come and never waited for: the answer is posted by whoever
releases it, when what it rests on is durable.  Each subscription is a task of its connection's nursery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import structlog
import trio

from actors.alerting import alert_tail
from actors.directory import Directory
from actors.errors import ActorDied, MailboxFull
from actors.evidence_stream import case_evidence
from actors.feed import GONE
from actors.gate import Identity
from actors.governance import commands as c
from actors.governance import kinds
from actors.governance.calls import CALLS, parse
from actors.governance.decision import Operator
from actors.governance.node_law import RecoveryConsented
from actors.governance.refusals import Code, Refusal, unknown
from actors.housekeeper import Housekeeper
from actors.kernel import Ref, Turn
from actors.messages import Asked, Done, Outcome, Respond, TenantMessage, Unsettled
from actors.scribe import Scribe
from actors.sight import Filter, Sight
from actors.subscriptions import Subscription, case_watch, inbox
from actors.supervisor import AcknowledgeNode, CreateTenant, NoteConsent, PauseNode, ResetNode, ResumeNode, SupervisorMessage, TripNode
from actors.tailing import tail
from actors.tenant_status import status_of
from actors.waiting import answer_when_so
from ledger import NODE
from ledger.key_chain import KeyChain, gather
from transport.connection import Connection
from transport.errors import ConnectionClosed, IllegalMessage
from transport.session import DONE

log = structlog.get_logger(__name__)

RETRY = 50  # ms; a full mailbox is drained within a few commits


@attrs.frozen(kw_only=True)
class House:
    """What a conversation needs to reach."""

    directory: Directory
    supervisor: Ref[SupervisorMessage]
    scribe: Scribe
    housekeeper: Housekeeper
    note: Callable[[str, str], None]  # who and the code of a refusal before any decision, to be counted
    about: Callable[[], Mapping[str, object]]  # the node's own status
    alerts: Callable[[], list[Mapping[str, object]]]  # the node's own
    keys_of: Callable[[str], Mapping[str, object]]  # by which a tenant's log and warrants are checked
    tree: Callable[[], Mapping[str, object]]  # who lives, and what waits for each
    subtree: Callable[[str], Mapping[str, object]]  # the same of one tenant


def answer(number: int, outcome: Outcome) -> dict[str, Any]:
    """The wire's answer to a call."""
    match outcome:
        case Done(value=value):
            return {"t": "reply", "id": number, "value": dict(value)}
        case Refusal():
            message: dict[str, Any] = {"t": "refused", "id": number, "code": outcome.code.value, "why": outcome.why}
            if outcome.retry_after is not None:
                message["retry_after"] = outcome.retry_after
            if outcome.detail:
                message["detail"] = {"findings": list(outcome.detail)}
            return message
        case _:
            return {"t": "indeterminate", "id": number, "why": outcome.why}


async def converse(connection: Connection, house: House) -> None:
    """One connection from its first call to its end; raises ConnectionClosed when it is over."""
    identity = connection.identity
    assert isinstance(identity, Identity)
    ended: ConnectionClosed | None = None
    place = house.directory.get(identity.tenant)
    async with trio.open_nursery() as nursery:

        def gone(_: Mapping[str, object]) -> None:
            nonlocal ended
            ended = ConnectionClosed(DONE, "your membership has ended")
            nursery.cancel_scope.cancel()

        if place is not None:
            place.feed.add(GONE + identity.name, gone)
        try:
            await _Conversation(connection, identity, house, nursery).run()
        except ConnectionClosed as closed:
            ended = closed  # raised again below, bare: the nursery would wrap it
        finally:
            if place is not None:
                place.feed.discard(GONE + identity.name, gone)
        nursery.cancel_scope.cancel()
    if ended is not None:
        raise ended


class _Conversation:
    def __init__(self, connection: Connection, identity: Identity, house: House, nursery: trio.Nursery) -> None:
        self._connection = connection
        self._identity = identity
        self._house = house
        self._nursery = nursery
        self._subscriptions: dict[int, Subscription] = {}
        self._over = False

    async def run(self) -> None:
        try:
            await self._listen()
        finally:
            self._over = True

    async def _listen(self) -> None:
        while True:
            messages = await self._connection.receive()
            turn = Turn()
            for message in messages:
                await turn.give_way()
                tag = message["t"]
                if tag == "credit":
                    if (subscription := self._subscriptions.get(message["sub"])) is not None:
                        subscription.wake()
                elif tag == "cease":
                    if (subscription := self._subscriptions.pop(message["sub"], None)) is not None:
                        subscription.cancel()
                else:
                    self._call(tag, message)

    def _call(self, tag: str, message: dict[str, Any]) -> None:
        number = message["id"]
        post = self._connection.post

        def respond(outcome: Outcome) -> None:
            if isinstance(outcome, Refusal) and outcome.code is Code.MALFORMED:  # also what an actor says of a call that parses
                self._count(outcome)
            try:
                post(answer(number, outcome))
            except IllegalMessage as error:  # whoever releases this answer releases other people's too: it must not fall
                log.warning("an answer that cannot be sent", call=tag, why=str(error))
                post(answer(number, unsendable(ask)))

        if (too_often := self._paced(tag)) is not None:
            self._count(too_often)
            post(answer(number, too_often))
            return
        fields = {name: value for name, value in message.items() if name not in ("t", "id")}
        ask = parse(tag, fields, self._identity.kind)
        if isinstance(ask, Refusal):
            self._count(ask)
            post(answer(number, ask))
        elif isinstance(ask, (c.Tail, c.Watch, c.Evidence, c.Inbox, c.TailAlerts)):
            self._subscribe(number, ask, respond)
        elif isinstance(ask, c.Read) and ask.what == "keys.chain":
            respond(Done(chained(gather(self._house.scribe.ledger, self._identity.tenant or NODE))))
        elif isinstance(ask, c.Wait):
            self._wait(ask, respond)
        elif isinstance(ask, c.CHORES):
            self._house.housekeeper.ask(ask, self._identity.name, respond)
        elif isinstance(ask, c.Read) and ask.what == "tree.show":
            self._tree(respond)
        elif self._identity.kind == kinds.OPERATOR:
            self._by_operator(tag, ask, respond)
        elif isinstance(ask, c.Read) and ask.what == "whoami":
            keys = self._house.keys_of(self._identity.tenant)
            self._ask(self._identity.tenant, tag, ask, lambda outcome: respond(with_more(outcome, keys)))
        elif isinstance(ask, c.Read) and ask.what == "status":
            witnessed = {"witnessed": self._house.scribe.published.size(self._identity.tenant)}
            self._ask(self._identity.tenant, tag, ask, lambda outcome: respond(with_more(outcome, witnessed)))
        elif isinstance(ask, c.Enrol):
            mine = {"tenant": self._identity.tenant, **self._house.keys_of(self._identity.tenant)}
            self._ask(self._identity.tenant, tag, ask, lambda outcome: respond(with_more(outcome, mine)))
        else:
            self._ask(self._identity.tenant, tag, ask, respond)

    def _count(self, refusal: Refusal) -> None:
        """Noise, refused before any decision: counted, and never an entry of its own."""
        self._house.note(f"{self._identity.tenant}/{self._identity.name}", refusal.code.value)

    def _paced(self, tag: str) -> Refusal | None:
        """Why a member's call is not even looked at, or None."""
        place = self._house.directory.get(self._identity.tenant)
        return None if place is None or tag not in CALLS else place.pace.refuses(place.rates, self._identity.name, tag)

    def _ask(self, tenant: str, tag: str, ask: c.Command | c.Query, respond: Respond) -> None:
        """Hands a question to a tenant.  A full mailbox is a refusal, never a wait: this task serves the whole connection."""
        place = self._house.directory.get(tenant)
        if place is None:
            respond(unknown("tenant", tenant))
            return
        identity = self._identity
        by: str | Operator = Operator(identity.name) if identity.kind == kinds.OPERATOR else identity.invitation or identity.name
        asked = Asked(ask, by, bool(identity.invitation), respond)
        tell(place.ref, asked, respond, urgent=CALLS[tag].urgent)

    def _tree(self, respond: Respond) -> None:
        """Answered here, so that it can be asked when whoever it is about does not answer."""
        house, identity = self._house, self._identity
        place = house.directory.get(identity.tenant)
        if identity.kind == kinds.OPERATOR:
            respond(Done({"tree": house.tree()}))
        elif place is not None and place.is_member(identity.name):
            respond(Done({"tree": house.subtree(identity.tenant)}))
        else:
            respond(Refusal(Code.NOT_ALLOWED, "your membership has ended"))

    def _by_operator(self, tag: str, ask: c.Command | c.Query, respond: Respond) -> None:
        by = self._identity.name
        supervisor = self._house.supervisor
        match ask:
            case c.Found():
                tell(supervisor, CreateTenant(ask, by, respond), respond)
            case c.ShowRecovery():
                self._ask(ask.tenant, tag, ask, respond)
            case c.AgreeToRecovery():
                self._ask(ask.tenant, tag, ask, lambda outcome: self._consented(ask, outcome, respond))
            case c.TripBreaker(scope="node"):
                tell(supervisor, TripNode(ask.reason, f"operator:{by}", respond), respond, urgent=True)
            case c.ResetBreaker(scope="node"):
                tell(supervisor, ResetNode(ask.reason, f"operator:{by}", respond), respond)
            case c.Pause(scope="node"):
                tell(supervisor, PauseNode(ask.reason, f"operator:{by}", respond), respond, urgent=True)
            case c.Resume(scope="node"):
                tell(supervisor, ResumeNode(ask.reason, f"operator:{by}", respond), respond)
            case c.AcknowledgeAlert():
                tell(supervisor, AcknowledgeNode(ask, f"operator:{by}", respond), respond, urgent=True)
            case c.TripBreaker() | c.ResetBreaker() | c.Pause() | c.Resume():
                tenant, _, scope = ask.scope.partition("/")
                self._ask(tenant, tag, attrs.evolve(ask, scope=scope or "tenant"), respond)
            case c.Read(what="tenant.list"):
                respond(Done({"tenants": [status_of(place.tenant) for place in self._house.directory.places.values() if place.tenant]}))
            case c.Read(what="status"):
                respond(Done(self._house.about()))
            case c.Read(what="alert.list"):
                respond(Done({"alerts": self._house.alerts()}))
            case c.Read(what="breaker.list"):
                respond(Done({"breakers": [self._house.about()["breaker"]]}))
            case c.Read(what="whoami"):
                respond(Done({"tenant": "", "member": by, "kind": kinds.OPERATOR, **self._house.keys_of(NODE)}))
            case _:
                respond(Refusal(Code.NOT_ALLOWED, f"{tag} is for a tenant's own people"))

    def _consented(self, ask: c.AgreeToRecovery, outcome: Outcome, respond: Respond) -> None:
        """Has the node's own log say it, too.  Should that fail, asking again does it."""
        if not isinstance(outcome, Done):
            respond(outcome)
            return
        event = RecoveryConsented(ask.tenant, ask.digest, self._identity.name)
        tell(self._house.supervisor, NoteConsent(event, outcome.value, respond), respond, urgent=True)

    def _subscribe(self, number: int, ask: c.Subscription, respond: Respond) -> None:
        identity, house = self._identity, self._house
        place = house.directory.get(identity.tenant)
        if identity.kind != kinds.OPERATOR and (place is None or not place.is_member(identity.name)):
            respond(Refusal(Code.NOT_ALLOWED, "your membership has ended"))
            return
        subscription = Subscription(self._connection, number)
        if isinstance(ask, c.Tail):
            log = identity.tenant or NODE
            size = house.scribe.ledger.head(log).size
            if ask.start > size:
                respond(Refusal(Code.UNKNOWN, f"the log has {size} entries; it cannot be read from {ask.start}"))
                return
            sight = Sight(house.scribe.ledger, log, identity.name, identity.kind, Filter(ask.case, ask.tags))
            self._start(subscription, lambda: tail(subscription, house.scribe, log, ask, sight))
            respond(Done({"size": size}))
            return
        if isinstance(ask, c.TailAlerts):
            self._start(subscription, lambda: alert_tail(subscription, house.scribe, identity.tenant or NODE, ask))
            respond(Done({}))
            return
        if place is None or identity.kind == kinds.OPERATOR:
            respond(Refusal(Code.NOT_ALLOWED, "that is for a tenant's own people"))
            return
        if isinstance(ask, c.Inbox):
            self._start(subscription, lambda: inbox(subscription, place, identity.name))
            respond(Done({}))
            return
        case = ask.case

        def allowed(outcome: Outcome) -> None:
            if isinstance(outcome, Done):
                respond(Done({"case": case}))
                if isinstance(ask, c.Evidence):
                    self._start(subscription, lambda: case_evidence(subscription, house.scribe, identity.tenant, case))
                else:
                    self._start(subscription, lambda: case_watch(subscription, house.scribe, place, case, identity.name))
            else:
                respond(outcome)

        self._ask(identity.tenant, "case.show", c.ShowCase(case), allowed)

    def _wait(self, ask: c.Wait, respond: Respond) -> None:
        scribe, log = self._house.scribe, self._identity.tenant or NODE

        def begin(outcome: Outcome) -> None:
            if not isinstance(outcome, Done):
                respond(outcome)
            elif not self._over:
                self._nursery.start_soon(answer_when_so, scribe, log, ask, respond)

        if ask.case is None:
            begin(Done({}))
        elif log == NODE:
            respond(Refusal(Code.NOT_ALLOWED, "a case is for a tenant's own people"))
        else:
            self._ask(log, "case.show", c.ShowCase(ask.case), begin)

    def _start(self, subscription: Subscription, run: Callable[[], Any]) -> None:
        if self._over:
            return  # the peer left while its answer was held: there is nobody to serve, and no nursery to serve in
        self._subscriptions[subscription.number] = subscription
        self._nursery.start_soon(self._keep, subscription, run)

    async def _keep(self, subscription: Subscription, run: Callable[[], Any]) -> None:
        with subscription.scope:
            await run()
        self._subscriptions.pop(subscription.number, None)


def unsendable(ask: c.Ask | Refusal) -> Outcome:
    """What is said instead of an answer beyond the wire's limits."""
    if isinstance(ask, c.Query):
        return Refusal(Code.TOO_LARGE, "the answer is larger than a message may be: ask for less, or follow it with watch or tail")
    return Unsettled("it was decided, and the answer is larger than a message may be: look at the case")


def chained(chain: KeyChain) -> Mapping[str, object]:
    """As the wire has it; everything in it is durable and public."""
    entries = [{"entry": link.entry, "proof": list(link.proof)} for link in chain.links]
    return {"checkpoint": chain.checkpoint, "entries": entries}


def with_more(outcome: Outcome, more: Mapping[str, object]) -> Outcome:
    return Done({**outcome.value, **more}) if isinstance(outcome, Done) else outcome


def tell(ref: Ref[Any], message: TenantMessage | SupervisorMessage, respond: Respond, *, urgent: bool = False) -> None:
    """Hands a message over, or answers why it could not be."""
    try:
        ref.tell_nowait(message, urgent=urgent)
    except MailboxFull:
        respond(Refusal(Code.BUSY, "too much is waiting here at present", RETRY))
    except ActorDied:
        respond(Refusal(Code.BUSY, "it is being restarted", RETRY * 4))

"""A member's way to its node: what agents, executors, verifiers and approvers do, as typed methods.

Every method returns what the node has made durable, or raises: ``Refused`` (nothing was done), ``OutcomeUnknown`` (perhaps
done: ask again with the same key), ``Unreachable``.  Lost connections are dialled again and calls repeated under the same
idempotency key, within ``Patience``.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio
from nacl.signing import SigningKey

from actors.governance import attestation as attestations
from actors.governance import canonical, constraints, kinds
from actors.governance import envelope as envelopes
from actors.governance import intent as intents
from actors.governance import receipt as receipts
from actors.governance import seat as seats
from actors.governance.attestation import Attestation
from actors.governance.canonical import Value
from actors.governance.constraints import Constraint
from actors.governance.envelope import Template
from actors.governance.ids import Cost, Digest, Instant, TenantId
from actors.governance.receipt import Receipt
from actors.governance.signed_time import SHORTEST_NONCE
from actors.governance.signing import Purpose, signed_bytes
from ledger.tree import HASH_SIZE
from vienna_runtime import credential as credentials
from vienna_runtime import passphrase as passphrases
from vienna_runtime.client.administration import Administration
from vienna_runtime.client.card import Card
from vienna_runtime.client.case import Granted, Progress, Step
from vienna_runtime.client.dial import Door, dial
from vienna_runtime.client.errors import OutcomeUnknown, Refused, Unreachable
from vienna_runtime.client.keys import Keys
from vienna_runtime.client.line import Line, line_over
from vienna_runtime.client.patience import COSIGNED, PATIENT, Patience
from vienna_runtime.client.stream import Stream
from vienna_runtime.credential import Credential
from vienna_runtime.errors import CredentialError
from vienna_runtime.secret import Secret

if TYPE_CHECKING:
    from ledger.witness_policy import Policy
    from vienna_runtime.client.verified import VerifiedTail
    from vienna_runtime.tail import Belief

WAIT = 10.0  # s of waiting asked for in one call: well below what an answer may take


def new_key() -> str:
    """An idempotency key that nobody else has: 128 random bits."""
    return secrets.token_hex(16)


def now() -> int:
    """This machine's clock, µs; the node checks that it agrees with its own."""
    return time.time_ns() // 1000


class Vienna:
    """One member at its node.  Made by ``connect``."""

    def __init__(self, credential: Credential, line: Line) -> None:
        self.credential = credential
        self.admin = Administration(self.call)
        self._line = line

    async def call(self, tag: str, *, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Any call of the protocol by its tag; ``key`` goes along as the idempotency key where it is given."""
        return await self._line.call(tag, fields if key is None else {**fields, "key": key}, key=key)

    # --- agents

    async def propose(
        self,
        action: str,
        resource: str,
        params: Mapping[str, Value] | None = None,
        *,
        purpose: str,
        cost: int = 0,
        key: str | None = None,
        state_digest: bytes | None = None,
        parent: str | None = None,
        deadline: int | None = None,
        run: str | None = None,
        wait: bool = True,
        on_step: Callable[[Step], None] | None = None,
    ) -> Progress:
        """Proposes an intent, and waits until the case has ended unless ``wait`` is off or the warrant is this agent's own to use.

        ``cost`` in micro-units, ``deadline`` in µs since 1970; ``run`` also redeems at once where policy lets the agent execute
        itself.  ``on_step`` is called for every entry of the case while waiting.
        """
        key = key or new_key()
        optional = {"state_digest": state_digest, "parent": parent, "deadline": deadline, "run": run}
        fields: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
        answer = await self.call(
            "propose", key=key, action=action, resource=resource, params=dict(params or {}), purpose=purpose, cost=cost, **fields
        )
        progress = Progress.of(answer, key)
        mine = progress.warrant is not None and progress.warrant.unverified_terms().executor == self.credential.principal
        if not wait or mine or (progress.ended and on_step is None):
            return progress
        try:
            outcome, why = await self._ended(progress.case, on_step)
        except Unreachable as error:
            raise OutcomeUnknown(f"the case {progress.case} was proposed, and then: {error}", key) from error
        return Progress.of({**answer, "status": outcome, "why": why or progress.why}, key)

    async def wait(self, case: str, *, on_step: Callable[[Step], None] | None = None) -> Progress:
        """Returns when the case has ended; a case whose outcome is unknown counts as ended until somebody settles it."""
        outcome, why = await self._ended(case, on_step)
        return Progress.of({"case": case, "status": outcome, "why": why})

    async def case(self, case: str) -> dict[str, Any]:
        """``{case, outcome, entries}``; the entries are ``Step.of``'s."""
        return await self.call("case.show", case=case)

    async def lineage(self, case: str, *, after: str | None = None, limit: int = 50) -> dict[str, Any]:
        """The case as one line, ``above`` (its parents, nearest first), a page of its ``children``, and ``next`` to go on after."""
        more = {} if after is None else {"after": after}
        return await self.call("case.lineage", case=case, limit=limit, **more)

    async def witnessed(self, case: str | None = None, *, size: int | None = None, timeout: float = 60.0) -> int:
        """Returns once a quorum of witnesses has cosigned what is durable of the case, or the first ``size`` entries: how many it has.

        Raises ``Refused`` (``not_witnessed``) where that does not come within ``timeout`` seconds, or the node asks no witness.
        """
        asked: dict[str, Any] = {name: value for name, value in (("case", case), ("size", size)) if value is not None}
        deadline = trio.current_time() + timeout
        while True:
            left = max(0.0, deadline - trio.current_time())
            try:
                answer = await self.call("ledger.wait", state="witnessed", timeout=round(min(left, WAIT) * 1000), **asked)
            except Refused as error:
                if error.retry_after is None or left <= WAIT:
                    raise
            else:
                return int(answer["witnessed"])

    async def cancel(self, case: str, reason: str) -> Progress:
        """Withdraws a case that waits for approval."""
        return Progress.of(await self.call("case.cancel", case=case, reason=reason))

    async def answer(self, case: str, answer: str, *, number: int | None = None) -> int:
        """Answers what an approver asked about a held case of this member's: the oldest open question, or that of ``number``.

        The questions come as steps ``approval.asked/1`` to ``propose(on_step=...)`` and ``watch``; waiting does not take longer for them.
        """
        fields: dict[str, Any] = {} if number is None else {"number": number}
        return int((await self.call("approval.answer", case=case, answer=answer, **fields))["number"])

    def watch(self, case: str) -> Stream:
        """``async with vienna.watch(case) as events``: the case's entries from its first, then as they become durable."""
        return Stream(self._line, "case.watch", lambda _: {"case": case})

    # --- executors, and agents where policy lets them execute

    async def redeem(
        self, warrant: Granted, run: str, *, params: Mapping[str, Value] | None = None, state_digest: bytes | None = None
    ) -> Progress:
        """Burns one use and opens the run under the id ``run``; the same id again returns the same answer.

        ``params`` are what is really going to be used; left out, they are the warrant's own.
        """
        terms = warrant.unverified_terms()
        used = intents.args_digest(terms.action, terms.resource, terms.params if params is None else params)
        granted = {"warrant": warrant.fields, "signature": warrant.signature, "mac": warrant.mac}
        fields: dict[str, Any] = {**granted, "run": run, "args_digest": used}
        if params is not None:
            fields["params"] = dict(params)
        if state_digest is not None:
            fields["state_digest"] = state_digest
        return Progress.of(await self.call("redeem", **fields))

    async def report(self, receipt: Receipt) -> Progress:
        """Signs the receipt with this member's key and hands it in."""
        packed = receipts.pack(receipt)
        return Progress.of(await self.call("report", receipt=packed, signature=self.sign(Purpose.RECEIPT, packed)))

    # --- verifiers

    async def attest(self, attestation: Attestation) -> Progress:
        """Signs what was observed and hands it in."""
        packed = attestations.pack(attestation)
        return Progress.of(await self.call("attest", attestation=packed, signature=self.sign(Purpose.ATTESTATION, packed)))

    # --- approvers

    async def approvals(self) -> list[dict[str, Any]]:
        """The cases this member may vote on, soonest deadline first."""
        found: list[dict[str, Any]] = (await self.call("approval.list"))["cases"]
        return found

    async def card(self, case: str) -> Card:
        """What an approval of that case signs, checked against itself; ``VerificationError`` if it must not be signed."""
        return Card.of(case, await self.call("approval.card", case=case))

    async def approve(
        self,
        card: Card,
        *,
        ttl: int | None = None,
        uses: int | None = None,
        cost_cap: int | None = None,
        only: Mapping[str, Constraint] | None = None,
        reason: str = "",
    ) -> Progress:
        """Approves exactly that card, narrowed to ``ttl`` (µs), ``uses``, ``cost_cap`` (micro-units) and, of parameters that policy lets
        vary, to what ``only`` takes of them, where given."""
        asked: dict[str, Value | None] = {
            "ttl": ttl,
            "uses": uses,
            "cost_cap": cost_cap,
            "params": constraints.form(only) if only else None,
        }
        return await self._vote("approve", card, {name: value for name, value in asked.items() if value is not None}, reason)

    async def deny(self, card: Card, *, reason: str) -> Progress:
        """Denies the case, for good."""
        return await self._vote("deny", card, {}, reason)

    async def envelopes(self) -> list[dict[str, Any]]:
        """The approvals in advance that still hold, the soonest to end first, with what is left of each."""
        found: list[dict[str, Any]] = (await self.call("envelope.list"))["envelopes"]
        return found

    async def sign_envelope(
        self,
        template: Template,
        *,
        count: int,
        total: int | None,
        life: int,
        bundle: bytes,
        tier: str = "T1",
        reason: str,
    ) -> str:
        """Approves in advance, under this member's key: ``count`` cases as in ``template``, within ``life`` µs from now, up to ``tier``,
        for ``total`` micro-units at most (None: what they cost is not counted), as long as ``bundle`` is the active one.  Its id."""
        packed, at = envelopes.pack_template(template), now()
        statement = envelopes.pack(
            envelopes.Statement(
                tenant=TenantId(self.credential.tenant),
                template=Digest(canonical.digest(packed)),
                count=count,
                total=None if total is None else Cost(total),
                until=Instant(at + life),
                bundle=bundle,
                tier=tier,
                reason=reason,
                nonce=os.urandom(SHORTEST_NONCE),
                time=Instant(at),
            )
        )
        signature = self.sign(Purpose.ENVELOPE, statement)
        return str((await self.call("envelope.sign", template=packed, statement=statement, signature=signature))["envelope"])

    async def revoke_envelope(self, envelope: str, reason: str) -> None:
        """Ends an approval in advance; what was granted under it stays granted."""
        await self.call("envelope.revoke", envelope=envelope, reason=reason)

    async def open_card(self, case: str) -> int:
        """Records that this person has the card before them: from here its time for reading counts.  Until when it is read, in µs of the
        node's time; a time in the past where policy asks for none."""
        told = await self.call("approval.open", case=case)
        return int(told["opened"]) + int(told["reading"])

    async def delegate_seat(self, to: str, *, life: int, reason: str) -> None:
        """Hands this approver's own seat to another for ``life`` µs from now, under this member's key."""
        at = now()
        statement = seats.pack(
            seats.Statement(self.credential.tenant, to, Instant(at + life), reason, os.urandom(SHORTEST_NONCE), Instant(at))
        )
        await self.call("seat.delegate", statement=statement, signature=self.sign(Purpose.SEAT, statement))

    async def return_seat(self, reason: str, whose: str | None = None) -> None:
        """Takes the own seat back, or as an admin ends what ``whose`` has handed on."""
        await self.call("seat.return", reason=reason, whose=whose)

    async def seats(self) -> list[dict[str, Any]]:
        """The seats that are handed on, the soonest to end first."""
        found: list[dict[str, Any]] = (await self.call("seat.list"))["seats"]
        return found

    async def readers(self) -> list[dict[str, Any]]:
        """For each person what they decided, how fast, and what came of it."""
        found: list[dict[str, Any]] = (await self.call("review.stats"))["readers"]
        return found

    async def ask(self, case: str, question: str) -> int:
        """Asks whoever proposed a held case, on the record; the number of the question."""
        return int((await self.call("approval.ask", case=case, question=question))["number"])

    # --- everybody

    def inbox(self) -> Stream:
        """What waits for this member, then what comes.  At least once: drop what was seen."""
        return Stream(self._line, "inbox", lambda _: {})

    def alerts(self, start: int | None = None, *, follow: bool = True) -> Stream:
        """Alerts as they become durable: from the entry ``start`` on, or from now on.  None is missed over a lost connection.

        Where the first connection is lost before anything came, ``None`` begins anew: name a start to miss nothing then, either.
        """

        def fields(at: int | None) -> dict[str, Any]:
            begin = start if at is None else at + 1
            return {"follow": follow} if begin is None else {"follow": follow, "start": begin}

        return Stream(self._line, "alert.tail", fields)

    def tail(self, start: int = 0, *, follow: bool = True, case: str | None = None, tags: Sequence[str] = ()) -> Stream:
        """The ledger from ``start`` on.  A renewed connection sends a ``start`` item again and goes on after the last entry."""
        taken, more = _Position(start), {"follow": follow, "tags": list(tags), **({} if case is None else {"case": case})}
        return _Tail(self._line, "tail", lambda _: {"start": taken.next, **more}, taken)

    def verified_tail(
        self,
        start: int = 0,
        *,
        follow: bool = True,
        case: str | None = None,
        tags: Sequence[str] = (),
        known: str | Path | None = None,
        policy: Policy | None = None,
        patience: int = COSIGNED,
        on_belief: Callable[[Belief], None] | None = None,
    ) -> VerifiedTail:
        """The log from ``start`` on, with nothing taken on trust: see ``client.verified``.

        ``case`` and ``tags`` (how a tag begins) leave out the rest, which then comes as hashes.  ``known`` names the file in which
        what was believed is remembered.  Under a ``policy`` its quorum must have cosigned whatever is older than ``patience`` µs.
        ``on_belief`` is told each checkpoint that was recomputed.
        """
        from vienna_runtime.client.verified import Asked, VerifiedTail  # what recomputes trees, for who asks for that
        from vienna_runtime.tail_rights import Wanted

        asked = Asked(start=start, follow=follow, wanted=Wanted(case, tuple(tags)), policy=policy, patience=patience)
        return VerifiedTail(self, asked, None if known is None else Path(known), on_belief)

    def stream(self, tag: str, fields: Callable[[int | None], dict[str, Any]]) -> Stream:
        """Any subscription of the protocol by its tag; ``fields`` are asked for again after a lost connection."""
        return Stream(self._line, tag, fields)

    @property
    def log(self) -> str:
        """The log that this member sees, by its name."""
        return log_of(self.credential)

    async def whoami(self) -> dict[str, Any]:
        """Who the node takes this connection for."""
        return await self.call("whoami")

    async def keys(self) -> Keys:
        """The keys to check this tenant by, followed from the credential's; ``VerificationError`` if that does not lead there."""
        return Keys.of(await self.call("keys.chain"), node_key=self.credential.node_key, tenant=log_of(self.credential))

    async def status(self) -> dict[str, Any]:
        """How the tenant (for operators: the node) is doing."""
        return await self.call("status")

    async def tree(self) -> dict[str, Any]:
        """The supervision tree (for a tenant's admins: its part): states, restarts, queues, the type of the last crash."""
        found: dict[str, Any] = (await self.call("tree.show"))["tree"]
        return found

    def sign(self, purpose: Purpose, packed: bytes) -> bytes:
        """This member's signature over canonical bytes, for that purpose alone."""
        if self.credential.signing_key is None:
            raise CredentialError(f"{self.credential.principal}'s credential has no signing key: it cannot sign anything")
        return SigningKey(self.credential.signing_key.reveal()).sign(signed_bytes(purpose, packed)).signature

    async def _vote(self, decision: str, card: Card, narrowing: Mapping[str, Value], reason: str) -> Progress:
        statement = card.statement(decision, narrowing=narrowing, reason=reason, nonce=os.urandom(SHORTEST_NONCE), now=now())
        renewals = self._line.renewals
        try:
            answer = await self.call(decision, statement=statement, signature=self.sign(Purpose.APPROVAL, statement))
        except Refused:
            # Asked again after a lost connection, a vote that counted the first time is refused the second.
            if self._line.renewals == renewals or not await self._counted(card.case, statement):
                raise
            answer = await self.call("case.show", case=card.case)
        return Progress.of(answer)

    async def _counted(self, case: str, statement: bytes) -> bool:
        entries = (await self.case(case))["entries"]
        return any(entry["body"].get("statement") == statement for entry in entries)

    async def _ended(self, case: str, on_step: Callable[[Step], None] | None) -> tuple[str, str]:
        """The outcome and the last sentence said about it; entries seen before a reconnection are not shown again."""
        seen, outcome, why = -1, "", ""
        async with self.watch(case) as events:
            async for value in events:
                step = Step.of(value, events.at)
                if step.seq <= seen:
                    continue
                seen, outcome, why = step.seq, step.outcome, step.why or why
                if on_step is not None:
                    on_step(step)
                if step.closed or (on_step is None and outcome in _SETTLED):
                    return outcome, why
                if outcome in _SETTLED and await self._all_seen(case, seen):
                    return outcome, why
        if not outcome:
            raise OutcomeUnknown(f"the node ended the watch of {case} before it said anything")
        return outcome, why

    async def _all_seen(self, case: str, seen: int) -> bool:
        """Whether the entry of that number is the case's last as yet."""
        return bool((await self.case(case))["entries"][-1]["seq"] <= seen)


# Of these nothing more comes by itself although the case may stay open (a use of its warrant may be left).
_SETTLED = frozenset({"denied", "verified", "consistent", "mismatched", "failed", "unknown", "inconclusive", "applied", "settled"})


class _Position:
    """Where a tail goes on."""

    def __init__(self, start: int) -> None:
        self.next = start


class _Tail(Stream):
    """A stream that counts the positions it has given."""

    def __init__(self, line: Line, tag: str, fields: Callable[[int | None], dict[str, Any]], taken: _Position) -> None:
        super().__init__(line, tag, fields)
        self._taken = taken

    async def __anext__(self) -> dict[str, Any]:
        value = await super().__anext__()
        if value.get("kind") == "entry":
            self._taken.next += 1
        elif value.get("kind") == "leaves":
            self._taken.next += len(value["hashes"]) // HASH_SIZE
        return value


def log_of(credential: Credential) -> str:
    """The log that the credential's holder sees: its tenant's, for an operator the node's own."""
    return "" if credential.role == kinds.OPERATOR else credential.tenant


def door_of(credential: Credential) -> Door:
    """Where a credential leads."""
    return Door(
        address=credential.address,
        server_name=credential.server_name,
        ca=credential.ca,
        node_key=credential.node_key,
        bearer=credential.api_key,
        signing_key=credential.signing_key,
    )


@asynccontextmanager
async def connect(
    credential: Credential | str | Path, *, passphrase: Secret | None = None, patience: Patience = PATIENT
) -> AsyncIterator[Vienna]:
    """A member at its node.  ``credential`` is one, or its file; a sealed file takes ``passphrase`` or the environment's."""
    if not isinstance(credential, Credential):
        path = Path(credential)

        def ask() -> Secret:
            return passphrase if passphrase is not None else passphrases.read(path.name, environ=os.environ)

        credential = credentials.read(path, ask=ask)
    async with line_over(partial(dial, door_of(credential)), patience) as line:
        yield Vienna(credential, line)

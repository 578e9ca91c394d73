"""Who is let in: by the secret of the upgrade request alone, compared in constant time, with failures slowed down."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import trio

from actors.directory import Directory
from actors.errors import ActorsError
from actors.governance import apikey, kinds
from actors.governance.apikey import LONGEST_TOKEN
from actors.governance.node_law import NodeState
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Introduce, Outcome
from actors.supervisor import Refused
from transport.gate import Admission, Rejection

NODE_TENANT = "node"  # what stands for the tenant in an operator's key; no tenant can have this name
FAILURES = 10  # with one key from one address before it has to wait: a person mistypes three times, a program guesses for ever
FAILURES_OF_ADDRESS = 100  # with any keys: one program with an old key must not shut out everybody behind the same address
RECOVERY = 6.0  # s that wash one failure away
MOST_ADDRESSES = 10_000  # remembered at once; beyond that the oldest is forgotten
_NOBODY = bytes(32)  # compared with where there is no such key, so that its absence takes as long


@attrs.frozen
class Identity:
    """What the gate knows of a peer; nothing in it comes from a message."""

    tenant: str  # "" for operators
    name: str
    kind: str
    invitation: str = ""


class Slowed:
    """Failures by address, and by address and key, each washed away with time (a leaking bucket)."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[float, float]] = {}

    def wait(self, remote: str, now: float, most: int) -> float:
        """Seconds until whoever this is may try again, 0 if now."""
        level, since = self._levels.get(remote, (0.0, now))
        level = max(0.0, level - (now - since) / RECOVERY)
        return 0.0 if level < most else (level - most + 1) * RECOVERY

    def failed(self, remote: str, now: float) -> None:
        level, since = self._levels.pop(remote, (0.0, now))
        self._levels[remote] = (max(0.0, level - (now - since) / RECOVERY) + 1, now)
        if len(self._levels) > MOST_ADDRESSES:
            del self._levels[next(iter(self._levels))]


class TenantGate:
    """The transport's ``Gate``: API keys of members and operators, and invitations."""

    def __init__(self, directory: Directory, node: Callable[[], NodeState], refused: Refused) -> None:
        self._directory = directory
        self._node = node
        self._refused = refused
        self._slowed = Slowed()

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        """Lets in who holds the secret; says no more than 401 to anybody else."""
        now = trio.current_time()
        whom = f"{remote} {'' if bearer is None else bearer.rpartition('_')[0][:LONGEST_TOKEN]}"  # the key's name, never its secret
        if (wait := max(self._slowed.wait(whom, now, FAILURES), self._slowed.wait(remote, now, FAILURES_OF_ADDRESS))) > 0:
            self._refused.note(remote, "throttled")
            return Rejection(status=429, retry_after=int(wait * 1000) + 1)
        admission = await self._known(bearer)
        if isinstance(admission, Rejection):
            if admission.status == 401:
                self._slowed.failed(whom, now)
                self._slowed.failed(remote, now)
                self._refused.note(remote, "unauthenticated")
            return admission
        return admission

    async def _known(self, bearer: str | None) -> Admission | Rejection:
        for token_kind in apikey.TokenKind:
            token = None if bearer is None else apikey.parse(token_kind, bearer)
            if token is not None:
                return await self._holder(token)
        return Rejection(status=401)

    async def _holder(self, token: apikey.Token) -> Admission | Rejection:
        if token.tenant == NODE_TENANT and token.kind is apikey.TokenKind.API_KEY:
            operator = self._node().operators.get(token.id)
            if not token.matches(_NOBODY if operator is None else operator.key_hash) or operator is None:
                return Rejection(status=401)
            identity = Identity("", operator.name, kinds.OPERATOR)
            return Admission(principal=operator.name, public_key=operator.public_key, identity=identity)
        known = await self._introduced(token)
        if isinstance(known, Rejection):
            return known
        stored = known.get("hash", _NOBODY)
        if not isinstance(stored, bytes) or not token.matches(stored):
            return Rejection(status=401)
        name, kind, public_key = str(known["member"]), str(known["kind"]), known["public_key"]
        invitation = token.id if token.kind is apikey.TokenKind.INVITATION else ""
        proves = public_key if isinstance(public_key, bytes) and kind in kinds.SIGNING_KINDS else None
        return Admission(principal=name, public_key=proves, identity=Identity(token.tenant, name, kind, invitation))

    async def _introduced(self, token: apikey.Token) -> Mapping[str, object] | Rejection:
        """What the tenant knows of this key id; nothing where there is no such tenant or key."""
        place = self._directory.get(token.tenant)
        if place is None:
            return {}
        heard: list[Outcome] = []
        came = trio.Event()

        def respond(outcome: Outcome) -> None:
            heard.append(outcome)
            came.set()

        try:
            await place.ref.tell(Introduce(token.id, token.kind is apikey.TokenKind.INVITATION, respond))
        except ActorsError:
            return Rejection(status=503)
        await came.wait()  # within the handshake's deadline
        match heard[0]:
            case Done(value=value):
                return value
            case Refusal(code=Code.UNKNOWN):
                return {}
            case _:
                return Rejection(status=503)

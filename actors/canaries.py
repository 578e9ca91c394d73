"""Which cases are canaries: told by the MAC in their keys, made and checked here, since the law never sees a secret."""

from __future__ import annotations

import hmac
from collections import OrderedDict

from actors.governance import canary, proposing, trying
from actors.governance import commands as c
from actors.governance import intent as intents
from actors.governance.canary import MOST_OPEN, QUARTER, Canary
from actors.governance.canonical import NotCanonical
from actors.governance.ids import MemberId
from actors.governance.state import Case, State
from actors.signer import Signer

REMEMBERED = 4 * MOST_OPEN  # reasons, with those of canaries that were refused


class Canaries:
    """Of one tenant, as long as it lives.  The reasons are nowhere else: on the log they would tell."""

    def __init__(self, tenant: str, signer: Signer) -> None:
        self._tenant, self._signer = tenant, signer
        self._reasons: OrderedDict[str, str] = OrderedDict()  # by the key

    def key(self, command: c.ProposeCanary, by: str) -> str:
        """The idempotency key under which it is proposed; empty where the intent has no canonical form, which the law refuses."""
        try:
            packed = intents.pack(proposing.intent_of(trying.asked(command, "")))
        except NotCanonical:
            return ""
        tenant, mac = self._tenant, self._signer.warrant_mac
        drawn = mac(tenant, canary.seed(tenant, by, command.key))[:QUARTER]
        nonce = drawn + mac(tenant, canary.author(tenant, by, drawn))[:QUARTER]
        made = canary.key(nonce, mac(tenant, canary.message(tenant, command.whose, packed, nonce)))
        self._reasons.setdefault(made, command.reason)
        if len(self._reasons) > REMEMBERED:
            self._reasons.popitem(last=False)
        return made

    def of(self, state: State, case: Case) -> Canary | None:
        """By any key that the tenant ever had: a canary has to stay one, whatever became of the key."""
        halves = canary.unverified_halves(case.key)
        if halves is None:
            return None
        nonce, said = halves
        if not self._made(canary.message(self._tenant, case.agent, case.intent, nonce), said):
            return None
        drawn, whose = nonce[:QUARTER], nonce[QUARTER:]
        by = (name for name in state.members if self._made(canary.author(self._tenant, name, drawn), whose))
        return Canary(MemberId(next(by, "")), self._reasons.get(case.key, ""))

    def _made(self, message: bytes, said: bytes) -> bool:
        """Whether a MAC of ours over the message begins so."""
        return any(hmac.compare_digest(mac[: len(said)], said) for mac in self._signer.every_warrant_mac(self._tenant, message))

    def open(self, state: State) -> int:
        """How many wait."""
        return sum(case.status == "held" and self.of(state, case) is not None for case in state.cases.values())

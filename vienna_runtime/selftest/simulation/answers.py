"""What an answer rests on is durable when it leaves: looked up at that moment in what lies on the disk.

And what was answered once is answered likewise: one key is one case, one run one warrant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from actors.governance import receipt as receipts
from actors.governance.refusals import Code
from transport.packing import Message
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.network import Call

DURABLE = "nothing leaves before it is durable"
UNDECIDED = frozenset({Code.READ_ONLY.value, Code.BUSY.value, Code.FROZEN.value})  # nothing was decided, they say
# Codes that only the law gives, after a decision: each such refusal is an entry.
DECIDED = frozenset(
    code.value
    for code in (
        Code.KEY_REUSED, Code.EFFECT_BLOCKED, Code.NOT_HELD, Code.SIGNATURE_INVALID, Code.STATEMENT_MISMATCH, Code.SELF_APPROVAL,
        Code.NO_SEAT, Code.ALREADY_VOTED, Code.TIME_SKEWED, Code.WARRANT_FORGED, Code.WARRANT_OVER, Code.NOT_YOURS, Code.OUT_OF_SCOPE,
        Code.RUN_REUSED, Code.RUN_CLOSED, Code.BUDGET_EXCEEDED, Code.POLICY_FORBIDS,
    )
)  # fmt: skip

UNSAID = "review.canary"  # whose refusals are no entries: they would say that somebody tries


class Answers:
    """Of all peers, against the accounts of their tenants."""

    def __init__(self, account: Callable[[str], Account]) -> None:
        self._account = account
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._cases: dict[tuple[str, str, str], str] = {}
        self._times: Counter[tuple[str, str, str]] = Counter()
        self._undone: Counter[tuple[str, str, str]] = Counter()
        self.told: Counter[str] = Counter()

    def leaves(self, call: Call, message: Message) -> None:
        """An answer is on its way; raises ``Broken``."""
        kind, tenant = message["t"], call.who.tenant
        self.told[f"{call.tag} {message.get('code', kind)}"] += 1
        if not tenant:
            if kind == "reply":
                self._to_operator(call, message["value"])
            return
        account = self._account(tenant)
        if kind == "refused":
            self._refusal(account, call, message["code"])
            if message["code"] in UNDECIDED and (what := _named(call)) is not None:
                self._undone[tenant, call.who.name, what] += 1
        elif kind == "reply":
            value = message["value"]
            self._about_case(account, call, value)
            check = _CHECKS.get(call.tag)
            counted = call.tag != "executor.inventory" or account.stock.answered(call.who.name, call.fields["statement"], value)
            if not counted or (check is not None and not check(account, call.fields, value)):
                raise Broken(DURABLE, f"{call.tag} of {tenant}/{call.who.name}: {value}")

    def asked(self, call: Call) -> None:
        """A question is under way."""
        if (what := _named(call)) is not None:
            self._times[call.who.tenant, call.who.name, what] += 1

    def happened(self, tenant: str, who: str, what: str) -> None:
        """An entry: not if each time that somebody asked for it the answer was that nothing was decided."""
        asked = self._times[tenant, who, what]
        if 0 < asked <= self._undone[tenant, who, what]:
            raise Broken("what may have happened is never called refused", f"{what} of {tenant}/{who}")

    def _refusal(self, account: Account, call: Call, code: str) -> None:
        if code not in DECIDED or call.tag == UNSAID:
            return
        who = account.tenant, call.who.name, code
        self._refused[who] += 1
        if self._refused[who] > account.refusals[call.who.name, code]:
            raise Broken(DURABLE, f"a refusal {code} of {call.tag} to {call.who.name} is no entry")

    def _about_case(self, account: Account, call: Call, value: Mapping[str, Any]) -> None:
        case = value.get("case")
        if isinstance(case, str) and case not in account.cases:
            raise Broken(DURABLE, f"{call.tag} of {account.tenant}/{call.who.name}: {case} is not there")
        if call.tag != "propose":
            return
        key = account.tenant, call.who.name, call.fields["key"]
        if self._cases.setdefault(key, str(case)) != case:
            raise Broken("one key is one case", f"{key} was {self._cases[key]} and is {case}")

    def _to_operator(self, call: Call, value: Mapping[str, Any]) -> None:
        tenant, _, scope = str(call.fields.get("scope", "")).partition("/")
        if call.tag in ("pause", "resume") and tenant != "node" and not value.get("repeated"):
            account = self._account(tenant)
            if ("operator", scope or "tenant") not in (account.halts.paused_ever if call.tag == "pause" else account.halts.resumed_ever):
                raise Broken(DURABLE, f"{call.tag} {tenant}")


def _named(call: Call) -> str | None:
    """What an entry of it would be known by."""
    match call.tag:
        case "propose":
            return f"key {call.fields['key']}" if "key" in call.fields else None
        case "redeem":
            return f"run {call.fields['run']}"
        case _:
            return None


def _proposed(account: Account, asked: Message, value: Mapping[str, Any]) -> bool:
    warrant, run = value.get("warrant"), value.get("run")
    issued = warrant is None or any(known.issued.fields == warrant["fields"] for known in _warrants(account, value["case"]))
    return issued and (run is None or run in account.runs)


def _warrants(account: Account, case: str) -> list[Any]:
    return [known for known in account.warrants.values() if known.issued.case == case]


def _redeemed(account: Account, asked: Message, value: Mapping[str, Any]) -> bool:
    run = account.runs.get(asked["run"])
    if run is None or value["run"] != asked["run"]:
        return False
    issued = account.warrants[run.opened.warrant].issued
    if (issued.signature, issued.mac) != (asked["signature"], asked["mac"]):
        raise Broken("only what was issued is redeemed", f"{issued.warrant} with another seal, for {asked['run']}")
    return bool(issued.fields == asked["warrant"])


def _reported(account: Account, asked: Message, value: Mapping[str, Any]) -> bool:
    run = account.runs.get(receipts.unverified_unpack(asked["receipt"]).run)
    return asked["receipt"] in account.receipts and run is not None


def _settled(account: Account, asked: Message, value: Mapping[str, Any]) -> bool:
    run = account.runs[asked["run"]]
    return not value.get("settled") or run.status == "closed"


def _activated(account: Account, asked: Message, value: Mapping[str, Any]) -> bool:
    return asked["bundle"] in account.activated or not value.get("applied")


_CHECKS: Mapping[str, Callable[[Account, Message, Mapping[str, Any]], bool]] = {
    "propose": _proposed,
    "redeem": _redeemed,
    "report": _reported,
    "approve": lambda account, asked, value: asked["statement"] in account.votes,
    "deny": lambda account, asked, value: asked["statement"] in account.votes,
    "attest": lambda account, asked, value: asked["attestation"] in account.statements,
    "probe": lambda account, asked, value: asked["statement"] in account.statements,
    "effect.settle": _settled,
    "case.cancel": lambda account, asked, value: account.cases[asked["case"]].place != "held",
    "warrant.revoke": lambda account, asked, value: asked["warrant"] not in account.live,
    "dead_letter.resolve": lambda account, asked, value: asked["letter"] not in account.letters,
    "dead_letter.retry": lambda account, asked, value: account.post.tried.get(asked["letter"]) == value["case"],
    "dead_letter.list": lambda account, asked, value: account.post.was_listed(asked, value),
    "reconcile.resolve": lambda account, asked, value: asked["finding"] in account.stock.over,
    "breaker.trip": lambda account, asked, value: account.halts.guard(asked["scope"]).epoch > 0,
    "bundle.activate": _activated,
    "pause": lambda account, asked, value: ("tenant", asked["scope"]) in account.halts.paused_ever,
}

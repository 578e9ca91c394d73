"""What is looked at in evidence, by name and in this order, and what was found.

A name never changes its meaning: auditors write them into reports, and the stand-alone verifier has the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

Outcome = Literal["pass", "fail", "open", "none"]

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "file": "the file is canonical and has exactly the declared fields",
        "node checkpoint": "the node's key signed the head of the node's log",
        "node entries": "every entry of the node's log is under that head, at its place",
        "keys": "the node's log admits the keys of this tenant",
        "tenant checkpoint": "an admitted key signed the head of the tenant's log",
        "tenant entries": "every entry of the tenant's log is under that head, at its place",
        "commitment": "the node's log commits to the tenant's log, which has only grown since",
        "witnesses": "cosigned heads are earlier heads of the same logs",
        "bodies": "every body is the one its header commits to, or a removal says that it is gone",
        "chain": "every entry of the case follows the one before; neighbours are neighbours, time does not run back",
        "case counter": "the case's entries are there from 1 without a gap, up to the one that closes it",
        "standing": "no entry about members, pauses or the bundle in force was left out",
        "members": "every key was proved by its holder and confirmed by its fingerprint",
        "pauses": "nothing happened while it was paused, nor on a warrant of before a pause; who paused and who let go on could do so",
        "breakers": "nothing was granted while a breaker of its scopes was open, nor used on a warrant of before a trip",
        "intent": "the intent is canonical, its agent was a member, and who is excluded from approving follows",
        "bundles": "each bundle has its digest and was in force when it was applied",
        "verdict": "Cedar reaches the same verdict, tier and obligations",
        "card": "the card, rendered again, has the same bytes",
        "approvals": "each vote is signed by its approver over exactly this card, in time, by a person who may",
        "conversation": "each question is by a person who may vote, each answer by the agent, while the case waited",
        "quorum": "distinct persons fill every seat, none of them excluded",
        "warrant signature": "the tenant's issuer signed each warrant",
        "warrant terms": "each warrant says what intent, verdict and narrowings make it say",
        "redemption": "each run was opened by the warrant's executor, within its life and uses",
        "execution policy": "Cedar permits each execution again, under the warrant's bundle and the one in force",
        "receipts": "each receipt is signed by the executor's key and about its run",
        "attestations": "each observation is signed by a verifier, a person who stands behind neither executor nor agent",
        "outcome": "what was concluded follows from receipts and observations, and the case ends where nothing of it is live",
    }
)
CEDAR = frozenset({"verdict", "execution policy"})


@attrs.frozen
class Check:
    """One line of the result.  ``open`` is no failure: the case had no end when the file was made."""

    name: str
    outcome: Outcome
    said: str


class Checks:
    """Gathers; whoever looks says yes or no, and a no is never taken back."""

    def __init__(self) -> None:
        self._no: dict[str, list[str]] = {}
        self._yes: dict[str, list[str]] = {}
        self._open: dict[str, str] = {}
        self._skipped: dict[str, str] = {}

    def no(self, name: str, why: str, at: int | None = None) -> None:
        self._no.setdefault(_known(name), []).append(why if at is None else f"entry {at}: {why}")

    def yes(self, name: str, said: str = "") -> None:
        self._yes.setdefault(_known(name), []).append(said)

    def open(self, name: str, said: str) -> None:
        self._open[_known(name)] = said

    def skip(self, name: str, why: str) -> None:
        """It could not be looked at, or there is nothing to look at."""
        self._skipped.setdefault(_known(name), why)

    def expect(self, name: str, true: bool, why: str, at: int | None = None) -> bool:
        """A yes without words, or a no."""
        if true:
            self.yes(name)
        else:
            self.no(name, why, at)
        return true

    def failed(self, name: str) -> bool:
        return name in self._no

    @property
    def good(self) -> bool:
        return not self._no

    def result(self) -> tuple[Check, ...]:
        return tuple(self._one(name) for name in NAMES)

    def _one(self, name: str) -> Check:
        if name in self._no:
            return Check(name, "fail", "; ".join(dict.fromkeys(self._no[name])))
        if name in self._open:
            return Check(name, "open", self._open[name])
        if name in self._skipped:
            return Check(name, "none", self._skipped[name])
        if name in self._yes:
            return Check(name, "pass", "; ".join(dict.fromkeys(said for said in self._yes[name] if said)))
        return Check(name, "none", "the case has nothing of the kind")


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"no check is called {name!r}")
    return name

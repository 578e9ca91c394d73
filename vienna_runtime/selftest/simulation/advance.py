"""Approvals that were signed in advance, told again from the log: each use is one case of what was signed, and not one more.

signed ──▶ used, by number, as long as it is not used up, over, revoked, of another bundle, or of somebody who has gone ──▶ ended
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import attrs
import msgpack

from actors.governance import events as e
from actors.governance import intent as intents
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.hands import allows, signed
from vienna_runtime.selftest.simulation.remembered import CaseNow, Who

ADVANCE = "what was approved in advance is that and no more"


@attrs.define(eq=False)
class EnvelopeNow:
    signed: e.EnvelopeSigned
    said: Mapping[str, Any]
    template: Mapping[str, Any]
    used: int = 0
    spent: int = 0


@attrs.define(eq=False)
class Advance:
    """One tenant's.  ``members`` are the account's own."""

    members: Mapping[str, Who]
    known: dict[str, EnvelopeNow] = attrs.Factory(dict)
    over: list[EnvelopeNow] = attrs.Factory(list)

    def sign(self, event: e.EnvelopeSigned, behind: frozenset[str]) -> None:
        """``behind``: who answers for the agent that it is for."""
        who, said = self.members[event.approver], msgpack.unpackb(event.statement)
        if who.kind != "approver" or who.status != "active" or who.person != event.person or event.person in behind:
            raise Broken(ADVANCE, f"{event.approver} signed {event.envelope}")
        if not signed(who.public, b"vienna/envelope/1\0" + event.statement, event.signature):
            raise Broken(ADVANCE, f"{event.envelope} is not signed by {event.approver}")
        if said["template"] != sha256(event.template).digest():
            raise Broken(ADVANCE, f"{event.envelope} is about another template")
        self.known[event.envelope] = EnvelopeNow(event, said, msgpack.unpackb(event.template))

    def use(self, event: e.EnvelopeUsed, case: CaseNow, bundle: bytes, at: int) -> None:
        known = self.known.get(event.envelope)
        if known is None or self.members[event.approver].status != "active":
            raise Broken(ADVANCE, f"{event.envelope} is over, and used for {event.case}")
        said, template, wish = known.said, known.template, intents.unpack(case.intent)
        if (event.number, event.spent) != (known.used + 1, known.spent) or event.number > said["count"]:
            raise Broken(ADVANCE, f"use {event.number} of {event.envelope}, after {known.used} of {said['count']}")
        if said["total"] is not None and event.spent + event.cost > said["total"]:
            raise Broken(ADVANCE, f"{event.envelope} has {said['total']}, and {event.spent} and {event.cost} are used")
        if at >= said["until"] or said["bundle"] != bundle or case.verdict.tier > said["tier"]:
            raise Broken(ADVANCE, f"{event.envelope} until {said['until']} up to {said['tier']}, for {event.case}")
        if (case.agent, wish.action) != (template["agent"], template["action"]) or not allows(template["resource"], wish.resource):
            raise Broken(ADVANCE, f"{event.envelope} is for something else than {event.case}")
        bounds = template["params"]
        if wish.params.keys() != {*bounds, *template["open"]} or not all(allows(form, wish.params[name]) for name, form in bounds.items()):
            raise Broken(ADVANCE, f"{event.envelope} is for other parameters than {dict(wish.params)}")
        if event.person in case.excluded or event.person in case.given:
            raise Broken(ADVANCE, f"{event.person} fills a seat of {event.case}, twice or as its own")
        known.used, known.spent = event.number, event.spent + event.cost
        case.given[event.person] = event.approver

    def grant(self, terms: Any) -> None:
        """A warrant that rests on one is for one use, of exactly what was asked for."""
        if terms.envelopes and any(name not in self.known for name in terms.envelopes):
            raise Broken(ADVANCE, f"{terms.warrant} rests on {terms.envelopes}")
        if terms.envelopes and (terms.uses != 1 or terms.constraints):
            raise Broken(ADVANCE, f"{terms.warrant} rests on {terms.envelopes}, and has {terms.uses} uses within {terms.constraints}")

    def end(self, name: str) -> None:
        if (known := self.known.pop(name, None)) is not None:
            self.over.append(known)

"""The card of a held case, taken apart and checked: what is shown is what is signed, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs

from actors.governance import approval, canonical, conversation, intent, review
from actors.governance import card as law
from actors.governance.conversation import Exchange
from actors.governance.ids import CaseId, Instant
from actors.governance.intent import Intent
from vienna_runtime.errors import VerificationError

FIELDS = (
    "card", "case", "agent", "intent", "tier", "quorum", "policies", "why", "bundle", "executor", "verify", "ttl", "uses",
    "cost_cap", "constraints", "review", "state_digest", "founding", "facts", "expires_at",
)  # fmt: skip
_KINDS: Mapping[str, tuple[type, ...]] = {
    "card": (str,), "case": (str,), "agent": (str,), "intent": (bytes,), "tier": (str,), "quorum": (str,), "policies": (list,),
    "why": (str,), "bundle": (bytes,), "executor": (str,), "verify": (dict,), "ttl": (int,), "uses": (int,),
    "cost_cap": (int, type(None)), "constraints": (dict,), "review": (dict,), "state_digest": (bytes, type(None)),
    "founding": (bool,), "facts": (dict,), "expires_at": (int,),
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Card:
    """``fields``, ``intent`` and ``said`` (what was asked and answered so far) are under the approver's signature; ``beside`` is not:
    the node merely says it."""

    case: str
    packed: bytes
    fields: Mapping[str, Any]
    intent: Intent
    said: tuple[Exchange, ...]
    beside: Mapping[str, Any]

    @classmethod
    def of(cls, case: str, answer: Mapping[str, Any]) -> Self:
        """From `approval.card`; ``VerificationError`` if the card is of another case or says other things than the line beside it."""
        packed = answer.get("card")
        try:
            if type(packed) is not bytes:
                raise canonical.NotCanonical("it is not bytes")
            fields: dict[str, Any] = dict(canonical.unpack_fields(packed, FIELDS))
            for name, kinds in _KINDS.items():
                if type(fields[name]) not in kinds:
                    raise canonical.NotCanonical(f"the field {name} is not {kinds[0].__name__}")
            if any(type(policy) is not str for policy in fields["policies"]):
                raise canonical.NotCanonical("a policy is no text")
            wish = intent.unpack(fields["intent"])
            intent.check_kinds(wish)
            if (wrong := review.problem(fields["review"])) is not None:
                raise canonical.NotCanonical(wrong)
        except canonical.NotCanonical as error:
            raise VerificationError(f"the card of {case} is malformed, do not sign it: {error}") from None
        if fields["card"] != law.TITLE or fields["case"] != case:
            raise VerificationError(f"the node shows the card of another case than {case}: do not sign it")
        beside = {name: value for name, value in answer.items() if name not in ("card", "said")}
        signed = {
            "case": case, "agent": fields["agent"], "tier": fields["tier"],
            "action": wish.action, "resource": wish.resource, "purpose": wish.purpose,
        }  # fmt: skip
        for name, value in signed.items():
            if name in beside and beside[name] != value:
                raise VerificationError(f"the node says another {name} beside the card of {case} than the card itself: do not sign it")
        foreseen = [fields["quorum"], *(stage for stage, _, _ in review.then(fields["review"]))]
        if beside.get("quorum", fields["quorum"]) not in foreseen:
            raise VerificationError(f"the node says another quorum beside the card of {case} than the card itself: do not sign it")
        if beside.get("quorum") == fields["quorum"]:
            signed["quorum"] = fields["quorum"]  # what it says of another stage is shown: the case has escalated since
        said = _said(case, answer.get("said", ()))
        return cls(
            case=case, packed=packed, fields=fields, intent=wish, said=said, beside={n: v for n, v in beside.items() if n not in signed}
        )

    def statement(self, decision: str, *, narrowing: Mapping[str, canonical.Value], reason: str, nonce: bytes, now: int) -> bytes:
        """The canonical bytes that an approver signs about exactly this card."""
        return approval.pack(
            approval.Statement(
                case=CaseId(self.case),
                intent=canonical.digest(self.fields["intent"]),
                card=canonical.digest(self.packed),
                bundle=self.fields["bundle"],
                tier=self.fields["tier"],
                decision=decision,
                narrowing=narrowing,
                reason=reason,
                heard=conversation.heard(self.said),
                nonce=nonce,
                time=Instant(now),
            )
        )


def _said(case: str, told: object) -> tuple[Exchange, ...]:
    """The conversation as the node tells it: what is signed is the digest of exactly what is shown of this."""
    kinds = {field.name: int if field.name in ("number", "asked_at", "answered_at") else str for field in attrs.fields(Exchange)}
    parts: list[Any] = list(told) if isinstance(told, (list, tuple)) else [{}]
    for part in parts:
        if not isinstance(part, dict) or {name: type(value) for name, value in part.items()} != kinds:
            raise VerificationError(f"what the node says was asked about {case} is malformed: do not sign it")
    return tuple(Exchange(**part) for part in parts)

"""What is known of a case at a moment: how it stands, and each step of its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from actors.governance import warrant
from actors.governance.warrant import Warrant
from vienna_runtime.outcomes import ENDS, GOOD_ENDS


@attrs.frozen
class Granted:
    """A warrant as it was issued: what a redemption hands in again."""

    fields: bytes
    signature: bytes
    mac: bytes

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Granted:
        """From an inbox item or a reply."""
        return cls(value["fields"], value["signature"], value["mac"])

    def unverified_terms(self) -> Warrant:
        """What it says, before anybody has checked it: ``actors.governance.warrant.verify`` does."""
        return warrant.unverified_unpack(self.fields)


@attrs.frozen(kw_only=True)
class Progress:
    """Where a case stands.  ``outcome`` is one word, see ``ENDS``; ``value`` is the node's whole answer."""

    case: str
    outcome: str
    key: str = ""  # the idempotency key it was proposed under
    tier: str = ""
    why: str = ""
    run: str | None = None
    effect: str | None = None
    warrant: Granted | None = None
    value: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.outcome in ENDS

    @property
    def good(self) -> bool:
        """Whether it was done and found to be so."""
        return self.outcome in GOOD_ENDS

    @classmethod
    def of(cls, value: Mapping[str, Any], key: str = "") -> Progress:
        """From a reply that speaks of a case."""
        granted = value.get("warrant")
        return cls(
            case=value["case"],
            outcome=value.get("status") or value.get("outcome") or "proposed",
            key=key,
            tier=value.get("tier", ""),
            why=value.get("why", ""),
            run=value.get("run"),
            effect=value.get("effect"),
            warrant=None if granted is None else Granted.of(granted),
            value=value,
        )


@attrs.frozen(kw_only=True)
class Step:
    """One entry of a case.  ``outcome`` is the case's as far as it went when the step was sent."""

    seq: int
    time: int
    tag: str
    actor: str
    step: int
    body: Mapping[str, Any]
    outcome: str = ""
    closed: bool = False

    @classmethod
    def of(cls, value: Mapping[str, Any], at: int | None = None) -> Step:
        """From an entry of `case.show` or an event of `case.watch`."""
        return cls(
            seq=value.get("seq", at),
            time=value["time"],
            tag=value["tag"],
            actor=value["actor"],
            step=value["step"],
            body=value["body"],
            outcome=value.get("outcome", ""),
            closed=value.get("closed", False),
        )

    @property
    def why(self) -> str:
        """The sentence the step carries, if it carries one."""
        return str(self.body.get("why") or self.body.get("reason") or "")

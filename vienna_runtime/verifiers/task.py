"""What a verifier is asked to look at, once it has checked for itself that it is true.

1. The issuer of this tenant signed the warrant's fields, by a key that the node's log leads to from the key in the credential.
2. The warrant is of this tenant, and of the case that the node says.
3. Of a report: the warrant's holder signed the receipt, and the receipt is of this warrant and this run.

What does not pass is not looked at and not attested: a verifier's signature says nothing about what a node made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from actors.governance import looking
from actors.governance import receipt as receipts
from actors.governance import warrant as warrants
from actors.governance.canonical import NotCanonical
from actors.governance.receipt import Receipt
from actors.governance.signing import Purpose, verifies
from actors.governance.warrant import Warrant

_MICRO = 1_000_000


class Forged(Exception):
    """What the node says does not check; the message says what."""


class OtherKey(Forged):
    """None of the known issuer keys signed the warrant: a newer one may have taken over."""


@attrs.frozen(kw_only=True)
class Asked:
    """One thing to look at, as the warrant says it."""

    name: str
    kind: str
    arguments: Mapping[str, str]
    retry_for: float = 0.0  # seconds
    stable_for: float = 0.0


@attrs.frozen(kw_only=True)
class Task:
    """``told`` is None where an unknown outcome is probed; ``quiet`` is then when nobody acts for it any more, in µs."""

    case: str
    run: str
    fields: bytes
    warrant: Warrant
    receipt: bytes = b""
    told: Receipt | None = None
    quiet: int = 0

    @property
    def probes(self) -> bool:
        return self.told is None

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What to look at; raises ``Forged`` where the warrant asks for nothing that can be understood."""
        probe = looking.probe(self.warrant.verify)
        wanted = ([] if probe is None else [probe]) if self.probes else looking.checks(self.warrant.verify)
        try:
            found = tuple(_asked(one) for one in wanted)
        except (KeyError, TypeError, AttributeError) as error:
            raise Forged(f"the warrant does not say what to look at: {error!r}") from None
        if not found:
            raise Forged("the warrant asks for no look")
        return found


def checked(item: Mapping[str, Any], issuers: Sequence[bytes], tenant: str) -> Task:
    """The task of an inbox item; raises ``Forged``."""
    fields, signature = item["fields"], item["signature"]
    if not any(verifies(Purpose.WARRANT, issuer, fields, signature) for issuer in issuers):
        raise OtherKey("no issuer of this tenant signed the warrant")
    try:
        warrant = warrants.unverified_unpack(fields)
    except NotCanonical as error:
        raise Forged(f"the warrant is malformed: {error}") from None
    if warrant.tenant != tenant or warrant.case != item["case"]:
        raise Forged("the warrant is of another tenant or case than the node says")
    if item["kind"] == "probe":
        return Task(case=item["case"], run=item["run"], fields=fields, warrant=warrant, quiet=item["quiet"])
    if not verifies(Purpose.RECEIPT, warrant.holder, item["receipt"], item["receipt_signature"]):
        raise Forged("the warrant's holder did not sign the receipt")
    try:
        told = receipts.unverified_unpack(item["receipt"])
    except NotCanonical as error:
        raise Forged(f"the receipt is malformed: {error}") from None
    if told.warrant != warrant.warrant or told.run != item["run"]:
        raise Forged("the receipt is of another warrant or run")
    return Task(case=item["case"], run=item["run"], fields=fields, warrant=warrant, receipt=item["receipt"], told=told)


def _asked(one: Mapping[str, Any]) -> Asked:
    arguments = {str(name): str(value) for name, value in one["arguments"].items()}
    waits = {name: one.get(name, 0) / _MICRO for name in ("retry_for", "stable_for")}
    return Asked(name=str(one["name"]), kind=str(one["kind"]), arguments=arguments, **waits)

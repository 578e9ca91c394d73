from __future__ import annotations

from typing import Any

import pytest

from actors.governance import canonical, signing, warrant
from actors.governance.ids import HOUR, MINUTE, SECOND, Instant
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.warrant import CLOCK_ALLOWANCE, FIELDS, WarrantInvalid


@pytest.fixture
def issued(bench: Any) -> Any:
    """A redemption that would succeed, and who may make it."""
    bench.whole = bench.redemption(bench.warrant_of(bench.propose()).warrant)
    return bench


def check(bench: Any, *, at: int = 0, holder: bytes | None = None, packed: bytes | None = None, signature: bytes | None = None) -> Any:
    return warrant.verify(
        packed or bench.whole.warrant,
        signature or bench.whole.signature,
        bytes(bench.issuer.verify_key),
        now=Instant(bench.now + at),
        holder=holder or bench.state.members["till"].public_key,
    )


def test_what_was_issued_is_authentic_for_its_holder(issued: Any) -> None:
    assert check(issued).digest == canonical.digest(issued.whole.warrant)
    assert check(issued).warrant == warrant.unpack_own(issued.whole.warrant)


@pytest.mark.parametrize(
    ("at", "why"), [(-CLOCK_ALLOWANCE - SECOND, "not valid yet"), (5 * MINUTE + CLOCK_ALLOWANCE + SECOND, "expired"), (HOUR, "expired")]
)
def test_outside_its_time_it_is_refused(issued: Any, at: int, why: str) -> None:
    with pytest.raises(WarrantInvalid, match=why):
        check(issued, at=at)


@pytest.mark.parametrize("at", [-CLOCK_ALLOWANCE, 0, 5 * MINUTE + CLOCK_ALLOWANCE])
def test_a_clock_that_is_a_little_off_is_allowed_for(issued: Any, at: int) -> None:
    check(issued, at=at)


def test_another_holder_is_refused(issued: Any) -> None:
    with pytest.raises(WarrantInvalid, match="addressed"):
        check(issued, holder=issued.state.members["mill"].public_key)


def test_another_issuer_is_refused(issued: Any) -> None:
    signature = issued.keys["mallory"].sign(signed_bytes(Purpose.WARRANT, issued.whole.warrant)).signature
    with pytest.raises(WarrantInvalid, match="signature"):
        check(issued, signature=signature)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_another_type_is_refused_even_when_signed(issued: Any, field: str) -> None:
    fields = canonical.unpack_fields(issued.whole.warrant, FIELDS)
    packed = canonical.pack_fields({**fields, field: {"strange": 1} if field not in ("params", "verify") else 1}.items())
    with pytest.raises(canonical.NotCanonical):
        warrant.unverified_unpack(packed)
    signature = issued.issuer.sign(signed_bytes(Purpose.WARRANT, packed)).signature
    assert signing.verifies(Purpose.WARRANT, bytes(issued.issuer.verify_key), packed, signature)
    with pytest.raises(WarrantInvalid, match="malformed"):
        check(issued, packed=packed, signature=signature)

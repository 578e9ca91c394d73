"""The card an approver signs: taken apart, checked against itself, and bound by the statement."""

from __future__ import annotations

import io
from typing import Any

import attrs
import pytest
from rich.console import Console

from actors.governance import approval, canonical, card, intent
from actors.governance.events import CaseDecided
from actors.governance.ids import CaseId, Cost, Instant, Micros
from vienna_runtime.cli.card import as_json, card_text, refuse_unread
from vienna_runtime.client.card import FIELDS, Card
from vienna_runtime.errors import VerificationError

WISH = intent.Intent("payments.refund", "order/8812", {"amount": {"dec": "12.50"}}, "a double charge", Cost(0), None, None, None)


@attrs.frozen
class Held:
    """What the law's card asks of a case."""

    case: str = "c1"
    agent: str = "ada"
    intent: bytes = intent.pack(WISH)
    founding: bool = False


def answer(review: dict[str, Any] | None = None, /, **beside: Any) -> dict[str, Any]:
    decided = CaseDecided(
        CaseId("c1"), True, ("refund",), bytes(32), "", "T2", "2 of role:sre", Micros(300_000_000), 1, "cashier", 2, review=review or {}
    )
    packed = card.render(Held(), decided, {"recent_runs": 0}, Instant(9))  # type: ignore[arg-type]  # the four fields it reads
    return {"case": "c1", "agent": "ada", "tier": "T2", "action": "payments.refund", "card": packed, **beside}


def test_the_cards_fields_are_the_laws() -> None:
    assert tuple(canonical.unpack_fields(answer()["card"], FIELDS)) == FIELDS


def test_what_is_signed_is_told_apart_from_what_is_said_beside_it() -> None:
    found = Card.of("c1", answer(status="held", approvals=["Clara"]))
    assert found.intent == WISH
    assert found.beside == {"status": "held", "approvals": ["Clara"]}


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("tier", "T0"),
        ("agent", "ben"),
        ("action", "payments.lookup"),
        ("resource", "order/1"),
        ("purpose", "x"),
        ("quorum", "1 of any"),
        ("case", "c2"),
    ],
)
def test_a_line_that_says_other_than_the_card_is_not_signed(name: str, lie: str) -> None:
    with pytest.raises(VerificationError, match=f"another {name}"):
        Card.of("c1", answer(**{name: lie}))


def test_a_quorum_that_the_card_foresees_is_told_apart_and_any_other_is_not_signed() -> None:
    then = {"then": [["2 of role:lead", 2, 3_600_000_000]]}
    found = Card.of("c1", answer(then, quorum="2 of role:lead"))
    assert found.beside == {"quorum": "2 of role:lead"}
    assert Card.of("c1", answer(then, quorum="2 of role:sre")).beside == {}
    with pytest.raises(VerificationError, match="another quorum"):
        Card.of("c1", answer(then, quorum="any 1"))


@pytest.mark.parametrize(
    "review",
    [
        {"barred": "Ada"},
        {"barred": [1]},
        {"then": 1},
        {"then": [["any 1", 1]]},
        {"then": [["any 1", 1, "x"]]},
        {"reading": "x"},
        {"second": 1},
    ],
)
def test_a_card_whose_review_cannot_be_read_is_not_signed(review: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="malformed"):
        Card.of("c1", answer(review))


def test_the_card_of_another_case_is_not_signed() -> None:
    with pytest.raises(VerificationError, match="another case"):
        Card.of("c2", answer())


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_no_damage_to_the_cards_bytes_passes_as_the_same_card(at: int) -> None:
    told = answer()
    packed = bytearray(told["card"])
    packed[at % len(packed)] ^= 0x01
    try:
        found = Card.of("c1", {**told, "card": bytes(packed)})
    except VerificationError:
        return
    assert canonical.digest(found.packed) != canonical.digest(told["card"])  # it signs what it shows, never the other


def test_a_statement_binds_card_intent_bundle_tier_and_narrowing() -> None:
    found = Card.of("c1", answer())
    packed = found.statement("approve", narrowing={"uses": 1}, reason="seen", nonce=bytes(16), now=77)
    statement = approval.unverified_unpack(packed)
    assert statement == approval.Statement(
        CaseId("c1"),
        canonical.digest(intent.pack(WISH)),
        canonical.digest(answer()["card"]),
        bytes(32),
        "T2",
        "approve",
        {"uses": 1},
        "seen",
        b"",
        bytes(16),
        Instant(77),
    )


ODD: list[Any] = [
    None, True, -1, 2**63 - 1, "x", b"x", [], [1], ["a"], {}, {"a": 1}, {"then": [["x", 1, -(2**62)]]}, {"reading": 2**62},
    {"left": 5}, {"left": [5, ["tenant", "cost", "day", True, 2**62]]}, {"reversible": 5}, {"on_failure": [1]},
]  # fmt: skip


def shows_or_refuses(told: dict[str, Any]) -> None:
    try:
        found = Card.of("c1", told)
    except VerificationError:
        return
    Console(file=io.StringIO()).print(card_text(found))
    as_json(found)
    refuse_unread(found)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_card_with_something_else_in_any_field_is_shown_as_it_stands_or_not_signed(odd: Any) -> None:
    """What cannot be shown must not be signed either, as `approve --yes --json` would."""
    good = answer()
    shows_or_refuses(good)
    for name in FIELDS:
        shows_or_refuses({**good, "card": canonical.pack_fields({**canonical.unpack_fields(good["card"], FIELDS), name: odd}.items())})
    for name in intent.FIELDS:
        wish = canonical.pack_fields({**canonical.unpack_fields(intent.pack(WISH), intent.FIELDS), name: odd}.items())
        shows_or_refuses({**good, "card": canonical.pack_fields({**canonical.unpack_fields(good["card"], FIELDS), "intent": wish}.items())})
    for name in ("card", "said", "quorum", "expires_at", "approvals"):
        shows_or_refuses({**good, name: odd})


@pytest.mark.parametrize("name", ["policies", "facts", "verify", "constraints", "cost_cap", "expires_at", "founding", "state_digest"])
def test_a_field_of_another_kind_is_not_signed(name: str) -> None:
    fields = {**canonical.unpack_fields(answer()["card"], FIELDS), name: "x"}
    with pytest.raises(VerificationError, match="malformed"):
        Card.of("c1", answer(card=canonical.pack_fields(fields.items())))

from __future__ import annotations

from typing import Any

import attrs
import msgpack
import pytest

from actors.governance import envelope
from actors.governance.canonical import NotCanonical
from actors.governance.constraints import Exact, Prefix, Range

TEMPLATE = envelope.Template("ada", "orders.refund", Prefix("order/"), {"amount": Range(1, 10, None)}, ("note",))  # type: ignore[arg-type]


def test_a_template_is_read_from_exactly_the_bytes_it_is_written_as() -> None:
    packed = envelope.pack_template(TEMPLATE)
    assert envelope.unpack_template(packed) == TEMPLATE
    for wrong in (packed + b"\0", packed[:-1], b"", msgpack.packb({"agent": "ada"})):
        with pytest.raises(NotCanonical):
            envelope.unpack_template(wrong)


@pytest.mark.parametrize(
    "changed",
    [{"open": ("note", "amount")}, {"open": ("note", "note")}, {"agent": 7}, {"action": None}, {"open": (7,)}, {"open": ("a",) * 17}],
)
def test_a_template_that_says_two_things_or_none_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises((NotCanonical, TypeError)):
        envelope.unpack_template(envelope.pack_template(attrs.evolve(TEMPLATE, **changed)))


@pytest.mark.parametrize(
    ("tier", "of_case", "covered"), [("T1", "T1", True), ("T2", "T1", True), ("T2", "T2", True), ("T1", "T2", False), ("T2", "T0", False)]
)
def test_it_covers_its_tier_and_those_below_that_need_people(tier: str, of_case: str, covered: bool) -> None:
    assert envelope.covers(tier, of_case) is covered


def test_the_resource_is_bounded_as_a_text() -> None:
    wish = type("Wish", (), {"action": "orders.refund", "resource": "order/1", "params": {"amount": 5, "note": "x"}})
    assert envelope.mismatch(TEMPLATE, "ada", wish) is None  # type: ignore[arg-type]
    assert envelope.mismatch(attrs.evolve(TEMPLATE, resource=Exact("order/2")), "ada", wish) is not None  # type: ignore[arg-type]

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import canonical, receipt
from actors.governance.ids import Cost, Instant, RunId, WarrantId
from actors.governance.receipt import Receipt


@pytest.mark.parametrize("changed", [{"outcome": "done"}, {"cost": True}, {"started": "1"}, {"evidence": []}, {"args_digest": "x"}])
def test_a_receipt_of_another_form_is_refused(changed: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "warrant": WarrantId("w1"), "run": RunId("r1"), "started": Instant(1), "ended": Instant(2), "outcome": "succeeded", "action": "a.b",
        "resource": "r", "args_digest": b"a" * 32, "cost": Cost(0), "result_digest": b"", "evidence": {},
    }  # fmt: skip
    assert receipt.unverified_unpack(receipt.pack(Receipt(**fields))) == Receipt(**fields)
    with pytest.raises(canonical.NotCanonical):
        receipt.unverified_unpack(receipt.pack(Receipt(**{**fields, **changed})))

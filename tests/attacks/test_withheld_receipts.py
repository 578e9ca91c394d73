"""An executor that keeps a receipt to itself, or speaks of a run that nobody opened, is found by its own inventory."""

from __future__ import annotations

import secrets
from typing import Any

from actors.governance import canonical, inventory
from actors.governance.ids import Instant, RunId
from actors.governance.inventory import COUNTED, Inventory, Made
from actors.governance.signing import Purpose


async def test_what_is_withheld_is_a_finding_until_it_comes(stage: Any) -> None:
    journal = secrets.token_hex(8)
    async with stage.cast("ada", "till", "anna") as (ada, till, anna):
        receipts = []
        for number in (1, 2):
            granted = await ada.granted()
            run = (await till.done("redeem", **stage.redemption(granted)))["run"]
            counted = {COUNTED: {"journal": journal, "number": number}}
            receipts.append((run, till.member.receipt(granted, run, evidence=counted)))
        (first, withheld), (second, told) = receipts
        await till.done("report", **told)

        def stock(*made: Made) -> dict[str, bytes]:
            packed = inventory.pack(Inventory("belvedere", journal, 3, 0, made, Instant(stage.now())))
            return {"statement": packed, "signature": till.member.sign(Purpose.INVENTORY, packed)}

        made = Made(2, RunId(second), canonical.digest(told["receipt"]), "told")
        nobodys = Made(3, RunId("nobody-opened"), bytes(32), "told")
        await till.done("executor.inventory", **stock(made, nobodys))
        open_now = {row["kind"]: row["about"] for row in (await anna.done("reconcile.list"))["findings"] if "till" in row["about"]}
        assert open_now == {"receipt_withheld": f"till {journal} 1", "run_unknown_here": "till nobody-opened"}

        owed = Made(1, RunId(first), canonical.digest(withheld["receipt"]), "told")
        answer = await till.done("executor.inventory", **stock(owed, made, nobodys))
        assert answer["wanted"] == [first]
        await till.done("report", **withheld)
        left = {row["kind"] for row in (await anna.done("reconcile.list"))["findings"] if "till" in row["about"]}
        assert "receipt_withheld" not in left

"""What nobody thought of asking: each odd question gets one plain answer, and the node does not notice."""

from __future__ import annotations

from typing import Any

import pytest

WIDE = "\U0001f98a" * 64  # 64 characters, 256 bytes


async def test_a_letter_list_from_beyond_the_end_is_answered(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        newest = await anna.done("dead_letter.list")
        for before in (10**9, 2**63 - 1):
            assert await anna.done("dead_letter.list", before=before) == newest
        assert await anna.done("dead_letter.list", before=0) == {"letters": [], "next": 0 if newest["letters"] else None}


@pytest.mark.parametrize(
    ("tag", "field"), [("case.show", "case"), ("approval.card", "case"), ("dead_letter.show", "letter"), ("dead_letter.resolve", "letter")]
)
async def test_names_of_many_bytes_are_unknown_and_nothing_worse(stage: Any, tag: str, field: str) -> None:
    async with stage.cast("anna") as (anna,):
        extra = {"reason": "odd"} if tag == "dead_letter.resolve" else {}
        for name in (WIDE, "\x7f" * 3, "../../x", "'; drop", " ", "\u202egpj", "é" * 64):
            answer = await anna.ask(tag, **{field: name}, **extra)
            assert getattr(answer, "code", answer) in ("unknown", "malformed"), answer


async def test_keys_and_runs_of_many_bytes_are_taken_or_refused(stage: Any) -> None:
    async with stage.cast("ada", "till") as (ada, till):
        for key in (WIDE * 2, "\u202e", "a"):
            first = await ada.done("propose", **stage.wish(key=key))
        assert (await ada.done("propose", **stage.wish("notes.read", run=WIDE)))["run"] == WIDE
        assert await till.refused("redeem", **stage.redemption(first["warrant"], WIDE)) == "run_reused"

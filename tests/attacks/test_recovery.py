"""A lost quorum on a real node: who cannot recover it, when not, and that admin and operator can, 72 hours later."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.governance.codec import decode_node
from actors.governance.node_law import RecoveryConsented
from ledger import NODE
from ledger.header import parse
from transport.answers import Refused, Reply
from transport.errors import TransportError

HERE = Path(__file__).parent
HOUR = 3_600_000_000  # µs
CAST = [("clara", "approver", "clara", ("lead",), None), ("dora", "approver", "dora", ("finance",), None)]


@pytest.fixture
def odd_clock(fresh: Any, tmp_path: Path) -> Any:
    (tmp_path / "clock").write_text("0")
    fresh.program = (str(HERE / "odd_clock_node.py"),)
    fresh.environ = {**os.environ, "CLOCK_FILE": str(tmp_path / "clock")}
    return fresh.serve()


def restarted(stage: Any, clock: Path, wrong: int) -> None:
    stage.end(signal.SIGKILL)
    clock.write_text(str(wrong))
    stage.serve()


async def enrolled(stage: Any, anna: Any, name: str) -> str:
    """A member that a recovery could put in force; the fingerprint of its key."""
    member = stage.Member.make("belvedere", name, "approver")
    await anna.done(
        "recovery.invite", member=name, kind="approver", person=name, roles=["lead"], invitation=member.invitation.id,
        token_hash=member.invitation.digest(), expires_at=stage.now() + HOUR, lost=["clara"], reason="clara is lost",
    )  # fmt: skip
    answer = await stage.enrol(member)
    assert isinstance(answer, Reply), answer
    stage.people["belvedere", name] = member
    return str(answer.value["fingerprint"])


def test_only_what_was_announced_comes_in_force_only_by_both_and_only_after_72_hours(odd_clock: Any, tmp_path: Path) -> None:
    stage, clock = odd_clock, tmp_path / "clock"
    kept: dict[str, Any] = {}

    async def announced() -> None:
        for tenant in ("belvedere", "schoenbrunn"):
            await stage.found_tenant(tenant, cast=CAST)
        async with stage.cast("anna", "clara", "dora") as (anna, clara, dora), stage.as_operator() as operator:
            assert await anna.refused("recovery.announce", lost=["clara"], keys={"dora": "0"}, reason="x") == "not_allowed"  # founding
            await anna.done("tenant.seal")
            hugo = await enrolled(stage, anna, "hugo")
            mallory = await enrolled(stage, anna, "mallory")
            wanted = {"lost": ["clara"], "keys": {"hugo": hugo}, "reason": "clara's house burnt down"}
            # with the quorum alive, and another key than was enrolled
            assert await anna.refused("recovery.announce", **{**wanted, "lost": []}) == "not_allowed"
            assert await anna.refused("recovery.announce", **{**wanted, "keys": {"hugo": mallory}}) == "fingerprint_differs"
            assert await operator.refused("recovery.announce", **wanted) == "not_allowed"
            async with clara.link.subscribe("inbox", {}, credit=16) as desk:
                first = await anna.done("recovery.announce", **wanted)
                with trio.fail_after(60):
                    async for item in desk:
                        assert (item.value["kind"], item.value["digest"]) == ("recovery", first["digest"])
                        break
            async with dora.link.subscribe("inbox", {}, credit=16) as desk:  # who looks later finds it, too
                with trio.fail_after(60):
                    async for item in desk:
                        if item.value["kind"] == "recovery":
                            break
            # an admin alone, and before its time
            assert await anna.refused("recovery.agree", tenant="belvedere", digest=first["digest"]) == "not_allowed"
            assert await anna.refused("recovery.apply", digest=first["digest"]) == "too_early"
            assert (await anna.done("member.confirm", member="hugo", fingerprint=hugo, key="k"))["applied"] is False
            # an operator alone; the wrong tenant
            assert await operator.refused("recovery.apply", digest=first["digest"]) == "not_allowed"
            assert await operator.refused("recovery.object", reason="x") == "not_allowed"
            assert await operator.refused("recovery.agree", tenant="schoenbrunn", digest=first["digest"]) == "unknown"
            assert await operator.refused("recovery.agree", tenant="belvedere", digest=bytes(32)) == "statement_mismatch"
            assert await operator.refused("recovery.show") == "not_allowed"
            assert await operator.refused("recovery.look", tenant="nowhere") == "unknown"
            assert (await operator.done("recovery.look", tenant="schoenbrunn"))["digest"] is None
            shown = await operator.done("recovery.look", tenant="belvedere")
            assert [(who["member"], who["fingerprint"]) for who in shown["keys"]] == [("hugo", hugo)]
            async with stage.cast("anna", tenant="schoenbrunn") as (stranger,):
                assert await stranger.refused("recovery.look", tenant="belvedere") == "not_allowed"
                assert (await stranger.done("recovery.show"))["digest"] is None
                assert await stranger.refused("recovery.object", reason="x") == "unknown"
            # who is called lost objects, and nothing is left of it
            assert (await dora.done("status"))["recovery"]["digest"] == first["digest"]
            await clara.done("recovery.object", reason="here I am")
            assert await operator.refused("recovery.agree", tenant="belvedere", digest=first["digest"]) == "unknown"
            assert (await anna.done("status"))["recovery"] == {}
            kept.update(digest=(await anna.done("recovery.announce", **wanted))["digest"], first=first["digest"])
            assert await operator.refused("recovery.agree", tenant="belvedere", digest=kept["first"]) == "statement_mismatch"
            await operator.done("recovery.agree", tenant="belvedere", digest=kept["digest"])
            listed = {row["tenant"]: row["recovery"] for row in (await operator.done("tenant.list"))["tenants"]}
            assert listed == {"belvedere": "agreed", "schoenbrunn": ""}

    async def too_early() -> None:
        async with stage.cast("anna") as (anna,):
            assert await anna.refused("recovery.apply", digest=kept["digest"]) == kept["code"]

    async def in_force() -> None:
        async with stage.cast("anna") as (anna,):
            assert await anna.refused("recovery.apply", digest=kept["first"]) == "statement_mismatch"
            assert (await anna.done("recovery.apply", digest=kept["digest"]))["members"] == ["hugo"]
            assert await anna.refused("recovery.apply", digest=kept["digest"]) == "unknown"
            members = {row["member"]: row["status"] for row in (await anna.done("member.list"))["members"]}
            assert members == {"anna": "active", "clara": "revoked", "dora": "active", "hugo": "active", "mallory": "enrolled"}
        with pytest.raises(TransportError):
            async with stage.cast("clara"):
                pass
        async with stage.cast("anna", "dora", "hugo") as (anna, dora, hugo):  # there is a quorum again
            zoe = stage.Member.make("belvedere", "zoe", "approver")
            case = (await stage.invite(anna, zoe, expires_at=stage.now() + 74 * HOUR))["case"]
            for line in (dora, hugo):
                card = await line.card(case)
                answer = await line.ask("approve", **line.member.statement(card, time=stage.now() + 73 * HOUR))
                assert not isinstance(answer, Refused), answer
            assert "zoe" in {row["member"] for row in (await anna.done("member.list"))["members"]}

    trio.run(announced)
    for wrong, code in ((-100 * HOUR, "clock_in_doubt"), (71 * HOUR, "too_early")):
        restarted(stage, clock, wrong)
        kept["code"] = code
        trio.run(too_early)
    restarted(stage, clock, 73 * HOUR)
    trio.run(in_force)
    stage.end()
    assert set(stage.verify()) >= {"", "belvedere", "schoenbrunn"}
    ledger = stage.ledger()
    try:
        records = ledger.read(NODE, 0, ledger.head(NODE).size)
        said = [
            decode_node(header.tag, ledger.open_body(NODE, record))
            for record in records
            if "consented" in (header := parse(record.entry)).tag
        ]
    finally:
        ledger.close()
    assert said == [RecoveryConsented("belvedere", kept["digest"], "operator")]

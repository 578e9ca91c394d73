"""Of a tenant's log everybody gets something for every position, and of each position no more than it may see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from ledger import leaf_hash, open_checkpoint
from ledger.header import parse
from ledger.note import VerifierKey
from ledger.tree import extend, root_of
from transport.answers import Refused
from vienna_runtime import credential, known
from vienna_runtime.client import Vienna, connect
from vienna_runtime.secret import Secret
from vienna_runtime.tail import Entry


@attrs.frozen
class Seen:
    """What a tail sent: entries by position, how many events, and the leaf hash of every position."""

    entries: dict[int, dict[str, Any]]
    leaves: list[bytes]
    events: int
    size: int
    root: bytes

    @property
    def cases(self) -> set[str]:
        return {parse(value["entry"]).case for value in self.entries.values()}


async def tailed(line: Any, key: VerifierKey, **asked: Any) -> Seen:
    entries, note = dict[int, dict[str, Any]](), b""
    leaves, events, frontier, start = list[bytes](), 0, list[bytes](), asked.get("start", 0)
    async with line.link.subscribe("tail", {"start": 0, "follow": False, **asked}, credit=64) as stream:
        async for event in stream:
            value, events = event.value, events + 1
            match value["kind"]:
                case "start":
                    frontier = list(value["frontier"])
                case "entry":
                    assert event.at == start + len(leaves)
                    entries[event.at] = value
                    leaves.append(leaf_hash(value["entry"]))
                case "leaves":
                    assert event.at == start + len(leaves)
                    leaves += [value["hashes"][at : at + 32] for at in range(0, len(value["hashes"]), 32)]
                case "checkpoint":
                    note = value["note"]
    for index, leaf in enumerate(leaves):
        extend(frontier, start + index, leaf)
    head = open_checkpoint(note, key)
    assert head.root == root_of(frontier)
    return Seen(entries, leaves, events, head.size, head.root)


@attrs.frozen
class Log:
    stage: Any
    key: VerifierKey
    cases: dict[str, str]  # by whose it is


@pytest.fixture(scope="module")
def log(stages: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    stage = stages(tmp_path_factory.mktemp("rights") / "node").found_node().serve()

    async def prepare() -> tuple[str, dict[str, str]]:
        await stage.found_tenant("belvedere")
        async with stage.cast("ada", "ben", "till", "emil", "anna") as (ada, ben, till, emil, anna):
            own = (await ada.propose("notes.read", run="own"))["warrant"]
            mine = (await ada.done("report", **ada.member.receipt(own, "own")))["case"]
            granted = await ada.granted("files.write")
            run = (await till.done("redeem", **stage.redemption(granted)))["run"]
            told = till.member.receipt(granted, run)
            tills = (await till.done("report", **told))["case"]
            await emil.done("attest", **emil.member.attestation(tills, run, told["receipt"]))
            bens = (await ben.propose("notes.read"))["case"]
            return (await anna.done("whoami"))["log"], {"own": mine, "till": tills, "ben": bens}

    key, cases = trio.run(prepare)
    try:
        yield Log(stage, VerifierKey.parse(key), cases)
        assert stage.end() == 0
        assert "Traceback" not in stage.log.read_text()
    finally:
        stage.end(9)


RIGHTS = [
    ("anna", None), ("clara", None), ("otto", None),
    ("ada", {"own", "till"}), ("ben", {"ben"}), ("till", {"till"}), ("mill", set()), ("mallory", set()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cases"), RIGHTS, ids=[name for name, _ in RIGHTS])
async def test_everybody_proves_the_same_root_and_sees_what_it_may(log: Log, name: str, cases: set[str] | None) -> None:
    async with log.stage.cast("anna", name) as (anna, reader):
        whole, seen = await tailed(anna, log.key), await tailed(reader, log.key)
        assert (seen.size, seen.leaves, seen.root) == (whole.size, whole.leaves, whole.root)
        if cases is None:
            assert len(seen.entries) == seen.size
            assert all(value["body"] is not None for value in seen.entries.values())
            return
        assert seen.cases == {log.cases[of] for of in cases}
        for position, value in seen.entries.items():
            assert value == whole.entries[position]
        shown = {position for position, value in whole.entries.items() if parse(value["entry"]).case in seen.cases}
        assert seen.entries.keys() == shown  # a case is shown as a whole


async def test_what_a_tail_shows_is_what_case_show_shows(log: Log) -> None:
    async with log.stage.cast("anna", "ada", "ben", "till", "mill", "emil", "mallory") as (anna, *readers):
        everything = (await tailed(anna, log.key)).cases - {""}
        for reader in readers:
            seen = (await tailed(reader, log.key)).cases
            for case in everything:
                assert (case in seen) == (type(await reader.ask("case.show", case=case)).__name__ == "Reply"), (reader.member.name, case)


async def test_an_operator_gets_headers_and_no_body(log: Log) -> None:
    async with log.stage.as_operator() as operator:
        seen = await tailed(operator, log.stage.node_key)
    assert len(seen.entries) == seen.size
    assert all(value["body"] is None and value["salt"] is None for value in seen.entries.values())


async def test_a_filter_is_cheap_and_leaves_out_all_else(log: Log) -> None:
    async with log.stage.cast("anna") as (anna,):
        whole = await tailed(anna, log.key)
        case = await tailed(anna, log.key, case=log.cases["till"])
        tags = await tailed(anna, log.key, tags=["member.", "bundle."])
        both = await tailed(anna, log.key, case=log.cases["till"], tags=["run."])
        none = await tailed(anna, log.key, case="nowhere")
    assert case.cases == {log.cases["till"]}
    assert {parse(value["entry"]).tag.split(".")[0] for value in tags.entries.values()} == {"member", "bundle"}
    assert {parse(value["entry"]).tag.split(".")[0] for value in both.entries.values()} == {"run"}
    assert none.events == 4 + (none.size - 1) // 512  # start, hashes, checkpoint, end
    assert all(seen.leaves == whole.leaves for seen in (case, tags, both, none))


async def test_a_filter_opens_nothing_that_is_closed(log: Log) -> None:
    async with log.stage.cast("mallory") as (mallory,):
        for asked in ({"case": log.cases["own"]}, {"tags": ["intent."]}, {"tags": ["member."]}):
            assert not (await tailed(mallory, log.key, **asked)).entries


async def test_a_tail_may_begin_anywhere(log: Log) -> None:
    async with log.stage.cast("ada", "otto") as readers:
        for reader in readers:
            whole = await tailed(reader, log.key)
            for start in (1, 2, 7, whole.size - 1, whole.size):
                seen = await tailed(reader, log.key, start=start, believed=start // 2)
                assert (whole.leaves[start:], whole.size) == (seen.leaves, seen.size)


# The same through the client


def held(log: Log, name: str) -> credential.Credential:
    member = log.stage.who(name)
    return attrs.evolve(
        log.stage.operator, address=":".join(map(str, log.stage.address)), tenant=member.tenant, principal=member.name, role=member.kind,
        api_key=Secret(member.token.reveal().encode()), signing_key=None if member.kind == "auditor" else Secret(member.seed),
    )  # fmt: skip


async def read(vienna: Vienna, **asked: Any) -> list[Entry]:
    return [entry async for entry in vienna.verified_tail(follow=False, **asked)]


async def test_a_program_reads_a_verified_tail_in_one_line(log: Log) -> None:
    async with connect(held(log, "ada")) as vienna:
        entries = await read(vienna)
        assert {entry.header.case for entry in entries} == {log.cases["own"], log.cases["till"]}
        assert all(entry.body for entry in entries)
        assert [entry.header.tag for entry in await read(vienna, case=log.cases["own"], tags=["run."])] == [
            entry.header.tag for entry in entries if entry.header.case == log.cases["own"] and entry.header.tag.startswith("run.")
        ]


async def test_what_a_program_believed_is_remembered_where_it_says(log: Log, tmp_path: Path) -> None:
    place = tmp_path / "otto.known"
    async with connect(held(log, "otto")) as vienna:
        first = await read(vienna, known=place)
        remembered = known.read(place)
        assert remembered is not None
        assert remembered.belief is not None
        assert remembered.belief.size == len(first)
        assert await read(vienna, start=len(first), known=place) == []
        await read(vienna)  # and nowhere, where it does not
        assert os.listdir(tmp_path) == ["otto.known"]


async def test_a_program_may_leave_a_tail_that_goes_on(log: Log) -> None:
    beliefs: list[int] = []
    async with connect(held(log, "otto")) as vienna:
        with trio.fail_after(60):
            async with vienna.verified_tail(start=3, on_belief=lambda belief: beliefs.append(belief.size)) as entries:
                async for entry in entries:
                    if entry.header.tag.startswith("run.verified"):
                        break
                assert entries.at == entry.header.sequence + 1
        assert (await vienna.status())["tenant"] == "belvedere"
    assert beliefs == []  # it left before a checkpoint came


@pytest.mark.parametrize("who", ["ada", "till", "emil"])
async def test_no_machine_gets_evidence_for_it_holds_members_and_cases_that_its_tail_hides(log: Log, who: str) -> None:
    async with log.stage.cast(who) as (line,):
        for case in log.cases.values():
            answer = await line.ask("case.evidence", case=case)
            assert isinstance(answer, Refused)
            assert answer.code == "not_allowed"

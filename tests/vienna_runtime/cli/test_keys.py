"""Keys are replaced on a running node, and whoever works with it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest
import trio

from ledger import NoteSigner
from vienna_runtime import credential as credentials
from vienna_runtime.client import Granted, Refused, connect
from vienna_runtime.credential import Credential
from vienna_runtime.rotating import OVERLAP
from vienna_runtime.secret import Secret


class House(Protocol):
    node: Path
    address: str
    node_key: str

    def credential(self, name: str) -> Path: ...


As = Callable[..., Any]


def operator_of(house: House) -> Credential:
    """The operator's, made for the port that the node was founded with."""
    return attrs.evolve(credentials.read(house.credential("operator"), ask=lambda: Secret(b"")), address=house.address)


WISH = ("propose", "git.log", "repo/vienna", "-p", "count:=1", "--purpose", "look", "--no-wait")


def test_each_log_has_a_key_and_only_an_operator_sees_them(as_: As, house: House) -> None:
    listed = as_("operator", "keys", "list", json=True).json["keys"]
    assert [(key["log"], key["purpose"], key["state"]) for key in listed] == [
        ("", "checkpoint", "signs"),
        ("belvedere", "checkpoint", "signs"),
        ("belvedere", "issuer", "signs"),
        ("belvedere", "warrant-mac", "counts"),
    ]
    assert listed[0]["verifier"] == house.node_key
    assert house.node_key in as_("operator", "keys", "list").out
    for ask in (["list"], ["rotate", "--log", "belvedere"], ["retire"]):
        assert as_("rosa", "keys", *ask).code == 1
    assert "keys.list is not for admins; it is for operators" in as_("rosa", "keys", "list").err


def test_the_verifier_keys_are_listed_bare_one_a_line(as_: As, house: House) -> None:
    listed = as_("operator", "keys", "list", json=True).json["keys"]
    bare = [key["verifier"] for key in listed if "verifier" in key]
    assert len(bare) >= 2
    assert as_("operator", "keys", "list", "--verifiers").out.splitlines() == bare
    assert as_("operator", "keys", "list", "--verifiers", "--log", "belvedere", json=True).json == {"verifiers": bare[1:]}


def test_what_makes_no_sense_is_wrong_usage(as_: As) -> None:
    for ask in (["--issuer"], ["--compromised", "--overlap", "1d"], ["--issuer", "--log", "belvedere", "--overlap", "1d"]):
        assert as_("operator", "keys", "rotate", *ask).code == 2
    assert as_("operator", "keys", "rotate", "--log", "mallory").code == 1


@pytest.mark.parametrize("asked", [[], ["--log", "belvedere"], ["--compromised"], ["--log", "belvedere", "--compromised"]])
def test_members_and_verify_go_on_from_the_key_they_have(as_: As, house: House, asked: list[str]) -> None:
    assert as_("rosa", "tail", "--verify").code == 0
    done = as_("operator", "keys", "rotate", *asked, json=True)
    assert done.code == 0
    assert as_("ada", *WISH).code == 0
    for member in ("rosa", "clara"):  # one who knew the key before, and one who may come for the first time
        tail = as_(member, "tail", "--verify", json=True)
        assert tail.code == 0
        if asked[:1] == ["--log"]:
            assert tail.json["verified"]["log"] == done.json["verifier"]
    who = as_("clara", "whoami", json=True).json
    assert done.json["verifier"] == (who["log"] if asked[:1] == ["--log"] else who["node"])
    assert as_("operator", "tail", "--verify").code == 0
    for key in {house.node_key, who["node"]}:
        assert as_("ada", "verify", str(house.node), "--key", key).code == 0
    lines = [line.split()[-1] for line in as_("clara", "whoami").out.splitlines()]
    assert set(who.get("node_before", []) + who.get("log_before", [])) <= set(lines)  # each on a line of its own
    log = asked[:2] if asked[:1] == ["--log"] else []
    retired = as_("operator", "keys", "retire", *log, json=True)
    assert (retired.code, retired.json["retired"]) == (0, 0 if "--compromised" in asked else 1)
    assert as_("clara", "tail", "--verify").code == 0


def test_an_issuers_key_is_replaced_at_once_and_listed_as_what_became_of_it(as_: As) -> None:
    assert as_("operator", "keys", "rotate", "--log", "belvedere", "--issuer").code == 0
    assert as_("operator", "keys", "rotate", "--log", "belvedere", "--issuer", "--compromised").code == 0
    listed = as_("operator", "keys", "list", "--log", "belvedere", json=True).json["keys"]
    assert [key["state"] for key in listed if key["purpose"] == "issuer"] == ["retired", "compromised", "signs"]
    assert as_("clara", "whoami", json=True).json["issuer"] == listed[-2]["key"]
    assert as_("ada", *WISH).code == 0


def test_warrants_of_a_replaced_key_are_redeemed_and_those_of_a_compromised_one_are_not(as_: As, house: House) -> None:
    async def granted() -> Granted:
        async with connect(house.credential("ada")) as ada:
            progress = await ada.propose("git.log", "repo/vienna", {"count": 1}, purpose="look", wait=False)
        assert progress.warrant is not None
        return progress.warrant

    async def redeem(warrant: Granted) -> None:
        async with connect(house.credential("ada")) as ada:
            await ada.redeem(warrant, f"run-{warrant.unverified_terms().warrant}")

    first, second = trio.run(granted), trio.run(granted)
    assert as_("operator", "keys", "rotate", "--log", "belvedere", "--issuer").code == 0
    trio.run(redeem, first)
    third = trio.run(granted)
    assert as_("operator", "keys", "rotate", "--log", "belvedere", "--issuer", "--compromised").code == 0
    for warrant in (second, third):  # with the key went the HMAC keys, and so every live warrant
        with pytest.raises(Refused) as refused:
            trio.run(redeem, warrant)
        assert refused.value.code == "warrant_forged"
    trio.run(redeem, trio.run(granted))


def test_asking_again_replaces_no_second_key(house: House) -> None:
    async def twice() -> None:
        async with connect(operator_of(house)) as vienna:
            (newest,) = (key for key in (await vienna.call("keys.list"))["keys"] if key["state"] == "signs")
            fields = {"kind": "checkpoint", "replaces": newest["key"], "overlap": OVERLAP, "compromised": False}
            await vienna.call("keys.rotate", **fields)
            with pytest.raises(Refused, match="any more"):
                await vienna.call("keys.rotate", **fields)
            for wrong in ({"kind": "data"}, {"kind": "issuer"}):
                with pytest.raises(Refused, match=r"key is checkpoint|name a tenant"):
                    await vienna.call("keys.rotate", **{**fields, **wrong})

    trio.run(twice)


def test_a_tail_that_is_open_follows_a_key_that_took_over_from_one_that_is_over(house: House) -> None:
    """The checkpoints that come then are signed by no key that its reader knew when it began."""

    async def rotated(operator: Any) -> None:
        (newest,) = (
            key
            for key in (await operator.call("keys.list", tenant="belvedere"))["keys"]
            if (key["purpose"], key["state"]) == ("checkpoint", "signs")
        )
        fields = {"kind": "checkpoint", "replaces": newest["key"], "overlap": 0, "compromised": True, "tenant": "belvedere"}
        await operator.call("keys.rotate", **fields)

    async def whole() -> None:
        async with (
            connect(operator_of(house)) as operator,
            connect(house.credential("ada")) as ada,
            connect(house.credential("rosa")) as rosa,
            rosa.verified_tail(0) as entries,
            trio.open_nursery() as nursery,
        ):
            before, followed = (await rosa.keys()).log, trio.Event()

            async def read() -> None:
                async for _ in entries:
                    if entries.known.log != before:
                        followed.set()
                        return

            nursery.start_soon(read)
            await rotated(operator)
            with trio.fail_after(60):
                while not followed.is_set():
                    await ada.propose("git.log", "repo/vienna", {"count": 1}, purpose="look", wait=False)

    trio.run(whole)


def test_a_history_that_does_not_contain_the_node_key_known_before_is_a_finding(as_: As, house: House) -> None:
    assert as_("dora", "tail", "--verify").code == 0
    path = house.credential("dora").with_suffix(".known")
    foreign = NoteSigner(house.node_key.split("+")[0], bytes(32)).verifier
    path.write_text(json.dumps({**json.loads(path.read_text()), "node": foreign.text}))
    said = as_("dora", "tail", "--verify")
    assert said.code == 3
    assert "does not lead there" in said.err

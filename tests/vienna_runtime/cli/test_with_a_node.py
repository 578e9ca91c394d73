"""The commands against a real node, as people type them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import trio

from actors.governance import canonical, intent
from actors.governance.attestation import Attestation
from actors.governance.ids import Instant
from actors.governance.receipt import Receipt
from ledger.note import NoteSigner
from vienna_runtime.cli.main import run
from vienna_runtime.client import Granted, connect


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


class House(Protocol):
    directory: Path
    node: Path
    address: str
    node_key: str
    tenant: str

    def credential(self, name: str) -> Path: ...


As = Callable[..., Said]
ASKED = ("propose", "git.log", "repo/vienna", "-p", "count:=0", "--purpose", "look")
COMMIT = ("git.commit", "repo/vienna", "-p", "branch=main", "--purpose", "write it down")


def work(house: House, count: int, outcome: str = "succeeded") -> None:
    """The workshop's executor and emil: nothing is done in the world, and so many times they say that it was."""

    async def whole() -> None:
        done = 0
        async with connect(house.credential("workshop")) as vienna, vienna.inbox() as items:
            async for item in items:
                granted = Granted.of(item)
                terms = granted.unverified_terms()
                opened = await vienna.redeem(granted, f"run-{terms.warrant}")
                assert opened.run is not None
                now = time.time_ns() // 1000
                used = intent.args_digest(terms.action, terms.resource, terms.params)
                receipt = Receipt(
                    terms.warrant, opened.run, now, now, outcome, terms.action, terms.resource, used, 0, bytes(32), {"say": "\x1b[2J"}
                )  # type: ignore[arg-type]  # ids and costs as plain values
                await vienna.report(receipt)
                done += 1
                if done == count:
                    break
        if outcome == "succeeded":
            await look()

    async def look() -> None:
        done = 0
        async with connect(house.credential("emil")) as vienna, vienna.inbox() as items:
            async for item in items:
                checks = (("exit_code", "there", "there", True),)
                now = Instant(time.time_ns() // 1000)
                await vienna.attest(Attestation(item["case"], item["run"], canonical.digest(item["receipt"]), "verified", checks, now))
                done += 1
                if done == count:
                    return

    trio.run(whole)


def test_whoami_shows_the_member_and_the_keys(as_: As, house: House) -> None:
    said = as_("clara", "whoami", json=True)
    assert (said.code, said.json["member"], said.json["node"]) == (0, "clara", house.node_key)


def test_members_are_listed_with_what_they_are(as_: As) -> None:
    members = {row["member"]: row for row in as_("rosa", "member", "list", json=True).json["members"]}
    assert {name: row["kind"] for name, row in members.items()} == {
        "rosa": "admin",
        "clara": "approver",
        "dora": "approver",
        "emil": "verifier",
        "workshop": "executor",
        "ada": "agent",
    }
    assert all(row["status"] == "active" for row in members.values())


def test_an_operator_sees_tenants_and_their_numbers(as_: As) -> None:
    said = as_("operator", "tenant", "list")
    assert said.code == 0
    assert "belvedere" in said.out


def test_what_policy_forbids_ends_with_1_and_says_why(as_: As) -> None:
    said = as_("ada", "propose", "git.log", "repo/vienna", "-p", "count:=0", "--purpose", "look")
    assert said.code == 1
    assert "the parameter count must be at least 1" in said.out


def test_a_case_goes_from_intent_to_verdict_through_an_approval(as_: As, house: House) -> None:
    asked = as_("ada", "propose", *COMMIT, "-p", "message=one", "--no-wait", json=True)
    case = asked.json["case"]
    assert (asked.code, asked.json["outcome"], asked.json["tier"]) == (0, "held", "T1")
    assert case in as_("clara", "approvals", "list").out
    shown = as_("clara", "approvals", "show", case)
    assert re.search(r'message +[│┃] "one"', shown.out)
    assert shown.out.index("SIGNED") < shown.out.index("NOT SIGNED") < shown.out.index("approvals")
    working = threading.Thread(target=work, args=(house, 1))
    working.start()
    voted = as_("clara", "approve", case, "--yes", "--uses", "1", "--reason", "seen", json=True)
    assert (voted.code, voted.json["status"]) == (0, "warranted")
    working.join(60)
    seen = as_("ada", "case", case)
    assert f"case {case}: verified" in seen.out
    assert "narrowed to    1 use\n" in seen.out
    assert "reason         seen" in seen.out
    assert "<U+001B>[2J" in seen.out
    assert "\x1b" not in seen.out
    again = as_("dora", "approve", case, "--yes")
    assert again.code == 1
    assert f"`vienna case {case}` says how" in again.err


def test_a_term_wider_than_the_card_is_refused_before_anything_is_signed(as_: As) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=wide", "--no-wait", json=True).json["case"]
    for wider in (("--ttl", "10h"), ("--uses", "999")):
        said = as_("clara", "approve", case, "--yes", *wider)
        assert said.code == 2
        assert f"{wider[0]} can only narrow" in said.err
    assert "approval.given" not in as_("ada", "case", case).out
    assert as_("clara", "deny", case, "--yes", "--reason", "too wide").code == 0


def test_nothing_of_a_card_is_cut_however_long_its_words(as_: As) -> None:
    message = "x" * 5000 + "/prod"
    case = as_("ada", "propose", *COMMIT, "-p", f"message={message}", "--no-wait", json=True).json["case"]
    card = as_("clara", "approvals", "show", case).out
    assert "…" not in card
    assert re.sub(r"[\s│┃]", "", card).count("x" * 5000 + "/prod") == 1
    assert as_("clara", "deny", case, "--yes", "--reason", "too long").code == 0


def test_an_interrupted_proposal_says_where_the_case_is_and_how_to_wait_again(as_: As, house: House) -> None:
    program = [sys.executable, "-m", "vienna_runtime.cli.main", "--credential", str(house.credential("ada")), "--address", house.address]
    asked = [*program, "propose", *COMMIT, "-p", "message=patience", "--key", "patience"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as proposal:
        assert proposal.stdout is not None
        assert any("approval.requested" in line for line in proposal.stdout)
        proposal.send_signal(signal.SIGINT)
        _, said = proposal.communicate(timeout=60)
    case = as_("ada", "propose", *COMMIT, "-p", "message=patience", "--key", "patience", "--no-wait", json=True).json["case"]
    assert proposal.returncode == 130
    assert said.splitlines() == [
        f"the case goes on without you; look: vienna case {case}",
        "to wait for it again: the same command with --key patience",
        "interrupted",
    ]
    assert as_("clara", "deny", case, "--yes", "--reason", "nobody waits").code == 0


def test_a_proposal_shows_the_case_as_it_moves(as_: As, house: House) -> None:
    case: list[str] = []

    def approve() -> None:
        async def whole() -> None:
            async with connect(house.credential("dora")) as vienna, vienna.inbox() as items:
                async for item in items:
                    card = await vienna.card(item["case"])
                    case.append(card.case)
                    await vienna.approve(card)
                    return

        trio.run(whole)
        work(house, 1)

    other = threading.Thread(target=approve)
    other.start()
    said = as_("ada", "propose", *COMMIT, "-p", "message=two", json=True)
    other.join(60)
    tags = [line["step"]["tag"] for line in map(json.loads, said.out.splitlines()) if "step" in line]
    assert tags == [
        "intent.proposed/1",
        "case.decided/1",
        "approval.requested/1",
        "approval.given/1",
        "warrant.issued/1",
        "run.opened/1",
        "run.reported/1",
        "run.verified/1",
    ]
    assert (said.code, said.json["outcome"], said.json["case"]) == (0, "verified", case[0])


def test_a_denial_ends_the_case_and_leaves_a_dead_letter_to_be_resolved(as_: As) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=three", "--no-wait", json=True).json["case"]
    denied = as_("clara", "deny", case, "--reason", "not today", "--yes")
    assert denied.code == 0
    letters = as_("rosa", "dead-letters", "list", json=True).json["letters"]
    letter = next(row["letter"] for row in letters if row["case"] == case)
    shown = as_("rosa", "dead-letters", "show", letter)
    assert "not today" in shown.out
    assert as_("rosa", "dead-letters", "resolve", letter, "--reason", "agreed").code == 0
    assert letter not in as_("rosa", "dead-letters", "list").out


def test_what_became_of_a_run_nobody_knows_is_listed_until_it_is_settled(as_: As, house: House) -> None:
    assert as_("rosa", "effect", "list").out.startswith("Nothing is blocked")
    case = as_("ada", "propose", *COMMIT, "-p", "message=lost", "--no-wait", json=True).json["case"]
    assert as_("clara", "approve", case, "--yes", "--uses", "1", "--reason", "seen").code == 0
    work(house, 1, "unknown")
    (row,) = as_("rosa", "effect", "list", json=True).json["effects"]
    told = {name: row[name] for name in ("case", "agent", "executor", "action", "resource", "takes_two")}
    assert told == {
        "case": case, "agent": "ada", "executor": "workshop", "action": "git.commit", "resource": "repo/vienna", "takes_two": False,
    }  # fmt: skip
    assert abs(row["since"] - time.time_ns() // 1000) < 60_000_000
    listed = as_("clara", "effect", "list").out
    assert all(word in " ".join(listed.split()) for word in (row["run"], case, "git.commit", "nothing yet", "an admin"))
    assert "not_allowed" in as_("ada", "effect", "list").err
    assert row["letter"] in as_("rosa", "dead-letters", "list").out
    assert as_("rosa", "effect", "settle", row["run"], "--did-not", "--reason", "the branch has no such commit").code == 0
    assert as_("rosa", "effect", "list", json=True).json["effects"] == []
    assert row["letter"] not in as_("rosa", "dead-letters", "list").out


def test_the_same_key_is_the_same_case_and_another_intent_under_it_is_refused(as_: As) -> None:
    one = as_("ada", "propose", *COMMIT, "-p", "message=four", "--key", "k4", "--no-wait", json=True)
    two = as_("ada", "propose", *COMMIT, "-p", "message=four", "--key", "k4", "--no-wait", json=True)
    assert one.json["case"] == two.json["case"]
    other = as_("ada", "propose", *COMMIT, "-p", "message=five", "--key", "k4", "--no-wait", json=True)
    assert (other.code, json.loads(other.err)["error"]["code"]) == (1, "key_reused")


def test_voting_without_a_terminal_needs_yes(as_: As) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=six", "--no-wait", json=True).json["case"]
    said = as_("clara", "approve", case)
    assert said.code == 2
    assert "--yes" in said.err


def test_a_breaker_shuts_an_agent_out_and_a_reset_lets_it_in(as_: As) -> None:
    assert as_("rosa", "breaker", "trip", "agent:ada", "--reason", "it repeats itself").code == 0
    try:
        assert "it repeats itself" in as_("rosa", "breaker", "list").out
        assert "open breakers  vienna breaker list" in as_("rosa", "status").out
        nobody = as_("rosa", "breaker", "show", "agent:adda")
        assert (nobody.code, "agent:NAME of a member" in nobody.err) == (1, True)
        assert as_("ada", "propose", "git.log", "repo/vienna", "-p", "count:=1", "--purpose", "look", "--no-wait").code == 1
    finally:
        assert as_("rosa", "breaker", "reset", "agent:ada", "--reason", "fixed").code == 0


def test_a_verified_tail_remembers_what_it_believed_and_goes_on_from_there(as_: As, house: House) -> None:
    first = as_("rosa", "tail", "--verify", json=True)
    assert first.code == 0
    believed = first.json["verified"]
    assert believed["from"] == 0
    as_("ada", "propose", "git.log", "repo/vienna", "-p", "count:=0", "--purpose", "look")
    second = as_("rosa", "tail", "--verify", "--from", str(believed["size"]), json=True)
    assert second.json["verified"]["from"] == believed["size"]
    seen = [json.loads(line) for line in second.out.splitlines()[:-1]]
    assert [entry["tag"] for entry in seen[:2]] == ["intent.proposed/1", "case.decided/1"]


def test_a_tail_shows_only_the_tags_that_were_asked_for(as_: As) -> None:
    said = as_("rosa", "tail", "--tag", "member.", "--tag", "tenant.", json=True)
    assert {json.loads(line)["tag"].split(".")[0] for line in said.out.splitlines()} == {"member", "tenant"}


def test_another_key_for_the_log_than_the_one_seen_first_is_a_finding(as_: As, house: House) -> None:
    as_("dora", "tail", "--verify")
    known = house.credential("dora").with_suffix(".known")
    fields = json.loads(known.read_text())
    other = as_("clara", "whoami", json=True).json["node"]
    known.write_text(json.dumps({**fields, "log": other, "checkpoint": None}))
    said = as_("dora", "tail", "--verify")
    assert said.code == 3
    assert "before" in said.err


def test_an_operator_verifies_the_nodes_log_by_headers_alone(as_: As) -> None:
    said = as_("operator", "tail", "--verify", json=True)
    assert said.code == 0
    assert said.json["verified"]["size"] > 1


def test_the_directory_is_verified_by_the_public_key_alone(as_: As, house: House) -> None:
    said = as_("ada", "verify", str(house.node), "--key", house.node_key, json=True)
    assert (said.code, said.json["verified"]) == (0, True)
    assert {log["log"] for log in said.json["logs"]} == {"", "belvedere"}


def test_another_key_does_not_verify_it(as_: As, house: House) -> None:
    other = NoteSigner("vienna.local", bytes(32)).verifier.text
    said = as_("ada", "verify", str(house.node), "--key", other)
    assert said.code == 3
    assert "verification failed" in said.err


def test_policy_in_force_is_shown_under_its_own_digest(as_: As) -> None:
    said = as_("rosa", "policy", "show", "-o", "in-force")
    assert said.code == 0
    again = as_("rosa", "policy", "check", "in-force", json=True)
    assert again.json["bundle"] in said.out


def test_what_is_not_for_a_member_is_refused_by_name(as_: As) -> None:
    said = as_("ada", "member", "list")
    assert said.code == 1
    assert "not_allowed" in said.err


def test_an_invitation_that_the_node_refuses_leaves_no_file(as_: As, tmp_path: Path) -> None:
    said = as_("rosa", "member", "add", "ben", "--kind", "agent", "--person", "Ben", "-o", "ben.invitation")
    assert said.code == 1
    assert "owner" in said.err
    assert not (tmp_path / "ben.invitation").exists()


def test_an_enrolment_that_reached_no_node_can_be_repeated(as_: As, house: House, tmp_path: Path) -> None:
    assert as_("rosa", "member", "add", "gustav", "--kind", "auditor", "--person", "Gustav").code == 0
    assert run(["--address", "127.0.0.1:1", "enrol", "gustav.invitation", "--no-passphrase"]) == 4
    assert not (tmp_path / "gustav.vienna").exists()
    assert run(["--address", house.address, "enrol", "gustav.invitation", "--no-passphrase"]) == 0


def test_a_credential_in_the_way_is_said_before_a_passphrase_is_asked_for(
    as_: As, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_("rosa", "member", "add", "hilde", "--kind", "approver", "--person", "Hilde").code == 0
    (tmp_path / "hilde.vienna").touch()
    assert run(["enrol", "hilde.invitation"]) == 2
    assert "exists already" in capsys.readouterr().err  # and not that there is no terminal to ask at


def test_an_approvers_keys_are_sealed_and_enrolling_twice_is_refused(
    as_: As, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_("rosa", "member", "add", "fritz", "--kind", "approver", "--person", "Fritz", "-o", "fritz.invitation").code == 0
    assert run(["enrol", "fritz.invitation", "--no-passphrase"]) == 2
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    monkeypatch.setenv("VIENNA_PASSPHRASE_FILE", str(secret))
    assert run(["enrol", "fritz.invitation"]) == 0
    sealed = (tmp_path / "fritz.vienna").read_text()
    assert "sealed" in sealed
    assert "api_key" not in sealed
    assert (tmp_path / "fritz.vienna").stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert run(["enrol", "fritz.invitation", "-o", "again.vienna"]) == 4
    assert not (tmp_path / "again.vienna").exists()
    secret.write_text("wrong horse battery\n")
    assert run(["--credential", "fritz.vienna", "whoami"]) == 3


def test_a_reader_that_leaves_early_ends_the_tail_without_a_word(house: House) -> None:
    program = [sys.executable, "-m", "vienna_runtime.cli.main", "--credential", str(house.credential("rosa")), "--address", house.address]
    with subprocess.Popen([*program, "tail", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.stdout.close()
        assert run(["--credential", str(house.credential("ada")), "--address", house.address, *ASKED]) == 1  # one more line to write
        assert (tail.stderr.read(), tail.wait(60)) == (b"", 1)


def test_an_interrupted_tail_ends_with_130(house: House) -> None:
    program = [sys.executable, "-m", "vienna_runtime.cli.main", "--credential", str(house.credential("rosa")), "--address", house.address]
    with subprocess.Popen([*program, "tail", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, said = tail.communicate(timeout=60)
        assert (said, tail.returncode) == (b"interrupted\n", 130)


def test_operators_see_the_whole_tree_admins_their_tenants_part_and_nobody_else_any(as_: As) -> None:
    whole: Any = as_("operator", "status", "--tree", json=True).json
    children = {child["name"]: child for child in whole["children"]}
    assert list(children)[:5] == ["watermark", "scribe", "answers", "supervisor", "tenants"]
    assert list(children)[-1] == "gateway"
    assert {child["state"] for child in whole["children"]} == {"running"}
    (tenant,) = children["tenants"]["children"]
    assert (tenant["name"], tenant["restarts"], tenant["crash"], tenant["room"]) == ("belvedere", 0, "", 4096)
    assert tenant["handled"] > 0
    assert children["gateway"]["connections"] >= 1
    mine: Any = as_("rosa", "status", "--tree", json=True).json
    assert (mine["name"], mine["state"], "children" in mine) == ("belvedere", "running", False)
    refused = as_("ada", "status", "--tree")
    assert (refused.code, "tree.show is not for agents" in refused.err) == (1, True)
    assert "belvedere running" in as_("operator", "status", "--tree").out


def test_a_list_of_members_says_who_is_paused_and_by_what(as_: As) -> None:
    def shown() -> dict[str, Any]:
        listed: Any = as_("rosa", "member", "list", json=True).json
        return {row["member"]: (row["status"], row["paused"]) for row in listed["members"]}

    before = shown()
    assert {paused for _, paused in before.values()} == {None}
    assert "paused" not in as_("rosa", "member", "list").out
    as_("rosa", "pause", "agent", "ada", "--reason", "it loops")
    assert shown() == {**before, "ada": ("active", "agent:ada")}
    said = as_("rosa", "member", "list").out
    assert re.search(r"^ada .*active, paused", said, re.MULTILINE)
    assert "since when and why: vienna pause list" in said
    as_("rosa", "pause", "tenant", "--reason", "we do not know which")
    assert {name for name, (_, paused) in shown().items() if paused} == {"ada"}  # the tenant has no other agent
    assert re.search(r"^ada .*active, tenant paused", as_("rosa", "member", "list").out, re.MULTILINE)
    listed: Any = as_("rosa", "pause", "list", json=True).json
    assert [(stop["scope"], stop["side"], stop["by"]) for stop in listed["pauses"]] == [
        ("agent:ada", "tenant", "rosa"), ("tenant", "tenant", "rosa"),
    ]  # fmt: skip
    told = as_("rosa", "pause", "list").out
    assert re.search(r"^agent ada .*rosa.*20.*it loops.*vienna resume agent ada", told, re.MULTILINE)
    assert "Nothing is paused" in as_("operator", "pause", "list").out
    as_("operator", "pause", "tenant", "belvedere", "--reason", "a key has leaked")
    as_("operator", "breaker", "trip", "node", "--reason", "fire")
    told = as_("operator", "pause", "list").out
    assert re.search(r"^node .*fire.*an operator: vienna breaker reset node", told, re.MULTILINE)
    assert re.search(r"^tenant belvedere .*a key has leaked.*an operator: vienna resume tenant belvedere", told, re.MULTILINE)
    as_("operator", "breaker", "reset", "node", "--reason", "out")
    as_("operator", "resume", "tenant", "belvedere", "--reason", "revoked")
    for scope in (("tenant",), ("agent", "ada")):
        as_("rosa", "resume", *scope, "--reason", "fixed")
    assert shown() == before

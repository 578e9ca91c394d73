"""``vienna policy replay``: recorded intents asked again, with the state as it was."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.governance import codec, intent
from actors.governance import events as e
from vienna_runtime.cli.main import run
from vienna_runtime.replay import source
from vienna_runtime.secret import Secret

Candidate = Callable[..., Path]
Replay = Callable[..., tuple[int, dict[str, Any]]]


def nobody() -> Secret:
    raise AssertionError("nobody is asked for a passphrase")


@pytest.fixture
def replay(recorded: Any, capsys: pytest.CaptureFixture[str]) -> Replay:
    def asked(directory: Path, *options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        named = ["--against", str(directory), "--from", str(recorded.home), "--tenant", recorded.tenant]
        code = run(["--json", "policy", "replay", *named, *options])
        return code, json.loads(capsys.readouterr().out.splitlines()[0])

    return asked


@pytest.fixture(scope="session")
def verdicts(recorded: Any) -> list[tuple[intent.Intent, e.CaseDecided]]:
    """What was asked and said, read from the log by other means."""
    with source.opened(recorded.home, nobody) as ledger:
        events = [codec.decode(x.tag, x.body) for x in source.from_ledger(ledger, recorded.tenant) if x.tag in codec.EVENTS and x.body]
    asked = {event.case: intent.unpack(event.intent) for event in events if isinstance(event, e.IntentProposed)}
    return [(asked[event.case], event) for event in events if isinstance(event, e.CaseDecided)]


def cents(wish: intent.Intent) -> int:
    amount = wish.params["amount"]
    assert isinstance(amount, dict)
    return int(str(amount["dec"]).replace(".", ""))


def test_the_bundle_that_decided_says_the_same_again(replay: Replay, candidate: Candidate, recorded: Any) -> None:
    code, found = replay(candidate())
    assert code == 0
    assert (found["intents"], found["flips"], found["verdict"]) == (recorded.intents, 0, "same")
    assert found["groups"] == []


def test_a_lower_limit_asks_for_more_people_where_the_amount_says_so(
    replay: Replay, candidate: Candidate, verdicts: list[tuple[intent.Intent, e.CaseDecided]]
) -> None:
    _, found = replay(candidate(("refund.cedar", "50000", "20000")))
    wanted = [wish for wish, said in verdicts if said.tier == "T1" and cents(wish) > 20000]
    (group,) = found["groups"]
    assert (group["kind"], group["from"], group["to"], group["count"]) == ("tier", "T1", "T2", len(wanted))
    assert group["money"] == sum(cents(wish) * 10_000 for wish in wanted)
    assert (found["verdict"], found["approvals"]) == ("stricter", len(wanted))
    assert found["approver_minutes"] > 0
    assert {example["case"] for example in group["examples"]} <= {said.case for _, said in verdicts}


def test_what_is_newly_allowed_and_newly_denied_is_counted_in_money(
    replay: Replay, candidate: Candidate, verdicts: list[tuple[intent.Intent, e.CaseDecided]]
) -> None:
    _, found = replay(
        candidate(
            (
                "refund.cedar",
                '@tier("T0")\n@cost_cap("20")\npermit (\n    principal in Role::"support"',
                '@tier("T0")\npermit (\n    principal',
            ),
            ("refund.cedar", "context.params.amount > 1000000", "context.params.amount > 30000"),
        )
    )
    allowed = [wish for wish, said in verdicts if not said.permitted and cents(wish) < 2000]
    denied = [wish for wish, said in verdicts if said.permitted and cents(wish) > 30000]
    assert allowed
    assert denied
    assert found["newly_allowed"] == sum(cents(wish) * 10_000 for wish in allowed)
    assert found["newly_denied"] == sum(cents(wish) * 10_000 for wish in denied)
    assert found["verdict"] == "both"
    assert {group["kind"] for group in found["groups"]} == {"allowed", "denied", "terms"}


def test_other_approvers_at_the_same_tier_are_a_flip(replay: Replay, candidate: Candidate) -> None:
    _, found = replay(candidate(("bundle.toml", 'quorum = "1 of role:support-lead"', 'quorum = "1 of role:finance"')))
    assert [(group["kind"], group["from"]) for group in found["groups"]] == [("quorum", "T1")]


def test_an_executor_that_is_no_member_is_as_good_as_a_denial(replay: Replay, candidate: Candidate) -> None:
    _, found = replay(candidate(("bundle.toml", 'executor = "till"', 'executor = "mill"')))
    assert {group["to"] for group in found["groups"]} == {"deny"}
    assert "no active executor of that name" in found["groups"][0]["examples"][0]["after"]


def test_breakers_trip_by_the_limits_of_the_candidate(replay: Replay, candidate: Candidate) -> None:
    strict = ("bundle.toml", 'failures = 3\nwindow = "10m"\ncool_down = "15m"', 'failures = 1\nwindow = "1m"\ncool_down = "60m"')
    _, found = replay(candidate(strict))
    after = Counter(example["after"].partition(":")[0] for group in found["groups"] for example in group["examples"])
    assert found["newly_denied"] > 0
    assert all(said.startswith("the breaker of") for said in after)


def test_only_what_was_asked_for_is_replayed(replay: Replay, candidate: Candidate, recorded: Any) -> None:
    directory = candidate()
    assert replay(directory, "--last", "7")[1]["intents"] == 7
    assert replay(directory, "--since", "1d")[1]["intents"] == 0
    assert replay(directory, "--since", "2025-01-01")[1]["intents"] == recorded.intents
    assert run(["policy", "replay", "--against", str(directory), "--from", str(recorded.home), "--tenant", "schoenbrunn"]) == 2
    assert run(["policy", "replay", "--against", str(directory), "--from", str(recorded.home)]) == 2


EXPECTED = (
    '[[flip]]\nname = "two from 200 on"\naction = "payments.refund"\nfrom = "T1"\nto = "T2"\nwhen = { amount = { min = "200.01" } }\n'
)


def test_ci_fails_on_a_flip_that_the_tests_of_the_bundle_do_not_expect(replay: Replay, candidate: Candidate) -> None:
    code, found = replay(candidate(("refund.cedar", "50000", "20000")), "--ci")
    assert code == 1
    assert found["unexpected"] == found["flips"] > 0


def test_ci_passes_where_every_flip_is_expected_and_fails_where_one_is_not(replay: Replay, candidate: Candidate) -> None:
    code, found = replay(candidate(("refund.cedar", "50000", "20000"), tests=EXPECTED), "--ci")
    assert (code, found["unexpected"]) == (0, 0)
    assert found["expected"] == {"two from 200 on": found["flips"]}
    code, found = replay(candidate(("refund.cedar", "50000", "20000"), tests=EXPECTED.replace("200.01", "300.00")), "--ci")
    assert code == 1
    assert 0 < found["unexpected"] < found["flips"]
    assert not all(example["expected"] for example in found["groups"][0]["examples"]), "an unexpected one is among the examples"


def test_people_read_what_flips_with_examples(recorded: Any, candidate: Candidate, capsys: pytest.CaptureFixture[str]) -> None:
    directory = candidate(("refund.cedar", "50000", "20000"), tests=EXPECTED.replace("two from", "never\\u001b[2J"))
    assert run(["policy", "replay", "--against", str(directory), "--from", str(recorded.home), "--tenant", recorded.tenant]) == 0
    said = capsys.readouterr().out
    assert "T1 → T2" in said
    assert "permitted at T1 by refund-medium" in said
    assert "verdict: stricter" in said
    assert "\x1b[2J" not in said


def test_a_bundle_with_findings_is_not_replayed(candidate: Candidate, recorded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    directory = candidate(("refund.cedar", "permit", "prmit"))
    assert run(["policy", "replay", "--against", str(directory), "--from", str(recorded.home), "--tenant", recorded.tenant]) == 1
    assert "vienna policy check" in capsys.readouterr().err


def test_a_replay_never_writes(replay: Replay, candidate: Candidate, recorded: Any) -> None:
    def everything() -> dict[str, str]:
        files = (path for path in sorted(recorded.home.rglob("*")) if path.is_file() and path.name != "lock.mdb")  # LMDB's table of readers
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = everything()
    replay(candidate(("refund.cedar", "50000", "20000")))
    assert everything() == before


COUNTED = """
[facts]
today = { count = "proposed", action = "payments.refund", by = ["agent"], window = "1h" }
"""


def test_a_candidate_counts_what_it_declares_over_what_was_recorded(
    replay: Replay, candidate: Candidate, verdicts: list[tuple[intent.Intent, e.CaseDecided]]
) -> None:
    """The recorded bundle never counted anything."""
    limit = '@id("enough") forbid (principal, action, resource) when { context.facts.today >= 20 };\n'
    _, found = replay(
        candidate(
            ("bundle.toml", '[actions."payments.lookup"]', COUNTED + '[actions."payments.lookup"]'),
            ("lookup.cedar", "// Reading", limit + "// Reading"),
        )
    )
    assert found["newly_denied"] > 0
    assert 0 < found["flips"] < len(verdicts)
    assert all("enough forbids it" in example["after"] for group in found["groups"] for example in group["examples"])

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
Grant = tuple[int, str, int]


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


@pytest.fixture(scope="session")
def grants(recorded: Any) -> list[Grant]:
    """When each warrant was granted, to which agent, and about how many cents."""
    with source.opened(recorded.home, nobody) as ledger:
        entries = [
            (x.at, codec.decode(x.tag, x.body)) for x in source.from_ledger(ledger, recorded.tenant) if x.tag in codec.EVENTS and x.body
        ]
    asked = {event.case: (event.agent, cents(intent.unpack(event.intent))) for _, event in entries if isinstance(event, e.IntentProposed)}
    return [(at, *asked[event.case]) for at, event in entries if isinstance(event, e.WarrantIssued)]


@pytest.mark.parametrize(("zone", "shift"), [("UTC", 0), ("Asia/Kolkata", 30)])
def test_budgets_of_the_candidate_are_asked_at_each_grant_in_its_time_zone(
    replay: Replay, candidate: Candidate, grants: list[Grant], zone: str, shift: int
) -> None:
    """The recorded bundle had none.  Each use was redeemed at once, so a count an hour is of grants alone."""
    limit = f'[tenant]\nzone = "{zone}"\n[budgets.each_agent]\ncount_per_hour = 30\n'
    _, found = replay(candidate(("bundle.toml", "[breaker]", limit + "[breaker]")))
    hours = Counter((agent, (at // 60_000_000 + shift) // 60) for at, agent, _ in grants)
    wanted = Counter({f"agent:{agent}": 0 for agent, _ in hours})
    for (agent, _), count in hours.items():
        wanted[f"agent:{agent}"] += max(0, count - 30)
    assert sum(wanted.values()) > 10
    assert found["over_budget"]["budgets"] == +wanted
    assert found["over_budget"]["count"] == found["flips"] == sum(wanted.values())
    assert found["verdict"] == "stricter"
    assert {group["to"] for group in found["groups"]} == {"deny"}
    said = [example["after"] for group in found["groups"] for example in group["examples"]]
    assert all("is 30 uses a hour" in one for one in said)


def test_what_the_candidate_refuses_uses_nothing_up(replay: Replay, candidate: Candidate, grants: list[Grant]) -> None:
    """Neither what another budget refuses nor what policy does: a limit on all is met by what is left."""
    limits = "[budgets.agent.ada]\ncount_per_hour = 12\n[budgets.tenant]\ncount_per_hour = 22\n"
    never = ("refund.cedar", "context.params.amount > 1000000", "context.params.amount > 1900")
    _, found = replay(candidate(("bundle.toml", "[breaker]", limits + "[breaker]"), never))
    used: Counter[tuple[str, int]] = Counter()
    refused = 0
    for at, agent, amount in grants:
        hour = at // 3_600_000_000
        if amount > 1900:
            continue
        if (agent == "ada" and used["ada", hour] >= 12) or used["", hour] >= 22:
            refused += 1
        else:
            used.update({(agent, hour): 1, ("", hour): 1})
    assert found["over_budget"]["count"] == refused
    assert found["over_budget"]["budgets"].keys() == {"agent:ada", "tenant"}


def test_a_single_cost_above_its_limit_is_refused_by_the_candidates_own_worst_case(
    replay: Replay, candidate: Candidate, grants: list[Grant]
) -> None:
    """The recorded receipts say that nothing was spent, so that each stands alone."""
    cap = ("refund.cedar", '@cost_cap("500")\n', "")  # then the catalogue's model says what it costs
    _, found = replay(candidate(("bundle.toml", "[breaker]", '[budgets.tenant]\ncost_per_month = "300"\n[breaker]'), cap))
    assert found["over_budget"]["count"] == sum(amount > 30_000 for _, _, amount in grants) > 0
    assert found["over_budget"]["money"] == sum(amount * 10_000 for _, _, amount in grants if amount > 30_000)


def test_what_was_never_granted_is_measured_by_no_budget_and_told_all_the_same(
    replay: Replay, candidate: Candidate, recorded: Any, verdicts: list[tuple[intent.Intent, e.CaseDecided]], grants: list[Grant]
) -> None:
    directory = candidate(("bundle.toml", "[breaker]", "[budgets.tenant]\ncount_per_hour = 100000\n[breaker]"))
    _, found = replay(directory)
    assert (found["intents"], found["flips"], found["over_budget"]["count"]) == (recorded.intents, 0, 0)
    assert len(grants) < sum(said.permitted for _, said in verdicts)  # some were denied by people
    assert replay(directory, "--last", "7")[1]["intents"] == 7


def test_people_read_what_budgets_would_have_refused(recorded: Any, candidate: Candidate, capsys: pytest.CaptureFixture[str]) -> None:
    directory = candidate(("bundle.toml", "[breaker]", "[budgets.agent.ada]\ncount_per_hour = 1\n[breaker]"))
    assert run(["policy", "replay", "--against", str(directory), "--from", str(recorded.home), "--tenant", recorded.tenant]) == 0
    assert "its budgets would have refused" in (said := " ".join(capsys.readouterr().out.split()))
    assert ": agent ada " in said

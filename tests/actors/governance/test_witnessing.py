"""An action that policy wants witnessed is redeemed only when a quorum has cosigned everything that led to it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance import catalogue, toml_table


@pytest.fixture
def watched(bench: Any) -> Any:
    """The bench, where everything but reading must be witnessed, and reading too where an agent does it at once."""
    changed = {name: attrs.evolve(action, witnessed=True) for name, action in bench.bundle.catalogue.items()}
    bench.bundles[bench.bundle.digest] = attrs.evolve(bench.bundle, catalogue=changed)
    return bench


def test_a_warrant_waits_until_its_own_entry_is_witnessed_and_burns_nothing_meanwhile(watched: Any) -> None:
    case = watched.propose()
    live = watched.warrant_of(case)
    ask = watched.redemption(live.warrant)
    for size in (0, case.last):
        assert watched.refused(ask, "till", witnessed_size=size) == "not_witnessed"
    assert (live.uses_left, watched.state.runs) == (live.terms.uses, {})
    watched.done(ask, "till", witnessed_size=case.last + 1)


def test_a_node_that_asks_no_witness_refuses_for_good(watched: Any) -> None:
    ask = watched.redemption(watched.warrant_of(watched.propose()).warrant)
    waiting, never = watched.ask(ask, "till", witnessed_size=0), watched.ask(ask, "till", witnessed_size=None)
    assert (waiting.code.value, waiting.retry_after) == ("not_witnessed", 1000)
    assert (never.code.value, never.retry_after) == ("not_witnessed", None)


def test_each_further_use_waits_for_what_the_last_one_wrote(watched: Any) -> None:
    case = watched.propose()
    warrant = watched.warrant_of(case).warrant
    watched.done(watched.redemption(warrant, "r1"), "till", witnessed_size=case.last + 1)
    assert watched.refused(watched.redemption(warrant, "r2"), "till", witnessed_size=case.last) == "not_witnessed"
    watched.done(watched.redemption(warrant, "r2"), "till", witnessed_size=case.last + 1)


def test_repeating_a_redemption_asks_no_witness_again(watched: Any) -> None:
    case = watched.propose()
    ask = watched.redemption(watched.warrant_of(case).warrant)
    watched.done(ask, "till", witnessed_size=case.last + 1)
    assert watched.done(ask, "till", witnessed_size=0).answer["repeated"]


def test_proposing_and_redeeming_at_once_is_not_for_what_must_be_witnessed(watched: Any) -> None:
    assert watched.refused(watched.wish("notes.read", run="r1"), "ada") == "not_witnessed"
    case = watched.propose("notes.read")
    ask = watched.redemption(watched.warrant_of(case).warrant)
    assert watched.refused(ask, "ada", witnessed_size=case.last) == "not_witnessed"
    watched.done(ask, "ada", witnessed_size=case.last + 1)


def test_without_the_demand_no_witness_matters(bench: Any) -> None:
    bench.done(bench.redemption(bench.warrant_of(bench.propose()).warrant), "till", witnessed_size=None)


def test_a_bundle_activated_since_may_demand_it(bench: Any) -> None:
    warrant = bench.warrant_of(bench.propose()).warrant
    stricter = attrs.evolve(bench.bundle, catalogue={n: attrs.evolve(a, witnessed=True) for n, a in bench.bundle.catalogue.items()})
    assert bench.refused(bench.redemption(warrant), "till", active=stricter, witnessed_size=0) == "not_witnessed"


@pytest.mark.parametrize(("written", "read"), [("", False), ("witnessed = true", True), ("witnessed = false", False)])
def test_the_demand_is_written_in_the_catalogue(written: str, read: bool) -> None:
    findings: list[Any] = []
    root = toml_table.read("bundle.toml", f'[actions."files.write"]\nexecutor = "till"\n{written}\n', findings)
    assert root is not None
    assert (catalogue.read(root)["files.write"].witnessed, findings) == (read, [])


def test_a_demand_that_is_no_truth_value_is_a_finding() -> None:
    findings: list[Any] = []
    root = toml_table.read("bundle.toml", '[actions."files.write"]\nwitnessed = "yes"\n', findings)
    assert root is not None
    catalogue.read(root)
    assert len(findings) == 1

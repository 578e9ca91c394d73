"""``vienna breaker simulate`` over a recorded ledger: what it says, and how it ends where it is asked wrongly."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vienna_runtime.cli.main import run

DENIALS = ("bundle.toml", "mismatches = 1\n", 'mismatches = 1\n[breaker.denials]\ncount = 1\npercent = 1\nwindow = "1h"\n')
HOUR = 3_600_000_000  # µs
Capture = pytest.CaptureFixture[str]
Simulate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulate(recorded: Any, capsys: Capture) -> Simulate:
    """Over the recorded ledger, with these options."""

    def asked(*options: str, tenant: str | None = None, place: Path | None = None) -> tuple[int, str, str]:
        capsys.readouterr()
        named = ("--from", str(place or recorded.home), "--tenant", recorded.tenant if tenant is None else tenant)
        code = run(["breaker", "simulate", *named, *options])
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return asked


def test_detectors_that_never_alarm_have_no_trips(simulate: Simulate, recorded: Any) -> None:
    code, out, err = simulate("--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["intents"], found["groups"], found["trips"], found["forgotten"]) == (recorded.intents, [], [], 0)
    assert 0 < found["runs"] < recorded.intents
    assert 0 < found["first"] < found["last"]
    code, out, _ = simulate()
    assert (code, out.splitlines()) == (0, [f"400 intents and {found['runs']} ended runs within 10h 13m: 0 trips"])


def test_a_candidates_detectors_trip_where_they_would_have_each_with_its_verdict(simulate: Simulate, candidate: Any) -> None:
    code, out, _ = simulate("--bundle", str(candidate(DENIALS)), "--json")
    found = json.loads(out)
    assert code == 0
    assert {trip["detector"] for trip in found["trips"]} == {"denials"}
    assert [trip["seq"] for trip in found["trips"]] == sorted(trip["seq"] for trip in found["trips"])
    for one in found["groups"]:
        its = [trip["verdict"] for trip in found["trips"] if trip["scope"] == one["scope"]]
        assert one["trips"] == len(its) == sum(one[verdict] for verdict in ("right", "false", "quiet", "shut", "open"))
        assert {verdict: its.count(verdict) for verdict in set(its)} == {verdict: one[verdict] for verdict in set(its)}
    assert sum(one["trips"] for one in found["groups"]) == len(found["trips"]) > 1
    code, out, _ = simulate("--bundle", str(candidate(DENIALS)))
    assert code == 0
    assert out.splitlines()[0].endswith(f"{len(found['trips'])} trips")
    for one in found["groups"]:
        assert any(line.split()[:1] == ["denials"] and one["scope"] in line for line in out.splitlines())


def test_since_leaves_out_the_trips_before_and_none_of_those_after(simulate: Simulate, candidate: Any) -> None:
    bundle = str(candidate(DENIALS))
    whole = json.loads(simulate("--bundle", bundle, "--json")[1])
    begin = whole["first"] + 4 * HOUR
    date = dt.datetime.fromtimestamp(begin // 1_000_000, dt.UTC)
    late = json.loads(simulate("--bundle", bundle, "--since", date.isoformat(), "--json")[1])
    assert whole["first"] < begin <= late["first"] < late["last"] == whole["last"]
    assert 0 < late["intents"] < whole["intents"]
    assert 0 < len(late["trips"]) < len(whole["trips"])
    assert all(trip["at"] >= begin for trip in late["trips"])


def test_a_tenant_that_is_none_is_named_with_those_there_are(simulate: Simulate, recorded: Any) -> None:
    for tenant in ("nobody", ""):  # the log of no tenant is the node's own
        code, out, err = simulate(tenant=tenant)
        assert (code, out) == (2, "")
        assert f"there is no tenant {tenant!r} in {recorded.home}; there are belvedere" in err
    code, out, err = simulate("--json", tenant="nobody")
    assert (code, out) == (2, "")
    error = json.loads(err)["error"]
    assert (error["code"], error["exit"]) == ("usage", 2)
    assert "'nobody'" in error["why"]


@pytest.mark.parametrize(("since", "why"), [
    ("yesterday", "'yesterday' is neither a date as in 2026-11-01 or 2026-11-01T08:00, nor how long ago as in 30d"),
    ("2026-13-01", "'2026-13-01' is neither a date"),
    ("2999-01-01", "--since is yet to come: nothing is recorded from then on"),
])  # fmt: skip
def test_a_date_that_is_none_is_said(simulate: Simulate, since: str, why: str) -> None:
    code, out, err = simulate("--since", since)
    assert (code, out) == (2, "")
    assert why in err


def test_a_bundle_that_does_not_load_is_said_with_what_is_wrong_and_where(simulate: Simulate, candidate: Any, tmp_path: Path) -> None:
    bundle = candidate(("bundle.toml", "failures = 3", "failures = 0"))
    code, out, err = simulate("--bundle", str(bundle))
    assert (code, out) == (1, "")
    assert f"{bundle}: 1 finding; the bundle does not load" in err
    assert f"{bundle}/bundle.toml:" in err
    assert "failures" in err
    code, out, err = simulate("--bundle", str(bundle), "--json")
    assert (code, out) == (1, "")
    (detail,) = json.loads(err)["error"]["details"]
    assert "failures" in detail
    code, _, err = simulate("--bundle", str(tmp_path / "nowhere"))
    assert code == 2
    assert "does not exist" in err


def test_a_directory_that_is_no_nodes_is_said(simulate: Simulate, tmp_path: Path) -> None:
    code, out, err = simulate(place=tmp_path)
    assert (code, out) == (2, "")
    assert f"{tmp_path}: there is no keystore: name a node's directory, or a backup of one" in err
    code, _, err = simulate(place=tmp_path / "nowhere")
    assert code == 2
    assert "does not exist" in err


def test_one_of_the_two_options_alone_is_refused(recorded: Any, capsys: Capture) -> None:
    for option in (("--from", str(recorded.home)), ("--tenant", recorded.tenant)):
        assert run(["breaker", "simulate", *option]) == 2
        assert "--from DIR and --tenant NAME go together" in " ".join(capsys.readouterr().err.split())

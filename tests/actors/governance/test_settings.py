from __future__ import annotations

import pytest

from actors.governance import settings
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.finding import Finding
from actors.governance.ids import HOUR, MINUTE
from actors.governance.quorum import parse_known
from actors.governance.settings import Settings
from actors.governance.toml_table import read


def load(text: str) -> tuple[Settings, list[Finding]]:
    findings: list[Finding] = []
    root = read("bundle.toml", text, findings)
    assert root is not None
    return settings.read(root), findings


def test_nothing_said_is_every_default() -> None:
    assert load("") == (Settings(), [])


def test_everything_said_is_heard() -> None:
    said, findings = load("""
        [tiers.T0]
        warrant_life = "1m"
        [tiers.T1]
        approval_deadline = "2m"
        warrant_life = "3m"
        quorum = "1 of role:reviewer"
        [tiers.T2]
        approval_deadline = "4m"
        warrant_life = "5m"
        quorum = "1 of role:sre and 1 of role:finance"
        [warrants]
        uses = 2
        [reports]
        deadline = "6m"
        [verification]
        deadline = "7m"
        [stale]
        decisions = 1
        [breaker]
        failures = 2
        window = "1h"
        cool_down = "8m"
        mismatches = 3
        [dead_letters]
        old = "2h"
    """)
    assert findings == []
    assert said == Settings(
        warrant_life={"T0": MINUTE, "T1": 3 * MINUTE, "T2": 5 * MINUTE},
        approval_deadline={"T0": 0, "T1": 2 * MINUTE, "T2": 4 * MINUTE},
        quorum={"T1": parse_known("1 of role:reviewer"), "T2": parse_known("1 of role:sre and 1 of role:finance")},
        uses=2,
        report_deadline=6 * MINUTE,
        verification_deadline=7 * MINUTE,
        stale_decisions=1,
        breaker=BreakerLimits(failures=2, window=HOUR, cool_down=8 * MINUTE, mismatches=3),
        letters_old=2 * HOUR,
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[tiers.T3]\nwarrant_life = "1m"', "one of: T0, T1, T2"),
        ('[tiers.T1]\nwarant_life = "1m"', "did you mean warrant_life?"),
        ('[tiers.T0]\nquorum = "any 1"', "one of: warrant_life"),
        ('[tiers.T1]\nquorum = "any 2"', 'as in "any 1"'),
        ('[tiers.T2]\nquorum = "any 1"', 'as in "any 2"'),
        ('[tiers.T2]\nquorum = "2 of sre"', 'write "role:sre" or "person:clara"'),
        ('[reports]\ndeadline = "5 minutes"', 'write a number and a unit, as in "90s", "5m", "1h30m" or "7d"'),
        ("[breaker]\nfailures = 0", ""),
        ("[breaker]\nfailures = true", ""),
    ],
)
def test_a_wrong_setting_is_a_finding(text: str, hint: str) -> None:
    _, findings = load(text)
    assert [finding.hint for finding in findings] == [hint]


def test_an_empty_quorum_is_a_finding_and_not_the_default() -> None:
    _, findings = load('[tiers.T2]\nquorum = ""')
    assert len(findings) == 1

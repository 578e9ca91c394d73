"""The pieces of policy that the documents show are taken by the program as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from actors.governance import bundle, cases, quorum
from actors.governance.finding import Finding, Malformed

PROJECT = Path(__file__).resolve().parents[2]
POLICY = (PROJECT / "docs" / "policy.md").read_text()


def shown(language: str, holding: str) -> str:
    """The block of that language with ``holding`` in it."""
    (found,) = [body for body in re.findall(rf"^```{language}\n(.*?)^```$", POLICY, re.DOTALL | re.MULTILINE) if holding in body]
    return str(found)


def test_the_bundle_and_the_hard_stop_of_the_policy_page_load() -> None:
    files = {"bundle.toml": shown("toml", 'name = "workshop"').encode(), "push.cedar": shown("cedar", "push-needs-two").encode()}
    loaded = bundle.load(bundle.Source(files))
    assert isinstance(loaded, bundle.Bundle), list(loaded)
    assert loaded.catalogue.keys() == {"git.push"}
    assert [fact.name for fact in loaded.facts] == ["founding"]


def test_the_case_of_the_policy_page_reads() -> None:
    found: list[Finding] = []
    (case,) = cases.read("tests/shown.toml", shown("toml", "[[case]]"), found)
    assert found == []
    assert case.expect == "T2"
    assert case.policies == {"push"}


def test_every_quorum_of_the_policy_page_reads() -> None:
    for text in shown("text", "any 2").splitlines():
        assert not isinstance(quorum.parse(text), Malformed), text

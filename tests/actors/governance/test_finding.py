from __future__ import annotations

from actors.governance.finding import Finding, Findings, did_you_mean


def test_a_finding_reads_like_a_compiler_message() -> None:
    assert str(Finding("push.cedar", 3, 7, "unknown annotation @teir", "did you mean tier?")) == (
        "push.cedar:3:7: unknown annotation @teir (did you mean tier?)"
    )


def test_findings_are_one_line_each() -> None:
    both = Findings((Finding("a", 1, 1, "x"), Finding("b", 2, 2, "y")))
    assert str(both) == "a:1:1: x\nb:2:2: y"
    assert len(both) == len(list(both)) == 2


def test_a_near_miss_is_named_and_otherwise_what_there_is() -> None:
    assert did_you_mean("teir", ["tier", "quorum"]) == "did you mean tier?"
    assert did_you_mean("zzz", ["tier", "quorum"]) == "one of: quorum, tier"
    assert did_you_mean("zzz", []) == "there are none"


def test_a_word_too_long_to_be_a_slip_is_not_compared() -> None:
    assert did_you_mean("tier" * 100_000, ["tier" * 100_000]).startswith("one of")

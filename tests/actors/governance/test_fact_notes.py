"""An author is told which facts nobody reads, and which are not known at once."""

from __future__ import annotations

from typing import Any

from actors.governance.fact_notes import notes


def test_what_no_policy_reads_and_what_is_unknown_at_first_is_said_with_its_place(counted: Any) -> None:
    facts = """hour = { local = "hour" }
unread = { count = "failed", window = "1h" }
slow = { count = "failed", window = "90m" }
quick = { count = "failed", window = "90m", from = "activation" }
"""
    bench = counted(facts, '@id("odd") forbid (principal, action, resource) when { context.facts.slow + context.facts.quick > 9 };')
    said = [str(note) for note in notes(bench.bundle)]
    lines = [int(text.split(":")[1]) for text in said]
    assert lines == [lines[0], lines[0] + 1, lines[0] + 2]
    assert [text.split(": ", 1)[1] for text in said] == [
        "no policy reads the fact hour (leave it out)",
        "no policy reads the fact unread (it is counted all the same, so that a later bundle can read it)",
        (
            "where slow was not counted before, it is unknown and denies for the first 90m"
            ' (from = "activation" takes what was before for nothing)'
        ),
    ]

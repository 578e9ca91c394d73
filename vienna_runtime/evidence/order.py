"""Whether anything was left out: of the case, by its own counter; of what it rests on, by the chain that its entries end in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from actors.governance.evolve import STANDING
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.proof import Shown

STANDING_TAGS = frozenset(kind.TAG for kind in STANDING)  # type: ignore[attr-defined]  # all of them are events


def standing_of(entries: Sequence[Shown]) -> list[Shown]:
    """The entries that say who belongs, which bundle is in force and what is paused."""
    return [entry for entry in entries if entry.header.tag in STANDING_TAGS]


def check_case(entries: Sequence[Shown], case: str, closing: int | None, checks: Checks) -> list[Shown]:
    """The entries of the case, in its own order.  ``closing`` is the entry that says it is the last."""
    steps = [entry for entry in entries if entry.header.case == case]
    counter = [entry.header.step for entry in steps]
    if not steps:
        checks.no("case counter", f"the file has no entry of case {case!r}")
        return steps
    wanted = list(range(1, len(steps) + 1))
    if counter != wanted:
        missing = sorted(set(range(1, max(counter) + 1)) - set(counter))
        checks.no("case counter", f"step {missing[0]} is missing" if missing else "the steps do not count from 1 upwards")
    last = steps[-1]
    if any(step.body is None for step in steps):
        checks.skip("case counter", f"1 to {len(steps)}; bodies were removed, and with them which entry closes the case")
    elif closing is None:
        checks.open("case counter", f"open at size {last.seq + 1}: {len(steps)} entries, none of which closes the case")
    elif closing != last.seq:
        checks.no("case counter", "an entry of the case follows on the one that closes it", last.seq)
    else:
        checks.yes("case counter", f"1 to {len(steps)}, closed by entry {closing}")
    return steps


def check_chain(entries: Sequence[Shown], steps: Sequence[Shown], checks: Checks) -> None:
    """``previous``, ``follows`` and the times."""
    for before, after in itertools.pairwise(entries):
        if after.seq == before.seq + 1 and after.header.previous != before.leaf:
            checks.no("chain", "it does not follow the entry before it", after.seq)
        if after.header.time < before.header.time:
            checks.no("chain", "its time is before that of an earlier entry", after.seq)
    for before, after in itertools.pairwise(steps):
        if before.seq not in after.header.follows[:1]:
            checks.no("chain", f"it does not follow entry {before.seq}, the case's one before", after.seq)
    checks.yes("chain")


def check_standing(entries: Sequence[Shown], steps: Sequence[Shown], checks: Checks) -> None:
    """Each link names the one before, each entry of the case the newest of its time."""
    links = standing_of(entries)
    known: Mapping[int, Shown] = {link.seq: link for link in links}
    for before, after in zip([None, *links], links, strict=False):
        wanted = () if before is None else (before.seq,)
        if after.header.follows != wanted:
            what = "is the first" if not after.header.follows else f"follows entry {after.header.follows[-1]}"
            checks.no("standing", f"it {what}, and the file shows {'none' if before is None else before.seq} before it", after.seq)
    for link in links:
        if link.body is None:
            checks.no("standing", "its body is gone, and that of an entry about members, pauses or bundles never goes", link.seq)
    if links and links[0].seq != 0:
        checks.no("standing", "the chain does not begin with the log's first entry", links[0].seq)
    for step in steps:
        newest = max((seq for seq in known if seq < step.seq), default=None)
        if newest is None or step.header.follows[-1:] != (newest,):
            checks.no("standing", f"it does not rest on entry {newest}, the newest about members and bundles in the file", step.seq)
    checks.yes("standing", f"{len(links)} entries")

"""Faults in what is handed on: links, the hands that they go through, and what they leave of a warrant."""

from __future__ import annotations

from typing import Any

import attrs

from actors.governance import breaker, covering, links, pauses, reporting
from actors.governance.ids import Instant
from actors.governance.state import State
from tests.simulation.mutating import Put, mutant


@mutant("the uses of a link are not counted")
def _(put: Put) -> None:
    put(covering, "used_up", lambda live, claimed: None)


@mutant("a link by somebody who does not hold it")
def _(put: Put) -> None:
    put(links, "verifies", lambda purpose, key, packed, signature: True)


@mutant("a link of another warrant")
def _(put: Put) -> None:
    put(links, "same", lambda one, other: True)


@mutant("a link that gives more than there is")
def _(put: Put) -> None:
    follow = links.follow

    def wider(root: Any, above: bytes, chain: Any, **named: Any) -> Any:
        return follow(attrs.evolve(root, uses=1 << 20, expires_at=Instant(1 << 60), cost_cap=None), above, chain, **named)

    put(links, "follow", wider)


@mutant("a link whose time is over")
def _(put: Put) -> None:
    follow = links.follow
    put(links, "follow", lambda root, above, chain, *, now: follow(root, above, chain, now=Instant(0)))


@mutant("whoever approved it is handed the warrant")
def _(put: Put) -> None:
    put(covering, "_persons", lambda now, left, terms, by: left)


@mutant("anybody redeems with a chain")
def _(put: Put) -> None:
    put(covering, "same", lambda one, other: True)


@mutant("a pause that a warrant goes around by other hands")
def _(put: Put) -> None:
    refusal = pauses.refusal
    put(pauses, "refusal", lambda now, *agents, about="": refusal(now, *agents[:1], about=about))


@mutant("a breaker that a warrant goes around by other hands")
def _(put: Put) -> None:
    put(breaker, "shuts_out", lambda *given, **named: None)


@mutant("hands that were stopped since it was issued")
def _(put: Put) -> None:
    shuts_out = breaker.shuts_out

    def at_present(now: State, holders: Any, action: str, issued: Instant, *, about: str) -> Any:
        return shuts_out(now, holders, action, Instant(1 << 62), about=about)

    put(breaker, "shuts_out", at_present)


@mutant("parameters that nobody compares")
def _(put: Put) -> None:
    put(covering, "_beyond", lambda terms, params, left: None)


@mutant("whoever handed it on looks at the work")
def _(put: Put) -> None:
    def without(now: State, run: Any) -> frozenset[str]:
        return frozenset(now.members[name].person for name in (run.redeemer, run.agent) if name in now.members)

    put(reporting, "persons_behind", without)

"""What a sweep costs where nothing is due, by how much lies there: cases open and closed, warrants outstanding under a budget.

The state is made by the law's own ``evolve`` from entries as a log has them: of every ten cases one stays open, half of these held and
half with an outstanding warrant (``--open`` for another number of open ones).  Then a sweep asks what is due, and budgets are counted anew
from the warrants, in the stretches in which the reconciler does it beside the tenant.

python -m bench.sweeps [--quick] [--cases N] [--open N]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import attrs

from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance import reservations
from actors.governance import warrant as warrants
from actors.governance.codec import encode_state
from actors.governance.decision import Moment
from actors.governance.due import due, next_due
from actors.governance.evolve import evolve
from actors.governance.facts import Past
from actors.governance.ids import DAY, SECOND, CaseId, Cost, Digest, EffectId, Fresh, Instant, MemberId, Person, TenantId, WarrantId
from actors.governance.intent import Intent
from actors.governance.state import Limit, State
from actors.governance.warrant import Warrant

CASES, QUICK = 1_000_000, 20_000
NOW = Instant(1_760_000_000 * SECOND)
SWEEPS = 200
AGENTS = 64


def filled(cases: int, opened: int) -> State:
    """A tenant with so many cases behind it, of which so many are open."""
    state = State(TenantId("belvedere"), limits=(Limit(scope="tenant", what="cost", per="day", most=2**62, warn=2**62),))
    wish = intents.pack(Intent("payments.refund", "order/1", {"amount": 5}, "bench", Cost(5), None, None, None))
    terms = _terms()
    every = max(1, cases // opened)

    def fold(event: e.Event) -> None:
        evolve(state, event, NOW, state.size)

    for number in range(cases):
        case, agent = CaseId(f"c{number:x}"), MemberId(f"a{number % AGENTS}")
        held = number % (2 * every) == 0
        fold(e.IntentProposed(case, agent, wish, f"k{number}", None, False, (Person("rosa"),)))
        fold(e.CaseDecided(case, True, ("p",), b"b" * 32, "", tier="T1" if held else "T0", uses=1, ttl=_life(), executor="till"))
        if held:
            fold(e.ApprovalRequested(case, b"card", Instant(NOW + DAY)))
            continue
        name = WarrantId(f"w{number:x}")
        fold(e.WarrantIssued(case, name, warrants.pack(attrs.evolve(terms, warrant=name, case=case, agent=agent)), b"", b""))
        if number % every:
            fold(e.WarrantExpired(case, name, closes=True))
    return state


def _life() -> int:  # µs
    return DAY


def _terms() -> Warrant:
    return Warrant(
        tenant=TenantId("belvedere"), warrant=WarrantId("w"), case=CaseId("c"), agent=MemberId("a"), executor=MemberId("till"),
        holder=bytes(32), action="payments.refund", resource="order/1", params={"amount": 5}, constraints={}, intent=Digest(bytes(32)),
        effect=EffectId("e"), state_digest=None, tier="T0", approvals=(), envelopes=(), bundle=bytes(32), verify={}, not_before=NOW,
        expires_at=Instant(NOW + DAY), uses=1, cost_cap=Cost(7),
    )  # fmt: skip


def sweep(state: State) -> None:
    """What a tenant does each second where nothing is due."""
    moment = Moment(Instant(NOW + SECOND), Fresh(bytes(32)))
    at = next_due(state)
    assert at is not None
    assert at > moment.now
    assert due(state, moment, None, Past(), lambda _: None) == ()


def counted(state: State) -> tuple[float, float, int]:
    """Seconds in all, the longest stretch between two pauses, and how many scopes differ."""
    counting, longest, begun = reservations.differences(state), 0.0, time.perf_counter()
    last = begun
    while True:
        try:
            next(counting)
        except StopIteration as end:
            now = time.perf_counter()
            return now - begun, max(longest, now - last), len(end.value)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now


def timed(act: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return median(taken)


def row(cases: int, opened: int) -> str:
    state = filled(cases, opened)
    one = timed(lambda: sweep(state), SWEEPS)
    whole, longest, differ = counted(state)
    assert differ == 0
    packing = timed(lambda: encode_state(state), 1)
    shape = f"{cases:,} | {len(state.cases):,} | {len(state.warrants):,}"
    return f"| {shape} | {one * 1e6:.1f} µs | {whole * 1e3:.0f} ms | {longest * 1e3:.1f} ms | {packing:.2f} s |"


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    whole = QUICK if "--quick" in given else CASES

    def number(name: str, otherwise: int) -> int:
        return int(given[given.index(name) + 1]) if name in given else otherwise

    cases = number("--cases", whole)
    print("| cases | open | warrants | a sweep, nothing due | reservations counted anew | longest stretch | the state packed |")
    print("|---|---|---|---|---|---|---|")
    print(row(cases // 100, cases // 1_000), flush=True)
    print(row(cases, number("--open", cases // 10)), flush=True)


if __name__ == "__main__":
    main()

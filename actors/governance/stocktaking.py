"""What an executor believes that it ran, against what the ledger knows: a receipt that was withheld leaves a hole.

receipt n comes         n joins what was seen; numbers before it that are missing may still be on their way
one without a number    is found where its executor has ever counted: whatever is withheld from then on leaves no hole
an inventory comes      every number up to its counter must have been seen, be on its way, or have been refused; what is missing
                        is withheld, and a run that is open here and ended there is asked for again
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, assert_never

from . import canonical, inventory, reconciling
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Facts, Moment
from .finding_book import Counted
from .ids import Instant, RunId
from .inventory import Inventory, Made
from .receipt import Receipt, unverified_unpack
from .reconciling import Observed
from .refusals import Code, Refusal
from .signed_time import skewed
from .signing import Purpose, verifies
from .state import Case, Member, State

MOST_RANGES = 64  # of numbers that came before others: more than an executor has under way at once
NOT_THERE = "the ledger has no receipt of that number"


def take(state: State, command: c.TakeStock, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Takes an inventory in; answers with the runs whose receipts are wanted, and from which number to go on."""
    try:
        told = inventory.unverified_unpack(command.statement)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the inventory is malformed: {error}")
    if told.tenant != state.tenant or not verifies(Purpose.INVENTORY, by.public_key, command.statement, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this inventory, or it is for another tenant")
    if (late := skewed(told.time, moment.now, about=by.member, then="set your clock")) is not None:
        return late
    known = state.findings.counted.get(by.member, Counted())
    base = known.upto if known.journal == told.journal else 0
    if told.since > base or _overtaken(known, told):
        return Decided(answer={"upto": base, "wanted": [], "counter": told.counter})  # it begins beyond what is accounted for: again
    seen, wanted, upto = _compared(state, by.member, known, told, facts)
    new = [one for one in seen if reconciling.key(one.kind, one.about) not in state.findings.open]
    events = reconciling.found(state, new[: reconciling.MOST_AT_ONCE], f"{reconciling.EXECUTOR}{by.member}", by.member, moment, offset=1)
    if len(new) > reconciling.MOST_AT_ONCE:
        upto = base  # the rest is found by the next one
    if events or known.journal != told.journal or told.counter > known.claimed:
        entry = e.InventoryTaken(by.member, told.journal, told.counter, upto, command.statement, command.signature)
        events = (entry, *events)
    return Decided(events, {"upto": upto, "wanted": wanted, "counter": told.counter})


def _compared(state: State, executor: str, known: Counted, told: Inventory, facts: Facts) -> tuple[list[Observed], list[RunId], int]:
    """What differs, the runs whose receipts are wanted, and the number up to which every receipt is accounted for."""
    seen: list[Observed] = []
    if known.journal and known.journal != told.journal:
        seen.append(_another(executor, known, told.journal, f"journal {told.journal}"))
        known = Counted(told.journal)
    elif told.counter < (most := max(known.claimed, known.upto)):
        seen.append(Observed("counter_went_back", f"{executor} {told.journal} {told.counter}", f"at least {most}", str(told.counter)))
    last = told.entries[-1].number if len(told.entries) == inventory.MOST_ENTRIES else told.counter
    accounted = max(told.since, known.upto)  # a journal forgets what it has told long ago
    for first, end in _holes(accounted, last, [*((made.number, made.number) for made in told.entries), *known.beyond]):
        numbers = str(first) if first == end else f"{first}..{end}"
        seen.append(Observed("receipt_withheld", f"{executor} {told.journal} {numbers}", f"receipt {numbers}", NOT_THERE))
    found = [one for made in told.entries if (one := _about(state, executor, told.journal, made, facts)) is not None]
    late = {one.about for one in found if one.kind == "run_not_reported"}
    wanted = [made.run for made in told.entries if f"{executor} {made.run}" in late]
    waiting = [made.number for made in told.entries if made.became == inventory.PENDING]
    upto = min(waiting) - 1 if waiting else last
    return [*seen, *found], wanted, max(upto, known.upto)


def _overtaken(known: Counted, told: Inventory) -> bool:
    """Whether it tells less than is known because it was signed before that: a line that broke hands in late what it still had.

    Whoever signs ahead of time what it counts is no better off than whoever sends no inventory at all.
    """
    less = told.counter < max(known.claimed, known.upto) if known.journal == told.journal else bool(known.journal)
    return less and told.time <= known.at


def _another(executor: str, known: Counted, journal: str, seen: str) -> Observed:
    """It counts in another journal than the one that is known."""
    return Observed("counter_went_back", f"{executor} {journal}", f"journal {known.journal}, beyond {max(known.claimed, known.upto)}", seen)


def _holes(since: int, last: int, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The numbers after ``since`` up to ``last`` that no span holds, as first and last of each row of them."""
    at = since + 1
    for first, end in sorted(spans):
        if at < first <= last + 1:
            yield at, first - 1
        at = max(at, end + 1)
    if at <= last:
        yield at, last


def _about(state: State, executor: str, journal: str, made: Made, facts: Facts) -> Observed | None:
    there, digest = facts.receipts.get(made.run, (False, None))
    what = f"{executor} {made.run}"
    if not there:
        return Observed("run_unknown_here", what, "a redeemed warrant", f"receipt {made.number} of a run that nobody opened")
    if digest is not None and digest != made.receipt:
        return Observed("receipt_differs", what, digest.hex(), made.receipt.hex())
    run = state.runs.get(made.run)
    waited_for = run is not None and (run.status == "open" or (run.status == "unknown" and not run.late and not run.receipt))
    if made.became != inventory.PENDING and waited_for:
        return Observed("run_not_reported", what, "its receipt", f"number {made.number} of {journal}, which the executor has ended")
    return None


def received(state: State, told: Receipt, by: Member, moment: Moment) -> tuple[e.Event, ...]:
    """What a receipt settles or shows by its number, or by having none, beside what it is a receipt of."""
    number = inventory.counted(told)
    if number is None:
        return _unnumbered(state, told, by, moment)
    journal, count = number
    known = state.findings.counted.get(by.member, Counted(journal))
    over = (
        *reconciling.over(state, "receipt_withheld", f"{by.member} {journal} {count}", "its receipt has come"),
        *reconciling.over(state, "run_not_reported", f"{by.member} {told.run}", "its receipt has come"),
    )
    if over:
        return over
    seen: list[Observed] = []
    if known.journal != journal:
        seen.append(_another(by.member, known, journal, f"journal {journal}, in the receipt of run {told.run}"))
    elif known.has(count):
        seen.append(Observed("number_twice", f"{by.member} {journal} {count}", "one receipt of that number", f"another, of run {told.run}"))
    elif len(known.beyond) >= MOST_RANGES:
        first = known.beyond[0][0]
        about = f"{by.member} {journal} {known.upto + 1}..{first - 1}"
        seen.append(Observed("receipt_withheld", about, f"receipt {known.upto + 1}..{first - 1}", NOT_THERE))
    # The entries it follows are those of the report itself; where they are is of no matter for one finding.
    return reconciling.found(state, seen, f"{reconciling.EXECUTOR}{by.member}", by.member, moment)


def _unnumbered(state: State, told: Receipt, by: Member, moment: Moment) -> tuple[e.Event, ...]:
    """By hand alone it is resolved: no number that comes later says what was withheld meanwhile."""
    known = state.findings.counted.get(by.member)
    if known is None:
        return ()
    newest = max(known.claimed, known.upto, *(last for _, last in known.beyond))
    about = f"{by.member} {known.journal}"
    seen = Observed("receipt_unnumbered", about, f"a number beyond {newest} of {known.journal}", f"none, in the receipt of run {told.run}")
    over = reconciling.over(state, "run_not_reported", f"{by.member} {told.run}", "its receipt has come")
    return (*over, *reconciling.found(state, [seen], f"{reconciling.EXECUTOR}{by.member}", by.member, moment))


# --- what evolve does -------------------------------------------------------------------------------------------------


def note(state: State, executor: str, packed: bytes, at: Instant) -> None:
    """A receipt has come in.  One that is none stands on no log of ours, and perhaps in what somebody shows for one: it counts nothing."""
    try:
        number = inventory.counted(unverified_unpack(packed))
    except canonical.NotCanonical:
        return
    if number is None:
        return
    journal, count = number
    known = state.findings.counted.setdefault(executor, Counted(journal))
    if known.journal == journal and not known.has(count):
        known.at = at
        _see(known, count)


def taken(state: State, event: e.InventoryTaken, at: Instant) -> None:
    known = state.findings.counted.get(event.executor)
    if known is None or known.journal != event.journal:
        known = state.findings.counted[event.executor] = Counted(event.journal)
    known.at = at
    known.claimed = max(known.claimed, event.counter)
    known.upto = max(known.upto, event.upto)
    known.beyond = tuple(span for span in known.beyond if span[1] > known.upto)
    _join(known)


def _see(known: Counted, number: int) -> None:
    known.beyond = tuple(_merged([*known.beyond, (number, number)]))
    _join(known)
    if len(known.beyond) > MOST_RANGES:  # the lowest hole was found: it is not remembered a second time
        known.upto, known.beyond = known.beyond[0][1], known.beyond[1:]


def _join(known: Counted) -> None:
    while known.beyond and known.beyond[0][0] <= known.upto + 1:
        known.upto, known.beyond = max(known.upto, known.beyond[0][1]), known.beyond[1:]


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    spans.sort()
    begin, end = spans[0]
    for first, last in spans[1:]:
        if first <= end + 1:
            end = max(end, last)
        else:
            yield begin, end
            begin, end = first, last
    yield begin, end


Reconciling: TypeAlias = e.FindingOpened | e.FindingResolved | e.FindingsOverflowed | e.EvidenceCompared | e.InventoryTaken


def folded(state: State, event: Reconciling, _case: Case | None, at: Instant) -> None:
    """For ``evolve``: everything that reconciliation records."""
    match event:
        case e.FindingOpened():
            reconciling.opened(state, event, at)
        case e.FindingResolved():
            reconciling.resolved(state, event)
        case e.FindingsOverflowed():
            state.findings.lost = True
        case e.InventoryTaken():
            taken(state, event, at)
        case e.EvidenceCompared():
            pass
        case _:
            assert_never(event)

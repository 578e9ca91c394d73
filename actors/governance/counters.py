"""What happened how often, or how long ago, within a window: the tenant's memory for facts such as ``refunds_today``.

    declared   by the activation of a bundle; the same definition goes on counting through any number of bundles
    counted    by ``evolve`` alone, each entry of the log once, so that replaying the log counts the same
    bounded    ``STEPS`` buckets a counter and ``MOST_CELLS`` amounts in them all; what had to go inside its window is never guessed

A window is looked at in steps of a 64th of it: what is older by less than a step may still count, what is younger always does.
A counter begins empty.  It knows its whole window from the activation on if nothing can have happened before, else once the
window has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias, cast, get_args

import attrs

from . import canonical
from . import events as e
from . import intent as intents
from . import warrant as warrants
from .canonical import MAX_INTEGER, Value
from .ids import DAY, HOUR, MINUTE, SECOND, Instant, Micros
from .params import scale
from .question import Unavailable
from .state import Bucket, Case, Count, Counter, State
from .utc import utc

Happening: TypeAlias = Literal["proposed", "denied", "warranted", "redeemed", "succeeded", "failed", "mismatched", "unknown"]
HAPPENINGS: Final[tuple[Happening, ...]] = get_args(Happening)
DONE: Final = ("denied", "redeemed", "succeeded", "failed", "mismatched", "unknown")
OWN: Final = ("proposed", "warranted")  # what a case has itself asked for, which does not count against it
MOST_COUNTERS = 16  # in one bundle
MOST_RETIRED = 8  # of earlier bundles: their warrants may be alive, and after a rollback they go on as if nothing had been
MOST_CELLS = 16_384  # of one counter: that many keys in as many steps, 3 MB of memory
STEPS = 64
GOVERNED = "vienna."  # the tenant's own changes are counted by nobody


def definition(counter: Counter) -> dict[str, Value]:
    """As the activation records it."""
    return {
        "measure": counter.measure,
        "of": counter.of,
        "sums": counter.sums,
        "places": counter.places,
        "actions": list(counter.actions),
        "by": list(counter.by),
        "window": counter.window,
    }


def name_of(counter: Counter) -> str:
    """Equal for equal definitions, whatever a bundle calls the fact."""
    return _short(definition(counter))


def _short(value: Value) -> str:
    return canonical.digest(canonical.pack(value))[:16].hex()


def _defined(said: Mapping[str, object]) -> Counter:
    return Counter(
        measure=cast(str, said["measure"]),
        of=cast(str, said["of"]),
        sums=cast(str, said["sums"]),
        places=cast(int, said["places"]),
        actions=tuple(cast("Sequence[str]", said["actions"])),
        by=tuple(cast("Sequence[str]", said["by"])),
        window=Micros(cast(int, said["window"])),
    )


# what evolve does


def declare(state: State, counters: Sequence[Mapping[str, object]], at: Instant) -> None:
    """From now on exactly these count for the bundle in force; ``state.bundle`` is still the one before."""
    wanted = {name_of(counter): counter for counter in map(_defined, counters)}
    for name, count in state.counts.items():
        if name in wanted:
            count.retired = None
        elif count.retired is None:
            count.retired = at
    since = Instant(0) if state.bundle is None else at  # without a bundle nothing was ever permitted, or proposed
    for name, counter in wanted.items():
        state.counts.setdefault(name, Count(counter, since))
    retired = sorted((count.retired, name) for name, count in state.counts.items() if count.retired is not None)
    for _, name in retired[: max(0, len(retired) - MOST_RETIRED)]:
        del state.counts[name]


def note(state: State, event: e.Event, case: Case | None, at: Instant) -> None:
    """Counts the event, before it is folded: what it ends is still there."""
    happened = _happened(state, event, case)
    if happened is None:
        return
    happening, agent, wish, cost = happened
    if wish.action.startswith(GOVERNED):
        return
    for count in state.counts.values():
        counter = count.counter
        if counter.of != happening or (counter.actions and wish.action not in counter.actions):
            continue
        _prune(count, at)
        amount = _amount(counter, wish, cost, at)
        if amount is not None:
            _add(count, key(counter, agent, wish), amount, at)
        elif happening not in ("proposed", "denied"):  # those may hold anything; what policy let pass has its parameters
            count.lost = at // step(counter)


def take_back(state: State, case: Case, at: Instant) -> None:
    """What a case counted as proposed, as far as it is remembered: it turned out to be nobody's wish."""
    for count in state.counts.values():
        counter = count.counter
        if counter.of != "proposed" or (counter.actions and case.wish.action not in counter.actions):
            continue
        _prune(count, at)
        index, cell = case.began // step(counter), key(counter, case.agent, case.wish)
        amount = _amount(counter, case.wish, case.wish.cost, case.began)
        counted = amount is not None and (not count.since or case.began > count.since) and (count.lost is None or count.lost < index)
        for bucket in count.buckets:
            if counted and bucket.index == index and cell in bucket.amounts:
                bucket.amounts[cell] = max(0, bucket.amounts[cell] - (amount or 0))


def _happened(state: State, event: e.Event, case: Case | None) -> tuple[Happening, str, intents.Intent, int] | None:
    """What it is, whose, about what, and its cost in micro-units."""
    kind = type(event)
    if kind is e.IntentProposed:
        proposed = cast(e.IntentProposed, event)
        wish = intents.unpack_own(proposed.intent)
        return "proposed", proposed.agent, wish, wish.cost
    if case is None or kind not in _KINDS:
        return None
    wish, agent = case.wish, case.agent
    match event:
        case e.DeadLetterOpened(kind="denied"):  # it follows on every denial, but for that of a canary
            return "denied", agent, wish, wish.cost
        case e.WarrantIssued():
            return "warranted", agent, wish, worst(warrants.unpack_own(event.fields), wish)
        case e.RunOpened() if (live := state.warrants.get(event.warrant)) is not None:
            return "redeemed", agent, wish, worst(live.terms, wish)
        case e.RunUnknown() if (run := state.runs.get(event.run)) is not None:
            return "unknown", agent, wish, worst(run.terms, wish)
        case e.RunVerified() if (run := state.runs.get(event.run)) is not None:
            return None if (end := _end(event.verdict, run.outcome)) is None else (end, agent, wish, run.cost)
        case _:
            return None


_KINDS = frozenset({e.DeadLetterOpened, e.WarrantIssued, e.RunOpened, e.RunUnknown, e.RunVerified})


def worst(terms: warrants.Warrant, wish: intents.Intent) -> int:
    """What one use of a warrant may cost: its cap, else the agent's estimate."""
    return wish.cost if terms.cost_cap is None else terms.cost_cap


def _end(verdict: str, outcome: str) -> Happening | None:
    if verdict == "mismatched":
        return "mismatched"
    if outcome == "failed":
        return "failed"
    return "succeeded" if outcome == "succeeded" and verdict in ("verified", "consistent") else None


def _amount(counter: Counter, wish: intents.Intent, cost: int, at: Instant) -> int | None:
    """What is added; None where the parameter that is summed is not what the catalogue says."""
    if counter.measure == "count":
        return 1
    if counter.measure == "since":
        return at
    if counter.sums == "cost":
        return cost
    value = wish.params.get(counter.sums.removeprefix("params."))
    if type(value) is int:
        return value if counter.places == 0 and value >= 0 else None
    if isinstance(value, Mapping) and len(value) == 1 and type(text := value.get("dec")) is str:
        scaled = scale(text, counter.places)
        return scaled if isinstance(scaled, int) and scaled >= 0 else None
    return None


def _add(count: Count, cell: str, amount: int, at: Instant) -> None:
    index = at // step(count.counter)
    if not count.buckets or count.buckets[-1].index != index:
        count.buckets = (*count.buckets, Bucket(index))
    amounts = count.buckets[-1].amounts
    before = amounts.get(cell)
    if before is None:
        if count.cells >= MOST_CELLS:
            _lose_oldest(count)
            if not count.buckets:
                count.buckets = (Bucket(index),)
            amounts = count.buckets[-1].amounts
        count.cells += 1
    amounts[cell] = amount if count.counter.measure == "since" else min((before or 0) + amount, MAX_INTEGER)


def _lose_oldest(count: Count) -> None:
    gone, *rest = count.buckets
    count.buckets = tuple(rest)
    count.cells -= len(gone.amounts)
    count.lost = gone.index


def _prune(count: Count, at: Instant) -> None:
    oldest = _oldest(count.counter, at)
    while count.buckets and count.buckets[0].index < oldest:
        count.cells -= len(count.buckets[0].amounts)
        count.buckets = count.buckets[1:]


def step(counter: Counter) -> int:
    """Microseconds of one bucket."""
    return -(-counter.window // STEPS)


def _oldest(counter: Counter, now: int) -> int:
    """The oldest bucket that counts at ``now``."""
    return (now - counter.window) // step(counter)


def key(counter: Counter, agent: str, wish: intents.Intent) -> str:
    """Of fixed length, whatever the dimensions hold."""
    return _short(list(dimensions(counter.by, agent, wish))) if counter.by else ""


def dimensions(names: Iterable[str], agent: str, wish: intents.Intent) -> Iterator[Value]:
    """What the dimensions of these names are for this wish."""
    for dimension in names:
        match dimension:
            case "agent":
                yield agent
            case "action":
                yield wish.action
            case "resource":
                yield wish.resource
            case _:
                yield wish.params.get(dimension.removeprefix("params."))


# what facts read


@attrs.frozen(kw_only=True)
class Reading:
    """How a fact reads a counter."""

    counter: Counter
    from_activation: bool = False  # what happened before the activation does not matter
    never: int = 0  # of ``since``: where nothing happened within the window


def read(state: State, reading: Reading, agent: str, wish: intents.Intent, own: Case | None, now: Instant) -> int | Unavailable:
    """The fact at ``now``, without what ``own``, a case that is in the state, has itself asked for."""
    counter = reading.counter
    count = state.counts.get(name_of(counter))
    if count is None:
        return Unavailable("nothing is counted for it: the bundle that declares it was never put in force")
    if not reading.from_activation and count.since > now - counter.window:
        complete = Instant(count.since + counter.window)
        return Unavailable(f"it is counted since {utc(count.since)} only, and is known from {utc(complete)} on")
    oldest = _oldest(counter, now)
    if count.lost is not None and count.lost >= oldest:
        known = Instant((count.lost + 1) * step(counter) + counter.window)
        return Unavailable(f"more happened within its window than is remembered; it is known again from {utc(known)} on")
    cell = key(counter, agent, wish)
    found = (bucket.amounts[cell] for bucket in reversed(count.buckets) if bucket.index >= oldest and cell in bucket.amounts)
    if counter.measure == "since":
        last = next(found, None)
        return reading.never if last is None or now - last > counter.window else (now - last) // SECOND
    total = sum(found) - _own(count, agent, wish, own, oldest)
    return max(0, min(total, MAX_INTEGER))


def _own(count: Count, agent: str, wish: intents.Intent, own: Case | None, oldest: int) -> int:
    counter = count.counter
    if own is None or counter.of not in OWN or (counter.actions and wish.action not in counter.actions):
        return 0
    asked = [(own.began, int(wish.cost))] if counter.of == "proposed" else own.granted
    begun = count.since  # what may or may not have been counted at that very moment is not left out
    counted = [(when, cost) for when, cost in asked if (not begun or when > begun) and when // step(counter) >= oldest]
    return sum(_amount(counter, wish, cost, when) or 0 for when, cost in counted)


def says(reading: Reading) -> str:
    """What is read, in words."""
    counter = reading.counter
    what = {"count": counter.of, "sum": f"{counter.sums} of what was {counter.of}", "since": f"seconds since the last {counter.of}"}
    actions = f" of {' or '.join(counter.actions)}" if counter.actions else ""
    by = f" by {', '.join(counter.by)}" if counter.by else ""
    return f"{what[counter.measure]}{actions}{by} within {span(counter.window)}"


def span(micros: int) -> str:
    """A duration as bundles write it, in the largest unit that divides it."""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{micros // 1000}ms"

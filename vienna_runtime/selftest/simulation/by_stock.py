"""What executors count and tell of it, what others bring from outside, and who looks at what does not agree."""

from __future__ import annotations

from typing import Any

import attrs

from actors.governance import inventory
from actors.governance.ids import Instant, RunId
from actors.governance.inventory import MOST_ENTRIES, PENDING, REFUSED, TOLD, Inventory, Made
from actors.governance.reconciling import KINDS
from actors.governance.signing import Purpose
from transport.answers import Answer, Refused, Reply
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.journals import FORGETFUL, HONEST, LYING, Journal, Written
from vienna_runtime.selftest.simulation.network import Call
from vienna_runtime.selftest.simulation.people import ADMINS, EXECUTORS, VERIFIERS
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

MINUTE = 60_000_000
OVER = "run_closed"  # what is refused for that will never be taken


def journal_of(world: World, step: Step) -> Journal:
    return world.journals[world.account(step.a).tenant, EXECUTORS[step.a // 2 % len(EXECUTORS)]]


# -- receipts


def number_for(journal: Journal, step: Step) -> int:
    """Which number its next receipt gets; 0 for none."""
    if journal.character == LYING and journal.counter and step.b % 5 == 0:
        return 1 + step.b // 5 % journal.counter
    if journal.character != HONEST and step.b % 23 == 1:
        return 0
    return journal.counter + 1


async def tell(world: World, journal: Journal, written: Written) -> None:
    who = world.member(journal.tenant, journal.name)
    await world.call(who, "report", {"receipt": written.packed, "signature": written.signature}, written)


def reported(world: World, call: Call, answer: Answer) -> None:
    """An executor hears what became of a receipt of its own."""
    written = call.note
    if not isinstance(written, Written):
        return
    if isinstance(answer, Reply):
        written.became = TOLD
    elif isinstance(answer, Refused) and answer.code == OVER and written.became != TOLD:
        written.became = REFUSED


@act("tell again", 14)
async def tell_again(world: World, step: Step) -> None:
    """What nobody has heard of yet, or what was lost and has turned up; and now and then an inventory that is older than that."""
    journal = journal_of(world, step)
    if step.c % 4 == 0 and journal.handed_in:
        await world.call(world.member(journal.tenant, journal.name), "executor.inventory", journal.handed_in, (journal, journal.called))
    if journal.lost and step.b % 2:
        found = journal.lost.pop(step.c % len(journal.lost))
        world.acts["a lost receipt turned up"] += 1
        await tell(world, journal, found)
    elif (written := world.pick(journal.untold(), step.c)) is not None:
        await tell(world, journal, written)


# -- inventories


def stock(world: World, journal: Journal, since: int, step: Step) -> Inventory:
    """What it says that it has made; as it is, or as the one who lies would like it to be."""
    made = tuple(Made(one.number, RunId(one.run), one.digest, one.became) for one in journal.made(since)[:MOST_ENTRIES])
    told = Inventory(journal.tenant, journal.called, journal.counter, min(since, journal.counter), made, Instant(world.now))
    if journal.character != LYING:
        return told
    match step.c % 9:
        case 0:  # as if the newest had never been
            less = made[:-1]
            return attrs.evolve(told, entries=less, counter=max(told.since, less[-1].number if less else told.counter - 1))
        case 1 if made:  # another receipt than it sent
            return attrs.evolve(told, entries=(*made[:-1], attrs.evolve(made[-1], receipt=b"x" * 32)))
        case 2:  # of a run that nobody opened
            more = Made(told.counter + 1, RunId(world.run_name()), b"y" * 32, TOLD)
            return attrs.evolve(told, entries=(*made, more), counter=more.number)
        case 3:  # everything is said to be told
            return attrs.evolve(told, entries=tuple(attrs.evolve(one, became=TOLD) for one in made))
        case 4:  # more than there is
            return attrs.evolve(told, entries=(), counter=told.counter + 2)
        case 5:
            return attrs.evolve(told, time=Instant(world.now - 2 * MINUTE))
        case 6:
            return attrs.evolve(told, tenant="another")
        case _:
            return told


@act("take stock", 28)
async def take_stock(world: World, step: Step) -> None:
    journal = journal_of(world, step)
    if step.b % 5 == 0:
        journal.tidy(world.now)
    if journal.character == FORGETFUL and step.b % 29 == 1:
        world.acts["a journal was begun anew"] += 1
        journal.begin_anew(f"{journal.name}-{world.number()}")
    await take_in(world, journal, stock(world, journal, journal.upto if step.c // 9 % 2 else 0, step), step)


async def take_in(world: World, journal: Journal, told: Inventory, step: Step) -> None:
    packed = inventory.pack(told)
    who = world.member(journal.tenant, journal.name)
    signer = who if journal.character != LYING or step.b % 7 else world.member(journal.tenant, EXECUTORS[step.c % len(EXECUTORS)])
    fields = {"statement": packed, "signature": signer.sign(Purpose.INVENTORY, packed)}
    journal.handed_in = fields
    await world.call(who, "executor.inventory", fields, (journal, journal.called))


def taken(world: World, call: Call, answer: Answer) -> None:
    """How far the node has come, and which receipts it wants again."""
    if not isinstance(answer, Reply) or not isinstance(call.note, tuple):
        return
    journal, called = call.note
    upto = answer.value["upto"]
    if called != journal.called or not isinstance(upto, int):
        return
    journal.upto = min(upto, journal.counter)
    for run in answer.value["wanted"]:
        if (written := journal.kept.get(run)) is not None:
            written.became = PENDING


@act("take stock at once", 10)
async def take_stock_at_once(world: World, step: Step) -> None:
    """Whoever withholds a receipt is asked for its inventory in the next moment, and finds what it withheld some time later."""
    journal = journal_of(world, step)
    account = world.accounts[journal.tenant]
    if journal.character == HONEST:
        return
    mine = [one for one in journal.untold() if one.number and account.runs[one.run].status != "closed"]
    written = world.pick(mine, step.b)
    if written is None:
        return
    journal.lose(written.run)
    world.acts["a receipt was lost"] += 1
    await take_in(world, journal, stock(world, journal, 0, step), step)
    await world.settle()
    if step.b % 3 == 0:
        journal.lost.remove(written)
        await tell(world, journal, written)


# -- evidence and findings

THINGS = ("order/1", "order/7", "book/2", "refs/heads/main")
BROUGHT = ("effect_without_warrant", "warrant_without_effect", "unknown_but_there", "failed_but_there")


@act("bring evidence", 12)
async def bring_evidence(world: World, step: Step) -> None:
    """What a provider has on its books, by a verifier's people or an admin: seen or made up, and nobody is granted anything by it."""
    account = world.account(step.a)
    kinds = BROUGHT if step.c % 5 else tuple(KINDS)
    count = (0, 1, 1, 2, 3, 8, 9)[step.b % 7]
    rows = [
        {"kind": kinds[(step.b // 7 + number) % len(kinds)], "about": f"{THINGS[(step.c + number) % len(THINGS)]} {step.c // 4 % 5}",
         "expected": "nothing", "observed": f"record {number}"}
        for number in range(count)
    ]  # fmt: skip
    fields: dict[str, Any] = {
        "source": "records", "digest": bytes([step.b % 256]) * 32, "records": count + step.b % 40, "matched": step.b % 40, "unmapped": 0,
        "since": world.now - MINUTE, "until": world.now, "size": account.size, "total": count, "begin": 0 if step.c % 4 else 8,
        "findings": {"rows": rows},
    }  # fmt: skip
    by = (*VERIFIERS, *ADMINS, "till")[step.a // 2 % 5]
    await world.call(world.member(account.tenant, by), "reconcile.evidence", fields)


@act("resolve a finding", 16)
async def resolve_a_finding(world: World, step: Step) -> None:
    """One that is open or over, once or by two at a time."""
    account = world.account(step.a)
    open_ones = [one.finding for one in account.stock.open.values()]
    found = world.pick(account.stock.ever if step.c % 4 == 0 else open_ones, step.b)
    if found is None:
        return
    for number in range(1 + (step.c % 5 == 0)):
        by = ADMINS[(step.c + number) % len(ADMINS)] if step.c % 7 else VERIFIERS[0]
        await world.call(world.member(account.tenant, by), "reconcile.resolve", {"finding": found, "reason": "looked"})


@act("compare", 8)
async def compare(world: World, step: Step) -> None:
    """Somebody has the state compared with the ledger, or reads what was found."""
    account = world.account(step.a)
    who = world.member(account.tenant, ADMINS[step.b % len(ADMINS)])
    match step.c % 3:
        case 0:
            await world.call(who, "reconcile.run", {})
        case 1:
            await world.call(who, "reconcile.list", {"everything": bool(step.b % 2)})
        case _:
            if (found := world.pick(account.stock.ever, step.b)) is not None:
                await world.call(who, "reconcile.show", {"finding": found})

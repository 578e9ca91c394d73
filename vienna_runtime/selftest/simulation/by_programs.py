"""What executors and verifiers do: redeem, act, report, withhold, lie, and fall in between."""

from __future__ import annotations

from typing import Any

from actors.governance import attestation, canonical, looking, probe, receipt
from actors.governance import intent as intents
from actors.governance.ids import Cost, Instant
from actors.governance.signing import Purpose
from transport.answers import Answer, Reply
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.by_stock import number_for, tell
from vienna_runtime.selftest.simulation.deeds import Deed
from vienna_runtime.selftest.simulation.journals import FORGETFUL, HONEST, Journal, Written
from vienna_runtime.selftest.simulation.network import Call
from vienna_runtime.selftest.simulation.people import EXECUTORS, VERIFIERS
from vienna_runtime.selftest.simulation.remembered import RunNow, WarrantNow, terms_args
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

OUTCOMES = ("succeeded", "succeeded", "succeeded", "succeeded", "failed", "unknown")


def redemption(live: WarrantNow, run: str, **changed: Any) -> dict[str, Any]:
    issued, terms = live.issued, live.terms
    fields: dict[str, Any] = {
        "warrant": issued.fields, "signature": issued.signature, "mac": issued.mac, "run": run, "args_digest": terms_args(terms),
    }  # fmt: skip
    if terms.state_digest is not None:
        fields["state_digest"] = terms.state_digest
    return {**fields, **changed}


def otherwise(live: WarrantNow, step: Step) -> dict[str, Any]:
    """Other parameters than were proposed, where the warrant lets them vary: within it, and beyond."""
    terms = live.terms
    if "amount" not in terms.constraints or step.c % 2:
        return {}
    params = {"amount": (1, 0, 2, 5, 1, 999, 2)[step.b % 7]}
    return {"params": params, "args_digest": intents.args_digest(terms.action, terms.resource, params)}


@act("redeem", 120)
async def redeem(world: World, step: Step) -> None:
    """A new run of a live warrant, by the executor that it is for; its journal says so first."""
    account = world.account(step.a)
    live = world.pick(account.live.values(), step.a // 2)
    if live is None:
        return
    by = live.terms.executor
    changed: dict[str, Any] = otherwise(live, step)
    if live.terms.state_digest is not None and step.c % 9 == 0:
        changed["state_digest"] = b"moved on".ljust(32, b"%d" % (step.b % 3))
    if live.used:
        changed["use"] = live.used + 1 if step.c % 4 else 1
    await ask(world, account, live, by, world.run_name(), redemption(live, "", **changed))


async def ask(world: World, account: Account, live: WarrantNow, by: str, run: str, fields: dict[str, Any], *, silent: bool = False) -> None:
    fields["run"] = run
    deed = Deed(account.tenant, run, live.issued.warrant, by, live.terms, fields["args_digest"], fields, silent=silent)
    world.deeds.journal[account.tenant, run] = deed
    await world.call(world.member(account.tenant, by), "redeem", fields, deed)


MOST_AT_ONCE = 5  # runs


@act("redeem in parallel", 12)
async def redeem_in_parallel(world: World, step: Step) -> None:
    """Everything that is granted for one effect, each use of it, at once: most such executors fall and never report."""
    account = world.account(step.a)
    chosen = world.pick(account.live.values(), step.b)
    if chosen is None:
        return
    same = [live for live in account.live.values() if live.terms.effect == chosen.terms.effect]
    uses = [(live, use) for live in same for use in range(live.used + 1, live.terms.uses + 1)]
    for live, use in uses[:MOST_AT_ONCE]:
        fields = redemption(live, "", **({"use": use} if use > 1 else {}))
        await ask(world, account, live, live.terms.executor, world.run_name(), fields, silent=step.c % 4 > 0)


@act("redeem wrongly", 14)
async def redeem_wrongly(world: World, step: Step) -> None:
    """An old warrant, an altered one, by somebody else, under an old run."""
    account = world.account(step.a)
    live = world.pick((account.live if step.a // 2 % 2 else account.warrants).values(), step.b)
    if live is None:
        return
    by: str = live.terms.executor
    run = world.run_name()
    changed: dict[str, Any] = {}
    match step.c % 7:
        case 0:
            changed["mac"] = b"m" * 32
        case 1:
            changed["warrant"] = live.issued.fields.replace(b"book/", b"b00k/").replace(b"order/", b"0rder/")
        case 2:
            changed["args_digest"] = b"a" * 32
        case 3:
            by = EXECUTORS[step.c % len(EXECUTORS)]
        case 4:
            run = world.pick(account.runs, step.c) or run
        case _:
            pass
    fields = redemption(live, run, **changed)
    if run in account.runs or changed:
        await world.call(world.member(account.tenant, by), "redeem", fields)
    else:
        await ask(world, account, live, by, run, fields)


@act("redeem late", 8)
async def redeem_late(world: World, step: Step) -> None:
    """At the very moment at which a warrant ends, or just before or after it, before anybody has been told what time it is."""
    account = world.account(step.a)
    live = world.pick(account.live.values(), step.b)
    if live is not None and (left := (live.terms.expires_at - world.now) / 1_000_000) > 0:
        world.pass_time(max(0.0, left + (-0.001, 0.0, 0.0, 0.001)[step.c % 4]))
        await ask(world, account, live, live.terms.executor, world.run_name(), redemption(live, ""))


@act("ask again", 14)
async def ask_again(world: World, step: Step) -> None:
    """An executor that has heard nothing asks again under the same run."""
    deed = world.pick([deed for deed in world.deeds.journal.values() if not deed.granted], step.a)
    if deed is not None:
        await world.call(world.member(deed.tenant, deed.by), "redeem", deed.asked, deed)


def redeemed(world: World, call: Call, answer: Answer) -> None:
    """An executor that may act does so at once, unless it was about to fall."""
    deed = call.note
    if not isinstance(deed, Deed) or not isinstance(answer, Reply):
        return
    if deed.granted and deed.acted:
        return  # its journal knows
    deed.granted = True
    if world.chance.random() < 0.8:
        world.deeds.act(deed, world.accounts[deed.tenant])
        world.acts["executed"] += 1


@act("act", 20)
async def act_later(world: World, step: Step) -> None:
    """What an executor was allowed and had not come to; a slow one may be late, and asks whether it is in time as the product's does."""
    deed = world.pick([deed for deed in world.deeds.journal.values() if deed.granted and not deed.acted], step.a)
    if deed is not None and world.now < deed.terms.expires_at:
        world.deeds.act(deed, world.accounts[deed.tenant])
        world.acts["executed"] += 1


def receipt_of(world: World, run: str, found: RunNow, step: Step, counted: tuple[str, int] | None = None, *, early: bool = True) -> bytes:
    terms, now = found.terms, Instant(world.now)
    outcome = OUTCOMES[step.b % len(OUTCOMES)]
    fields: dict[str, Any] = {
        "warrant": terms.warrant, "run": run, "started": now, "ended": now, "outcome": outcome, "action": terms.action,
        "resource": terms.resource, "args_digest": found.opened.args_digest, "cost": Cost(min(terms.cost_cap or 0, step.b)),
        "result_digest": b"r" * 32, "evidence": {} if counted is None else {"counted": {"journal": counted[0], "number": counted[1]}},
    }  # fmt: skip
    match step.c % 37:
        case 1:
            fields["resource"] = "book/another"
        case 2:
            fields["cost"] = Cost((terms.cost_cap or 0) + 5_000_000)
        case 3:
            fields["cost"] = Cost(-4)
        case 4 if early:
            fields["ended"] = Instant(now + 90_000_000)
        case 5:
            fields["args_digest"] = b"a" * 32
        case _:
            pass
    return receipt.pack(receipt.Receipt(**fields))


@act("report", 110)
async def report(world: World, step: Step) -> None:
    account = world.account(step.a)
    heard = [name for name, run in account.open_runs.items() if run.status == "open" and not world.deeds.is_silent(account.tenant, name)]
    run = world.pick(heard, step.a // 2)
    if run is not None:
        await hand_in(world, account, run, step)


@act("report twice", 10)
async def report_twice(world: World, step: Step) -> None:
    """Another receipt of a run that has been reported, is over, or became unknown."""
    account = world.account(step.a)
    run = world.pick(account.runs, step.a // 2)
    if run is not None:
        await hand_in(world, account, run, step)


async def hand_in(world: World, account: Account, run: str, step: Step) -> None:
    """An executor numbers what it signs, and an honest one signs once for each run of its own."""
    found = account.runs[run]
    by = found.opened.redeemer if step.c % 31 else EXECUTORS[step.c % len(EXECUTORS)]
    journal = world.journals.get((account.tenant, by))
    if journal is not None and journal.character == HONEST:
        by = found.opened.redeemer
        journal = world.journals.get((account.tenant, by))
    if journal is None or by != found.opened.redeemer:
        packed = receipt_of(world, run, found, step)
        who = world.member(account.tenant, by)
        await world.call(who, "report", {"receipt": packed, "signature": who.sign(Purpose.RECEIPT, packed)})
        return
    written = journal.kept.get(run)
    if journal.signs(run) and (written is None or step.c % 3):
        written = sign(world, journal, run, found, step)
    if written is None:
        return  # told long ago, and forgotten
    if journal.character == FORGETFUL and step.c % 6 == 0:
        journal.lose(run)  # its number is taken
        world.acts["a receipt was lost"] += 1
    else:
        await tell(world, journal, written)


def sign(world: World, journal: Journal, run: str, found: RunNow, step: Step) -> Written:
    number = number_for(journal, step)
    counted = (journal.called, number) if number else None
    packed = receipt_of(world, run, found, step, counted, early=journal.character != HONEST)
    written = Written(number, run, packed, world.member(journal.tenant, journal.name).sign(Purpose.RECEIPT, packed), world.now)
    journal.add(written)
    return written


@act("attest", 60)
async def attest(world: World, step: Step) -> None:
    account = world.account(step.a)
    run = world.pick([name for name, found in account.open_runs.items() if found.status == "reported"], step.a // 2)
    if run is None:
        return
    found, agrees = account.runs[run], bool(step.b % 8)
    checks = tuple((name, "aa", "aa" if agrees else "bb", agrees) for name in sorted(looking.names(found.terms.verify)))
    if not checks:
        return
    made = attestation.Attestation(
        case=found.opened.case, run=found.opened.run, receipt=canonical.digest(found.receipt),
        verdict="verified" if agrees else "mismatched", checks=checks, time=Instant(world.now),
    )  # fmt: skip
    packed = attestation.pack(made)
    who = world.member(account.tenant, VERIFIERS[step.c % len(VERIFIERS)])
    await world.call(who, "attest", {"attestation": packed, "signature": who.sign(Purpose.ATTESTATION, packed)})


@act("probe", 16)
async def look(world: World, step: Step) -> None:
    """A verifier looks whether an effect of unknown outcome is there."""
    account = world.account(step.a)
    run = world.pick([name for name, found in account.open_runs.items() if found.status == "unknown"], step.a // 2)
    if run is None or (asked := looking.probe(account.runs[run].terms.verify)) is None:
        return
    found = account.runs[run]
    seen = ("happened", "did_not_happen", "cannot_tell")[step.b % 3]
    made = probe.Probe(
        case=found.opened.case, run=found.opened.run, warrant=canonical.digest(account.warrants[found.terms.warrant].issued.fields),
        found=seen, time=Instant(world.now), checks=((asked["name"], "aa", "aa" if seen == "happened" else "bb", seen == "happened"),),
    )  # fmt: skip
    packed = probe.pack(made)
    who = world.member(account.tenant, VERIFIERS[step.c % len(VERIFIERS)])
    await world.call(who, "probe", {"statement": packed, "signature": who.sign(Purpose.PROBE, packed)})

"""A real node's directory over two months: what goes is gone for good, nothing goes early, and the rest verifies."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from actors import folding, retained
from actors.feed import Feed
from actors.governance import approval, intent, receipt, warrant
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.bundle import Source
from actors.governance.canonical import digest as sha
from actors.governance.ids import HOUR, Cost, Instant, RunId
from actors.governance.refusals import Code, Refusal
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.source import digest
from actors.held import Held
from actors.kernel import Envelope, ManualClock
from actors.legal_time import LegalTime
from actors.messages import Asked, Done, Outcome, Reconcile, Sweep
from actors.node_standing import NodeStanding
from actors.scribe import Reservation, Scribe
from actors.surroundings import Surroundings
from actors.tenant import ROOM, Tenant
from ledger import NODE, BodyRemoved, Ledger, snapshots, verify_directory
from ledger.forgetting import Step
from vienna_runtime import config as configs
from vienna_runtime import founding
from vienna_runtime.cli.changes import changes_of
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import read_key_file
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret

T = TypeVar("T")
NAME, TENANT = "hofburg.example", "belvedere"
DAY = 24 * HOUR
JANUARY, FEBRUARY = 1_800_000_000_000_000, 1_803_000_000_000_000  # 15 January and 19 February 2027, µs
MARCH_5 = 1_804_200_000_000_000  # January's thirty days are over, February's are not
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "keeping"
[retention]
days = 30
[actions."notes.read"]
effect = "read"
params = { path = "string" }
""",
    "all.cedar": b'@id("read") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);\n',
}
CAST = (("anna", "admin"), ("clara", "approver"), ("dora", "approver"), ("ada", "agent"))


def nobody(_what: str) -> Secret:
    raise AssertionError("no passphrase is asked for")


async def inline(function: Callable[[], T]) -> T:
    await trio.lowlevel.checkpoint()
    return function()


class House:
    """A node's directory and one tenant's life in it."""

    def __init__(self, directory: Path, nursery: trio.Nursery) -> None:
        wanted = founding.Wanted(
            directory=directory, node=NAME, operator="otto", host="127.0.0.1", port=4711, insecure_dev_keys=True, ask=nobody
        )
        self.node_key = founding.found(wanted, {}).node_key
        self.directory, self.nursery = directory, nursery
        self.config = configs.load(directory, environ={})
        self.clock = ManualClock(wall=JANUARY)
        self.signing = {name: SigningKey(hashlib.sha256(name.encode()).digest()) for name, _ in CAST}
        self.witnessed = Instant(0)
        self.cases: dict[str, str] = {}  # secret → case
        self.strike_in = 0  # write points until the disk fails once; 0: never

    async def open(self) -> None:
        self.keystore = Keystore.open(self.config.keystore, read_key_file(self.config.key_file))
        self.keystore.admit_tenant(TENANT)
        self.ledger = Ledger.open(self.config.ledger, node=NAME, keys=LedgerKeys(self.keystore), fault=self.strike)
        self.time = LegalTime(self.clock)
        self.scribe = Scribe(self.ledger, runner=inline, now=self.time.now)
        self.held = Held(self.scribe)
        self.scope = trio.CancelScope()
        await self.nursery.start(self._run)
        if TENANT not in self.ledger.logs():
            await self.scribe.admit(TENANT, public=b"", actor="test")
        around = Surroundings(
            scribe=self.scribe,
            held=self.held,
            signer=self.keystore,
            time=self.time,
            standing=NodeStanding(),
            witnessed=lambda log: self.witnessed,
        )
        self.tenant = Tenant(TENANT, around, Feed())
        await self.tenant.start()

    def strike(self, point: str) -> None:
        if self.strike_in:
            self.strike_in -= 1
            if not self.strike_in:
                raise OSError(5, f"the test broke the disk at {point}")

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.scribe.run)
                await nursery.start(self.held.run)
                task_status.started()

    async def close(self, *, orderly: bool = True) -> None:
        if orderly:
            await self.tenant.stop()
            await self.settled()
        self.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        self.ledger.close()

    async def again(self) -> None:
        await self.close()
        await self.open()

    async def found(self) -> None:
        bundle = digest(Source(BUNDLE))
        events: list[Any] = [e.TenantFounded(TENANT, "otto")]  # type: ignore[arg-type]
        for name, kind in CAST:
            owner = "anna" if kind == "agent" else None
            person = name.title() if kind != "agent" else "Ada's machine"
            events += [
                e.MemberInvited(name, kind, person, (), owner, f"i-{name}", bytes(32), Instant(JANUARY + HOUR)),  # type: ignore[arg-type]
                e.MemberEnrolled(name, f"i-{name}", bytes(self.signing[name].verify_key), f"k-{name}", sha(name.encode()), bytes(64)),  # type: ignore[arg-type]
                e.MemberConfirmed(name, "", "anna"),  # type: ignore[arg-type]
            ]
        events.append(e.BundlePushed(bundle, BUNDLE))
        for begin in range(0, len(events), ROOM):
            room = self.scribe.reserve(TENANT, ROOM)
            assert isinstance(room, Reservation)
            self.tenant._submit(tuple(events[begin : begin + ROOM]), "test", room)
        await self.done(c.ActivateBundle(bundle, "k"), "anna")

    async def settled(self) -> None:
        await self.scribe.settled(TENANT, self.scribe.statistics().submissions)
        await trio.testing.wait_all_tasks_blocked()

    async def ask(self, ask: Any, by: str = "anna") -> Outcome:
        heard: list[Outcome] = []
        await self.tenant.handle([Envelope(Asked(ask, by, False, heard.append))])
        await self.settled()
        (outcome,) = heard
        return outcome

    async def done(self, ask: Any, by: str = "anna") -> Any:
        outcome = await self.ask(ask, by)
        assert isinstance(outcome, Done), outcome
        return outcome.value

    async def refused(self, ask: Any, by: str = "anna") -> Code:
        outcome = await self.ask(ask, by)
        assert isinstance(outcome, Refusal), outcome
        return outcome.code

    async def sweep(self, times: int = 20) -> None:
        for _ in range(times):
            await self.tenant.handle([Envelope(Sweep())])
            await self.settled()

    async def case(self, secret: str) -> str:
        """A whole case of ada's whose argument nobody else needs to know; its id."""
        key = sha(secret.encode()).hex()[:12]
        wish = c.Propose(action="notes.read", resource="notes/today", params={"path": secret}, purpose="to see", key=key, run=f"r-{key}")
        granted = await self.done(wish, "ada")
        terms = warrant.unverified_unpack(granted["warrant"]["fields"])
        now = self.time.now()
        packed = receipt.pack(
            receipt.Receipt(
                warrant=terms.warrant, run=RunId(str(granted["run"])), started=now, ended=now, outcome="succeeded",
                action=terms.action, resource=terms.resource,
                args_digest=intent.args_digest(terms.action, terms.resource, terms.params),
                cost=Cost(0), result_digest=bytes(32), evidence={},
            )
        )  # fmt: skip
        await self.done(c.Report(packed, self.sign("ada", Purpose.RECEIPT, packed)), "ada")
        return str(granted["case"])

    async def approve(self, case: str) -> None:
        for name in ("clara", "dora"):
            held = self.tenant.state.cases[case]
            statement = approval.Statement(
                held.case, held.intent_digest, held.card, held.bundle, held.tier, "approve", {}, "because", b"",
                secrets.token_bytes(16), self.time.now(),
            )  # fmt: skip
            packed = approval.pack(statement)
            await self.done(c.Vote("approve", packed, self.sign(name, Purpose.APPROVAL, packed)), name)

    def sign(self, name: str, purpose: Purpose, packed: bytes) -> bytes:
        return bytes(self.signing[name].sign(signed_bytes(purpose, packed)).signature)

    async def shown(self) -> Any:
        return await self.done(c.Read("retention.show"))

    def verify(self) -> int:
        """With and without keys; how many bodies the log says are gone."""
        report = self.ledger.verify()
        return next(log.removed for log in report.logs if log.log == TENANT)

    async def reconciled(self) -> bool:
        heard: list[Outcome] = []
        await self.tenant.handle([Envelope(Reconcile(heard.append))])
        await self.settled()
        return folding.agrees(self.ledger, TENANT, self.tenant.state)


def january(n: int) -> str:
    return f"the january secret number {n} of the Count"


def february(n: int) -> str:
    return f"the february secret number {n} of the Count"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Four cases in January and four in February."""
    async with trio.open_nursery() as nursery:
        made = House(tmp_path / "node", nursery)
        await made.open()
        await made.found()
        made.cases = {january(n): await made.case(january(n)) for n in range(4)}
        made.clock.advance(FEBRUARY - JANUARY)
        await made.again()  # a snapshot under January's key lies on the disk too
        made.cases |= {february(n): await made.case(february(n)) for n in range(4)}
        made.clock.advance(MARCH_5 - FEBRUARY)
        await made.again()
        yield made
        await made.close(orderly=False)
        nursery.cancel_scope.cancel()


# What an intruder with everything could do


def everything(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file())


def keys_on_disk(house: House) -> list[tuple[bytes, bytes]]:
    """Every data key that any file like a keystore gives, opened with what opens the node's own."""
    found = {}
    for file in house.directory.rglob("*"):
        if file.name == house.config.keystore.name or file.name.startswith(f".{house.config.keystore.name}."):
            for key in Keystore.open(file, read_key_file(house.config.key_file))._ring.data_by_id.values():
                found[key.id] = key.secret.reveal()
    return list(found.items())


def remembered(house: House) -> list[bytes]:
    """All that was ever sealed, as somebody who copied it would have it: bodies and snapshots."""
    bodies = [record.sealed for record in house.ledger.read(TENANT, 0, house.ledger.head(TENANT).size) if record.sealed is not None]
    return bodies + [snapshot.sealed for snapshot in house.ledger.snapshots(TENANT)]


def opened(house: House, sealed: list[bytes]) -> bytes:
    """All that opens: what is remembered, and what begins anywhere on the disk with the id of a key that is left."""
    keys, disk, found = keys_on_disk(house), everything(house.directory), [b""]
    for key_id, secret in keys:
        box = SecretBox(secret)
        for one in sealed:
            with contextlib.suppress(CryptoError):
                found.append(box.decrypt(one[32:], one[8:32]))
        sizes, at = {len(one) for one in sealed}, disk.find(key_id)
        while at >= 0:
            for size in sizes:
                with contextlib.suppress(CryptoError):
                    found.append(box.decrypt(disk[at + 32 : at + size], disk[at + 8 : at + 32]))
            at = disk.find(key_id, at + 1)
    return b"\n".join(found)


async def test_what_has_gone_opens_nowhere_on_the_disk_with_no_key_that_is_left(house: House) -> None:
    sealed = remembered(house)
    before = opened(house, sealed)
    assert all(secret.encode() in before for secret in house.cases)

    house.witnessed = Instant(MARCH_5)
    assert (await house.done(c.RunRetention("k1")))["months"] == ["2027-01"]
    erased = house.cases[february(2)]
    await house.done(c.Erase((erased,), "the Count asked for it", "k2"))
    await house.sweep()
    sealed += remembered(house)

    for life in ("the same", "the next"):
        after = opened(house, sealed)
        for n in range(4):
            assert january(n).encode() not in after, life
        assert february(2).encode() not in after, life
        for n in (0, 1, 3):
            assert february(n).encode() in after, life
        assert house.verify() > 20
        assert await house.reconciled()
        await house.again()
    await house.close()
    disk = everything(house.directory)
    assert not any(secret.encode() in disk for secret in house.cases)
    report = verify_directory(house.config.ledger, LedgerKeys(house.keystore).verifier(NODE))
    assert report.node == NAME
    await house.open()


async def test_membership_bundle_and_guards_of_a_forgotten_month_can_still_be_read(house: House) -> None:
    house.witnessed = Instant(MARCH_5)
    await house.done(c.RunRetention("k1"))
    await house.sweep()
    seen = (await house.shown())["months"][0]
    assert (seen["month"], seen["going"]) == ("2027-01", 0)
    assert seen["kept"].keys() == {"says what the tenant is", "a bundle that is needed"}
    for record in house.ledger.read(TENANT, 0, 15):
        assert house.ledger.open_body(TENANT, record)
    await house.again()
    assert house.tenant.state.members["ada"].status == "active"
    assert await house.case("another secret")


async def test_the_clock_alone_lets_nothing_go_however_far_ahead_it_is(house: House) -> None:
    bodies = house.ledger.weight(TENANT, 0, 10_000)[0]
    house.clock.advance(40 * 365 * DAY)
    await house.again()
    await house.sweep()
    assert await house.refused(c.RunRetention("k1")) is Code.TOO_FEW_PERSONS  # founding: one admin's word is none
    house.witnessed = Instant(MARCH_5)
    shown = await house.shown()
    assert [(month["month"], month["over"], month["confirmed"]) for month in shown["months"][:2]] == [
        ("2027-01", True, True), ("2027-02", True, False),
    ]  # fmt: skip
    assert (await house.done(c.RunRetention("k2")))["months"] == ["2027-01"]  # as far as the witness's time, and no further
    await house.sweep()
    assert house.ledger.weight(TENANT, 0, 10_000)[0] < bodies
    assert (await house.done(c.ShowCase(house.cases[february(0)]), "anna"))["outcome"] != "removed"


async def test_a_witness_in_the_future_lets_nothing_go_before_the_clock_agrees(house: House) -> None:
    house.witnessed = Instant(MARCH_5 + 10_000 * DAY)
    assert (await house.done(c.RunRetention("k1")))["months"] == ["2027-01"]
    await house.sweep()
    assert (await house.done(c.ShowCase(house.cases[february(0)]), "anna"))["outcome"] != "removed"


async def test_two_persons_confirm_a_date_by_approving_a_card_that_shows_it(house: House) -> None:
    await house.done(c.Seal())
    asked = await house.done(c.RunRetention("k1"))
    assert (asked["applied"], asked["months"]) == (False, ["2027-01"])
    await house.sweep()
    assert house.verify() == 0
    held = house.tenant.state.cases[asked["case"]]
    assert changes_of(held.wish) == (e.DateConfirmed(Instant(MARCH_5), ("2027-01",), asked["bodies"], "persons"),)
    await house.approve(asked["case"])
    await house.sweep()
    assert house.verify() == asked["bodies"]


async def test_a_held_case_and_a_held_month_stay_until_the_hold_is_released_by_a_quorum(house: House) -> None:
    house.witnessed = Instant(MARCH_5)
    case = house.cases[january(1)]
    hold = (await house.done(c.PlaceHold(f"case:{case}", "a court asks for it")))["hold"]
    assert (await house.done(c.PlaceHold(f"case:{case}", "a court asks for it")))["hold"] == hold
    assert await house.refused(c.PlaceHold("month", "x")) is Code.MALFORMED
    await house.done(c.RunRetention("k1"))
    await house.sweep()
    assert (await house.shown())["months"][0]["kept"]["on hold"] > 3
    assert (await house.done(c.ShowCase(case)))["outcome"] == "consistent"
    assert (await house.done(c.ShowCase(house.cases[january(0)])))["outcome"] == "removed"
    assert await house.refused(c.Erase((case,), "asked", "k3")) is Code.ON_HOLD
    await house.done(c.Seal())
    released = await house.done(c.ReleaseHold(hold, "the court is done", "k4"))
    assert released["applied"] is False
    assert hold in house.tenant.state.holds
    await house.approve(released["case"])
    assert hold not in house.tenant.state.holds
    await house.done(c.RunRetention("k5"))
    await house.sweep()
    assert (await house.done(c.ShowCase(case)))["outcome"] == "removed"


async def test_a_hold_that_comes_between_the_order_and_the_deed_wins(house: House) -> None:
    case = house.cases[february(1)]
    await house.done(c.Erase((case,), "asked", "k1"))
    await house.done(c.PlaceHold("tenant", "a court asks for everything"))
    await house.sweep()
    assert (await house.done(c.ShowCase(case)))["outcome"] == "consistent"
    assert (await house.shown())["erasing"]


async def test_a_hold_that_comes_before_the_second_approval_stops_the_erasure(house: House) -> None:
    case = house.cases[february(1)]
    await house.done(c.Seal())
    asked = await house.done(c.Erase((case,), "asked", "k1"))
    await house.done(c.PlaceHold(f"case:{case}", "a court asks for it"))
    with pytest.raises(AssertionError, match="on_hold"):
        await house.approve(asked["case"])
    await house.sweep()
    assert (await house.done(c.ShowCase(case)))["outcome"] == "consistent"


async def test_single_entries_are_erased_by_their_numbers_and_the_rest_of_their_case_stays(house: House) -> None:
    case = house.cases[february(1)]
    first, *rest = house.ledger.case_entries(TENANT, case)
    await house.done(c.Erase((str(first),), "asked", "k1"))
    await house.sweep()
    shown = (await house.done(c.ShowCase(case)))["entries"]
    assert [entry["seq"] for entry in shown if entry.get("removed")] == [first]
    assert [entry["seq"] for entry in shown if not entry.get("removed")] == rest


async def test_a_hold_that_comes_in_the_middle_of_a_month_keeps_the_rest_of_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "MOST_REMOVED", 4)
    monkeypatch.setattr("actors.forgetting.BUDGET", 1e-9)  # one piece a sweep
    house.witnessed = Instant(MARCH_5)
    await house.done(c.RunRetention("k1"))
    await house.sweep(1)
    gone = house.verify()
    await house.done(c.PlaceHold("months:2027-01", "a court asks for it"))
    await house.sweep(40)
    assert (gone, house.verify()) == (4, 4)
    shown = await house.shown()
    assert shown["months"][0]["kept"]["on hold"] > 4
    assert not any(month["going_on"] for month in shown["months"])
    assert shown["owed"] == []


async def test_a_bundle_that_nobody_needs_goes_and_can_be_pushed_again(house: House) -> None:
    files = {
        **BUNDLE,
        "more.cedar": b'@id("more") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);\n',
    }
    house.clock.advance(MARCH_5 - FEBRUARY)
    pushed, before = (await house.done(c.PushBundle(files)))["bundle"], house.tenant.state.bundle
    for number, bundle in enumerate((pushed, before)):  # it has been in force, and is remembered as read
        await house.done(c.ActivateBundle(bundle, f"a{number}"))
    house.clock.advance(80 * DAY)
    house.witnessed = house.time.now()
    await house.done(c.RunRetention("k1"))
    await house.sweep(40)
    assert await house.refused(c.ActivateBundle(pushed, "k2")) is Code.UNKNOWN
    assert (await house.done(c.PushBundle(files))).get("repeated") is None
    assert (await house.done(c.ActivateBundle(pushed, "k3")))["applied"]
    assert house.tenant.state.bundle == pushed


async def test_erasing_names_what_it_cannot_erase(house: House) -> None:
    waiting = await house.done(c.Propose("notes.read", "notes/x", {"path": "open"}, "to see", "open", run=None), "ada")
    assert await house.refused(c.Erase((waiting["case"],), "asked", "k1")) is Code.NOT_ALLOWED
    assert await house.refused(c.Erase(("c0000",), "asked", "k2")) is Code.UNKNOWN
    assert await house.refused(c.Erase(("1",), "a member's entry", "k3")) is Code.UNKNOWN
    assert await house.refused(c.Erase(("999999",), "not there", "k4")) is Code.UNKNOWN
    assert await house.refused(c.Erase((), "nothing", "k5")) is Code.MALFORMED


async def test_what_rests_on_a_forgotten_case_is_refused_and_not_done_twice(house: House) -> None:
    secret = february(3)
    await house.done(c.Erase((house.cases[secret],), "asked", "k1"))
    await house.sweep()
    key = sha(secret.encode()).hex()[:12]
    wish = c.Propose(action="notes.read", resource="notes/today", params={"path": secret}, purpose="to see", key=key, run=f"r-{key}")
    assert await house.refused(wish, "ada") is Code.REMOVED
    shown = await house.done(c.ShowCase(house.cases[secret]))
    assert all(entry["removed"] and not entry["body"] and entry["tag"] for entry in shown["entries"])


@pytest.mark.parametrize("pieces", range(1, 12, 2))
async def test_a_life_that_ends_between_any_two_pieces_is_gone_on_with_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr("ledger.forgetting.SEALED_AT_ONCE", 8)
    monkeypatch.setattr("actors.forgetting.BUDGET", 1e-9)  # one piece a sweep
    await house.done(c.Erase((house.cases[february(2)],), "asked", "k1"))
    await house.sweep(pieces)
    await house.close(orderly=False)
    await house.open()
    house.verify()
    assert not house.tenant.frozen
    await house.sweep(80)
    assert house.ledger.owes_forgetting(TENANT) == ()
    assert not house.tenant.state.erasing
    assert (await house.done(c.ShowCase(house.cases[february(2)])))["outcome"] == "removed"
    assert len(house.keystore.data_key_ids(TENANT, "2027-02")) == 1
    assert await house.reconciled()


@pytest.mark.parametrize("points", range(1, 22, 3))
async def test_a_disk_that_fails_in_the_middle_is_gone_on_with_by_the_same_life(house: House, points: int) -> None:
    await house.done(c.Erase((house.cases[february(2)],), "asked", "k1"))
    house.strike_in = points
    await house.sweep(40)
    assert not house.strike_in  # it was struck
    house.verify()
    assert house.ledger.owes_forgetting(TENANT) == ()
    assert not house.tenant.state.erasing
    assert (await house.done(c.ShowCase(house.cases[february(2)])))["outcome"] == "removed"
    assert (await house.done(c.ShowCase(house.cases[february(1)])))["outcome"] == "consistent"
    assert await house.reconciled()
    await house.again()
    assert not house.tenant.frozen


async def test_a_lost_snapshot_is_said_clearly_and_nothing_is_guessed(house: House) -> None:
    await house.done(c.Erase((house.cases[february(0)],), "asked", "k1"))
    await house.sweep()
    assert house.ledger.forget(TENANT) is Step.DONE
    log = house.ledger._log(TENANT)
    sizes = [snapshot.size for snapshot in house.ledger.snapshots(TENANT)]
    house.ledger._durably(lambda txn: snapshots.drop(house.ledger._env, txn, log.tail.id, sizes))
    with pytest.raises(folding.Forgotten, match="no snapshot above it can be relied on"):
        folding.fold(house.ledger, TENANT)


async def test_bodies_are_read_as_removed_by_whoever_reads_one_by_one(house: House) -> None:
    case = house.cases[january(0)]
    house.witnessed = Instant(MARCH_5)
    await house.done(c.RunRetention("k1"))
    await house.sweep()
    for seq in house.ledger.case_entries(TENANT, case):
        (record,) = house.ledger.read(TENANT, seq, seq + 1)
        with pytest.raises(BodyRemoved):
            house.ledger.open_body(TENANT, record)


def test_a_removal_is_cut_where_a_header_or_a_transaction_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "MOST_REMOVED", 5)
    monkeypatch.setattr(retained, "MOST_RANGES", 2)
    going = [("2027-01", seq) for seq in (0, 1, 2, 3, 4, 5, 9, 11, 12)] + [("2027-02", 13)]
    assert [(chunk.month, chunk.ranges, chunk.bodies) for chunk in retained._chunks(iter(going))] == [
        ("2027-01", ((0, 5),), 5),
        ("2027-01", ((5, 6), (9, 10)), 2),
        ("2027-01", ((11, 13),), 2),
        ("2027-02", ((13, 14),), 1),
    ]

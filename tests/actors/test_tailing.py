"""Whatever an honest node sends is believed: to every kind of reader, from everywhere, filtered or not, forgotten or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import pytest

from actors.governance import codec, commands, kinds
from actors.governance import events as e
from actors.sight import Filter, Sight
from actors.tailing import RUN, tail
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, Receipt, VerifierKey, origin_of
from ledger.cosignature import Cosigner
from ledger.tree import root_of
from vienna_runtime.tail import Belief, Entry, VerifyingTail
from vienna_runtime.tail_rights import Rights, Wanted

NODE, LOG = "hofburg.example", "belvedere"
WITNESS = Cosigner("witness.example", bytes(32))


class Keys:
    """Derived from their names."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"{log} {month}".encode()).digest()[:8], sha256(f"key {log} {month}".encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        found = self.data_key(log, "1970-01")
        return found if found.id == key_id else None

    def destroy(self, log: str, key_ids: Any) -> None:
        raise AssertionError("nothing is forgotten for good here")

    def renew(self, log: str, month: str) -> DataKey:
        raise AssertionError("nothing is sealed again here")

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        return (self.data_key(log, month).id,)

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), sha256(log.encode()).digest())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger.open(tmp_path / "ledger", node=NODE, keys=Keys())
    made.create(LOG, time=1, actor="operator")
    yield made
    made.close()


@attrs.define
class Ears:
    """A subscriber with credit without end."""

    heard: list[tuple[int, dict[str, Any]]] = attrs.Factory(list)
    over: bool = False

    async def send(self, at: int, value: Mapping[str, Any]) -> None:
        self.heard.append((at, dict(value)))

    def end(self, why: str) -> None:
        self.over = True

    def kinds(self) -> list[str]:
        return [value["kind"] for _, value in self.heard]


@attrs.frozen
class Scribe:
    ledger: Ledger
    durable: int = 0


async def told(ledger: Ledger, kind: str, *, member: str = "ada", start: int = 0, believed: int = 0, **wanted: Any) -> Ears:
    """What an honest node sends of the whole log."""
    ears, asked = Ears(), Filter(**wanted)
    ask = commands.Tail(start=start, credit=64, follow=False, believed=believed, case=asked.case, tags=asked.tags)
    await tail(ears, Scribe(ledger), LOG, ask, Sight(ledger, LOG, member, kind, asked))  # type: ignore[arg-type]
    assert ears.over
    return ears


def believe(ledger: Ledger, size: int) -> Belief:
    return Belief(size, root_of(ledger.frontier(LOG, size)), b"")


def write(ledger: Ledger, count: int, *, agents: tuple[str, ...] = ("ada", "ben")) -> None:
    size = ledger.head(LOG).size
    drafts = []
    for number in range(size, size + count):
        agent, case = agents[number % len(agents)], f"c{number}"
        event = e.IntentProposed(case=case, agent=agent, intent=b"", key=case, parent=None, founding=False, excluded=())  # type: ignore[arg-type]
        drafts.append(Draft(tag=event.TAG, time=2, actor=agent, body=codec.encode(event), case=case, step=1))
    (answer,) = ledger.append_many([Batch(LOG, size, tuple(drafts))])
    assert isinstance(answer, Receipt)


KINDS = (kinds.ADMIN, kinds.AUDITOR, kinds.OPERATOR, kinds.AGENT, kinds.EXECUTOR, kinds.VERIFIER)
WANTED: tuple[dict[str, Any], ...] = ({}, {"case": "c4"}, {"tags": ("intent.",)}, {"tags": ("log.",)}, {"case": "nowhere"})


@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forgotten", [False, True], ids=["kept", "forgotten"])
async def test_an_honest_tail_is_believed(ledger: Ledger, kind: str, wanted: dict[str, Any], forgotten: bool) -> None:
    write(ledger, 9)
    if forgotten:
        ledger.remove_bodies(LOG, [(2, 5)], month="1970-01", why="retention", time=3, actor="node")
        write(ledger, 3)
    size = ledger.head(LOG).size
    for start in range(size + 1):
        for believed in (0, 1, 5, 8, size):
            ears = await told(ledger, kind, start=start, believed=believed, **wanted)
            reading = VerifyingTail(
                LOG,
                Keys().verifier(LOG),
                believe(ledger, believed) if believed else None,
                start=start,
                rights=Rights.of(kind),
                wanted=Wanted(**wanted),
            )
            came = [entry for _, value in ears.heard if isinstance(entry := reading.feed(value), Entry)]
            assert reading.belief is not None
            assert (reading.at, reading.belief.root) == (size, ledger.head(LOG).root)
            if kind == kinds.ADMIN and not wanted:
                assert [entry.header.sequence for entry in came] == list(range(start, size))
                assert all((entry.body is None) == entry.removed for entry in came)


async def test_a_log_that_is_empty_begins_and_ends(ledger: Ledger) -> None:
    ears = await told(ledger, kinds.ADMIN)
    assert ears.kinds() == ["start", "end"]
    reading = VerifyingTail(LOG, Keys().verifier(LOG))
    for _, value in ears.heard:
        reading.feed(value)
    assert reading.belief is None


async def test_what_is_not_shown_goes_in_runs_that_one_message_holds(ledger: Ledger) -> None:
    write(ledger, 2 * RUN + 10, agents=("ben",))
    ears = await told(ledger, kinds.AGENT, member="ada")
    runs = [(at, len(value["hashes"]) // 32) for at, value in ears.heard if value["kind"] == "leaves"]
    assert runs == [(0, RUN), (RUN, RUN), (2 * RUN, 10)]
    assert ears.kinds() == ["start", "leaves", "leaves", "leaves", "checkpoint", "end"]


async def test_the_newest_cosigned_head_comes_with_a_proof_that_the_log_continues_it(ledger: Ledger) -> None:
    write(ledger, 5)
    note = ledger.head(LOG).checkpoint
    text = note.decode().partition("\n\n")[0] + "\n"
    cosigned = note + WITNESS.cosign(text, 1_000).line().encode()
    ledger.put_witnessed(LOG, cosigned)
    write(ledger, 4)
    ears = await told(ledger, kinds.ADMIN)
    assert ears.kinds()[-3:] == ["checkpoint", "witnessed", "end"]
    (witnessed,) = [value for _, value in ears.heard if value["kind"] == "witnessed"]
    assert witnessed["note"] == cosigned
    reading = VerifyingTail(LOG, Keys().verifier(LOG))
    for _, value in ears.heard:
        reading.feed(value)

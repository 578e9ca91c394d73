"""A node's keystore and ledger grow old: months pass, are archived, forgotten, witnessed, and keys hand over, in any order.

    python -m vienna_runtime.selftest.aging DIRECTORY SEED STEPS DESCRIPTOR

Before each step it says what it is about to do, after it what it has found to be durable (``Told``); ``outlived`` holds what a
crash left against the last of these.  It begins with what is in the directory, so that it can be killed and started again.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ledger import NODE, BadDraft, Batch, Draft, Ledger, Receipt, VerifierKey
from ledger.cosignature import Cosigner
from ledger.directory import settle
from ledger.environment import Fault
from ledger.forgetting import Month, Step
from ledger.header import parse
from ledger.rotation import Kind
from ledger.store import no_fault
from vienna_runtime import rotating
from vienna_runtime.admission import public_part
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.rotating import DAY, Wanted
from vienna_runtime.sealing import RawKey
from vienna_runtime.secret import Secret
from vienna_runtime.selftest import script
from vienna_runtime.selftest.keys import NODE_NAME

LOGS = ("belvedere", "schoenbrunn")
TAG = "selftest.written/1"
MONTH = 31 * DAY  # long enough that every step of it is another month
MOST_AT_ONCE = 12  # entries of a commit; a month of some commits is then forgotten in several ranges
KEYSTORE, LEDGER = "keystore", "ledger"
_KEY = RawKey(Secret(bytes(32)))  # worth nothing: it is in this file
_WITNESS = Cosigner("witness.example/emil", bytes(32))


@attrs.define
class Told:
    """What is durable, and what is under way."""

    node_key: str = ""  # the first one, which a verifier was given
    at: dict[str, list[Any]] = attrs.Factory(dict)  # by log: size, root
    gone: dict[str, list[int]] = attrs.Factory(dict)  # by log: entries whose bodies were removed
    going: dict[str, list[int]] = attrs.Factory(dict)  # by log: entries whose bodies the step under way removes
    destroyed: dict[str, list[str]] = attrs.Factory(dict)  # by log: keys that were destroyed
    archived: dict[str, int] = attrs.Factory(dict)
    witnessed: dict[str, int] = attrs.Factory(dict)
    keys: dict[str, str] = attrs.Factory(dict)  # by log: the key that signs
    doing: str = ""
    steps: int = 0


class Life:
    """One process on the directory.  ``say`` hears what is told."""

    def __init__(self, directory: Path, chosen: random.Random, say: Callable[[Told], None], fault: Fault = no_fault) -> None:
        self._chosen, self._say, self._month = chosen, say, 0
        self.keystore, self.ledger = opened(directory, self._now, fault)
        self.told = Told(node_key=LedgerKeys(self.keystore).verifiers(NODE)[-1].text)
        self._month = max((head.size and self._time_of(log) - script.BEGUN) // MONTH for log, head in self.ledger.logs().items())
        self._acknowledged("opened")

    def live(self, steps: int) -> None:
        """So many steps."""
        for log in LOGS:
            if log not in self.ledger.logs():
                self._do(f"admit {log}", partial(self._admit, log))
        for _ in range(steps):
            log = self._chosen.choice(LOGS)
            kinds = self._kinds(log)
            (name,) = self._chosen.choices([*kinds], [often for often, _ in kinds.values()])
            self._do(f"{name} {log}", kinds[name][1])
        self.ledger.verify()
        self.ledger.close()

    def _kinds(self, log: str) -> dict[str, tuple[int, Callable[[], None]]]:
        """By name: how often, and what."""
        return {
            "write": (5, lambda: self._write(log)),
            "let a month pass": (2, self._pass),
            "commit to the heads": (1, self._heads),
            "witness": (1, lambda: self._witness(self._chosen.choice((NODE, log)))),
            "rotate": (1, lambda: self._rotate(self._chosen.choice((NODE, log)))),
            "archive": (3, lambda: self._archive(log)),
            "sweep": (1, lambda: self._sweep(log)),
            "remove": (2, lambda: self._remove(log)),
            "forget": (4, lambda: self._forget(log)),
            "snapshot": (1, lambda: self._snapshot(log)),
        }

    def _do(self, doing: str, step: Callable[[], None]) -> None:
        self.told.doing, self.told.going = doing, {}
        self._say(self.told)
        step()
        self._acknowledged(doing)

    def _acknowledged(self, done: str) -> None:
        told, ledger = self.told, self.ledger
        told.doing, told.going, told.steps = "", {}, told.steps + 1
        for log, head in ledger.logs().items():
            told.at[log] = [head.size, head.root.hex()]
            told.archived[log] = ledger.archived(log)
            told.witnessed[log] = witnessed(ledger, log)
            told.keys[log] = LedgerKeys(self.keystore).verifier(log).text
            told.gone[log] = [record.seq for record in ledger.read(log, 0, head.size) if record.sealed is None]
        self._say(told)

    # -- what happens

    def _admit(self, log: str) -> None:
        if log not in self.keystore.tenants():
            self.keystore.admit_tenant(log)
        self.ledger.create(log, public=public_part(self.keystore.issuer_public(log)), time=self._now(), actor="operator")

    def _write(self, log: str) -> None:
        first, time = self.ledger.head(log).size, self._now()
        drafts = tuple(
            Draft(TAG, time, "ada", script.body(log, index), case=script.case(index), step=index % 16)
            for index in range(first, first + self._chosen.randint(1, MOST_AT_ONCE))
        )
        (answer,) = self.ledger.append_many([Batch(log, first, drafts)])
        assert isinstance(answer, Receipt), answer

    def _pass(self) -> None:
        self._month += 1

    def _heads(self) -> None:
        self.ledger.commit_heads(time=self._now(), actor="node")

    def _witness(self, log: str) -> None:
        note = self.ledger.head(log).checkpoint
        text = note.decode().partition("\n\n")[0] + "\n"
        self.ledger.put_witnessed(log, note + _WITNESS.cosign(text, self._now() // 1_000_000).line().encode())

    def _rotate(self, log: str) -> None:
        compromised = self._chosen.random() < 0.3
        wanted = Wanted(
            log=log, kind=Kind.CHECKPOINT, compromised=compromised, overlap=self._chosen.choice((0, DAY)), now=self._now(), actor="operator"
        )
        rotating.rotate(self.ledger, self.keystore, wanted)

    def _archive(self, log: str) -> None:
        segment = self.ledger.prepare_segment(log, before=self._now())
        if segment is not None:
            if self._chosen.random() < 0.2:
                self._remove(log)
            try:
                self.ledger.adopt_segment(segment)
            except BadDraft:
                return  # overtaken by the removal: it is prepared anew another time

    def _sweep(self, log: str) -> None:
        while self.ledger.sweep_archived(log):
            pass

    def _remove(self, log: str) -> None:
        """A month as a whole, or some of it."""
        months = [month for month in self.ledger.months(log) if self._removable(log, month)]
        if not months:
            return
        month = self._chosen.choice(months)
        there = self._removable(log, month)
        if self._chosen.random() < 0.7:
            there = sorted(self._chosen.sample(there, self._chosen.randint(1, len(there))))
        self.told.going = {log: there}
        self._say(self.told)
        self.ledger.remove_bodies(
            log, [(at, at + 1) for at in there], month=month.month, why="erasure", time=self._now(), actor="law", body=b"said"
        )

    def _removable(self, log: str, month: Month) -> list[int]:
        records = self.ledger.read(log, month.start, month.stop)
        return [record.seq for record in records if record.sealed is not None and parse(record.entry).tag == TAG]

    def _forget(self, log: str) -> None:
        """Until nothing is owed, or sometimes one piece."""
        owed = self.ledger.owes_forgetting(log)
        if not owed:
            return
        before = {key for month in owed for key in self.keystore.data_key_ids(log, month)}
        while (step := self.ledger.forget(log)) is not Step.DONE:
            if step is Step.NEEDS_SNAPSHOT:
                self._snapshot(log)
            if self._chosen.random() < 0.3:
                break
        gone = [key.hex() for key in before if self.keystore.data_key_by_id(log, key) is None]
        self.told.destroyed[log] = [*self.told.destroyed.get(log, ()), *gone]

    def _snapshot(self, log: str) -> None:
        head = self.ledger.head(log)
        if head.size:
            self.ledger.put_snapshot(log, size=head.size, root=head.root, fingerprint=b"1", state=b"a state of " + log.encode())

    # -- time

    def _now(self) -> int:
        return script.BEGUN + self._month * MONTH

    def _time_of(self, log: str) -> int:
        size = self.ledger.head(log).size
        return parse(self.ledger.read(log, size - 1, size)[0].entry).time


def opened(directory: Path, now: Callable[[], int], fault: Fault = no_fault) -> tuple[Keystore, Ledger]:
    """As a node opens them: made when they are not there, and what was cut short in the keystore put right."""
    path = directory / KEYSTORE
    keystore = Keystore.open(path, _KEY, now=now) if path.exists() else Keystore.create(path, _KEY, node=NODE_NAME, now=now)
    keys = LedgerKeys(keystore)
    ledger = Ledger.open(directory / LEDGER, node=NODE_NAME, keys=keys, map_size=1 << 17, fault=fault)
    rotating.settle(ledger, keystore)
    return keystore, ledger


def witnessed(ledger: Ledger, log: str) -> int:
    """The size of the cosigned checkpoint that is kept."""
    note = ledger.witnessed(log)
    return 0 if note is None else int(note.split(b"\n")[1])


def saying(descriptor: int) -> Callable[[Told], None]:
    """Says each line with one system call, so that it is heard even when the next thing that happens is the end."""

    def say(told: Told) -> None:
        data = json.dumps(attrs.asdict(told)).encode() + b"\n"
        if os.write(descriptor, data) != len(data):
            raise OSError("whoever listens takes no more")

    return say


def heard(text: bytes) -> Told:
    """What was said last; a line that its writer did not live to end is not heard."""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
    return Told(**json.loads(lines[-1])) if lines else Told()


def main(arguments: list[str]) -> None:
    """The process."""
    directory, seed, steps, descriptor = Path(arguments[0]), *map(int, arguments[1:4])
    if not directory.exists():
        directory.mkdir()
        settle(directory.parent)
    Life(directory, random.Random(seed), saying(descriptor)).live(steps)  # noqa: S311  # chosen, not secret


def first_key(told: Told) -> VerifierKey:
    """What a verifier was given before anything handed over."""
    return VerifierKey.parse(told.node_key)


if __name__ == "__main__":
    main(sys.argv[1:])

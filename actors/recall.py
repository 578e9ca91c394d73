"""What the ledger still knows when the state has forgotten it, and what it does not know yet because it is not synced."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping

from actors.governance import bundle as bundles
from actors.governance import codec, index
from actors.governance import events as e
from actors.governance.ids import Instant, Person
from ledger import BodyRemoved, Header, Ledger
from ledger.header import parse
from ledger.tail import LONGEST_CASE

STRETCH = 256  # headers read at once on the way back to an earlier entry
BUNDLES = 8  # loaded bundles kept: the active one, and those of warrants that outlive an activation


class Recall:
    """One tenant's index: the ledger's, overlaid with what was submitted and is not durable yet."""

    def __init__(self, ledger: Ledger, log: str, read: Mapping[bytes, bundles.Bundle] | None = None) -> None:
        """``read``: bundles by digest that need not be read again; whether they are on this log is looked up all the same."""
        self._ledger = ledger
        self._log = log
        self._fresh: dict[bytes, e.Event] = {}
        self._submitted: deque[tuple[int, tuple[bytes, ...]]] = deque()
        self._bundles: OrderedDict[bytes, bundles.Bundle] = OrderedDict()
        self._read = dict(read or {})

    @property
    def durable(self) -> Recall:
        """The same without what is not durable yet: for whatever is said to somebody, and read only when it is said."""
        return Recall(self._ledger, self._log, self.loaded)

    def submitted(self, submission: int, keyed: list[tuple[tuple[bytes, ...], e.Event]]) -> None:
        """These events will be found by their keys, though the ledger's own index does not hold them yet."""
        for keys, event in keyed:
            self._submitted.append((submission, keys))
            for key in keys:
                self._fresh[key] = event

    def settled(self, durable: int) -> None:
        """The ledger's own index answers for everything up to ``durable`` from now on."""
        while self._submitted and self._submitted[0][0] <= durable:
            for key in self._submitted.popleft()[1]:
                self._fresh.pop(key, None)

    def event(self, key: bytes) -> e.Event | None:
        """The newest event under ``key``."""
        if (fresh := self._fresh.get(key)) is not None:
            return fresh
        seq = self._ledger.find(self._log, key)
        return None if seq is None else self.entry(seq)[1]

    def entry(self, seq: int) -> tuple[Header, e.Event]:
        """One durable entry; raises VerificationError or BodyRemoved."""
        (record,) = self._ledger.read(self._log, seq, seq + 1)
        header = parse(record.entry)
        return header, codec.decode(header.tag, self._ledger.open_body(self._log, record))

    def header(self, seq: int) -> Header:
        (record,) = self._ledger.read(self._log, seq, seq + 1)
        return parse(record.entry)

    def pushes(self, limit: int) -> list[int]:
        """The durable entries that pushed a bundle, of each bundle the newest."""
        return [seq for _, seq in self._ledger.find_under(self._log, index.bundle_key(b""), limit=limit)]

    def before(self, seq: int, tag: str) -> int | None:
        """The newest entry of that kind before ``seq``, found by its header: for a chain that leads through a removed body."""
        for stop in range(seq, 0, -STRETCH):
            for record in reversed(self._ledger.read(self._log, max(0, stop - STRETCH), stop)):
                if parse(record.entry).tag == tag:
                    return record.seq
        return None

    def told(self, seq: int) -> tuple[Header, e.Told]:
        """One durable entry, or what is left of it."""
        (record,) = self._ledger.read(self._log, seq, seq + 1)
        header = parse(record.entry)
        try:
            return header, codec.decode(header.tag, self._ledger.open_body(self._log, record))
        except BodyRemoved:
            return header, e.Gone(header.tag)

    def case(self, case: str, after: int = 0) -> list[tuple[Header, e.Told]]:
        """A case's durable entries beyond its first ``after``, in order; none for a name that no case can have."""
        if len(case.encode()) > LONGEST_CASE:
            return []
        return [self.told(seq) for seq in self._ledger.case_entries(self._log, case)[after:]]

    def children(self, case: str, *, after: str = "", limit: int) -> list[str]:
        """The durable cases that have this one as parent, in the order of their ids."""
        found = self._ledger.find_under(self._log, index.children_key(case), after=after.encode(), limit=limit)
        return [name.decode() for name, _ in found]

    def bundle(self, digest: bytes) -> bundles.Bundle | None:
        """A pushed bundle, loaded; remembered, for loading costs milliseconds."""
        found = self._bundles.get(digest)
        if found is not None:
            self._bundles.move_to_end(digest)
            return found
        files = self.bundle_files(digest)
        if files is None:
            return None
        loaded = self._read.pop(digest, None) or bundles.recall(bundles.Source(files))
        if not isinstance(loaded, bundles.Bundle) or loaded.digest != digest:
            return None
        self._bundles[digest] = loaded
        if len(self._bundles) > BUNDLES:
            self._bundles.popitem(last=False)
        return loaded

    def forgot(self) -> None:
        """Bodies have been removed: what was read of a bundle that is gone is not remembered either."""
        for known in (self._bundles, self._read):
            for digest in [digest for digest in known if self.bundle_files(digest) is None]:
                del known[digest]

    def remembered(self, digest: bytes) -> bundles.Bundle | None:
        """A bundle that need not be read."""
        return self._bundles.get(digest) or self._read.get(digest)

    def unread(self, digest: bytes) -> bundles.Source | None:
        """The files of a pushed bundle that ``bundle`` would still have to read."""
        if digest in self._bundles or digest in self._read:
            return None
        files = self.bundle_files(digest)
        return None if files is None else bundles.Source(files)

    def has_read(self, bundle: bundles.Bundle) -> None:
        """This bundle was read already; it is known once it is on the log."""
        self._read[bundle.digest] = bundle
        if len(self._read) > BUNDLES:
            del self._read[next(iter(self._read))]

    @property
    def loaded(self) -> Mapping[bytes, bundles.Bundle]:
        """What has been read, for whoever looks things up in the next epoch."""
        return {**self._read, **self._bundles}

    def bundle_files(self, digest: bytes) -> Mapping[str, bytes] | None:
        """None also for one that was forgotten: no case needs it any more, and who does may push it again."""
        try:
            pushed = self.event(index.bundle_key(digest))
        except BodyRemoved:
            return None
        return pushed.files if isinstance(pushed, e.BundlePushed) else None

    def author(self, bundle: bytes) -> Person:
        """The person who pushed it; nobody's name where that is not known."""
        try:
            pushed = self.event(index.bundle_key(bundle))
        except BodyRemoved:
            return Person("")
        return pushed.person if isinstance(pushed, e.BundlePushed) else Person("")

    def prior(self, agent: str, key: str) -> e.IntentProposed | None:
        found = self.event(index.intent_key(agent, key))
        return found if isinstance(found, e.IntentProposed) else None

    def intent(self, case: str) -> e.IntentProposed | None:
        found = self.event(index.case_key(case))
        return found if isinstance(found, e.IntentProposed) else None

    def run(self, run: str) -> e.RunOpened | None:
        found = self.event(index.run_key(run))
        return found if isinstance(found, e.RunOpened) else None

    def receipt(self, run: str) -> bytes | None:
        """The newest receipt of a run that there was; None where none came, or its body has been forgotten."""
        fresh = self._fresh.get(index.receipt_key(run))
        if isinstance(fresh, (e.RunReported, e.RunReportedLate)):
            return fresh.receipt
        try:
            opened = self.run(run)
        except BodyRemoved:
            return None
        events = [] if opened is None else [event for _, event in self.case(opened.case)]
        told = [event.receipt for event in events if isinstance(event, (e.RunReported, e.RunReportedLate)) and event.run == run]
        return told[-1] if told else None

    def was_redeemed(self, effect: str) -> bool:
        """Whether a run of this effect was ever opened, also where its body has been forgotten."""
        key = index.effect_key(effect)
        return key in self._fresh or self._ledger.find(self._log, key) is not None

    def letter(self, letter: str) -> e.DeadLetterOpened | None:
        found = self.event(index.letter_key(letter))
        return found if isinstance(found, e.DeadLetterOpened) else None

    def quarantined(self, letter: str) -> e.CommandQuarantined | None:
        found = self.event(index.quarantined_key(letter))
        return found if isinstance(found, e.CommandQuarantined) else None

    def finding(self, finding: str) -> e.FindingOpened | None:
        found = self.event(index.finding_key(finding))
        return found if isinstance(found, e.FindingOpened) else None

    def is_resolved(self, letter: str) -> bool:
        return self.knows(index.resolved_key(letter))

    def knows(self, key: bytes) -> bool:
        """Whether there is any entry under ``key``, its body there or not."""
        return key in self._fresh or self._ledger.find(self._log, key) is not None

    def when(self, key: bytes) -> Instant | None:
        """The time of the newest durable entry under ``key``."""
        seq = self._ledger.find(self._log, key)
        return None if seq is None else Instant(self.header(seq).time)

    def time(self, seq: int) -> Instant:
        return Instant(self.told(seq)[0].time)

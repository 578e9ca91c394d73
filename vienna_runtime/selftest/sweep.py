"""Every system call of a run on the ledger's files fails, one run each, and nothing that was acknowledged is lost by it.

    dry run ──▶ how many calls of each kind ──▶ for each call and each fault: a run ──▶ what is left keeps every promise

A call that fails was not made: strace answers in the kernel's place.  ``from then on`` is a disk that stays broken; a short
write says that half was written; ``killed`` ends the writer instead of the call.  The writer does what a node does: it
treats the commit as of unknown outcome, writes nothing until it has reopened, and goes on from what it finds.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs

from vienna_runtime.selftest import apart, promise
from vienna_runtime.selftest.errors import Broken, CannotTry
from vienna_runtime.selftest.explore import MEMORY, MOST_KEPT
from vienna_runtime.selftest.subjects import LEDGER, WRITER
from vienna_runtime.selftest.told import heard
from vienna_runtime.selftest.trace import strace
from vienna_runtime.selftest.writing import GIVING_UP

WRITES = ("write", "writev", "pwrite64", "pwritev")
SYNCS = ("fsync", "fdatasync")
NAMES = ("mkdir", "rename", "unlink", "rmdir", "ftruncate")
OTHERS = ("openat", "lseek", "read", "pread64", "newfstatat", "fstatfs", "mmap", "fcntl", "flock", "close")
COMMITS = 9  # of the script: every kind of commit, and a map that grows twice
LONGEST = 60.0  # s for one run, which takes a third of one

FAULTS = {
    "EIO": "error=EIO:when={}",
    "EIO from then on": "error=EIO:when={}+",
    "ENOSPC": "error=ENOSPC:when={}",
    "ENOSPC from then on": "error=ENOSPC:when={}+",
    "ENOMEM": "error=ENOMEM:when={}",
    "short write": "retval=60:when={}",  # half of the shortest, LMDB's meta page
    "killed": "signal=SIGKILL:when={}",
}


def faults_of(call: str) -> tuple[str, ...]:
    """What may happen to a call of that name."""
    if call in WRITES:
        return ("EIO", "EIO from then on", "ENOSPC", "ENOSPC from then on", "short write", "killed")
    if call in SYNCS:
        return ("EIO", "EIO from then on", "ENOSPC", "killed")
    if call in NAMES:
        return ("EIO", "ENOSPC", "killed")
    return ("ENOMEM" if call == "mmap" else "EIO", "killed")


@attrs.frozen
class Finding:
    """A fault that broke a promise."""

    call: str
    number: int
    fault: str
    what: str
    kept: str | None


@attrs.define
class Sweep:
    """What was tried, and found."""

    calls: dict[str, int] = attrs.Factory(dict)  # how many a run makes, by name
    runs: int = 0
    of: int = 0
    outcomes: Counter[tuple[str, str, str]] = attrs.Factory(Counter)  # (call, fault, what became of the writer)
    acknowledged: int = 0  # entries, in all runs
    failed: int = 0  # commits of unknown outcome, in all runs
    findings: list[Finding] = attrs.Factory(list)
    violations: int = 0


Progress = Callable[[Sweep], None]


def sweep(
    *, seed: int, every: int = 1, program: Sequence[str] = WRITER, keep: Path | None = None, progress: Progress = lambda _: None
) -> Sweep:
    """Try each ``every``-th fault; what broke a promise goes to ``keep``."""
    with tempfile.TemporaryDirectory(prefix="vienna-inject-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as place:
        run = _Run(Path(place), seed, program, keep, progress)
        run.dry()
        run.all(every)
        return run.found


class _Run:
    def __init__(self, place: Path, seed: int, program: Sequence[str], keep: Path | None, progress: Progress) -> None:
        self._place, self._seed, self._program, self._keep, self._progress = place, seed, program, keep, progress
        self.found = Sweep()
        self._waiting: list[tuple[apart.Apart, Path, tuple[str, int, str]]] = []

    def dry(self) -> None:
        """Count the calls of a run without faults."""
        place = self._place / "dry"
        place.mkdir()
        record = place / "calls"
        code, said = self._write(place, ["-o", str(record)])
        if code:
            raise CannotTry(f"the writer cannot be followed here: it ended with {code}: {said[-500:]!r}")
        counted = Counter(re.findall(r"^\d+ +(\w+)\(", record.read_text(), re.MULTILINE))
        self.found.calls = {name: counted[name] for name in (*WRITES, *SYNCS, *NAMES, *OTHERS) if counted[name]}

    def all(self, every: int) -> None:
        """Each fault, a run."""
        todo = list(self._todo())[::every]
        self.found.of = len(todo)
        for number, (call, at, fault) in enumerate(todo):
            place = self._place / str(number)
            place.mkdir()
            self._waiting.append((apart.start(partial(self._one, place, call, at, fault)), place, (call, at, fault)))
            if len(self._waiting) >= (os.cpu_count() or 1):
                self._settle()
        while self._waiting:
            self._settle()

    def _todo(self) -> Iterator[tuple[str, int, str]]:
        for call, count in self.found.calls.items():
            for fault in faults_of(call):
                for at in range(1, count + 1):
                    yield call, at, fault

    def _one(self, place: Path, call: str, at: int, fault: str) -> list[object]:
        code, said = self._write(place, ["-o", "/dev/null", "-e", f"inject={call}:{FAULTS[fault].format(at)}"])
        told = heard(said)
        if code not in (0, GIVING_UP, -signal.SIGKILL) or (code == -signal.SIGKILL) != (fault == "killed"):
            raise Broken(f"the writer ended with {code}: {(place / 'errors').read_text()[-1500:]}")
        apart.run(lambda: promise.keep(place / LEDGER, told))
        noticed = "went on" if told.failed else "did not notice"
        return [{0: noticed, GIVING_UP: "gave up"}.get(code, "killed"), told.entries, told.failed]

    def _settle(self) -> None:
        checked, place, (call, at, fault) = self._waiting.pop(0)
        self.found.runs += 1
        try:
            ended, entries, failed = checked.result()
        except Broken as error:
            self.found.violations += 1
            self.found.outcomes[call, fault, "violation"] += 1
            if len(self.found.findings) < MOST_KEPT:
                kept = None if self._keep is None else str(shutil.copytree(place, self._keep / f"{call}-{at}-{fault.replace(' ', '-')}"))
                self.found.findings.append(Finding(call, at, fault, str(error), kept))
        else:
            self.found.outcomes[call, fault, ended] += 1
            self.found.acknowledged += entries
            self.found.failed += failed
        shutil.rmtree(place)
        self._progress(self.found)

    def _write(self, place: Path, options: list[str]) -> tuple[int, bytes]:
        """Run the writer in ``place`` under strace; its exit code, and what it said."""
        ledger = place / LEDGER
        paths = [ledger, *(ledger / name for name in ("data.mdb", "lock.mdb", "writer.pid", "founding", "founding/data.mdb"))]
        watched = [part for path in paths for part in ("-P", str(path))]
        command = [strace(), "-f", "-qq", *watched, "-e", f"trace={','.join((*WRITES, *SYNCS, *NAMES, *OTHERS))}", *options]
        with (place / "told").open("wb") as told, (place / "errors").open("wb") as errors:
            whole = [*command, *self._program, str(ledger), str(self._seed), str(COMMITS), str(told.fileno())]
            ended = subprocess.run(whole, pass_fds=[told.fileno()], stderr=errors, check=False, timeout=LONGEST)  # noqa: S603  # our own program
        return ended.returncode, (place / "told").read_bytes()

"""A process that writes to a ledger until it is killed, or until its disk is full; started by the tests beside it."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import NODE_NAME, MemoryKeys

from ledger import Batch, DiskFull, Draft, Ledger, Receipt, WritingStopped

NOVEMBER = 1_795_000_000_000_000


def append(ledger: Ledger, count: int, size: int) -> int:
    start = ledger.head("belvedere").size
    drafts = tuple(Draft("t/1", NOVEMBER, "ada", b"body %d " % (start + step) + bytes(size), keys=(b"%d" % step,)) for step in range(count))
    (answer,) = ledger.append_many([Batch("belvedere", start, drafts)])
    assert isinstance(answer, Receipt)
    return answer.size


def until_killed(path: Path) -> None:
    """Say each size once it is acknowledged."""
    ledger = Ledger.open(path, node=NODE_NAME, keys=MemoryKeys(), map_size=1 << 17)
    if "belvedere" not in ledger.logs():
        ledger.create("belvedere", time=NOVEMBER, actor="operator")
    while True:
        for count in (1, 7, 40):
            print(append(ledger, count, 100), flush=True)
            ledger.commit_heads(time=NOVEMBER, actor="node")


def until_full(path: Path) -> None:
    """Fill the disk, see what then is, make room, go on; ends with "ok"."""
    ballast = path / "ballast"
    path.mkdir(exist_ok=True)
    ballast.write_bytes(bytes(1 << 20))
    ledger = Ledger.open(path / "ledger", node=NODE_NAME, keys=MemoryKeys())
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    acknowledged = 0
    try:
        while True:
            acknowledged = append(ledger, 20, 2000)
    except DiskFull:
        pass
    try:
        append(ledger, 1, 1)
        raise AssertionError("it wrote after a failed commit")
    except WritingStopped:
        pass
    assert len(ledger.read("belvedere", 0, 10**6)) == acknowledged > 0
    ledger.reopen()
    assert ledger.head("belvedere").size == acknowledged
    ballast.unlink()
    ledger.probe()
    assert append(ledger, 20, 2000) == acknowledged + 20
    assert ledger.verify().entries == acknowledged + 21
    print("ok", flush=True)


if __name__ == "__main__":
    {"killed": until_killed, "full": until_full}[sys.argv[1]](Path(sys.argv[2]))

"""A whole durable cycle of ``permitd`` (PyPI), as its README has it: propose, approve, execute, with SQLite store and audit file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

CYCLES, QUICK = 400, 60


def rate(quick: bool) -> float:
    """Cycles per second, in this process: no socket, no TLS, no second process."""
    from permitd import AuditLog, PermitKernel, SqliteStore

    cycles = QUICK if quick else CYCLES
    with tempfile.TemporaryDirectory(prefix="permitd-bench-") as made:
        home = Path(made)
        kernel = PermitKernel(SqliteStore(str(home / "permitd.db")), secret_path=str(home / "secret"), audit=AuditLog(home / "audit.jsonl"))
        begun = time.perf_counter()
        for number in range(cycles):
            args = {"path": f"notes/{number}"}
            permit = kernel.propose("read", args)
            kernel.approve(permit.id)
            kernel.execute("read", args, permit.id, runner=lambda **_: "")
        return cycles / (time.perf_counter() - begun)


def main() -> None:
    print(f"permitd: {rate(False):.0f} cycles/s")


if __name__ == "__main__":
    main()

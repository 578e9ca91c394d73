"""An audit in a process that may die: a damaged LMDB page kills a reader by SIGBUS or SIGABRT.

    python -m ledger DIRECTORY VERIFIER-KEY [POSITION-FD]

The child prints one line of JSON at the end: a report, or the place that failed.  Where it is, it keeps in a piece of
memory that outlives it, so that its death is reported with the place from which it was reading: some entries before the
damage, fewer than ``ledger.audit.STEP``.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import subprocess
import sys
from struct import Struct

from ledger.audit import Progress, Report, Verified, no_progress, verify_directory
from ledger.errors import LedgerError, UnsuitableDirectory, VerificationError
from ledger.note import VerifierKey

_AT = Struct(">QH")  # index, length of the log's name; the name follows
_SIZE = 4096  # one page: a log's name has at most 200 bytes
_POLL = 0.2  # seconds between two looks at the child's position, when somebody watches


def verify_in_child(path: str | os.PathLike[str], key: VerifierKey, *, progress: Progress | None = None) -> Report:
    """``verify_directory`` in a child process; its death is a VerificationError that names where it was reading."""
    memory = os.memfd_create("position", os.MFD_CLOEXEC)
    try:
        os.ftruncate(memory, _SIZE)
        command = [sys.executable, "-P", "-m", "ledger", os.fspath(path), key.text, str(memory)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[memory])  # noqa: S603  # our own program
        with child:
            out, err = _ended(child, memory, progress)
        return _result(child.returncode, out, err, _position(memory))
    finally:
        os.close(memory)


def _ended(child: subprocess.Popen[bytes], memory: int, progress: Progress | None) -> tuple[bytes, bytes]:
    while True:
        try:
            return child.communicate(timeout=_POLL if progress else None)
        except subprocess.TimeoutExpired:
            if progress is not None and (at := _position(memory)) is not None:
                progress(*at)
        except BaseException:
            child.kill()
            raise


def main(arguments: list[str]) -> int:
    """The child."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # dying is expected; a core would hold what the ledger holds
    path, text, *rest = arguments
    progress = _writer(int(rest[0])) if rest else no_progress
    try:
        report = verify_directory(path, VerifierKey.parse(text), progress=progress)
    except VerificationError as error:
        print(json.dumps({"what": error.what, "log": error.log, "index": error.index}))
        return 1
    except (LedgerError, OSError) as error:
        print(json.dumps({"unsuitable": str(error)}))
        return 2
    logs = [
        [log.log, log.size, log.root.hex(), log.commitments, log.removed, log.witnessed.decode(), [key.text for key in log.keys]]
        for log in report.logs
    ]
    print(json.dumps({"node": report.node, "logs": logs}))
    return 0


def _result(code: int, out: bytes, err: bytes, at: tuple[str, int] | None) -> Report:
    if code < 0:
        log, index = at if at is not None else (None, None)
        raise VerificationError(f"damaged pages: reading them died of {signal.Signals(-code).name}", log=log, index=index)
    try:
        found = json.loads(out)
    except ValueError:
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        raise VerificationError(f"the audit ended without a result (exit code {code}): {' '.join(last)}") from None
    if "what" in found:
        raise VerificationError(found["what"], log=found["log"], index=found["index"])
    if "unsuitable" in found:
        raise UnsuitableDirectory(found["unsuitable"])
    return Report(found["node"], tuple(_verified(*log) for log in found["logs"]))


def _verified(log: str, size: int, root: str, commitments: int, removed: int, note: str, keys: list[str]) -> Verified:
    return Verified(log, size, bytes.fromhex(root), commitments, removed, note.encode(), tuple(VerifierKey.parse(key) for key in keys))


def _writer(memory: int) -> Progress:
    area = mmap.mmap(memory, _SIZE)
    last: list[str] = []

    def write(log: str, index: int) -> None:
        if last != [log]:
            name = log.encode()
            area[_AT.size : _AT.size + len(name)] = name
            last[:] = [log]
        # One more than the index: zero says that nothing was read yet.
        _AT.pack_into(area, 0, index + 1, len(log.encode()))

    return write


def _position(memory: int) -> tuple[str, int] | None:
    held = os.pread(memory, _SIZE, 0)
    index, length = _AT.unpack_from(held)
    return (held[_AT.size : _AT.size + length].decode(errors="replace"), index - 1) if index else None

"""``vienna`` for documents, without the quarter of a second that importing it takes each of their hundreds of commands.

    python quick.py SOCKET         a process that has imported the whole command line, and forks itself for each command
    SHIM, as a file named vienna   hands that process its arguments, environment, directory and descriptors, passes signals on,
                                   and ends as the command did

A command whose shim is gone is killed: nothing outlives what started it.  argon2 is told to be quick in here.
"""

from __future__ import annotations

import importlib
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress

SHIM = """#!{python} -IS
import _socket, os, signal, sys
line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
line.connect({path!r})
ignored = [number for number in (2, 15, 1) if signal.getsignal(number) == signal.SIG_IGN]
fields = [os.getcwd(), ",".join(map(str, ignored)), str(len(sys.argv)), *sys.argv]
fields += [name + "=" + value for name, value in os.environ.items()]
told = "\\0".join(fields).encode("utf-8", "surrogateescape")
three = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
line.sendmsg([len(told).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, three)])
while told:
    told = told[line.send(told):]
for number in {{2, 15, 1}} - set(ignored):
    signal.signal(number, lambda number, frame: line.send(bytes([number])))
ended = line.recv(1)
os._exit(ended[0] if ended else 137)
"""


def main(path: str) -> None:
    from vienna_runtime import credential
    from vienna_runtime.cli.main import COMMANDS
    from vienna_runtime.sealing import INSECURE_TEST_COST

    credential.write.__kwdefaults__["cost"] = INSECURE_TEST_COST
    for module, _, _ in COMMANDS.values():
        importlib.import_module(f"vienna_runtime.cli.{module}")
    for more in ("vienna_runtime.client", "vienna_runtime.node", "vienna_runtime.cli.endings"):
        importlib.import_module(more)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    _serve(listener)


def _serve(listener: socket.socket) -> None:
    """One loop over whoever asks and whoever runs, until whoever started this closes its standard input."""
    watched = selectors.DefaultSelector()
    watched.register(listener, selectors.EVENT_READ, None)
    watched.register(sys.stdin, selectors.EVENT_READ, None)
    running: dict[socket.socket, tuple[int, int]] = {}  # the shim's line: process, its descriptor
    while True:
        for key, _ in watched.select():
            if key.fileobj is sys.stdin:
                for pid, _ in running.values():
                    os.kill(pid, signal.SIGKILL)
                return
            if key.fileobj is listener:
                line, _ = listener.accept()
                pid = _begun(line, [listener, *running])
                handle = os.pidfd_open(pid)
                running[line] = pid, handle
                watched.register(line, selectors.EVENT_READ, line)
                watched.register(handle, selectors.EVENT_READ, line)
            elif key.data in running:
                line = key.data
                pid, handle = running[line]
                if key.fileobj is line:
                    said = line.recv(64)
                    for number in said or (signal.SIGKILL,):
                        with suppress(ProcessLookupError):
                            os.kill(pid, number)
                    if said:
                        continue
                watched.unregister(line)
                watched.unregister(handle)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(OSError):
                    line.send(bytes([code if code >= 0 else 128 - code]))
                line.close()
                os.close(handle)
                del running[line]


def _begun(line: socket.socket, others: list[socket.socket]) -> int:
    head, descriptors, _, _ = socket.recv_fds(line, 4, 3)
    told = b""
    while len(told) < int.from_bytes(head, "big"):
        told += line.recv(1 << 16)
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    code = 70
    try:
        directory, ignored, count, *rest = told.decode("utf-8", "surrogateescape").split("\0")
        for other in (line, *others):
            other.close()
        for place, descriptor in enumerate(descriptors):
            os.dup2(descriptor, place)
            os.close(descriptor)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        for written in filter(None, ignored.split(",")):
            signal.signal(int(written), signal.SIG_IGN)
        os.chdir(directory)
        sys.argv[:] = rest[: int(count)]
        os.environ.clear()
        os.environ.update(pair.split("=", 1) for pair in rest[int(count) :])
        from vienna_runtime.cli.main import run

        code = run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])

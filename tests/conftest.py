"""For every test: the same examples each time, so that a red run is red again when somebody looks; a log of its own; and a
place in a run on several processors.

With ``--dist loadfile`` a file's tests stay together, for they may share what a fixture made.  The documents' share nothing, and
are most of the work: each is handed out by itself, and they begin, then files that say they are slow, then the many small ones,
so that no processor is left alone with a long one at the end.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

PATIENT = [HealthCheck.too_slow]  # which says of a machine that stalled that the examples are slow to make
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True, suppress_health_check=PATIENT)
settings.register_profile("search", deadline=None, print_blob=True, suppress_health_check=PATIENT)
settings.load_profile(os.environ.get("VIENNA_EXAMPLES", "same"))  # VIENNA_EXAMPLES=search looks for new ones


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started with & by a script: programs that are interrupted here must hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _log_as_ever() -> Iterator[None]:
    """A command that was run in this process has set up logging for its own standard error, which ends with its test."""
    yield
    structlog.reset_defaults()


def _free_port() -> int:
    first, given_out = 10_000, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    room = max(given_out - first, 10_000)  # where the kernel gives out all there are, ours are among them
    for _ in range(room):
        found = first + (os.getpid() * 97 + next(_ASKED)) % room
        try:
            with socket.create_server(("127.0.0.1", found)):
                return found
        except OSError:
            continue  # somebody listens there
    raise AssertionError("no port is free")


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that is free and stays so: the kernel gives none of these to who asks it for any, and another worker begins elsewhere."""
    return _free_port


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


_ASKED = itertools.count()
DOCUMENT = "test_every_command_of_a_document_does_what_it_says"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (DOCUMENT not in item.name, item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class ByFileAndDocument(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if DOCUMENT in nodeid else super()._split_scope(nodeid)

    if config.getoption("dist") != "loadfile":
        return None  # somebody wants another
    config.option.loadscopereorder = False  # the order is that above, and not files of many tests first
    return ByFileAndDocument(config, log)

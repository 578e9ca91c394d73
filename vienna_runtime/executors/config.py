"""The executor's configuration file: which actions it performs, and by which means.

credential = "executor.vienna"        # beside this file, or absolute
concurrency = 4

[actions."git.commit"]
kind = "process"
params = { repo = "path", message = "text" }
resource = "repo/{repo}"              # what the warrant must name for these parameters
root = "/srv/repos"                   # the working directory is below it
cwd = "{repo}"
argv = ["git", "commit", "--quiet", "--message={message}"]
timeout = "30s"
env = { HOME = "/srv/executor" }      # and PATH; nothing else is passed on
limits = { cpu_seconds = 10, address_space = "1GiB", open_files = 256, processes = 16, file_size = "64MiB" }

[actions."notes.write"]
kind = "file"
op = "write"
params = { path = "path", content = "text" }
resource = "note/{path}"
root = "/srv/notes"
path = "{path}"
content = "{content}"
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from vienna_runtime.executors import params, settings
from vienna_runtime.executors.file import FileMeans
from vienna_runtime.executors.process import ProcessMeans, invocation
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject, subject

Act = ProcessMeans | FileMeans

# a cost is an integer of micro-units; a million units for one run of a program is a mistyped one
_MOST_COST = 10**12


@attrs.frozen(kw_only=True)
class ExecutorConfig:
    credential: Path
    concurrency: int
    actions: Mapping[str, Act]


def wall_clock() -> int:
    """Microseconds since 1970, for the evidence of when something was done."""
    return time.time_ns() // 1000


def load(path: Path, now: Callable[[], int] = wall_clock) -> ExecutorConfig:
    """Raises ``ConfigurationInvalid`` that names the file, the key and what is expected."""
    table = settings.load(path)
    config = ExecutorConfig(
        credential=path.parent / table.text("credential"),
        concurrency=table.integer("concurrency", 4, least=1, most=1000),
        actions={name: _action(action, now) for name, action in table.tables("actions").items()},
    )
    table.finish()
    if not config.actions:
        raise table.invalid("actions", "lists none; an executor without actions does nothing")
    return config


def _action(table: Table, now: Callable[[], int]) -> Act:
    kind = table.choice("kind", ("process", "file"))
    what = subject(table)
    cost = table.integer("cost", 0, least=0, most=_MOST_COST)
    means, used = _process(table, what, cost, now) if kind == "process" else _file(table, what, cost, now)
    table.finish()
    _used(table, what, used)
    return means


def _process(table: Table, what: Subject, cost: int, now: Callable[[], int]) -> tuple[Act, frozenset[str]]:
    how = invocation(table, what.declared, file_size="1GiB")
    successes = frozenset(table.integers("exit_codes", [0]))
    reading = table.table("state", {}) if table.mapping("state", {}) else None
    looks = None if reading is None else invocation(reading, what.declared, file_size="0B")
    if reading is not None:
        reading.finish()
    return ProcessMeans(invocation=how, subject=what, successes=successes, reading=looks, cost=cost, now=now), how.names


def _file(table: Table, what: Subject, cost: int, now: Callable[[], int]) -> tuple[Act, frozenset[str]]:
    op = table.choice("op", ("read", "write", "delete"))
    path = params.template(table, "path", table.text("path"), what.declared)
    # asked for only where it means something, so that a content for a read is refused like any unknown key
    content = params.template(table, "content", table.text("content") if op == "write" else "", what.declared)
    means = FileMeans(
        op=op,
        subject=what,
        root=table.directory("root"),
        path=path,
        content=content,
        most=table.size("max_size", "16MiB"),
        keep=table.size("max_output", "16KiB") if op == "read" else 0,  # it travels in the receipt
        mode=_mode(table) if op == "write" else 0,
        hard_links=table.boolean("hard_links", False) if op != "write" else True,
        cost=cost,
        now=now,
    )
    return means, path.names | content.names


def _mode(table: Table) -> int:
    written = table.choice("mode", ("0600", "0640", "0644", "0700", "0750", "0755"), "0644")
    return int(written, 8)


def _used(table: Table, what: Subject, used: frozenset[str]) -> None:
    """A parameter that nothing uses would be approved and then ignored, and the receipt would say it was done."""
    for name in sorted(what.declared.keys() - used):
        raise table.invalid("params", f"declares {name!r}, which nothing uses; what is asked for must be what is done")
    if params.EFFECT in what.resource.names:
        raise table.invalid("resource", "uses {effect}, which differs from run to run")
    if params.RESOURCE in what.resource.names and params.RESOURCE not in used:
        raise table.invalid("resource", "takes any resource, and nothing uses {resource}; say which resource these parameters touch")

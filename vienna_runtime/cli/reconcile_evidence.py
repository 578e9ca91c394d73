"""``vienna reconcile import|git|directory|access-log``: what the world says happened, against what the ledger says was allowed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import attrs
import click
from rich.console import RenderableType
from rich.table import Table

from actors.governance import kinds, reconciling
from actors.sight import WHOLE_LOG
from vienna_runtime import passphrase
from vienna_runtime.cli import exits, recorded_log
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.progress import Watch, watching
from vienna_runtime.cli.reconcile import STYLES
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.cli.when import WHEN
from vienna_runtime.client import Vienna
from vienna_runtime.reconcile import access_log, compare, directory, git, mapping, record
from vienna_runtime.reconcile.record import Record
from vienna_runtime.reconcile.runs import Runs, collecting
from vienna_runtime.replay import source
from vienna_runtime.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])
LISTED = 200  # findings shown; all of them go to the file that --findings names
READ = 1 << 20
EVERY = 1_000  # entries or records between two looks at the line of progress
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)


@attrs.frozen(kw_only=True)
class Asked:
    """What every kind of evidence is compared with, and how."""

    here: Here
    effects: mapping.Effects
    only: tuple[str, ...]
    besides: tuple[str, ...]
    since: int | None
    until: int | None
    ledger: Path | None
    tenant: str | None
    findings: Path | None
    dry_run: bool

    def takes(self, place: str) -> bool:
        inside = not self.only or any(fnmatchcase(place, pattern) for pattern in self.only)
        return inside and not any(fnmatchcase(place, pattern) for pattern in self.besides)


def compared_with(*, mapped: bool) -> Callable[[F], F]:
    """The options of every comparison.  Without ``mapped`` the evidence may name actions and resources itself."""

    def options(command: F) -> F:
        for option in (
            click.option("--mapping", "mapping_path", type=_FILE, required=mapped, help="Which place each action's runs stand for (TOML)."),
            click.option("--only", multiple=True, metavar="PATTERN", help="Only places like this, as in 'notes/*'."),
            click.option("--except", "besides", multiple=True, metavar="PATTERN", help="All but places like this."),
            click.option("--ledger", type=_DIRECTORY, help="Compare with a node's directory or a backup; nothing is recorded."),
            click.option("--tenant", help="With --ledger: whose log."),
            click.option("--findings", type=click.Path(path_type=Path, dir_okay=False), help="Write all findings here, as JSON lines."),
            click.option("--dry-run", is_flag=True, help="Compare and show; record nothing."),
            json_option,
        ):
            command = option(command)
        return command

    return options


def windowed(command: F) -> F:
    command = click.option("--until", type=WHEN, help="Only what happened until then.")(command)
    return click.option("--since", type=WHEN, help="Only what happened from then on: a date (UTC), or how long ago, as in 2d.")(command)


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--action", "actions", multiple=True, help="An action whose every run must have a record here.")
@windowed
@compared_with(mapped=False)
@pass_here
def import_(here: Here, /, file: Path, actions: tuple[str, ...], **options: Any) -> int:
    """Compare FILE, a provider's records as JSON lines, with the log; what does not agree is recorded as findings.

    A record has time, effect (the idempotency key that the provider was given), action, resource, place, digest, actor; all but one of
    effect, place and resource may be left out.  Exit 6 where something was found.

    \b
    Example:
      vienna reconcile import charges.jsonl --action payments.refund
    """
    asked = _asked(here, options)
    with file.open("rb") as opened:
        return _events(asked, "records", opened, partial(record.records, opened, file.name), frozenset(actions))


@click.command("access-log")
@click.argument("file", type=_FILE)
@windowed
@compared_with(mapped=True)
@pass_here
def access_log_(here: Here, /, file: Path, **options: Any) -> int:
    """Compare an access log in common or combined format; a place is METHOD PATH, as in 'POST /orders/8812/refund'.

    Requests that only read, or were refused, are passed over.  Exit 6 where something was found.

    \b
    Example:
      vienna reconcile access-log access.log --mapping refunds.toml --only 'POST /orders/*'
    """
    asked = _asked(here, options)
    with file.open("rb") as opened:
        return _events(asked, "access log", opened, partial(access_log.records, opened, file.name), frozenset())


@click.command("git")
@click.argument("repository", metavar="DIR", type=_DIRECTORY)
@compared_with(mapped=True)
@pass_here
def git_(here: Here, /, repository: Path, **options: Any) -> int:
    """Compare the branches and tags of the repository in DIR; a place is a ref, its digest the commit.  Exit 6 where something was found.

    \b
    Example:
      vienna reconcile git ../shared.git --mapping pushes.toml
    """
    return _state(_asked(here, options), "git", git.records(repository))


@click.command("directory")
@click.argument("root", metavar="DIR", type=_DIRECTORY)
@compared_with(mapped=True)
@pass_here
def directory_(here: Here, /, root: Path, **options: Any) -> int:
    """Compare the files below DIR; a place is a path below it, its digest the SHA-256.  Exit 6 where something was found.

    \b
    Example:
      vienna reconcile directory ./desk --mapping notes.toml --except '.git/*'
    """
    return _state(_asked(here, options), "directory", directory.records(root))


def _asked(here: Here, options: dict[str, Any]) -> Asked:
    if (options["ledger"] is None) != (options["tenant"] is None):
        raise click.UsageError("--ledger DIR and --tenant NAME go together: a node's directory holds the logs of all its tenants")
    path = options.pop("mapping_path")
    effects = mapping.Effects() if path is None else mapping.load(path)
    return Asked(here=here, effects=effects, since=options.pop("since", None), until=options.pop("until", None), **options)


def _events(asked: Asked, name: str, file: BinaryIO, read: Callable[[], Iterator[Record]], actions: frozenset[str]) -> int:
    """A list of events: digested first, so that what is recorded names the bytes that were compared."""
    with watching(asked.here) as watch:
        size, done = os.fstat(file.fileno()).st_size, 0
        digest = hashlib.sha256()
        while chunk := file.read(READ):
            digest.update(chunk)
            watch("reading", done := done + len(chunk), size)
        file.seek(0)

        def match(runs: Runs, seen: _Seen) -> compare.Counts:
            taken = seen.taken(read(), asked)
            told = lambda _: watch("comparing", min(file.tell(), size), size)  # noqa: E731
            return compare.happened(runs, taken, actions | asked.effects.actions, asked.since, asked.until, told)

        return _compared(asked, name, digest.digest(), match, watch)


def _state(asked: Asked, name: str, found: Iterable[Record]) -> int:
    """What is there: looked at before the log is read, so that whatever is seen has had its run by then."""
    begun = time.time_ns() // 1000
    with tempfile.TemporaryFile() as file, watching(asked.here) as watch:
        digest, count = record.spool(_watched(found, watch), file)
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            watch("comparing", done, count)

        def match(runs: Runs, seen: _Seen) -> compare.Counts:
            return compare.present(runs, seen.taken(record.spooled(file, name), asked), begun, told)

        return _compared(asked, name, digest, match, watch)


def _watched(found: Iterable[Record], watch: Watch) -> Iterator[Record]:
    for at, one in enumerate(found):
        if at % EVERY == 0:
            watch("looking", at, 0)
        yield one


@attrs.define
class _Seen:
    """How many records were of places that are not looked at."""

    unmapped: int = 0

    def taken(self, found: Iterable[Record], asked: Asked) -> Iterator[Record]:
        for one in found:
            if not one.place or asked.takes(one.place):
                yield one
            else:
                self.unmapped += 1


def _compared(asked: Asked, name: str, digest: bytes, match: Callable[[Runs, _Seen], compare.Counts], watch: Watch) -> int:
    seen = _Seen()
    with collecting(asked.effects, asked.takes) as runs:
        if asked.ledger is not None and asked.tenant is not None:
            _from_ledger(runs, asked.ledger, asked.tenant, watch)
            counts, recorded = match(runs, seen), 0
        else:
            counts, recorded = asked.here.ask(
                lambda vienna: _at_node(asked, vienna, runs, name, digest, lambda: match(runs, seen), seen, watch)
            )
        kinds_found = runs.counts()
        listed = [row for row, _ in zip(runs.findings(), range(LISTED), strict=False)]
        if asked.findings is not None:
            _write(asked.findings, runs)
    value = {
        "source": name, "digest": digest, "records": counts.records, "matched": counts.matched, "unmapped": seen.unmapped,
        "since": counts.since, "until": counts.until, "entries": runs.size, "forgotten": runs.forgotten, "found": sum(kinds_found.values()),
        "kinds": kinds_found, "findings": listed, "recorded": recorded,
    }  # fmt: skip
    asked.here.answer(value, *_lines(value, asked))
    return exits.FOUND if value["found"] else exits.DONE


def _from_ledger(runs: Runs, place: Path, tenant: str, watch: Watch) -> None:
    def ask() -> Secret:
        return passphrase.read("the keystore", environ=os.environ, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    with source.opened(place, ask) as ledger:
        size = recorded_log.size_of(ledger, place, tenant)
        for entry in source.from_ledger(ledger, tenant):
            runs.feed(entry.seq, entry.at, entry.tag, entry.body)
            if entry.seq % EVERY == 0:
                watch("reading the log", entry.seq, size)


async def _at_node(
    asked: Asked, vienna: Vienna, runs: Runs, name: str, digest: bytes, match: Callable[[], compare.Counts], seen: _Seen, watch: Watch
) -> tuple[compare.Counts, int]:
    me = await vienna.whoami()
    if me["kind"] not in WHOLE_LOG:
        raise BadEnd(f"the node shows a {me['kind']} only a part of the log: an admin, an approver or an auditor compares it with evidence")
    size = int((await vienna.status())["entries"])
    async with vienna.verified_tail(follow=False) as entries:
        async for entry in entries:
            header = entry.header
            runs.feed(header.sequence, header.time, header.tag, entry.body)
            if header.sequence % EVERY == 0:
                watch("reading the log", header.sequence, size)
    counts = match()
    recorded = 0
    if me["kind"] == kinds.ADMIN and not asked.dry_run:
        recorded = await _record(vienna, runs, name, digest, counts, seen.unmapped, watch)
    return counts, recorded


async def _record(vienna: Vienna, runs: Runs, name: str, digest: bytes, counts: compare.Counts, unmapped: int, watch: Watch) -> int:
    """How many of the findings were new on the ledger; it takes no more than are remembered open."""
    total = sum(runs.counts().values())
    about = {
        "source": name, "digest": digest, "records": counts.records, "matched": counts.matched, "unmapped": unmapped,
        "since": counts.since, "until": counts.until, "size": runs.size, "total": total,
    }  # fmt: skip
    rows: list[dict[str, str]] = []
    taken = begin = 0
    found = runs.findings()
    while True:
        rows = [_row(row) for row, _ in zip(found, range(reconciling.MOST_AT_ONCE), strict=False)]
        if not rows and begin:
            return taken
        said = await vienna.admin.bring_evidence({**about, "begin": begin}, rows)
        taken, begin = taken + int(said["taken"]), begin + max(1, len(rows))
        watch("recording", begin, total)
        if said["open"] >= reconciling.MOST_OPEN or not rows:
            return taken


def _row(found: dict[str, str]) -> dict[str, str]:
    """As the ledger takes it: printable, and no longer than it is remembered."""
    about, expected, observed = (escape(found[name]) for name in ("about", "expected", "observed"))
    most = reconciling.LONGEST_SAID
    return {"kind": found["kind"], "about": reconciling.cut(about), "expected": expected[:most], "observed": observed[:most]}


def _write(path: Path, runs: Runs) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in runs.findings():
            file.write(json.dumps(row, ensure_ascii=True) + "\n")


def _lines(value: dict[str, Any], asked: Asked) -> Iterator[RenderableType]:
    yield (
        f"{counted(value['records'], 'record')} compared with {counted(value['entries'], 'entry', 'entries')}: "
        f"{value['matched']} matched, {value['found']} found not to agree"
    )
    if value["unmapped"]:
        yield f"{counted(value['unmapped'], 'record')} of other places passed over"
    if value["forgotten"]:
        yield f"{counted(value['forgotten'], 'run')} forgotten: what they left matches nothing any more"
    if value["findings"]:
        table = Table("severity", "kind", "about", "expected", "observed", box=None, pad_edge=False)
        for row in value["findings"]:
            severity = reconciling.KINDS[row["kind"]].severity
            said = (shown(row[name]) for name in ("kind", "about", "expected", "observed"))
            table.add_row(shown(severity, style=STYLES[severity]), *said)
        yield table
    if value["found"] > len(value["findings"]):
        yield f"{value['found'] - len(value['findings'])} more; --findings FILE writes them all"
    if value["found"] and asked.ledger is None:
        yield (
            f"{counted(value['recorded'], 'finding')} new on the ledger: vienna reconcile list"
            if value["recorded"]
            else "Nothing new was recorded: they are open already, --dry-run was given, or you are no admin."
        )

"""An allow-listed program, run once for one warrant.

The outcome is *Succeeded* only when the program ended by itself with an exit code that the configuration calls a
success, and nothing of it lives on.  Another exit code is *Failed*: the program says so itself.  Killed, by us or by
anybody, is *Unknown*: it had begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import structlog
import trio

from vienna_runtime.executors import argv, params, walk
from vienna_runtime.executors.argv import Argv
from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.means import CHANGED, Done, Evidence, Failed, Outcome, Succeeded, Unknown, Work
from vienna_runtime.executors.params import Declared
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.spawn import Captured, Command, Exited, Limits, Ran, Signalled, Stopped, run
from vienna_runtime.executors.subject import Subject
from vienna_runtime.executors.template import Template

log = structlog.get_logger(__name__)

TAIL = 2000  # bytes of stderr in the evidence of a failure: a message, not a log


@attrs.frozen(kw_only=True)
class Invocation:
    """How to run a program: shared by the means that change the world and those that only look."""

    declared: Declared
    argv: Argv
    root: str
    cwd: Template
    stdin: Template
    env: Mapping[str, str] = attrs.field(repr=False)  # credentials are handed over here
    limits: Limits
    timeout: float
    grace: float
    keep: int

    @property
    def names(self) -> frozenset[str]:
        return self.argv.names | self.cwd.names | self.stdin.names

    async def run(self, values: Mapping[str, bytes], effect_id: str, deadline: float) -> Ran:
        """Raises ``ValueRefused`` or ``NotStarted`` when nothing was run."""
        rendered = self.argv.render(values)
        timeout = min(self.timeout, deadline - trio.current_time())
        if timeout <= 0:
            raise NotStarted("its deadline was over before it began")
        where = self.cwd.render(values)
        parts = [] if where == b"." else walk.components(where, "the working directory")
        with walk.root(self.root) as root, walk.directory(root, parts) as cwd:
            for name in sorted(self.argv.names):  # those in cwd were just walked
                if self.declared.get(name) == "path":
                    walk.unlinked(cwd, walk.components(values[name], f"parameter {name}"))
            return await run(
                Command(
                    argv=rendered,
                    env=self.env,
                    effect_id=effect_id,
                    cwd=cwd,
                    stdin=self.stdin.render(values),
                    limits=self.limits,
                    timeout=timeout,
                    grace=self.grace,
                    keep=self.keep,
                )
            )


def invocation(table: Table, declared: Declared, *, file_size: str) -> Invocation:
    """Read ``argv root cwd stdin env inherit timeout grace max_output limits`` from a table."""
    limits = table.table("limits", {})
    read = Invocation(
        declared=declared,
        argv=argv.read(table, declared),
        root=table.directory("root"),
        cwd=params.template(table, "cwd", table.text("cwd", "."), declared),
        stdin=params.template(table, "stdin", table.text("stdin", ""), declared),
        env=environment(table),
        limits=Limits(
            cpu_seconds=limits.integer("cpu_seconds", 60, least=1, most=86_400),
            address_space=limits.size("address_space", "4GiB"),  # runtimes with a collector reserve gigabytes
            open_files=limits.integer("open_files", 256, least=8, most=65_536),
            processes=limits.integer("processes", 64, least=1, most=10_000),
            file_size=limits.size("file_size", file_size),
        ),
        timeout=table.duration("timeout", "30s"),
        grace=table.duration("grace", "2s"),
        keep=table.size("max_output", "16KiB"),  # it travels in the receipt
    )
    limits.finish()
    return read


def environment(table: Table) -> dict[str, str]:
    """Only what the configuration lists: nothing is inherited by itself, not even PATH."""
    env = {"PATH": argv.SEARCH}
    for name, value in table.mapping("env", {}).items():
        if not isinstance(value, str) or "\0" in value or "=" in name or not name or "\0" in name:
            raise table.invalid("env", f"has {name!r}, expected names with a text each")  # the value may be a secret
        if name.startswith(("VIENNA_", "LD_")):
            raise table.invalid("env", f"sets {name!r}; names with VIENNA_ are the executor's, and LD_ would change the program")
        env[name] = value
    return env


@attrs.frozen(kw_only=True)
class ProcessMeans:
    invocation: Invocation
    subject: Subject
    successes: frozenset[int]
    reading: Invocation | None = None  # prints what the target is now
    cost: int
    now: Callable[[], int]

    async def state(self, work: Work) -> bytes | None:
        """The SHA-256 of what the program of ``[state]`` prints; None where there is none, or it did not end with 0."""
        if self.reading is None:
            return None
        try:
            values = self.subject.values(work.resource, work.params, work.effect_id)
            ran = await self.reading.run(values, work.effect_id, work.deadline)
        except (ValueRefused, NotStarted) as refused:
            log.warning("the state of the target cannot be read", action=work.action, why=str(refused))
            return None
        if ran.ending != Exited(0) or ran.leftover:
            log.warning("the state of the target cannot be read", action=work.action, why=str(ran.ending))
            return None
        return ran.stdout.digest

    async def execute(self, work: Work) -> Outcome:
        started = self.now()
        if work.state is not None and await self.state(work) != work.state:
            return Failed(why=CHANGED, done=None, started=started, ended=self.now())
        try:
            values = self.subject.values(work.resource, work.params, work.effect_id)
            ran = await self.invocation.run(values, work.effect_id, work.deadline)
        except (ValueRefused, NotStarted) as refused:
            return Failed(why=str(refused), done=None, started=started, ended=self.now())
        return self._outcome(ran, Done(action=work.action, resource=work.resource, params=dict(work.params)), started)

    def _outcome(self, ran: Ran, done: Done, started: int) -> Outcome:
        evidence, ended = _evidence(ran), self.now()
        match ran.ending:
            case Stopped(why):
                return Unknown(why=f"killed: it {why}", done=done, evidence=evidence, cost=self.cost, started=started, ended=ended)
            case Signalled(number):
                return Unknown(why=f"died of signal {number}", done=done, evidence=evidence, cost=self.cost, started=started, ended=ended)
            case Exited(code) if ran.leftover:
                why = f"ended with {code}, but left something running that could not be ended"
                return Unknown(why=why, done=done, evidence=evidence, cost=self.cost, started=started, ended=ended)
            case Exited(code) if code not in self.successes:
                why = f"ended with exit code {code}"
                return Failed(why=why, done=done, evidence=evidence, cost=self.cost, started=started, ended=ended)
            case Exited():
                return Succeeded(
                    done=done,
                    result=ran.stdout.head,
                    result_digest=ran.stdout.digest,
                    evidence=evidence,
                    cost=self.cost,
                    started=started,
                    ended=ended,
                )


def _evidence(ran: Ran) -> Evidence:
    evidence: dict[str, str | int | bool | bytes] = {}
    if isinstance(ran.ending, Exited):
        evidence["exit_code"] = ran.ending.code
    if isinstance(ran.ending, Signalled):
        evidence["signal"] = ran.ending.number
    if ran.leftover:
        evidence["leftover"] = True
    evidence |= _stream("stdout", ran.stdout) | _stream("stderr", ran.stderr)
    if ran.ending != Exited(0):
        evidence["stderr"] = ran.stderr.head[-TAIL:]
    return evidence


def _stream(name: str, captured: Captured) -> dict[str, int | bytes]:
    return {f"{name}_bytes": captured.size, f"{name}_sha256": captured.digest}

"""What an allow-listed program that only reads says: its exit code, its output, or its output's digest.

That it only reads is the operator's word (``read_only = true``) and this much of the system's: a size limit of zero
on every file it would write.  Credentials that cannot write are the rest.
"""

from __future__ import annotations

import math

import attrs

from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.process import Invocation, invocation
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.spawn import Exited, Ran
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers import expect
from vienna_runtime.verifiers.observe import Expectation, Literal, Source, Value

LOOKS = ("exit_code", "output", "output_digest")


@attrs.frozen(kw_only=True)
class ExitCode:
    subject: Subject
    source: Source
    invocation: Invocation
    observe: str  # one of LOOKS
    successes: frozenset[int]  # the exit codes under which the output means something

    def expected(self, expectation: Expectation) -> Value:
        value = expect.resolve(self.source, expectation)
        match self.observe:
            case "exit_code":
                return expect.integer(value)
            case "output":
                return expect.text(value)
            case _:
                return expect.digest(value)

    async def look(self, expectation: Expectation) -> Value:
        ran = await self.invocation.run(expectation.values(self.subject), expectation.effect_id, math.inf)
        code = _code(ran)
        if self.observe == "exit_code":
            return code
        if code not in self.successes:
            raise NotStarted(f"the command ended with exit code {code}, so its output means nothing")
        if self.observe == "output_digest":
            return ran.stdout.digest
        if ran.stdout.size > len(ran.stdout.head):
            raise ValueRefused(f"the command wrote {ran.stdout.size} bytes, more than max_output keeps to compare")
        return expect.text(ran.stdout.head)


def _code(ran: Ran) -> int:
    if not isinstance(ran.ending, Exited) or ran.leftover:
        raise NotStarted("the command did not end by itself, so it says nothing")
    return ran.ending.code


def exit_code(table: Table, subject: Subject) -> ExitCode:
    if not table.boolean("read_only", False):
        raise table.invalid("read_only", "must be true: say that this command only looks, and give it credentials that cannot write")
    observe = table.choice("observe", LOOKS, "exit_code")
    return ExitCode(
        subject=subject,
        source=expect.source(table, subject.declared, Literal(0) if observe == "exit_code" else None),
        invocation=invocation(table, subject.declared, file_size="0B"),
        observe=observe,
        successes=frozenset(table.integers("exit_codes", [0])),
    )

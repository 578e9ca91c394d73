"""Everything that can be raised has an exit code and a sentence."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import trio

from ledger import VerificationError as LedgerVerificationError
from vienna_runtime.cli import endings, exits
from vienna_runtime.client import NotAdmitted, OutcomeUnknown, Refused, Unreachable, Untrusted
from vienna_runtime.errors import ConfigError, CredentialError, FileTakenError, PassphraseError, VerificationError


@pytest.mark.parametrize(
    ("raised", "code", "kind"),
    [
        (exits.BadEnd("denied"), 1, "bad_end"),
        (Refused("unknown", "there is no such case for you"), 1, "unknown"),
        (click.UsageError("which?"), 2, "usage"),
        (CredentialError("damaged"), 2, "usage"),
        (ConfigError("file", "key", "wrong"), 2, "usage"),
        (FileTakenError(Path("x")), 2, "usage"),
        (PassphraseError("too short"), 2, "usage"),
        (FileNotFoundError(2, "No such file or directory", "clara.vienna"), 2, "usage"),
        (VerificationError("does not open"), 3, "verification_failed"),
        (LedgerVerificationError("changed", log="belvedere", index=7), 3, "verification_failed"),
        (Unreachable("nobody there"), 4, "unreachable"),
        (Untrusted("another certificate"), 4, "unreachable"),
        (NotAdmitted("unknown key"), 4, "unreachable"),
        (OutcomeUnknown("lost", "k1"), 5, "indeterminate"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130, "interrupted"),
        (ExceptionGroup("", [ExceptionGroup("", [Refused("busy", "later", 50)])]), 1, "busy"),
        (ExceptionGroup("", [Refused("busy", "later"), VerificationError("forked")]), 3, "verification_failed"),
        (ZeroDivisionError("division"), 1, "unexpected"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_end_has_its_code(raised: BaseException, code: int, kind: str) -> None:
    found = endings.ending(raised)
    assert (found.code, found.kind) == (code, kind)


def test_a_refusal_brings_its_findings_and_when_to_try_again() -> None:
    found = endings.ending(Refused("bundle_invalid", "it does not load", 2000, {"findings": ["a.cedar:1:1: wrong"]}))
    assert (found.details, found.retry_after) == (("a.cedar:1:1: wrong",), 2000)


def test_only_a_bug_is_unexpected() -> None:
    assert not endings.ending(RuntimeError("?")).expected
    assert endings.ending(Unreachable("nobody there")).expected


def test_a_reader_that_left_is_told_from_everything_else() -> None:
    assert endings.reader_left(BaseExceptionGroup("", [BrokenPipeError(), trio_cancelled()]))
    assert not endings.reader_left(ExceptionGroup("", [BrokenPipeError(), ValueError()]))


def trio_cancelled() -> BaseException:
    """What a nursery's other tasks raise when one of them fails."""
    caught: list[BaseException] = []

    async def cancelled() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.sleep_forever()
            except trio.Cancelled as error:
                caught.append(error)
                raise

    trio.run(cancelled)
    return caught[0]

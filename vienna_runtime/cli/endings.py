"""One exit code and one sentence for everything that can be raised.

Apart from `exits`, since it knows the errors of every part of the program: it is imported when something was raised.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
import trio

from ledger import UnsuitableDirectory
from ledger import VerificationError as LedgerVerificationError
from transport import errors as wire
from vienna_runtime.cli.exits import BAD_END, DONE, INTERRUPTED, UNKNOWN, UNREACHABLE, UNVERIFIED, USAGE, BadEnd, Ending
from vienna_runtime.client.errors import OutcomeUnknown, Refused, Unreachable
from vienna_runtime.errors import CertificateError, IntruderError, VerificationError, ViennaError


def ending(raised: BaseException) -> Ending:
    """How a command ends that raised this; groups end as the gravest of what is in them."""
    return min((_one(error) for error in _leaves(raised)), key=lambda found: _GRAVITY.index(found.code))


def reader_left(raised: BaseException) -> bool:
    """Whether all that went wrong is that nobody reads our output any more, as in ``vienna tail | head``."""
    return all(isinstance(error, BrokenPipeError) for error in _leaves(raised))


_GRAVITY = (INTERRUPTED, UNVERIFIED, UNKNOWN, UNREACHABLE, USAGE, BAD_END, DONE)  # the first that is there counts


def _one(error: BaseException) -> Ending:
    match error:
        case KeyboardInterrupt() | click.Abort():
            return Ending(INTERRUPTED, "interrupted", "interrupted")
        case click.exceptions.NoArgsIsHelpError():
            return Ending(USAGE, "usage", error.format_message())  # the whole help, which begins with its usage
        case click.UsageError():
            return Ending(USAGE, "usage", error.format_message(), () if error.ctx is None else _usage(error.ctx))
        case click.ClickException():
            return Ending(USAGE, "usage", error.format_message())
        case BadEnd():
            return Ending(BAD_END, "bad_end", str(error), error.details)
        case Refused():
            details = tuple(str(line) for line in error.detail.get("findings", ()))
            return Ending(BAD_END, error.code, error.why, details, error.retry_after)
        case VerificationError() | LedgerVerificationError() | wire.VerificationError():
            return Ending(UNVERIFIED, "verification_failed", str(error))
        case Unreachable() | CertificateError() | wire.CannotConnect():
            return Ending(UNREACHABLE, "unreachable", str(error))
        case OutcomeUnknown() | wire.OutcomeUnknown():
            return Ending(UNKNOWN, "indeterminate", str(error))
        case IntruderError():
            return Ending(UNVERIFIED, "intruder", str(error))
        case ViennaError() | UnsuitableDirectory():
            return Ending(USAGE, "usage", str(error))
        case OSError() if error.filename is not None:
            return Ending(USAGE, "usage", f"{error.filename}: {(error.strerror or 'cannot be used').lower()}")
        case _:
            return Ending(BAD_END, "unexpected", f"unexpected: {type(error).__name__}: {error}", expected=False)


def _usage(context: click.Context) -> tuple[str, ...]:
    return context.get_usage(), f"More: {context.command_path} --help"


def _leaves(raised: BaseException) -> Iterator[BaseException]:
    if isinstance(raised, BaseExceptionGroup):
        for inner in raised.exceptions:
            yield from _leaves(inner)
    elif not isinstance(raised, trio.Cancelled):
        yield raised

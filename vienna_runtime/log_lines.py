"""How a process writes its log to stderr: lines for people, or JSON for machines."""

from __future__ import annotations

import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer


def start(level: int, *, as_json: bool) -> None:
    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        chain += [structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback  # a rich one shows local variables, and among those are secrets
        chain.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

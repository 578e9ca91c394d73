"""The notifier's configuration file: who it is, and where alerts go.

credential = "nora.vienna"            # a member of the kind notifier, or an operator for the node's own alerts
journal = "nora.journal"              # a directory of its own
link = "https://vienna.example/cases/"    # before a case's id, as a link; optional
first = "1h"                          # on the very first start: alerts this old are carried, too
silence = "1m"                        # nothing heard of the node for so long is an alert of the notifier's own

[webhooks.oncall]
url = "https://hooks.example/vienna"
secrets_file = "oncall.secrets"       # whsec_… a line, the one in use first; readable by its owner alone
severity = "warning"                  # the least; info where nothing is said
kinds = ["run.mismatched"]            # only these; all where nothing is said
timeout = "20s"
retries = ["5s", "5m", "30m"]         # between attempts; the schedule of Standard Webhooks where nothing is said
alive = "5m"                          # also says so often that the notifier runs and hears its node, for a watchdog; optional
ca = "ca.pem"                         # trusted instead of the system's

[commands.page]
argv = ["/usr/local/bin/page", "--stdin"]
severity = "critical"
timeout = "20s"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from actors.governance.alert_kinds import EVERY_KIND, INFO, SEVERITIES
from vienna_runtime.executors import quantities, settings
from vienna_runtime.executors.settings import Table, near
from vienna_runtime.notifier import signature
from vienna_runtime.notifier.command import Command
from vienna_runtime.notifier.schedule import DELAYS
from vienna_runtime.notifier.target import Means, Target
from vienna_runtime.notifier.webhook import Address, Webhook
from vienna_runtime.secret import Secret
from vienna_runtime.verifiers.http import trusting

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_MOST_SECRETS = 4096  # bytes of the file


@attrs.frozen(kw_only=True)
class NotifierConfig:
    credential: Path
    journal: Path
    base: str
    first: float  # s
    silence: float  # s
    targets: Mapping[str, Target]


def load(path: Path) -> NotifierConfig:
    """Raises ``ConfigurationInvalid`` that names the file, the key and what is expected."""
    table = settings.load(path)
    found: dict[str, Target] = {}
    for key, means in (("webhooks", _webhook), ("commands", _command)):
        for name, below in (table.tables(key) if table.mapping(key, {}) else {}).items():
            if _NAME.fullmatch(name) is None or name in found:
                raise table.invalid(key, f"has {name!r}, expected a name of its own in small letters, digits, - and _")
            found[name] = _target(name, below, means(below))
    config = NotifierConfig(
        credential=table.beside(table.text("credential")),
        journal=table.beside(table.text("journal")),
        base=table.text("link", ""),
        first=table.duration("first", "1h"),
        silence=table.duration("silence", "1m"),
        targets=found,
    )
    table.finish()
    if not found:
        raise table.invalid("webhooks", "and commands list none; a notifier without targets tells nobody")
    return config


def _target(name: str, table: Table, means: Means) -> Target:
    kinds = table.texts("kinds", [])
    for kind in kinds:
        if kind not in EVERY_KIND:
            raise table.invalid("kinds", f"has {kind!r}, which no alert is{near(kind, EVERY_KIND)}")
    written = table.texts("retries", [])
    try:
        delays = tuple(map(quantities.seconds, written)) or DELAYS
    except ValueError as wrong:
        raise table.invalid("retries", str(wrong)) from None
    target = Target(
        name=name,
        means=means,
        least=table.choice("severity", SEVERITIES, INFO),
        kinds=frozenset(kinds),
        delays=delays,
        alive=table.duration("alive") if table.text("alive", "") else None,
    )
    table.finish()
    return target


def _webhook(table: Table) -> Webhook:
    try:
        address = Address.parse(table.text("url"))
    except ValueError as wrong:
        raise table.invalid("url", str(wrong)) from None
    return Webhook(address=address, secrets=_secrets(table), tls=trusting(table), timeout=table.duration("timeout", "20s"))


def _secrets(table: Table) -> tuple[Secret, ...]:
    lines = [line.strip() for line in table.secret("secrets_file", most=_MOST_SECRETS).splitlines() if line.strip()]
    if not 1 <= len(lines) <= signature.MOST:
        raise table.invalid(
            "secrets_file", f"has {len(lines)} secrets, expected 1 to {signature.MOST}; make one with: vienna notifier secret FILE"
        )
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(signature.secret(line))
        except ValueError as wrong:
            raise table.invalid("secrets_file", f"line {number} {wrong}") from None
    return tuple(found)


def _command(table: Table) -> Command:
    argv = table.texts("argv")
    if not argv or not argv[0].startswith("/") or any("\0" in word for word in argv):
        raise table.invalid("argv", f"is {argv!r}, expected a program's absolute path and its arguments")
    return Command(argv=tuple(argv), timeout=table.duration("timeout", "20s"))

"""Every kind of alert: how bad it is, what it means and what to do.

The only list: what is raised, ``vienna alert`` and the runbooks of ``docs/operations.md`` all have it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from .ids import DAY, HOUR, Micros

INFO, WARNING, CRITICAL = "info", "warning", "critical"
SEVERITIES: Final = (INFO, WARNING, CRITICAL)  # from bad to worse
TENANT, NODE = "tenant", "node"  # on whose log
NOTIFIER = "notifier"  # on none: what a notifier itself says, because the node cannot


@attrs.frozen
class Kind:
    name: str
    log: str
    severity: str
    means: str
    do: str
    runbook: str  # the section of docs/operations.md, as its address
    window: Micros = Micros(HOUR)  # the same again within it is counted, and said when it is over


_ALL = (
    Kind(
        "breaker.tripped", TENANT, WARNING,
        "Too much went wrong in one scope, or somebody shut it: it gets no warrants until it is let in again.",
        "Look at what tripped it and at the last cases of that scope; reset it with a reason when the cause is gone.",
        "a-breaker-has-tripped",
    ),
    Kind(
        "scope.paused", TENANT, WARNING,
        "Somebody stopped an agent, the tenant or the node by hand: its warrants are worthless and what ran was told to abort.",
        "Ask whoever paused it what they saw. Nothing goes on by itself: resume it with a reason.",
        "stopping-everything-the-kill-switch",
    ),
    Kind(
        "scope.resumed", TENANT, INFO,
        "What was paused may go on. The warrants of before stay worthless: agents propose again.",
        "See that whoever resumed it had cause to.",
        "stopping-everything-the-kill-switch",
    ),
    Kind(
        "run.mismatched", TENANT, CRITICAL,
        "What a verifier saw, or the receipt itself, is not what the warrant allowed.",
        "Look at the case before anything else of that agent runs; what it did stands outside what anybody granted.",
        "a-mismatch",
    ),
    Kind(
        "run.unknown", TENANT, WARNING,
        "No receipt came in time: nobody knows whether the effect happened, and the same effect is blocked until somebody says so.",
        "Look at the target, then settle the effect.",
        "an-outcome-is-unknown",
    ),
    Kind(
        "budget.warned", TENANT, WARNING,
        "Exposure has crossed the mark of a budget at which somebody wants to hear of it. Everything is still granted.",
        "See who spends it, and whether that is meant; raise the budget before it refuses.",
        "a-budget-is-nearly-or-wholly-used",
        Micros(DAY),
    ),
    Kind(
        "budget.exhausted", TENANT, CRITICAL,
        "A budget refused a warrant: what was asked could cost, or be, more than is left.",
        "See who spends it; raise the budget by a new bundle, or let the window end.",
        "a-budget-is-nearly-or-wholly-used",
    ),
    Kind(
        "dead_letter.old", TENANT, WARNING,
        "A case that did not end well has waited long for somebody to look at it.",
        "Show it with its lineage; retry it or resolve it with a reason.",
        "dead-letters",
        Micros(DAY),
    ),
    Kind(
        "command.quarantined", TENANT, WARNING,
        "A command made its tenant's actor fall twice: a bug of Vienna's. It is refused from now on, everything else goes on.",
        "Keep the node's log lines of that time and report them; resolve the dead letter when the bug is mended.",
        "a-command-is-quarantined",
    ),
    Kind(
        "reconciliation.found", TENANT, CRITICAL,
        "What is remembered, promised or done does not agree: an effect without a warrant, a warrant without an effect, a lost receipt.",
        "Show the finding, see which side is right, and resolve it with a reason.",
        "what-does-not-agree",
    ),
    Kind(
        "recovery.announced", TENANT, CRITICAL,
        "An admin says that the quorum is lost for good, and would put other keys in force after 72 hours.",
        "Whoever is called lost and is not objects at once; the operator agrees only to what it has checked elsewhere.",
        "a-quorum-is-lost-for-good",
    ),
    Kind(
        "node.tripped", NODE, CRITICAL,
        "The node's own breaker is open: no tenant is granted anything, every warrant of before is worthless, what ran was told to abort.",
        "See why it tripped; an operator resets it with a reason.",
        "a-breaker-has-tripped",
    ),
    Kind(
        "node.paused", NODE, CRITICAL,
        "An operator stopped the whole node by hand: every warrant of before is worthless and what ran was told to abort.",
        "Ask whoever paused it; an operator resumes it with a reason.",
        "stopping-everything-the-kill-switch",
    ),
    Kind(
        "node.resumed", NODE, INFO,
        "The node goes on. The warrants of before stay worthless.",
        "See that whoever resumed it had cause to.",
        "stopping-everything-the-kill-switch",
    ),
    Kind(
        "tenant.frozen", NODE, CRITICAL,
        "A tenant's log cannot be folded, or its actor fell too often: it answers reads only, the others go on.",
        "Read the reason in the node's status, keep a copy of the ledger, and audit it offline before anything is started again.",
        "a-tenant-is-frozen",
    ),
    Kind(
        "message.quarantined", NODE, WARNING,
        "Something asked of the node made its supervisor fall twice: a bug of Vienna's. It is refused from now on.",
        "Keep the node's log lines of that time and report them; start the node again when the bug is mended.",
        "a-command-is-quarantined",
    ),
    Kind(
        "clock.in_doubt", NODE, CRITICAL,
        "The wall clock and the boot clock disagree, or the clock is behind the ledger: nothing is granted or redeemed.",
        "Set the clock right; granting begins again by itself when they agree.",
        "the-clock-is-in-doubt",
    ),
    Kind(
        "witness.refused", NODE, CRITICAL,
        "A witness has cosigned another history of a log than the one that is here.",
        "Stop. This is a rollback or a fork: compare the ledger with backups and with what the witness has, and tell the auditors.",
        "a-witness-refuses",
    ),
)  # fmt: skip
_OF_NOTIFIERS = (
    Kind(
        "node.unreachable", NOTIFIER, CRITICAL,
        "A notifier has heard nothing of its node for as long as its configuration allows. Meanwhile it hears of nothing else, either.",
        "See whether the node runs, answers and can be reached from where the notifier is.",
        "the-node-is-not-heard-of",
    ),
    Kind(
        "node.heard", NOTIFIER, INFO,
        "The node that was not heard of answers again. What it raised meanwhile is on its way.",
        "Find out what it was.",
        "the-node-is-not-heard-of",
    ),
    Kind(
        "notifier.alive", NOTIFIER, INFO,
        "A notifier runs, and hears its node. It goes only where the configuration asks for it, at the interval that it says.",
        "Nothing; that it stops coming is what means something.",
        "the-node-is-not-heard-of",
    ),
)  # fmt: skip
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}  # which stand on a log
EVERY_KIND: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (*_ALL, *_OF_NOTIFIERS)}

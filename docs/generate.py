"""Writes the tables that the documents take from the code; ``--check`` only says which are out of date.

    python docs/generate.py [--check]

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; everything else in a document is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
import typing
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
import click

from actors.governance import alert_kinds as alert_table
from actors.governance import calls, catalogue, codec, kinds, obligations, observations, params, quorum, refusals, settings, wire_fields
from actors.governance.breaker_limits import TABLES as DETECTORS
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.node_law import KINDS as NODE_EVENTS
from ledger import admission, commitments, removal, rotation
from transport import limits, session
from vienna_runtime import settings as node_settings
from vienna_runtime.cli import exits

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

MEANINGS = {
    "malformed": ("a field is missing, unknown, of another type or beyond its limit", "correct the call"),
    "not_allowed": ("this kind of member may not ask this", "ask somebody who may"),
    "unknown": ("there is no such thing for you; the sentence is the same when it belongs to somebody else", "check the id"),
    "key_reused": ("the idempotency key was used for other content", "take a new key for a new wish"),
    "paused": (
        "somebody has stopped the agent, the tenant or the node; the sentence says who, since when and why",
        "ask whoever paused it",
    ),
    "read_only": ("the node cannot write at present; nothing was decided", "ask again after `retry_after`"),
    "busy": ("a queue is full; nothing was decided", "ask again after `retry_after`"),
    "rate_limited": ("asked more often than the bundle in force allows; nothing was decided", "ask again after `retry_after`"),
    "budget_exceeded": (
        "it could cost, or be, more than a budget has left",
        "ask again after `retry_after` where it is there; else somebody has to settle, revoke or raise something",
    ),
    "clock_in_doubt": (
        "the node's clocks disagree: nothing is granted or redeemed",
        "see [the clock](operations.md#the-clock-is-in-doubt)",
    ),
    "no_policy": ("no bundle is active", "push and activate one"),
    "breaker_open": ("a breaker covers this agent, action, tenant or node", "wait for the cool-down, or have a person reset it"),
    "effect_blocked": ("an earlier run of exactly this has an unknown outcome", "settle that run first"),
    "not_held": ("the case does not wait for approval (any more)", "look at the case"),
    "signature_invalid": ("the signature is not yours over these bytes", "sign the bytes as sent, with the purpose tag"),
    "statement_mismatch": ("what was signed is not what is asked: another card, case, bundle, tier or decision", "fetch the card again"),
    "self_approval": ("the approver's person asked for it, owns the agent, or stands in its delegation chain", "somebody else approves"),
    "no_seat": ("no seat of the quorum is open to this person", "see the quorum on the card"),
    "already_voted": ("this person has approved this case already", "nothing; the approval counts, and a denial is still taken"),
    "too_soon": (
        "policy gives a card a time to be read, and it is not over for this person",
        "open the card, read it, sign after `retry_after`",
    ),
    "too_many": ("there are as many of these as there may be", "end one, or decide with what there is"),
    "time_skewed": ("a signed time is more than 60 s from the node's", "set the clock"),
    "warrant_forged": ("signature or MAC does not match the warrant's fields", "use the warrant as issued"),
    "warrant_over": ("the warrant is expired, revoked, used up, or its agent is gone", "propose again"),
    "not_witnessed": (
        "it is durable, and no quorum of witnesses has cosigned it yet; without `retry_after` the node asks none",
        "wait and repeat, or carry on without",
    ),
    "not_yours": ("the warrant is addressed to another executor", "nothing"),
    "chain_invalid": (
        "a link of the chain widens what it is made from, belongs to another parent, is over, or is not signed by the holder before it",
        "have it handed on anew by the holder before",
    ),
    "out_of_scope": ("the arguments are not the ones the warrant covers", "do exactly what was granted"),
    "policy_forbids": ("asked again at redemption, policy said no", "look at the sentence; propose again if it may change"),
    "stale": ("the target changed since the decision; the case is being decided again", "wait for the new warrant"),
    "run_reused": ("the run id was used for something else", "take a new run id"),
    "too_early": ("that it did not happen cannot be seen yet: its executor may still be acting", "look again after `retry_after`"),
    "run_closed": ("the run has its report or is over", "nothing"),
    "name_taken": ("the name or key id belongs to somebody", "take another"),
    "invitation_over": ("the invitation was used or has expired", "ask for a new one"),
    "key_unsound": ("the public key is weak, malformed or already somebody's", "make a new key"),
    "fingerprint_differs": ("the fingerprint is not the enrolled key's", "do not confirm; compare with the member once more"),
    "already_sealed": ("the tenant is sealed already", "nothing"),
    "too_few_persons": ("sealing needs two persons besides you who can approve", "confirm more approvers or admins"),
    "last_one": ("the tenant would be left without an admin", "name another first"),
    "bundle_invalid": ("the bundle does not load; `detail.findings` lists every fault", "run `vienna policy check`"),
    "too_large": (
        "the intent is larger than a case keeps (64 KiB), or the answer would not fit into one message",
        "put large content where both sides can read it; ask for less, or read the entries with `tail`",
    ),
    "on_hold": ("a legal hold keeps it", "see `vienna retention status`; release the hold first"),
    "removed": (
        "what this rests on has been forgotten, by retention or by an erasure",
        "it was done or decided once; if it must be asked again, use another key",
    ),
    "quarantined": (
        "the tenant's actor crashed twice over exactly this; it is not looked at any more",
        "see [poison](operations.md#a-command-is-quarantined)",
    ),
    "frozen": (
        "the tenant's log did not match and takes no entries; reads still work",
        "see [a frozen tenant](operations.md#a-tenant-is-frozen)",
    ),
}

LIMITS = {
    ("breaker", "failures"): "bad ends within the window at least",
    ("breaker", "window"): "how far back it looks",
    ("breaker", "percent"): "and so many of a hundred ends",
    ("breaker", "scopes"): "which of `agent_action`, `agent`, `action`, `tenant` it trips",
    ("breaker", "cool_down"): "then one case may probe; of every detector but mismatches",
    ("breaker", "mismatches"): "within a day, of one agent; at most 10; then people must reset it",
    ("breaker.denials", "count"): "denied intents within the window at least",
    ("breaker.denials", "window"): "how far back it looks",
    ("breaker.denials", "percent"): "and so many of a hundred verdicts",
    ("breaker.denials", "scopes"): "`agent`",
    ("breaker.unknowns", "count"): "runs that became unknown within the window",
    ("breaker.unknowns", "window"): "how far back it looks",
    ("breaker.unknowns", "scopes"): "any",
    ("breaker.repetition", "count"): "times that exactly the same was asked for within the window",
    ("breaker.repetition", "window"): "how far back it looks",
    ("breaker.repetition", "reads"): "whether actions count that the catalogue calls reads",
    ("breaker.repetition", "scopes"): "`agent_action`, `agent`",
    ("breaker.rate", "deviations"): "spreads above the mean",
    ("breaker.rate", "times"): "and so many times the mean",
    ("breaker.rate", "least"): "and so many intents in five minutes",
    ("breaker.rate", "warm_up"): "intervals of five minutes with intents, before which nothing is known",
    ("breaker.rate", "scopes"): "`agent`",
    ("breaker.spend", "most"): "an amount; more than that within the window trips",
    ("breaker.spend", "window"): "how far back it looks; at most an hour",
    ("breaker.spend", "scopes"): "any",
    ("breaker.novelty", "of"): "which of `action`, `kind`, `resource` may be new; more than one, too",
    ("breaker.novelty", "count"): "new things within the window",
    ("breaker.novelty", "window"): "how far back it looks",
    ("breaker.novelty", "percent"): "an hour with fewer of a hundred intents is unusual",
    ("breaker.novelty", "known"): "intents, before which no hour is unusual",
    ("breaker.novelty", "scopes"): "`agent_action`, `agent`",
}

ANNOTATIONS = {
    "tier": ("`T0` `T1` `T2`", "how dangerous it is; every permit needs one", "the highest"),
    "quorum": ("`any 2`, `2 of role:sre and 1 of role:finance`", "who must agree; not at T0", "all of them, see below"),
    "ttl": ("`90s` `5m` `1h30m`", "how long the warrant lives, from the last approval on", "the shortest"),
    "uses": (f"`1` to `{obligations.MOST_USES}`", "how often it may be redeemed", "the fewest"),
    "executor": ("a member's name, or `agent` at T0", "who redeems it; `agent` hands it back to the proposer", "must agree, else denied"),
    "verify": ("`receipt` `observed`", "whether a verifier must look at the target", "`observed`"),
    "cost_cap": ("`20` `0.50`", "the most that one use may cost", "the lowest"),
    "constrain": (
        "`amount: range 0.01..20.00; path: under drafts`",
        "what parameters must fit; a further use of the warrant may fill them otherwise, see [warrants.md](warrants.md)",
        "what fits all; exact where one says nothing",
    ),
    "exclude": (
        "`author`",
        "who fills no seat either: the persons who pushed the bundle in force and who activated it",
        "whom any of them excludes",
    ),
    "escalate": (
        "`1 of role:lead within 2h, any 2 within 1d`",
        "who is asked next when nobody decided in time, and for how long, see [approvals.md](approvals.md)",
        "stage by stage, as far as all that ask people go on",
    ),
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def who(allowed: frozenset[str]) -> str:
    if allowed == calls.EVERYBODY:
        return "everybody"
    return ", ".join(sorted(allowed))


def fields_of(call: calls.Call) -> str:
    said = [f"`{name}` {wire_fields.describe(spec)}" for name, spec in call.fields.items()]
    return "; ".join(said) or "none"


def call_table() -> str:
    rows = [(f"`{call.tag}`" + (" †" if call.urgent else ""), who(call.who), fields_of(call), call.what) for call in calls.CALLS.values()]
    return table(("call", "who may ask", "fields", "what it asks"), rows)


def session_words() -> str:
    def form(fields: dict[str, type], optional: dict[str, type]) -> str:
        return ", ".join(
            [*(f"`{n}` {k.__name__}" for n, k in fields.items()), *(f"`{n}` {k.__name__}, optional" for n, k in optional.items())]
        )

    def states(said: dict[typing.Any, frozenset[str]], tag: str) -> str:
        return ", ".join(state.value for state, tags in said.items() if tag in tags)

    rows = []
    for tag, (required, optional) in session.FIELDS.items():
        client, server = states(session.SAID_BY_CLIENT, tag), states(session.SAID_BY_SERVER, tag)
        said = [f"client, while the server {client}"] if client else []
        said += [f"server, while the client is {server}"] if server else []
        rows.append((f"`{tag}`", "; ".join(said), form(required, optional)))
    return table(("word", "said by", "fields besides `t`"), rows)


def refusal_codes() -> str:
    codes = [code.value for code in refusals.Code]
    if set(codes) != MEANINGS.keys():
        raise SystemExit(f"docs/generate.py: these codes need a meaning, or have one too many: {sorted(set(codes) ^ MEANINGS.keys())}")
    return table(("code", "what it means", "what to do"), ((f"`{code}`", *MEANINGS[code]) for code in codes))


def wire_limits() -> str:
    source = Path(limits.__file__).read_text().split("class Limits:")[1]
    rows, reason = [], []
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("#"):
            reason.append(text.lstrip("# "))
        elif (found := re.match(r"(\w+): \w+ = ", text)) is not None:
            rows.append((f"`{found[1]}`", f"{getattr(limits.DEFAULT, found[1]):,}", " ".join(reason)))
            reason = []
    return table(("limit", "value", "why"), rows)


def event_fields(kind: type) -> str:
    hints = typing.get_type_hints(kind)
    return ", ".join(f"`{field.name}` {_named(hints[field.name])}" for field in attrs.fields(kind)) or "none"


def _named(hint: typing.Any) -> str:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        inner = [arg for arg in args if arg is not Ellipsis]
        return f"list of {_named(inner[0])}" if len(inner) == 1 else "list of (" + ", ".join(map(_named, inner)) + ")"
    if origin is not None and type(None) in args:
        return _named(next(arg for arg in args if arg is not type(None))) + " or null"
    if origin is not None:
        return "map"
    return {"str": "text", "int": "integer", "bool": "boolean", "bytes": "bytes"}.get(hint.__name__, hint.__name__)


def breaker_defaults() -> str:
    """Each setting of each detector with its default."""
    default = BreakerLimits()
    plain = {name: getattr(default, name) for name in ("failures", "window", "percent", "scopes", "cool_down", "mismatches")}
    found = [("`[breaker]`", f"`{name}`", _limit(value)) for name, value in plain.items()]
    for detector in DETECTORS:
        limits = getattr(default, detector)
        names = [field.name for field in attrs.fields(type(limits))]
        found += [(f"`[breaker.{detector}]`", f"`{name}`", _limit(getattr(limits, name))) for name in names]
    known = {(section.strip("`[]"), key.strip("`")) for section, key, _ in found}
    if known != LIMITS.keys():
        raise SystemExit(f"docs/generate.py: settings of breakers without a description, or too many: {sorted(known ^ LIMITS.keys())}")
    rows = [(section, key, value, LIMITS[section.strip("`[]"), key.strip("`")]) for section, key, value in found]
    return table(("section", "key", "default", "meaning"), rows)


def _limit(value: object) -> str:
    if value is None:
        return "none: off"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(json.dumps, value))}]`" if value else "`[]`: off"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return str(value) if isinstance(value, int) and value < 1_000_000 else _span(value)  # type: ignore[arg-type]  # a duration


def tenant_events() -> str:
    return table(("tag", "body, in this order"), ((f"`{tag}`", event_fields(kind)) for tag, kind in codec.EVENTS.items()))


def node_events() -> str:
    own = [(f"`{tag}`", event_fields(kind), "") for tag, kind in NODE_EVENTS.items()]
    own += [
        (f"`{admission.TAG}`", "written by the ledger", "`tenant`, `origin`, `verifier`, `id`, and the tenant's `issuer` key"),
        (f"`{rotation.TAG}`", "written by the ledger", "see [keys hand over](#keys-hand-over)"),
        (f"`{commitments.TAG}`", "written by the ledger", "`count`, `root`"),
    ]
    either = (f"`{removal.TAG}`", "written by the ledger, in any log", "`month`, `removed`: list of [start, stop), `why`")
    return table(("tag", "body", "public part"), [*own, either])


def annotation_table() -> str:
    known = set(obligations._READERS)
    if known != ANNOTATIONS.keys():
        raise SystemExit(f"docs/generate.py: annotations without a description, or too many: {sorted(known ^ ANNOTATIONS.keys())}")
    rows = [(f"`@{name}`", *said) for name, said in ANNOTATIONS.items()]
    rows += [("`@id`", "any text, unique in the bundle", "what verdicts call the policy; every policy needs one", "")]
    rows += [
        (
            "`@reason`",
            f"text, up to {obligations.MOST_REASON} characters",
            "said when it decides; `forbid` may have only this and `@id`",
            "",
        )
    ]
    return table(("annotation", "values", "what it says", "several permits together"), rows)


def bundle_defaults() -> str:
    default = settings.Settings()
    rows = []
    for tier in settings.TIERS:
        rows.append((f"`[tiers.{tier}]`", "`warrant_life`", _span(default.warrant_life[tier]), "how long a warrant lives"))
        if tier != "T0":
            rows.append(
                (f"`[tiers.{tier}]`", "`approval_deadline`", _span(default.approval_deadline[tier]), "how long a case waits for people")
            )
            rows.append((f"`[tiers.{tier}]`", "`quorum`", f"`{default.quorum[tier]}`", "where a permit names none"))
            rows.append((f"`[tiers.{tier}]`", "`reading_time`", "none", "how long after opening the card somebody can approve it"))
        if tier == "T1":
            rows.append(
                (f"`[tiers.{tier}]`", "`second_reader`", str(default.second_reader), "of a hundred cases, how many two persons read")
            )
    rows += [
        ("`[warrants]`", "`uses`", str(default.uses), "where a permit names none"),
        ("`[reports]`", "`deadline`", _span(default.report_deadline), "from redemption; then the outcome is *unknown*"),
        ("`[verification]`", "`deadline`", _span(default.verification_deadline), "from the report; then the verdict is *inconclusive*"),
        ("`[stale]`", "`decisions`", str(default.stale_decisions), "how often a case is decided again because its target moved"),
        ("`[breaker]`", "all of it", "", "what trips breakers: [breakers.md](breakers.md)"),
        ("`[dead_letters]`", "`old`", _span(default.letters_old), "after which an alert says that nobody has looked"),
        ("`[rates]`", "`principal`", f"`{default.rates.principal}`", "everything that one member asks"),
        ("`[rates]`", "`tenant`", "none", "everything that all members ask"),
        ("`[rates.calls]`", "a call", "none", 'what one member asks by that call, as in `propose = "600/m burst 20"`'),
    ]
    return table(("section", "key", "default", "meaning"), rows)


def _span(micros: int) -> str:
    for unit, size in (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)):
        if micros % size == 0 and micros >= size:
            return f"`{micros // size}{unit}`"
    return f"`{micros // 1000}ms`"


def parameter_kinds() -> str:
    bounds = {"integer": "`min` `max` (integers)", "decimal": "`places` (2), `min` `max` (text, in units)", "string": "`choices`"}
    sent = {
        "string": "text", "integer": "integer", "boolean": "true or false", "decimal": '`{"dec": "12.50"}`',
        "list": "list of texts", "set": "list of texts, none twice",
    }  # fmt: skip
    seen = {"decimal": "`Long`, scaled by its places: 12.50 is 1250"}
    rows = []
    for kind in params.KINDS:
        rows.append(
            (
                f"`{kind}`",
                sent[kind],
                seen.get(kind, f"`{params.CEDAR[kind]}`"),
                bounds.get(kind, "`choices`" if kind in ("list", "set") else ""),
            )
        )
    return table(("type", "sent as", "seen by Cedar as", "further keys, besides `required`"), rows)


def observation_kinds() -> str:
    said = {
        "file_digest": "the SHA-256 of a file below a root the verifier knows",
        "exit_code": "how a read-only command ends, or what it prints",
        "git_ref": "which commit a ref of a repository names",
        "http": "the status of an HTTP(S) answer, what a JSON path finds in it, or its digest",
        "tcp": "whether a port accepts connections",
        "tls": "the certificate that a TLS server shows: its fingerprint, whether it is valid for its name, the days it has left",
        "sql": "the one value that a read-only SELECT finds",
        "json_output": "what a JSON path finds in a read-only command's output, or whether that fits a JSON schema",
    }
    return table(("kind", "a verifier looks at"), ((f"`{kind}`", said[kind]) for kind in observations.OBSERVED))


def quorum_limits() -> str:
    return f"At most {quorum.MOST_SEATS} seats, {quorum.MOST_WAYS} alternatives and {quorum.MOST_DEPTH} brackets inside each other.\n"


def setting_table() -> str:
    rows = [
        (f"`[{one.section}]` `{one.key}`", f"`{one.default}`", one.expects, one.meaning, f"`{one.environment}`")
        for one in node_settings.describe()
    ]
    return table(("setting", "default", "expects", "meaning", "environment"), rows)


def exit_codes() -> str:
    listed = re.findall(r"^ *(\d+) +(.+)$", exits.__doc__ or "", re.MULTILINE)
    return table(("exit code", "meaning"), listed)


def commands() -> str:
    from vienna_runtime.cli.main import vienna

    rows = []

    def visit(group: click.Group, prefix: str) -> None:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None, name
            if command.hidden:
                continue
            if isinstance(command, click.Group):
                visit(command, f"{prefix} {name}")
                continue
            arguments = " ".join(p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument))
            options = " ".join(f"`{max(p.opts, key=len)}`" for p in command.params if isinstance(p, click.Option) and not p.hidden)
            rows.append((f"`{prefix} {name}{' ' + arguments if arguments else ''}`", command.get_short_help_str(200), options))

    visit(vienna, "vienna")
    return table(("command", "what it does", "options"), rows)


def alert_kinds() -> str:
    rows = (
        (f"`{kind.name}`", kind.severity, "-" if kind.log == alert_table.NOTIFIER else kind.log, kind.means, kind.do, f"[runbook](operations.md#{kind.runbook})")
        for kind in alert_table.EVERY_KIND.values()
    )
    return table(("kind", "severity", "on the log of the", "it means", "do", "how"), rows)


def member_kinds() -> str:
    rows = []
    for kind in [*sorted(kinds.MEMBER_KINDS), kinds.OPERATOR, kinds.INVITEE]:
        asked = ", ".join(f"`{call.tag}`" for call in calls.CALLS.values() if kind in call.who)
        rows.append((kind, "yes" if kind in kinds.SIGNING_KINDS or kind == kinds.OPERATOR else "no", asked))
    return table(("kind", "proves a signing key", "calls"), rows)


def signed_things() -> str:
    from actors.governance import approval, attestation, envelope, inventory, links, probe, receipt, seat, warrant

    rows = [("`vienna/challenge/1`", "`nonce`, `principal`, `origin`, `certificate`")]
    for name, fields in (
        ("warrant", warrant.FIELDS), ("approval", approval.FIELDS), ("envelope", envelope.FIELDS), ("seat", seat.FIELDS), ("link", links.FIELDS),
        ("receipt", receipt.FIELDS), ("attestation", attestation.FIELDS), ("probe", probe.FIELDS), ("inventory", inventory.FIELDS),
        ("enrolment", ("tenant", "member", "invitation", "public_key", "key_id", "key_hash")),
    ):  # fmt: skip
        rows.append((f"`vienna/{name}/1`", ", ".join(f"`{field}`" for field in fields)))
    return table(("purpose", "canonical map, in this order"), rows)


def evidence_checks() -> str:
    from vienna_runtime.evidence.checks import NAMES

    return table(("check", "it passes when"), [(f"`{name}`", what) for name, what in NAMES.items()])


TABLES: dict[str, Callable[[], str]] = {
    "evidence-checks": evidence_checks,
    "session-words": session_words,
    "calls": call_table,
    "refusal-codes": refusal_codes,
    "wire-limits": wire_limits,
    "member-kinds": member_kinds,
    "alert-kinds": alert_kinds,
    "signed-things": signed_things,
    "tenant-events": tenant_events,
    "node-events": node_events,
    "annotations": annotation_table,
    "bundle-defaults": bundle_defaults,
    "breaker-defaults": breaker_defaults,
    "parameter-kinds": parameter_kinds,
    "observation-kinds": observation_kinds,
    "quorum-limits": quorum_limits,
    "settings": setting_table,
    "exit-codes": exit_codes,
    "commands": commands,
}


def current(text: str) -> str:
    """The document with every table as the code has it now."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def main(arguments: list[str]) -> int:
    outdated = []
    for path in sorted([DOCS.parent / "README.md", *DOCS.rglob("*.md")]):
        text = path.read_text()
        if (new := current(text)) != text:
            outdated.append(path)
            if "--check" not in arguments:
                path.write_text(new)
    for path in outdated:
        print(("out of date: " if "--check" in arguments else "written: ") + str(path.relative_to(DOCS.parent)))
    return 1 if outdated and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

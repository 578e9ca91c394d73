"""``vienna``: the command line.  Each command lives in a file of its own and is imported when it is asked for."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from vienna_runtime.cli import exits
from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import escape
from vienna_runtime.provenance import check_provenance

# name: module, attribute, help in the list of commands.  Written here so that `vienna --help` imports none of them.
COMMANDS = {
    "init": ("init", "init", "Make a node."),
    "serve": ("serve", "serve", "Run a node."),
    "tenant": ("tenant", "tenant", "Tenants: create, list, suspend, resume, seal, recover."),
    "member": ("member", "member", "Members: add, list, confirm, change, revoke."),
    "enrol": ("enrol", "enrol", "Make your keys from an invitation."),
    "whoami": ("status", "whoami", "Who the node takes you for."),
    "policy": (
        "policy",
        "policy",
        "Policy as code: new, check, test, diff, push, activate, rollback, history, replay, facts, shadow, show.",
    ),
    "propose": ("propose", "propose", "Propose an intent and see what becomes of it."),
    "case": ("case", "case", "A case from intent to verdict."),
    "why": ("why", "why", "Why a case was decided as it was."),
    "evidence": ("evidence", "evidence", "What proves a case, in one file."),
    "approvals": ("approvals", "approvals", "What waits for you: list, show, ask, approve, deny."),
    "approve": ("approvals", "approve", "Approve a case (short for: approvals approve)."),
    "deny": ("approvals", "deny", "Deny a case (short for: approvals deny)."),
    "answer": ("approvals", "answer", "Answer what an approver asked about your case."),
    "envelope": ("envelope", "group", "Approve in advance: sign, list, show, revoke."),
    "seat": ("seat", "seat", "Your seat while you are away: delegate, return, list."),
    "review": ("review", "review", "How well people look at what they approve: stats, canary."),
    "tail": ("tail", "tail", "The ledger as it grows, verified with --verify."),
    "verify": ("verify", "verify", "Verify a ledger, tiles, evidence or a proof offline, by a public key."),
    "backup": ("backup", "backup", "Copy a node while it runs."),
    "restore": ("restore", "restore", "Make a node of a backup, if it verifies."),
    "status": ("status", "status", "How your tenant, or the node, is doing."),
    "alert": ("alert", "alert", "Alerts: list, show, ack, tail."),
    "notifier": ("notifier", "notifier", "Notifiers, which carry alerts to webhooks and commands: run, check, secret, dead-letters."),
    "pause": ("pause", "pause", "The kill switch: agent, tenant, node, list."),
    "resume": ("pause", "resume", "Let go on what was paused: agent, tenant, node."),
    "budget": ("budget", "budget", "Budgets: show, report, set."),
    "breaker": ("breaker", "breaker", "Breakers: list, show, trip, reset, simulate."),
    "dead-letters": ("dead_letters", "dead_letters", "What did not end well: list, show, retry, resolve."),
    "reconcile": ("reconcile", "reconcile", "What does not agree: list, show, resolve, run, import, git, directory, access-log."),
    "retention": ("retention", "retention", "Retention: status, run, hold, release, erase."),
    "warrant": ("warrant", "warrant", "Warrants: list, use, revoke, export, inspect, attenuate, redeem."),
    "effect": ("effect", "effect", "Effects of unknown outcome: list, settle."),
    "executor": ("executor", "executor", "Executors: run."),
    "verifier": ("verifier", "verifier", "Verifiers: run, check."),
    "keys": ("keys", "keys", "The node's keys: list, rotate, retire."),
    "ledger": ("ledger", "ledger", "The ledger's files: export, mirror, proof, archive."),
    "witness": ("witness", "witness", "A witness, which cosigns logs that only grow: init, add-log, list, serve."),
    "selftest": (
        "selftest",
        "selftest",
        "Try what is promised about crashes: crash-states, inject, crash, disk-full, flips, processes, chaos, simulate.",
    ),
    "completion": ("completion", "completion", "Completion for your shell."),
}


class _Listed(click.Command):
    """A command as it stands in the list, before its module is imported."""


class Lazy(click.Group):
    """A group whose commands, those of its ``table``, are imported one by one."""

    table: Mapping[str, tuple[str, str, str]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, attribute, short = self.table[cmd_name]
        if getattr(self, "_listing", False):
            return _Listed(cmd_name, short_help=short)
        found: click.Command = getattr(importlib.import_module(f"vienna_runtime.cli.{module}"), attribute)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            # Its own suggestions come from commands that are registered, and of these there are none.
            raise click.NoSuchCommand(args[0], possibilities=self.table, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._listing = True
        try:
            super().format_commands(ctx, formatter)
        finally:
            self._listing = False


def _version(ctx: click.Context, _param: click.Parameter, chosen: bool) -> None:
    if chosen:
        from vienna_runtime.version import VERSION

        click.echo(f"vienna {VERSION}")
        ctx.exit()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "--credential",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="VIENNA_CREDENTIAL",
    show_envvar=True,
    help="Who you are.  Default: the only *.vienna in the working directory.",
)
@click.option("--address", metavar="HOST:PORT", help="Reach the node here instead; its certificate and key are checked as ever.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from this open descriptor.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Which version this is.")
@click.pass_obj
def vienna(here: Here, credential: Path | None, address: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Control and record what agents do: intents, policy, warrants, a verifiable ledger.

    \b
    Exit codes:
      0 done            1 refused, or ended badly     2 wrong usage
      3 verification failed                           4 node unreachable or not trusted
      5 outcome unknown: ask again with the same key  6 evidence does not agree
      130 interrupted
    Passphrases come from a prompt, the file in VIENNA_PASSPHRASE_FILE, or --passphrase-fd; never from an argument.
    """
    here.credential, here.address, here.passphrase_fd, here.as_json = credential, address, passphrase_fd, as_json


def run(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever is raised becomes one sentence on stderr."""
    here = Here()
    try:
        check_provenance()
        result = vienna.main(args=arguments, prog_name="vienna", obj=here, standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else exits.DONE
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else exits.BAD_END
    except BaseException as error:  # noqa: ASYNC103, BLE001  # the one place where everything ends, outside any event loop
        from vienna_runtime.cli import endings

        if endings.reader_left(error):
            # Nothing more can be said to it, at the interpreter's exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exits.BAD_END
        found = endings.ending(error)
        _say(found, here)
        if os.environ.get("VIENNA_DEBUG") == "1" and not isinstance(error, (click.ClickException, KeyboardInterrupt)):
            traceback.print_exception(error)
        return found.code


def _say(found: exits.Ending, here: Here) -> None:
    if here.as_json:
        fields = {
            "code": found.kind,
            "why": found.why,
            "exit": found.code,
            "details": list(found.details),
            "retry_after": found.retry_after,
        }
        click.echo(json.dumps({"error": fields}), err=True)
        return
    label = {exits.BAD_END: f"refused ({found.kind}): ", exits.UNVERIFIED: "verification failed: ", exits.UNKNOWN: "outcome unknown: "}
    known = found.expected and found.kind not in ("bad_end", "unexpected", "intruder")
    click.echo((label.get(found.code, "") if known else "") + escape(found.why, lines=True), err=True)
    for line in found.details:
        click.echo(f"  {escape(line)}", err=True)
    if found.retry_after is not None:
        click.echo(f"  try again in {max(1, round(found.retry_after / 1000))} s", err=True)
    if not found.expected:
        click.echo("  this is a bug or a broken machine; VIENNA_DEBUG=1 shows where it happened", err=True)


def main() -> None:
    """The entry point of the installed program."""
    sys.exit(run())


if __name__ == "__main__":
    main()

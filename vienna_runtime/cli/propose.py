"""``vienna propose``: an intent, and what becomes of it while one looks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click
from rich.text import Text

from actors.governance.canonical import Value
from vienna_runtime.cli import steps
from vienna_runtime.cli.endings import ending
from vienna_runtime.cli.exits import INTERRUPTED, BadEnd
from vienna_runtime.cli.hanging import Hanging
from vienna_runtime.cli.here import Here, json_option, pass_here, plain
from vienna_runtime.cli.kinds import AMOUNT, DIGEST, DURATION, PARAM
from vienna_runtime.cli.phrases import outcome_style
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Progress, Step, Vienna
from vienna_runtime.client.vienna import new_key, now
from vienna_runtime.executors.means import ABSENT


@click.command()
@click.argument("action")
@click.argument("resource")
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="name=text, or name:=json (12.50 is an exact decimal).")
@click.option("--purpose", required=True, help="What this is for, in words; approvers read it.")
@click.option("--cost", type=AMOUNT, default="0", help="What you expect it to cost; it can only raise what policy assumes.")
@click.option(
    "--state", type=DIGEST, help="The target's state as you saw it, in hex: where it differs when it is done, the case is decided again."
)
@click.option("--state-of", type=click.Path(path_type=Path), help="The same of a file: its SHA-256; zeros where there is none.")
@click.option("--key", help="Idempotency key: the same key and intent is the same case.  Made for you if left out.")
@click.option("--parent", help="The case this one belongs to.")
@click.option("--deadline", type=DURATION, help="Give up after this long, as in 10m.")
@click.option("--wait/--no-wait", default=True, help="Wait until the case has ended (the default), or only say how it stands.")
@json_option
@pass_here
def propose(
    here: Here,
    action: str,
    resource: str,
    params: tuple[tuple[str, Value], ...],
    purpose: str,
    cost: int,
    state: bytes | None,
    state_of: Path | None,
    key: str | None,
    parent: str | None,
    deadline: int | None,
    wait: bool,
) -> None:
    """Propose ACTION on RESOURCE, and see the case move until it has ended.

    Exit code 0 when it was done and found to be so (with --no-wait: when it was not denied), 1 when it ended otherwise,
    5 when the connection was lost for good: repeat with the same --key.  With --json one line for each step.

    \b
    Example:
      vienna propose payments.refund order/8812 -p amount:=12.50 -p reason="charged twice" --purpose "refund a double charge"
    """
    chosen = key or new_key()
    if state is not None and state_of is not None:
        raise click.UsageError("--state and --state-of say the same thing: give one of them")
    seen = state if state_of is None else _state_of(state_of)
    if len(dict(params)) != len(params):
        raise click.UsageError("a parameter is named twice")

    cases: list[str] = []  # its id, once it has one

    def on_step(step: Step) -> None:
        cases[:] = [step.body["case"]]
        if here.as_json:
            here.json_line({"step": {"seq": step.seq, "time": step.time, "tag": step.tag, "actor": step.actor, "body": plain(step.body)}})
        else:
            here.say(Hanging(steps.line(step)))
            if step.tag == "approval.asked/1":
                here.say(Text.assemble("  to answer, in another terminal: vienna answer ", shown(step.body["case"]), ' --text "..."'))

    async def whole(vienna: Vienna) -> Progress:
        return await vienna.propose(
            action,
            resource,
            dict(params),
            purpose=purpose,
            cost=cost,
            key=chosen,
            state_digest=seen,
            parent=parent,
            deadline=None if deadline is None else now() + deadline,
            wait=wait,
            on_step=on_step if wait else None,
        )

    try:
        ended = here.ask(whole)
    except BaseException as error:  # raised again
        if ending(error).code == INTERRUPTED and cases and not here.as_json:
            here.say(Text.assemble("the case goes on without you; look: vienna case ", shown(cases[0])), err=True)
            here.say(Text.assemble("to wait for it again: the same command with --key ", shown(chosen)), err=True)
        raise
    found = {"case": ended.case, "outcome": ended.outcome, "tier": ended.tier, "why": ended.why, "key": chosen}
    here.answer(found, summary(ended))
    to_redeem = wait and not ended.ended and ended.warrant is not None
    if to_redeem and not here.as_json:
        here.say("The warrant is yours to redeem and report: policy has you execute this yourself, by the SDK.")
    if not (ended.good or to_redeem or (not wait and not ended.ended)):
        why = "" if wait and not here.as_json else ended.why  # its last step has just said it
        raise BadEnd(f"the case ended {ended.outcome}" + (f": {why}" if why else ""))


def _state_of(path: Path) -> bytes:
    """As executors of files read it: the SHA-256 of its content, 32 zero bytes where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return ABSENT


def summary(progress: Progress) -> Text:
    """The case and its outcome on one line."""
    return Text.assemble("case ", shown(progress.case), ": ", (progress.outcome, f"bold {outcome_style(progress.outcome)}"))

"""Act 8: the ledger checked by whoever likes, the lineage of one case, and what to try next."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import trio
from nacl.signing import SigningKey
from rich.text import Text

from ledger.note import VerifierKey
from vienna_runtime.demo.play import BELVEDERE, Play, program

ALONE = Path(__file__).parents[2] / "examples" / "verify_evidence.py"


async def play(p: Play) -> None:
    p.board.act("Checking", "by the node's public key alone; nothing of the node is trusted")
    await p.board.step("emma", "to follow the ledger over the wire and recompute its tree", "verified", partial(_tail, p))
    await p.board.step("anyone", "to verify the data directory offline", "verified", partial(_verify, p))
    await p.board.step("anyone", "the same by another key of the same name", "refused", partial(_other_key, p))
    await p.board.step(
        "emma", "to hand over one case in a file, which a program without Vienna verifies", "verified", partial(_evidence, p)
    )
    p.board.console.print()
    await _lineage(p)


async def _tail(p: Play) -> str:
    """An auditor recomputes the root over all positions and compares every signed checkpoint."""
    ended = await p.stage.run_vienna("tail", "--verify", credential=p.credential(BELVEDERE, "emma"))
    return "verified" if ended.returncode == 0 else f"exit code {ended.returncode}: {ended.stderr.decode(errors='replace')[-300:]}"


async def _verify(p: Play) -> str:
    report = await p.stage.vienna("verify", str(p.stage.directory / "node"), "--key", p.node_key)
    p.board.say(f"{report['entries']} entries in {len(report['logs'])} logs of {report['node']}")
    return "verified" if report["verified"] else "not verified"


async def _other_key(p: Play) -> str:
    """A verification that cannot fail would be worth nothing."""
    other = VerifierKey(VerifierKey.parse(p.node_key).name, bytes(SigningKey.generate().verify_key))
    ended = await p.stage.run_vienna("verify", str(p.stage.directory / "node"), "--key", other.text)
    return "refused" if ended.returncode == 3 else f"exit code {ended.returncode}"


async def _evidence(p: Play) -> str:
    """Written by an auditor, and verified with the node's key alone by the verifier that shares no line with this program."""
    file = p.stage.directory / "push.evidence"
    written = await p.stage.vienna("evidence", p.cases["push"], "-o", str(file), credential=p.credential(BELVEDERE, "emma"))
    verifier = [str(ALONE)] if ALONE.exists() else ["-m", "vienna_runtime.cli.main", "verify"]  # an installed program has no examples
    key = [p.node_key] if ALONE.exists() else ["--key", p.node_key]
    ended = await trio.run_process(
        [sys.executable, "-P", *verifier, str(file), *key], capture_stdout=True, capture_stderr=True, check=False
    )
    p.board.say(f"{written['bytes']} bytes, verified by {verifier[-1].rpartition('/')[2]}")
    return "verified" if ended.returncode == 0 else ended.stdout.decode(errors="replace")[-600:]


async def _lineage(p: Play) -> None:
    p.board.console.print(Text("One T2 case, from intent to verdict", style="bold"))
    if "push" not in p.cases:
        return
    ended = await p.stage.run_vienna("case", p.cases["push"], credential=p.credential(BELVEDERE, "emma"))
    p.board.console.print(Text(ended.stdout.decode(errors="replace").rstrip()), soft_wrap=True)


def afterwards(p: Play, kept: bool) -> None:
    """What to try next."""
    console, where = p.board.console, p.stage.directory
    console.print()
    if not kept:
        console.print(Text('To look around afterwards: make demo DEMO="--keep DIR"   (DEMO=--interactive lets you approve by hand)'))
        return
    vienna = program()
    console.print(Text("What to try next", style="bold"))
    for line in (
        f"{vienna} serve {where}/node --listen 127.0.0.1:{p.port}",
        f"export VIENNA_PASSPHRASE_FILE={where}/passphrase",
        f"{vienna} --credential {p.credential(BELVEDERE, 'otto')} dead-letters list",
        f"{vienna} --credential {p.credential(BELVEDERE, 'otto')} breaker reset agent:ben --reason 'the workshop has a new key'",
        f"{vienna} --credential {p.credential(BELVEDERE, 'emma')} tail -f --verify",
        f"{vienna} verify {where}/node --key {p.node_key}",
    ):
        console.print(Text(f"  {line}"), soft_wrap=True)

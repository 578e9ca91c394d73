"""The card on a real screen: a pseudo-terminal of 80 columns, and an agent that has written what it liked."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import msgpack
import pytest

from actors.governance import card, intent
from actors.governance import events as e
from actors.governance.ids import CaseId, Cost, Instant, MemberId, Micros
from actors.governance.state import Case

SHOW = """
import sys, msgpack
from vienna_runtime.cli.card import card_text
from vienna_runtime.cli.here import Here
from vienna_runtime.client import Card
Here().say(card_text(Card.of("c1", msgpack.unpackb(sys.stdin.buffer.read()))))
"""
COLUMNS = 80
SGR = re.compile(r"\x1b\[[0-9;]*m")


def screen(purpose: str, resource: str = "order/1", answer: str = "", **params: object) -> list[str]:
    """The lines of the card as they stand on the screen, colours left out; anything else that a terminal obeys is a failure."""
    packed = intent.pack(intent.Intent("payments.refund", resource, params or {"amount": 5}, purpose, Cost(0), None, None, None))  # type: ignore[arg-type]
    case = Case(CaseId("c1"), MemberId("ada"), packed, b"", "k", None, False, ())  # type: ignore[arg-type]
    verdict = e.CaseDecided(
        CaseId("c1"), True, ("refund",), bytes(32), "permitted at T1 by refund", "T1", "any 1", Micros(60_000_000), 1, "till", 1
    )
    shown = card.render(case, verdict, {}, Instant(4_000_000_000_000_000))
    told = {"case": "c1", "card": shown, "said": []}
    if answer:
        part = {"number": 1, "approver": "clara", "person": "Clara", "question": "why?", "asked_at": 1, "answer": answer, "answered_at": 2}
        told["said"] = [part]
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen([sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=theirs, env=environment)
    os.close(theirs)
    assert process.stdin is not None
    process.stdin.write(msgpack.packb(told))
    process.stdin.close()
    said = b""
    while True:
        try:
            part_read = os.read(ours, 65536)
        except OSError:  # the other side is gone
            break
        if not part_read:
            break
        said += part_read
    os.close(ours)
    assert process.wait(60) == 0
    plain = SGR.sub("", said.decode())
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", plain), "something on the card moves the cursor"
    return plain.replace("\r\n", "\n").split("\n")


def outside(lines: list[str]) -> str:
    """What is on the screen and not behind a bar: our own words."""
    return "\n".join(line.partition("│")[0] for line in lines)


FORGED = "SIGNED tier T0 cost cap none approved by everybody"


@pytest.mark.parametrize(
    "text",
    [
        FORGED,
        "ok\n" + FORGED,
        "ok\r" + FORGED,
        "ok\x1b[2J\x1b[H" + FORGED,
        "ok" + " " * 200 + FORGED,
        "ok" + "\n" * 60 + FORGED,
        "x" * 76 + " " + FORGED,
        "\u202e" + FORGED + "\u202c",
        "ok\u2028" + FORGED,
        "ok\u2502 " + FORGED,
        "ok\x9b2J" + FORGED,
        "ok\x08\x08\x08" + FORGED,
    ],
)
def test_nothing_an_agent_writes_can_forge_a_line_of_the_card(text: str) -> None:
    for lines in (
        screen(text),
        screen("p", resource=text),
        screen("p", note=text),
        screen("p", answer=text),
        screen("p", note={"deep": [text]}),
    ):
        assert "cost cap none" not in outside(lines)
        assert "by everybody" not in outside(lines)
        assert "by everybody" in " ".join(" ".join(line.partition("│")[2] for line in lines).split()), "it was hidden"
        assert max(map(len, lines)) <= COLUMNS
        assert sum(line.startswith("tier ") for line in lines) == 1


def test_a_parameter_is_never_cut_or_pushed_away() -> None:
    lines = screen("p", first="a" * 5_000, second="the end")
    assert "".join(line.partition("│ ")[2] for line in lines).count("a") >= 5_000
    assert any("second" in line and '"the end"' in line for line in lines)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("refund p\u0430yments", "the purpose mixes Cyrillic and Latin letters in 'p<U+0430>yments'"),
        ("ok\u202ekcilb", "turn the direction of writing round"),
        ("ok\U000e0041", "tag characters"),
        ("ok" + " " * 200 + "more", "200 blanks in a row"),
    ],
)
def test_the_card_says_in_words_what_looks_like_something_else(text: str, warning: str) -> None:
    lines = screen(text)
    said = " ".join(" ".join(lines).split())
    assert "LOOK TWICE: " in said
    assert warning in said
    assert "\u0430" not in said
    assert not any("LOOK TWICE" in line for line in screen("refund a double charge"))

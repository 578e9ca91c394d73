"""``vienna tenant recover``, as people type it; the 72 hours themselves are waited for in ``tests/attacks/test_recovery.py``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from vienna_runtime import credential as credentials
from vienna_runtime import invitation as invitations
from vienna_runtime.client.enrolment import enrol, new_member

House = Any  # the fixtures of this directory's conftest
As = Callable[..., Any]


def test_a_recovery_is_announced_shown_agreed_to_refused_before_its_time_and_objected_to(house: House, as_: As, tmp_path: Path) -> None:
    for command in (
        ("invite", "hugo", "--kind", "approver", "--person", "Hugo", "--lost", "clara", "--reason", "lost"),
        ("announce", "--lost", "clara", "--confirm", "hugo=0000", "--reason", "lost"),
    ):
        founding = as_("rosa", "tenant", "recover", *command)
        assert (founding.code, "founding" in founding.err) == (1, True)
    assert not (tmp_path / "hugo.invitation").exists()
    assert as_("rosa", "tenant", "seal", "--yes").code == 0
    alive = as_("rosa", "tenant", "recover", "announce", "--lost", "rosa", "--confirm", "hugo=0000", "--reason", "lost")
    assert alive.code == 1

    made = as_(
        "rosa", "tenant", "recover", "invite", "hugo", "--kind", "approver", "--person", "Hugo", "--lost", "clara", "--reason", "burnt"
    )
    assert "without rights yet" in made.out
    member = new_member(invitations.read(tmp_path / "hugo.invitation", now=time.time_ns() // 1000))
    credentials.write(house.credential("hugo"), member.credential, passphrase=None)
    print_ = trio.run(enrol, invitations.read(tmp_path / "hugo.invitation", now=time.time_ns() // 1000), member).fingerprint

    assert as_("rosa", "tenant", "recover", "show").out == "No recovery is announced.\n"
    bad = as_("rosa", "tenant", "recover", "announce", "--lost", "clara", "--confirm", "hugo", "--reason", "x")
    assert (bad.code, "NAME=FINGERPRINT" in bad.err) == (2, True)
    wanted = ("--lost", "clara", "--confirm", f"hugo={print_.replace(' ', '')}", "--reason", "her house burnt")
    announced = as_("rosa", "tenant", "recover", "announce", *wanted)
    assert announced.code == 0, announced.err
    digest = as_("rosa", "tenant", "recover", "announce", *wanted, json=True).json["digest"]
    assert f"recover agree belvedere --digest {digest}" in announced.out

    shown = as_("operator", "tenant", "recover", "show", "belvedere").out
    for words in ("rosa (Rosa) announced: her house burnt", "clara, approver, Clara", f"Hugo: {print_}", "has not agreed", digest):
        assert words in shown
    assert "a recovery is announced" in as_("operator", "tenant", "list").out
    status = as_("dora", "status").out
    assert "agreed" in status
    assert " UTC" in status
    assert "clara lost, says Rosa (her house burnt)" in as_("dora", "tail", "--tag", "recovery.").out

    early = as_("rosa", "tenant", "recover", "apply", "--digest", digest)
    assert (early.code, "72 h are left" in early.err) == (1, True)
    assert as_("operator", "tenant", "recover", "agree", "belvedere", "--digest", digest).code == 0
    assert "operator has agreed" in as_("rosa", "tenant", "recover", "show").out
    assert as_("clara", "tenant", "recover", "object", "--reason", "here I am").code == 0
    assert as_("rosa", "tenant", "recover", "show", json=True).json == {"digest": None}
    assert as_("rosa", "tenant", "recover", "apply", "--digest", digest).code == 1

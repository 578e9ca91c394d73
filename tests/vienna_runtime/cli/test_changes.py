"""What an approver of a change of the tenant itself reads before signing it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import trio
from rich.console import Console

from actors.governance import canonical, intent
from actors.governance.canonical import NotCanonical
from actors.governance.codec import encode
from actors.governance.events import MemberConfirmed, MemberInvited, MemberRevoked
from actors.governance.ids import Cost
from vienna_runtime import credential as credentials
from vienna_runtime import invitation as invitations
from vienna_runtime.cli import changes, steps
from vienna_runtime.cli.card import card_text, refuse_unread
from vienna_runtime.client import Card
from vienna_runtime.client.enrolment import enrol, new_member
from vienna_runtime.errors import VerificationError

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "git-workshop"
HUGO = MemberInvited("hugo", "approver", "Hugo", ("reviewer", "lead"), None, "i1", b"\x07" * 32, 1_800_000_000_000_000)  # type: ignore[arg-type]
FINGERPRINT = "5570 64a4 73a7 5fe0 70a4 0574 1498 81c1"


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


class House(Protocol):
    directory: Path

    def credential(self, name: str) -> Path: ...


As = Callable[..., Said]


def wish(**params: Any) -> intent.Intent:
    return intent.Intent(
        action="vienna.member.invite", resource="member/hugo", params=params, purpose="rosa asks", cost=Cost(0), state_digest=None,
        parent=None, deadline=None,
    )  # fmt: skip


def changing(*events: Any) -> intent.Intent:
    return wish(changes=[{"tag": event.TAG, "body": encode(event)} for event in events])


def card(of: intent.Intent) -> Card:
    fields = {
        "agent": "rosa", "tier": "T2", "quorum": "any 2", "policies": ["vienna.governed"], "why": "", "bundle": bytes(32), "executor": "",
        "verify": {}, "ttl": 0, "uses": 1, "cost_cap": None, "constraints": {},
        "review": {}, "state_digest": None, "founding": False, "facts": {},
        "expires_at": 1_800_000_000_000_000,
    }  # fmt: skip
    return Card(case="c1", packed=b"card", fields=fields, intent=of, said=(), beside={})


def printed(of: Card) -> str:
    console = Console(width=160, markup=False, highlight=False)
    with console.capture() as heard:
        console.print(card_text(of))
    return heard.get()


def test_every_field_of_every_change_is_shown_by_name() -> None:
    said = printed(card(changing(HUGO, MemberConfirmed("ben", FINGERPRINT, "rosa"))))  # type: ignore[arg-type]
    lines = [" ".join(line.split()) for line in said.splitlines()]
    for line in (
        "member.invited/1", 'member "hugo"', 'kind "approver"', 'person "Hugo"', 'roles ["reviewer", "lead"]', "owner none",
        'invitation "i1"', f"token_hash {'07' * 32}", "expires_at 2027-01-15 08:00:00 UTC",
        "member.confirmed/1", 'member "ben"', f'fingerprint "{FINGERPRINT}"', 'by "rosa"',
    ):  # fmt: skip
        assert line in lines


def test_the_digest_that_is_signed_is_shown_with_the_card() -> None:
    assert canonical.digest(b"card").hex() in printed(card(changing(HUGO)))
    assert canonical.digest(b"card").hex() in printed(card(wish()))


def test_words_in_a_change_move_and_hide_nothing() -> None:
    said = printed(card(changing(MemberRevoked("ben", "retired\x1b[2J\u202e [bold red]"))))  # type: ignore[arg-type]
    assert "<U+001B>[2J<U+202E> [bold red]" in said
    assert "\x1b" not in said


UNREADABLE: dict[str, dict[str, Any]] = {
    "a tag of a later program": {"changes": [{"tag": "member.promoted/1", "body": b"\x80"}]},
    "a body with another field": {"changes": [{"tag": HUGO.TAG, "body": canonical.pack({"member": "hugo"})}]},
    "bytes in another form": {"changes": [{"tag": "member.revoked/1", "body": b"\xdf\x00\x00\x00\x00"}]},
    "something beside the changes": {"changes": [{"tag": HUGO.TAG, "body": encode(HUGO)}], "more": 1},
    "something beside tag and body": {"changes": [{"tag": HUGO.TAG, "body": encode(HUGO), "more": 1}]},
    "a text for a list": {"changes": "none"},
    "no changes at all": {},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_says_so_and_is_not_approved(what: str) -> None:
    unread = card(wish(**UNREADABLE[what]))
    with pytest.raises(NotCanonical):
        changes.changes_of(unread.intent)
    assert "cannot be read by this program" in printed(unread)
    assert "cannot be read" in steps.wish_text(intent.pack(unread.intent)).plain
    with pytest.raises(VerificationError, match="not signed"):
        refuse_unread(unread)


def test_what_can_be_read_may_be_approved() -> None:
    refuse_unread(card(changing(HUGO)))


def test_a_change_of_a_sealed_tenant_is_read_signed_and_found_again(house: House, as_: As) -> None:
    """An invitation, its confirmation, a bundle and a farewell, each looked at by the people who vote on it."""
    assert as_("rosa", "tenant", "seal", "--yes").code == 0

    def shown(case: str) -> str:
        said = as_("clara", "approvals", "show", case)
        assert said.code == 0, said.err
        return said.out

    def approved(case: str) -> None:
        for name in ("clara", "dora"):
            said = as_(name, "approvals", "approve", case, "--yes")
            assert said.code == 0, said.err

    invitation = house.directory / "hugo.invitation"
    added = as_(
        "rosa", "member", "add", "hugo", "--kind", "approver", "--person", "Hugo", "--role", "lead", "-o", str(invitation), json=True
    )
    case = str(added.json["case"])
    said = shown(case)
    for word in ("member.invited/1", '"hugo"', '"approver"', '"Hugo"', '["lead"]', " UTC"):
        assert word in said
    found = as_("clara", "approvals", "show", case, json=True).json
    assert found["changes"][0] | {"tag": "member.invited/1", "member": "hugo", "roles": ["lead"]} == found["changes"][0]
    digest = found["digest"]
    assert digest in said
    signed = as_("clara", "approvals", "approve", case, "--yes")
    assert f"you signed the card {digest}" in " ".join(signed.out.split())
    assert digest in as_("dora", "approvals", "approve", case, "--yes").out
    lineage = as_("rosa", "case", case).out
    assert digest in lineage
    assert 'roles = ["lead"]' in lineage

    invited = invitations.read(invitation, now=time.time_ns() // 1000)
    member = new_member(invited)
    credentials.write(house.credential("hugo"), member.credential, passphrase=None)
    fingerprint = trio.run(enrol, invited, member).fingerprint
    case = str(as_("rosa", "member", "confirm", "hugo", "--fingerprint", fingerprint, json=True).json["case"])
    said = shown(case)
    assert "member.confirmed/1" in said
    assert f'"{fingerprint}"' in said
    approved(case)

    for unclear in ((), ("--role", "lead", "--no-roles")):
        assert as_("rosa", "member", "change", "hugo", *unclear).code == 2
    case = str(as_("rosa", "member", "change", "hugo", "--role", "lead", "--role", "finance", json=True).json["case"])
    said = shown(case)
    assert "member.changed/1" in said
    assert '["finance", "lead"]' in said
    approved(case)
    assert "finance, lead" in as_("rosa", "member", "list").out

    bundle = as_("rosa", "policy", "show", json=True).json
    pushed = as_("rosa", "policy", "push", str(changed_bundle(house.directory)), "--activate", json=True)
    said = shown(str(pushed.json["case"]))
    assert "bundle.activated/1" in said
    assert str(pushed.json["bundle"]) in said
    assert str(bundle["bundle"]) in said  # what was in force before

    case = str(as_("rosa", "member", "revoke", "hugo", "--reason", "left \u202e [red]", json=True).json["case"])
    assert '"left <U+202E> [red]"' in shown(case)


def changed_bundle(directory: Path) -> Path:
    copy = Path(shutil.copytree(BUNDLE, directory / "bundle"))
    with (copy / "bundle.toml").open("a") as file:
        file.write("\n# another one\n")
    return copy


def test_why_a_case_ended_badly_is_said_once(as_: As) -> None:
    said = as_("ada", "propose", "git.nonsense", "repo/vienna", "--purpose", "look")
    assert said.code == 1
    reason = next(line for line in said.out.splitlines() if "denied: " in line).partition("denied: ")[2].strip()
    assert reason
    assert said.err == "the case ended denied\n"
    silent = as_("ada", "propose", "git.nonsense", "repo/vienna", "--purpose", "look", "--no-wait")
    assert reason in silent.err

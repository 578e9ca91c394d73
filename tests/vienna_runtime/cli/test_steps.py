"""Each entry is one line that says what it is about, and none of them floods the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vienna_runtime.cli import steps
from vienna_runtime.client import Step


def said(tag: str, **body: Any) -> str:
    fields: Mapping[str, Any] = body
    return steps.line(Step(seq=7, time=0, tag=tag, actor="rosa", step=0, body=fields)).plain


def test_a_bundle_is_named_by_its_files_and_not_by_their_bytes() -> None:
    line = said("bundle.pushed/1", bundle=bytes(32), files={"bundle.toml": b"x" * 5000, "notes.cedar": b"y" * 5000})
    assert line.endswith(f"{'00' * 32}: bundle.toml, notes.cedar")


def test_keys_and_proofs_of_a_new_member_are_not_spelt_out() -> None:
    body = {"member": "ada", "invitation": "74c8", "public_key": bytes(32), "key_id": "9e8c", "key_hash": bytes(32), "proof": bytes(64)}
    assert said("member.enrolled/1", **body).endswith("ada made keys and waits to be confirmed")


def test_an_invitation_says_for_whom_and_until_when() -> None:
    body = {"member": "ada", "kind": "agent", "person": "Ada", "roles": ["writer"], "owner": "rosa"}
    line = said("member.invited/1", **body, invitation="74c8", token_hash=bytes(32), expires_at=0)
    assert line.endswith("ada, agent, person Ada, roles writer, owned by rosa; until 1970-01-01 00:00:00 UTC")


@pytest.mark.parametrize(
    ("tag", "body", "end"),
    [
        ("member.revoked/1", {"member": "late", "reason": "the invitation expired unused"}, "late: the invitation expired unused"),
        (
            "command.refused/1",
            {"command": "member.confirm", "by": "rosa", "code": "unknown", "why": "there is none", "about": "bertha"},
            "member.confirm bertha: there is none (unknown)",
        ),
        ("warrant.expired/1", {"case": "c1", "warrant": "w1", "closes": True}, 'warrant "w1"'),
        ("snapshot.made/1", {"size": 7, "digest": bytes(32)}, "size 7, digest 0000000000000000…"),
        (
            "breaker.tripped/1",
            {"scope": "tenant", "epoch": 1, "until": 0, "why": "", "by": "law"},
            '1970-01-01 00:00:00 UTC, why "", by "law"',
        ),
    ],
)
def test_a_line_names_what_it_is_about(tag: str, body: dict[str, Any], end: str) -> None:
    assert said(tag, **body).endswith(end)

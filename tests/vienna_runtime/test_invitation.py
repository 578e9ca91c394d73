from __future__ import annotations

import base64
import datetime as dt
import hashlib
import stat
from pathlib import Path

import attrs
import msgpack
import pytest

from vienna_runtime import invitation
from vienna_runtime.errors import FileTakenError, InvitationError, UnsafeFileError
from vienna_runtime.invitation import PREFIX, Invitation
from vienna_runtime.pki import Places, make_dev_authority
from vienna_runtime.secret import Secret

TOKEN = b"vi_belvedere_0101010101010101_" + b"5e" * 32
EXPIRES = 1_000


@pytest.fixture(scope="module")
def invited(tmp_path_factory: pytest.TempPathFactory) -> Invitation:
    places = Places(tmp_path_factory.mktemp("node") / "tls")
    return Invitation(
        address="127.0.0.1:7443",
        server_name="localhost",
        ca=make_dev_authority(places, "vienna.local", ["localhost"], dt.datetime(2026, 11, 22, tzinfo=dt.UTC)).pem,
        node_key="vienna.local+01020304+AbCd",
        tenant="belvedere",
        name="clara",
        role="approver",
        token=Secret(TOKEN),
        expires=EXPIRES,
    )


def fields(one: Invitation) -> list[object]:
    return [getattr(one, field.name) for field in attrs.fields(Invitation)]


def line(body: object) -> str:
    """As a node would write it, checksum and all, whatever is in it."""
    packed = msgpack.packb(body)
    checksum = hashlib.sha256(b"vienna/invitation-text/1\0" + packed).digest()[:4]
    return PREFIX + base64.urlsafe_b64encode(packed + checksum).decode().rstrip("=")


def body(invited: Invitation) -> dict[str, object]:
    encoded = invitation.encode(invited).removeprefix(PREFIX)
    decoded: dict[str, object] = msgpack.unpackb(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))[:-4])
    return decoded


def test_an_invitation_is_one_line_of_safe_characters_and_reads_back_whole(invited: Invitation) -> None:
    text = invitation.encode(invited)
    assert text.isascii()
    assert not set(text) & set(" \n\"'$`\\+/=;&|<>")
    assert fields(invitation.decode(f"  {text}\n", now=EXPIRES - 1)) == fields(invited)


def test_an_invitation_is_over_at_its_time(invited: Invitation) -> None:
    with pytest.raises(InvitationError, match="expired"):
        invitation.decode(invitation.encode(invited), now=EXPIRES)


def test_every_missing_or_altered_character_is_noticed(invited: Invitation) -> None:
    text = invitation.encode(invited)
    for index in range(len(text)):
        for spoilt in (
            text[:index],
            text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :],
            text[:index] + text[index + 1 :],
        ):
            with pytest.raises(InvitationError):
                invitation.decode(spoilt, now=0)


@pytest.mark.parametrize(
    "text", ["", "vienna-invitation:", "hello", PREFIX + "A" * 20_000, PREFIX + "ä", PREFIX + "AAAA AAAA", PREFIX + "AAAAAAA="]
)
def test_what_is_no_invitation_is_refused(text: str) -> None:
    with pytest.raises(InvitationError):
        invitation.decode(text, now=0)


def test_another_version_is_refused_as_that(invited: Invitation) -> None:
    with pytest.raises(InvitationError, match="version"):
        invitation.decode(line({**body(invited), "version": 2}), now=0)


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"tenant": 7},
        {"expires": "never"},
        {"expires": 1.5},
        {"expires": True},
        {"ca": b"no certificate"},
        {"ca": "text"},
        {"token": "text"},
    ],
)
def test_a_field_too_many_or_of_another_type_is_refused_despite_a_right_checksum(invited: Invitation, change: dict[str, object]) -> None:
    assert fields(invitation.decode(line(body(invited)), now=0)) == fields(invited)
    with pytest.raises(InvitationError, match="damaged"):
        invitation.decode(line({**body(invited), **change}), now=0)


def test_a_field_missing_or_out_of_order_is_refused(invited: Invitation) -> None:
    whole = body(invited)
    for name in whole:
        with pytest.raises(InvitationError):
            invitation.decode(line({other: whole[other] for other in whole if other != name}), now=0)
    for other in (dict(reversed(whole.items())), [*whole.values()], None, 7):
        with pytest.raises(InvitationError):
            invitation.decode(line(other), now=0)


def test_the_file_is_its_owners_alone_new_and_refused_when_others_can_read_it(invited: Invitation, tmp_path: Path) -> None:
    path = tmp_path / "clara.invitation"
    invitation.write(path, invited)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert fields(invitation.read(path, now=0)) == fields(invited)
    with pytest.raises(FileTakenError):
        invitation.write(path, invited)
    path.chmod(0o644)
    with pytest.raises(UnsafeFileError):
        invitation.read(path, now=0)


def test_a_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clara.invitation"
    path.touch(mode=0o600)
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(InvitationError):
        invitation.read(path, now=0)


def test_an_invitation_never_shows_its_token(invited: Invitation) -> None:
    assert "5e5e" not in repr(invited)
    assert "clara" in repr(invited)

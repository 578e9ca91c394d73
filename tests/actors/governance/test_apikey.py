from __future__ import annotations

import copy
import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.apikey import LONGEST_TOKEN, Token, TokenKind, mint, parse
from actors.governance.names import NAME

SECRET = bytes(range(32))
TENANTS = st.from_regex(NAME, fullmatch=True, alphabet=string.ascii_lowercase + string.digits + "-")
KINDS = st.sampled_from(TokenKind)


def key(tenant: str = "belvedere", *, kind: TokenKind = TokenKind.API_KEY, id: bytes = b"\x01" * 8, secret: bytes = SECRET) -> Token:
    return mint(kind, tenant, id=id, secret=secret)


@given(KINDS, TENANTS, st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
def test_what_was_minted_parses_to_the_same_digest(kind: TokenKind, tenant: str, id: bytes, secret: bytes) -> None:
    token = mint(kind, tenant, id=id, secret=secret)
    parsed = parse(kind, token.reveal())
    assert parsed is not None
    assert (parsed.tenant, parsed.id, parsed.digest()) == (tenant, id.hex(), token.digest())
    assert len(token.reveal()) <= LONGEST_TOKEN


@given(st.text(max_size=150))
def test_no_other_text_parses_unless_it_is_exactly_what_it_reveals(text: str) -> None:
    for kind in TokenKind:
        parsed = parse(kind, text)
        assert parsed is None or parsed.reveal() == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("vk_", "VK_"),
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.replace("belvedere", "belve_dere"),
        lambda text: text.replace("belvedere", "Belvedere"),
        lambda text: text.replace("belvedere", ""),
        lambda text: text.replace("belvedere", "-belvedere"),
        lambda text: text.replace("belvedere", "b" * 41),
        lambda text: text.replace("belvedere", "bélvedere"),
        lambda text: text[:-1] + "٣",  # a digit to some, no hexadecimal one
        lambda text: "",
    ],
)
def test_a_key_has_one_spelling(spoil: object) -> None:
    assert callable(spoil)
    assert parse(TokenKind.API_KEY, spoil(key().reveal())) is None


def test_an_invitation_never_passes_for_an_api_key() -> None:
    text = key(kind=TokenKind.INVITATION).reveal()
    assert parse(TokenKind.API_KEY, text) is None
    assert key(kind=TokenKind.INVITATION).digest() != key().digest()


def test_a_stored_digest_opens_nothing_in_another_row_or_tenant() -> None:
    stored = key().digest()
    assert key().matches(stored)
    assert not key("schoenbrunn").matches(stored)
    assert not key(id=b"\x02" * 8).matches(stored)
    assert not key(secret=bytes(32)).matches(stored)
    assert not key().matches(b"")


def test_a_token_never_shows_its_secret() -> None:
    token = key()
    shown = f"{token} {token!r} {[token]} {ValueError(token)}"
    assert SECRET.hex() not in shown
    assert str(SECRET) not in shown
    assert "belvedere" in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(token)


@pytest.mark.parametrize("tenant", ["", "-rf", "Belvedere", "bel vedere", "bel_vedere", "b" * 41, "belvedere\n"])
def test_minting_refuses_what_would_not_parse(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        key(tenant)


def test_minting_wants_all_the_randomness() -> None:
    with pytest.raises(ValueError, match="bytes"):
        key(secret=b"short")
    with pytest.raises(ValueError, match="bytes"):
        key(id=b"short")

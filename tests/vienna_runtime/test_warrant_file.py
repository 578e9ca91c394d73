"""A warrant in a file: read strictly, narrowed only, and never said to be live."""

from __future__ import annotations

from pathlib import Path

import pytest
from nacl.signing import SigningKey

from actors.governance import canonical, links, warrant
from actors.governance.constraints import Constraint, Range, Under
from actors.governance.links import LinkInvalid
from actors.governance.signing import Purpose, signed_bytes
from vienna_runtime import warrant_file
from vienna_runtime.errors import VerificationError
from vienna_runtime.warrant_file import WarrantFile, attenuate, read

ISSUER, HOLDER, NEXT = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))


@pytest.fixture
def whole() -> WarrantFile:
    terms = warrant.Warrant(
        tenant="belvedere", warrant="w1", case="c1", agent="ada", executor="till", holder=bytes(HOLDER.verify_key), action="note.write",
        resource="notes", params={"path": "drafts/a", "pages": 1}, constraints={"path": {"under": "drafts"}}, intent=bytes(32),
        effect="e", state_digest=None, tier="T0", approvals=(), envelopes=(), bundle=bytes(32), verify={}, not_before=0, expires_at=10**15,
        uses=3,
        cost_cap=5,
    )  # type: ignore[arg-type]  # ids as plain values  # fmt: skip
    packed = warrant.pack(terms)
    signature = ISSUER.sign(signed_bytes(Purpose.WARRANT, packed)).signature
    return WarrantFile(packed, signature, b"m" * 32, None, {"checkpoint": b"", "entries": []})


def test_it_is_written_and_read_again(whole: WarrantFile, tmp_path: Path) -> None:
    (tmp_path / "a.warrant").write_bytes(whole.packed())
    assert read(tmp_path / "a.warrant") == whole


@pytest.mark.parametrize("content", [b"", b"x", canonical.pack({"format": "vienna warrant 1"}), b"\xc1" * 9])
def test_what_is_no_warrant_in_a_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.warrant").write_bytes(content)
    with pytest.raises(VerificationError, match="is no warrant in a file"):
        read(tmp_path / "a.warrant")


def test_a_link_is_made_offline_and_narrows(whole: WarrantFile) -> None:
    made = attenuate(whole, bytes(HOLDER), bytes(NEXT.verify_key), only={"path": Under("drafts/b")}, uses=1, cost_cap=2)
    (link,) = links.unpack_chain(made.chain or b"")
    said = links.unverified_unpack(link[0])
    assert (said.holder, said.uses, said.cost_cap, said.expires_at) == (bytes(NEXT.verify_key), 1, 2, 10**15)


@pytest.mark.parametrize(
    ("only", "uses", "why"),
    [
        ({"path": Under(".")}, None, "widens"),
        ({"pages": Range(1, 2)}, None, "widens"),
        ({"x": Range(1, 2)}, None, "no parameter"),
        ({}, 4, "widens the uses"),
    ],
)
def test_a_link_that_widens_is_not_even_made(whole: WarrantFile, only: dict[str, Constraint], uses: int | None, why: str) -> None:
    with pytest.raises(LinkInvalid, match=why):
        attenuate(whole, bytes(HOLDER), bytes(NEXT.verify_key), only=only, uses=uses)


def test_whoever_is_not_the_holder_makes_no_link(whole: WarrantFile) -> None:
    with pytest.raises(LinkInvalid, match="is not signed by the holder before it"):
        attenuate(whole, bytes(NEXT), bytes(NEXT.verify_key), only={})


def test_keys_that_the_nodes_key_does_not_lead_to_prove_nothing(whole: WarrantFile) -> None:
    with pytest.raises(VerificationError):
        warrant_file.inspect(whole, node_key="vienna.local+8ce88a58+Acp3zachS/nB", at=0)  # type: ignore[arg-type]  # an instant

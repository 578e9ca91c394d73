from __future__ import annotations

import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from vienna_runtime.errors import CertificateError, FileTakenError, UnsafeFileError
from vienna_runtime.pki import LEAF_LIFE, Places, check_valid, load_dev_authority, make_dev_authority, names_of, ready_server_certificate

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)  # OpenSSL looks at the real clock
NAMES = ("vienna.example", "localhost", "127.0.0.1", "10.1.2.3", "::1")
MONTH = dt.timedelta(days=30)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "tls")
    make_dev_authority(places, "vienna.local", NAMES, NOW)
    return places


def ready(places: Places, now: dt.datetime = NOW, names: tuple[str, ...] = NAMES) -> x509.Certificate:
    return ready_server_certificate(places, names, now, renew_before=MONTH)


def handshake(places: Places, name: str, *, ca: Path | None = None) -> None:
    """A whole TLS 1.3 handshake in memory, with OpenSSL's strict reading of RFC 5280 on the client's side."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(places.server, places.server_key)
    client.load_verify_locations(ca or places.authority)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, server_side=True)]
    for _ in range(4):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not ends


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_accepts_every_name_of_the_server(places: Places, name: str) -> None:
    ready(places)
    handshake(places, name)


def test_a_client_refuses_another_name_and_another_authority(places: Places, tmp_path: Path) -> None:
    ready(places)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(places, "mallory.example")
    others = Places(tmp_path / "other")
    make_dev_authority(others, "vienna.local", NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(places, "localhost", ca=others.authority)


def test_the_certificates_say_what_they_are_for_and_no_more(places: Places) -> None:
    server = ready(places)
    authority = load_dev_authority(places)
    assert authority is not None
    of = server.extensions.get_extension_for_class
    assert list(of(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert of(x509.BasicConstraints).value == x509.BasicConstraints(ca=False, path_length=None)
    assert names_of(server) == set(NAMES)
    assert server.not_valid_after_utc - NOW == LEAF_LIFE == dt.timedelta(days=397)
    basic = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert authority.certificate.extensions.get_extension_for_class(x509.NameConstraints).critical
    for certificate in (server, authority.certificate):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"


def test_private_keys_are_their_owners_alone(places: Places) -> None:
    ready(places)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in places.directory.iterdir()}
    assert modes == {"authority.pem": 0o644, "authority.key": 0o600, "server.pem": 0o644, "server.key": 0o600}
    assert stat.S_IMODE(places.directory.stat().st_mode) == 0o700
    places.authority_key.chmod(0o644)
    with pytest.raises(UnsafeFileError):
        ready(places)


def test_no_private_key_shows_in_a_repr(places: Places) -> None:
    assert "key" not in repr(load_dev_authority(places))


def test_an_authority_is_never_made_over_another(places: Places) -> None:
    before = places.authority.read_bytes()
    with pytest.raises(FileTakenError):
        make_dev_authority(places, "vienna.local", NAMES, NOW)
    assert places.authority.read_bytes() == before


def test_a_certificate_is_kept_until_its_last_month_and_then_renewed(places: Places) -> None:
    first = ready(places)
    assert ready(places, NOW + LEAF_LIFE - MONTH - dt.timedelta(seconds=1)) == first
    second = ready(places, NOW + LEAF_LIFE - MONTH)
    assert second != first
    assert second.not_valid_after_utc > first.not_valid_after_utc


def test_other_names_and_a_key_that_does_not_belong_renew_it(places: Places) -> None:
    first = ready(places)
    second = ready(places, names=("localhost",))
    assert names_of(second) == {"localhost"}
    assert ready(places, names=("localhost",)) == second != first
    places.server_key.write_bytes(places.authority_key.read_bytes())  # a crash between the two files
    third = ready(places, names=("localhost",))
    assert third != second
    handshake(places, "localhost")


def test_near_the_authoritys_own_end_a_start_does_not_renew_each_time_and_after_it_says_so(places: Places) -> None:
    authority = load_dev_authority(places)
    assert authority is not None
    end = authority.certificate.not_valid_after_utc
    last = ready(places, end - dt.timedelta(days=2))
    assert last.not_valid_after_utc == end
    assert ready(places, end - dt.timedelta(days=1)) == last
    with pytest.raises(CertificateError, match=f"{end:%Y-%m-%d}"):
        ready(places, end)


def test_without_the_authoritys_key_nothing_is_renewed_and_an_expired_certificate_is_refused_by_date(places: Places) -> None:
    certificate = ready(places)
    places.authority_key.unlink()
    assert ready(places, NOW + LEAF_LIFE - dt.timedelta(seconds=1)) == certificate
    with pytest.raises(CertificateError, match=f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"):
        ready(places, NOW + LEAF_LIFE)
    with pytest.raises(CertificateError, match="is this clock right"):
        check_valid(certificate, NOW - dt.timedelta(days=1), where="server.pem")


def test_a_missing_foreign_or_unreadable_certificate_is_refused_by_name(places: Places) -> None:
    ready(places)
    key = places.authority_key.read_bytes()
    places.authority_key.unlink()
    places.server_key.write_bytes(key)
    with pytest.raises(CertificateError, match="is not the key of"):
        ready(places)
    places.server.write_text("no certificate")
    with pytest.raises(CertificateError, match="no certificate in PEM"):
        ready(places)
    places.server.unlink()
    with pytest.raises(CertificateError, match="missing"):
        ready(places)


@pytest.mark.parametrize("name", ["mallory.example", "10.1.2.4", "example", "notvienna.example", "fe80::1"])
def test_the_authority_vouches_for_its_own_names_only(places: Places, name: str) -> None:
    with pytest.raises(CertificateError, match="not made for"):
        ready(places, names=("localhost", name))
    assert not places.server.exists()

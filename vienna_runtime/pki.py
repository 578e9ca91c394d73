"""The node's own certificates: a development authority that can vouch for this node's names only, and its server certificate.

    tls/authority.pem      the authority's certificate: what clients trust (it travels in invitations)
    tls/authority.key      its private key, mode 0600
    tls/server.pem         the server's certificate
    tls/server.key         its private key, mode 0600

P-256 throughout: browsers, Go and curl dislike Ed25519 leaf certificates.  The authority's path length is 0 and its name
constraints permit only the names and addresses it was made for and loopback, so that a stolen authority key of a machine
for trying things out cannot impersonate anyone else to whoever trusted it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vienna_runtime import private_file
from vienna_runtime.errors import CertificateError
from vienna_runtime.pki_names import canonical, check_permitted, constraints, general

AUTHORITY_LIFE = dt.timedelta(days=3650)  # outlives the trying out; a real node brings a certificate of its own
LEAF_LIFE = dt.timedelta(days=397)  # the longest that browsers accept
BACKDATED = dt.timedelta(hours=1)  # a client whose clock is behind must not refuse a certificate made just now

_PUBLIC = 0o644  # certificates are for everybody


@attrs.frozen
class Places:
    """The four files."""

    directory: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.directory / "authority.pem"

    @property
    def authority_key(self) -> Path:
        """The authority's private key."""
        return self.directory / "authority.key"

    @property
    def server(self) -> Path:
        """The server's certificate."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key."""
        return self.directory / "server.key"


@attrs.frozen(eq=False)
class Authority:
    """A development authority with its key in hand."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = attrs.field(repr=False)

    @property
    def pem(self) -> str:
        """What clients are given to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def make_dev_authority(places: Places, node: str, names: Sequence[str], now: dt.datetime) -> Authority:
    """A new authority for that node's names, written to its files; ``FileTakenError`` if there is one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Vienna development authority of {node}"[:64])])
    certificate = (
        _certificate(subject, subject, key.public_key(), key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints(names), critical=True)
        .sign(key, hashes.SHA256())
    )
    places.directory.mkdir(mode=0o700, exist_ok=True)
    private_file.create(places.authority_key, _pem(key))
    private_file.create(places.authority, certificate.public_bytes(serialization.Encoding.PEM), mode=_PUBLIC)
    return Authority(certificate, key)


def load_dev_authority(places: Places) -> Authority | None:
    """The authority whose key lies here, or ``None``: then the server's certificate comes from elsewhere."""
    if not places.authority_key.exists():
        return None
    key = serialization.load_pem_private_key(private_file.read(places.authority_key), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{places.authority_key} is not a P-256 key")
    return Authority(_read(places.authority), key)


def make_server_certificate(places: Places, authority: Authority, names: Sequence[str], now: dt.datetime) -> x509.Certificate:
    """A new server key and its certificate for these names and addresses, replacing any before; each file whole or not at all."""
    check_permitted(authority.certificate, names)
    _check_authority(authority, now)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    life = min(LEAF_LIFE, authority.certificate.not_valid_after_utc - now)
    certificate = (
        _certificate(subject, authority.certificate.subject, key.public_key(), authority.key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([general(name) for name in names]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    private_file.replace(places.server_key, _pem(key))
    private_file.replace(places.server, certificate.public_bytes(serialization.Encoding.PEM), mode=_PUBLIC)
    return certificate


def ready_server_certificate(places: Places, names: Sequence[str], now: dt.datetime, *, renew_before: dt.timedelta) -> x509.Certificate:
    """The certificate to serve with: renewed by the development authority when near its end or for other names.

    Without that authority's key nothing is renewed, and a certificate that is not valid now is a ``CertificateError``.
    A crash between the writing of key and certificate leaves a pair that does not match, which is renewed too.
    """
    authority = load_dev_authority(places)
    if authority is not None:
        _check_authority(authority, now)
        current = _read(places.server) if places.server.exists() else None
        if current is None or _due(current, authority, names, now + renew_before) or not _belongs(current, places.server_key):
            return make_server_certificate(places, authority, names, now)
        return current
    certificate = _read(places.server)
    check_valid(certificate, now, where=str(places.server))
    if not _belongs(certificate, places.server_key):
        raise CertificateError(f"{places.server_key} is not the key of {places.server}")
    return certificate


def check_valid(certificate: x509.Certificate, now: dt.datetime, *, where: str) -> None:
    """Raise ``CertificateError`` with the date if the certificate is not valid now."""
    if now >= certificate.not_valid_after_utc:
        raise CertificateError(
            f"{where}: the certificate expired on {_day(certificate)}; nobody can connect with it: replace it and start again"
        )
    if now < certificate.not_valid_before_utc:
        raise CertificateError(
            f"{where}: the certificate is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is this clock right?"
        )


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The names and addresses a certificate is for."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return frozenset((*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)))


def _due(current: x509.Certificate, authority: Authority, names: Sequence[str], then: dt.datetime) -> bool:
    # Within its last days the authority cannot give a longer life, and renewing at each start would not help.
    if then >= current.not_valid_after_utc and current.not_valid_after_utc < authority.certificate.not_valid_after_utc:
        return True
    return current.issuer != authority.certificate.subject or names_of(current) != frozenset(map(canonical, names))


def _check_authority(authority: Authority, now: dt.datetime) -> None:
    if now >= authority.certificate.not_valid_after_utc:
        raise CertificateError(
            f"the development authority expired on {_day(authority.certificate)}; make a new one and enrol the members again"
        )


def _belongs(certificate: x509.Certificate, key: Path) -> bool:
    if not key.exists():
        return False
    private = serialization.load_pem_private_key(private_file.read(key), password=None)
    return _spki(private.public_key()) == _spki(certificate.public_key())


def _spki(key: object) -> bytes:
    found: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return found


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuers: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    life: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _read(path: Path) -> x509.Certificate:
    """The first certificate of the file; a chain may follow it."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except FileNotFoundError:
        raise CertificateError(f"{path} is missing: without a certificate nobody can connect") from None
    except (ValueError, IndexError):
        raise CertificateError(f"{path} holds no certificate in PEM") from None


def _day(certificate: x509.Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%d}"

"""Whether a port accepts connections, and which certificate the server there shows.

The hosts and ports are the configuration's.  The certificate is looked at, not trusted: `valid` asks whether the authorities vouch
for it under the server's name, the other looks say what it is, whoever vouches.
"""

from __future__ import annotations

import datetime
import hashlib
import ssl

import attrs
import trio
from cryptography import x509

from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers import expect
from vienna_runtime.verifiers.http import trusting
from vienna_runtime.verifiers.observe import Expectation, Literal, Source, Value

LOOKS = ("valid", "fingerprint", "names", "days_left")
OPEN, CLOSED = "open", "closed"


@attrs.frozen(kw_only=True)
class Tcp:
    subject: Subject
    source: Source
    host: str
    port: int
    timeout: float

    def expected(self, expectation: Expectation) -> Value:
        return expect.text(expect.resolve(self.source, expectation))

    async def look(self, expectation: Expectation) -> Value:
        expectation.values(self.subject)
        try:
            with trio.fail_after(self.timeout):
                stream = await trio.open_tcp_stream(self.host, self.port)
        except trio.TooSlowError:
            raise NotStarted(f"nothing came back within {self.timeout:g} s: neither open nor closed") from None
        except OSError as error:
            return _refused(error)
        await trio.aclose_forcefully(stream)
        return OPEN


@attrs.frozen(kw_only=True)
class Tls:
    subject: Subject
    source: Source
    host: str
    port: int
    name: str
    observe: str
    at_least: int
    tls: ssl.SSLContext = attrs.field(repr=False, eq=False)
    timeout: float

    def expected(self, expectation: Expectation) -> Value:
        if self.observe in ("valid", "days_left"):
            return "yes" if self.observe == "valid" else f"at least {self.at_least} days left"
        value = expect.resolve(self.source, expectation)
        return expect.digest(value) if self.observe == "fingerprint" else expect.text(value)

    async def look(self, expectation: Expectation) -> Value:
        expectation.values(self.subject)
        context = self.tls
        if self.observe != "valid":  # what it is, whoever vouches for it: nothing is sent to it and nothing of it believed
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with trio.fail_after(self.timeout):
                stream = await trio.open_tcp_stream(self.host, self.port)
                try:
                    secured = trio.SSLStream(stream, context, server_hostname=self.name)
                    await secured.do_handshake()
                    shown = secured.getpeercert(binary_form=True)
                finally:
                    await trio.aclose_forcefully(stream)
        except trio.TooSlowError:
            raise NotStarted(f"no certificate within {self.timeout:g} s") from None
        except trio.BrokenResourceError as error:
            if self.observe == "valid" and isinstance(error.__cause__, ssl.SSLCertVerificationError):
                return f"no: {error.__cause__.verify_message}"[:200]
            raise NotStarted("the server there shows no certificate") from None
        except (OSError, ssl.SSLError) as error:
            raise NotStarted(f"the server cannot be reached: {error.strerror or error}") from None
        if shown is None:
            raise NotStarted("the server showed no certificate")
        return self._value(shown)

    def _value(self, shown: bytes) -> Value:
        if self.observe == "valid":
            return "yes"
        if self.observe == "fingerprint":
            return hashlib.sha256(shown).digest()
        try:
            certificate = x509.load_der_x509_certificate(shown)
            if self.observe == "names":
                names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
                return ", ".join(sorted(names.get_values_for_type(x509.DNSName)))
            left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        except (ValueError, x509.ExtensionNotFound) as error:
            raise NotStarted(f"the certificate cannot be read: {error}") from None
        return f"at least {self.at_least} days left" if left.days >= self.at_least else f"{left.days} days left"


def tcp(table: Table, subject: Subject) -> Tcp:
    return Tcp(
        subject=subject,
        source=expect.source(table, subject.declared, Literal(OPEN)),
        host=table.text("host"),
        port=table.integer("port", least=1, most=65535),
        timeout=table.duration("timeout", "10s"),
    )


def tls(table: Table, subject: Subject) -> Tls:
    observe, host = table.choice("observe", LOOKS, "valid"), table.text("host")
    compared = observe in ("fingerprint", "names")
    return Tls(
        subject=subject,
        source=expect.source(table, subject.declared, None) if compared else Literal("yes"),
        host=host,
        port=table.integer("port", 443, least=1, most=65535),
        name=table.text("name", host),
        observe=observe,
        at_least=table.integer("at_least", 14, least=0, most=10_000) if observe == "days_left" else 0,
        tls=trusting(table),
        timeout=table.duration("timeout", "10s"),
    )


def _refused(error: OSError) -> Value:
    """A refused connection is a thing that was seen; a name that leads nowhere, or no route, is a look that could not be made."""
    cause: BaseException | None = error
    while cause is not None:
        causes = cause.__cause__.exceptions if isinstance(cause.__cause__, BaseExceptionGroup) else [cause.__cause__]
        if isinstance(cause, ConnectionRefusedError) or (causes and all(isinstance(one, ConnectionRefusedError) for one in causes)):
            return CLOSED
        cause = causes[0] if causes else None
    raise NotStarted(f"the server cannot be reached: {error.strerror or error}") from None

"""Each kind of look against a real thing: an HTTP(S) server, a TLS server, a port, a database file, a process."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import re
import socket
import sqlite3
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vienna_runtime.executors.errors import ConfigurationInvalid
from vienna_runtime.verifiers.config import load
from vienna_runtime.verifiers.fetch import Place
from vienna_runtime.verifiers.observe import Absent, Expectation, Inconclusive, Observation, Seen, observe

Serve = Callable[[trio.abc.Stream], Awaitable[None]]
ANSWER = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nContent-Type: application/json\r\n%s\r\n%s"


def answers(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> Serve:
    async def serve(stream: trio.abc.Stream) -> None:
        await request(stream)
        await stream.send_all(ANSWER % (status, len(body), more, body))

    return serve


async def request(stream: trio.abc.Stream) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += bytes(await stream.receive_some())
    return data


@contextlib.asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def one(stream: trio.abc.Stream) -> None:
        if context is not None:
            stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if context is not None:
                await stream.do_handshake()  # type: ignore[attr-defined]
            await serve(stream)
        with trio.move_on_after(1):
            await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, one, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def seen(tmp_path: Path, text: str, *, resource: str = "order/8812", **arguments: Any) -> Seen:
    """What the check ``c`` of this configuration sees for a warrant with these arguments."""
    path = tmp_path / "emil.toml"
    path.write_text(f'credential = "emil.vienna"\n[checks.c]\n{text}\n')
    path.chmod(0o600)
    checks = load(path).checks
    named = {f"verify.{name}": value for name, value in arguments.items()}
    with trio.fail_after(60):
        return await observe(Expectation(check="c", resource=resource, params=named, claim=None), checks)


def http(port: int, more: str, *, scheme: str = "http", base: str = "/api/", timeout: str = "25s") -> str:
    return f'''kind = "http"
params = {{ "verify.path" = "path" }}
resource = "{{resource}}"
base = "{scheme}://127.0.0.1:{port}{base}"
path = "{{verify.path}}"
timeout = "{timeout}"
{more}'''


def agrees(found: Seen) -> bool:
    assert isinstance(found, Observation), found
    return found.agrees


def blind(found: Seen) -> str:
    assert isinstance(found, Inconclusive), found
    return found.why


STATE = 'observe = "json"\njson_path = "$.state"\nexpected = { literal = "shipped" }'


async def test_a_status_and_a_value_of_json_are_seen_at_a_real_server(tmp_path: Path) -> None:
    async with serving(answers(b'{"state": "shipped", "parcels": [{"id": 7}]}')) as port:
        assert agrees(await seen(tmp_path, http(port, "expected = { literal = 200 }"), path="orders/8812"))
        assert agrees(await seen(tmp_path, http(port, STATE), path="orders/8812"))
        assert not agrees(await seen(tmp_path, http(port, STATE.replace("shipped", "sent")), path="orders/8812"))
        nested = 'observe = "json"\njson_path = "$.parcels[0].id"\nexpected = { literal = 7 }'
        assert agrees(await seen(tmp_path, http(port, nested), path="orders/8812"))
        missing = 'observe = "json"\njson_path = "$.lost"\nexpected = { absent = true }'
        assert agrees(await seen(tmp_path, http(port, missing), path="orders/8812"))
        digest = f'observe = "body_digest"\nexpected = {{ literal = "{hashlib.sha256(b"{}").hexdigest()}" }}'
        assert not agrees(await seen(tmp_path, http(port, digest), path="orders/8812"))


async def test_an_argument_reaches_nothing_outside_what_the_configuration_allows(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        asked.append((await request(stream)).partition(b"\r\n")[0])
        await stream.send_all(ANSWER % (b"200 OK", 0, b"", b""))

    async with serving(serve) as port:
        for path in ("../secrets", "/etc", "a/../../b", "", "a//b"):
            blind(await seen(tmp_path, http(port, "expected = { literal = 200 }"), path=path))
        for path in ("a?admin=1", "%2e%2e/secrets", "a#b", "@mallory.example", "a\r\nHost: other"):
            await seen(tmp_path, http(port, "expected = { literal = 200 }"), path=path)
    assert all(line.startswith(b"GET /api/") and b"?" not in line and b"#" not in line and b"/%2e" not in line for line in asked), asked


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:1/api/", "/elsewhere/", "/api/../secret/", "https://mallory.example/api/", "/api/%2e%2e/x"]
)
async def test_a_redirect_outside_is_never_followed(tmp_path: Path, place: str) -> None:
    async with serving(answers(b"", b"302 Found", b"Location: " + place.encode() + b"\r\n")) as port:
        found = await seen(tmp_path, http(port, "redirects = 3\nexpected = { literal = 200 }"), path="a")
        assert "sends elsewhere" in blind(found)
        assert agrees(await seen(tmp_path, http(port, "expected = { literal = 302 }"), path="a"))


async def test_a_redirect_inside_is_followed_as_often_as_allowed(tmp_path: Path) -> None:
    async with serving(answers(b"", b"302 Found", b"Location: /api/b\r\n")) as port:
        assert "on and on" in blind(await seen(tmp_path, http(port, "redirects = 3\nexpected = { literal = 200 }"), path="a"))


async def endless(stream: trio.abc.Stream) -> None:
    await request(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await stream.send_all(b"x" * 65536)


async def endless_head(stream: trio.abc.Stream) -> None:
    await request(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"X-More: " + b"x" * 1000 + b"\r\n")


async def drip(stream: trio.abc.Stream) -> None:
    await request(stream)
    for byte in ANSWER % (b"200 OK", 10_000, b"", b"x" * 10_000):
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.05)


async def silent(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (endless, "more than 65536 bytes"), (endless_head, "no answer"), (drip, "no whole answer"), (silent, "no whole answer"),
        (answers(b"[" * 60_000), "deep"), (answers(b"{" + b" " * 40_000), "not JSON"),
        (answers(b'{"state": ["a"]}'), "nothing is compared"),
        (answers(b'{"state": "shipped"}', b"500 Oops"), "answered 500"), (answers(b"\xff\xfe"), "not JSON"),
    ],
)  # fmt: skip
async def test_a_hostile_target_is_bounded_and_never_agrees(tmp_path: Path, serve: Serve, why: str) -> None:
    async with serving(serve) as port:
        timeout = "2s" if serve in (drip, silent) else "25s"
        assert why in blind(await seen(tmp_path, http(port, f'{STATE}\nmax_size = "64KiB"', timeout=timeout), path="a"))


async def test_an_unreachable_target_is_inconclusive_and_no_mismatch(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # kept, so that nobody else comes to listen there
        assert "no answer" in blind(await seen(tmp_path, http(port, STATE), path="a"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("/api/", "/api", "does not end with a slash"), ("127.0.0.1", "user:pw@127.0.0.1", "has credentials"),
        ("http://", "ftp://", "is not http(s)://"), ("/api/", "/a/../api/", "no plain path"), ("$.state", "$[", "is not a JSON path"),
        ('literal = "shipped"', 'lateral = 1', "expected one of"),
    ],
)  # fmt: skip
async def test_a_configuration_that_could_reach_elsewhere_does_not_load(tmp_path: Path, old: str, new: str, why: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=re.escape(why)):
        await seen(tmp_path, http(1, STATE).replace(old, new), path="a")


async def test_a_token_is_sent_by_https_alone_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(ConfigurationInvalid, match="in the clear"):
        await seen(tmp_path, http(1, f'{STATE}\ntoken_file = "token"'), path="a")
    path = tmp_path / "emil.toml"
    path.write_text('credential = "e"\n[checks.c]\n' + http(1, f'{STATE}\ntoken_file = "token"', scheme="https"))
    path.chmod(0o600)
    assert "sesame" not in repr(load(path))


# --- certificates -------------------------------------------------------------------------------------------------------


def certified(tmp_path: Path, name: str = "shop.example", days: int = 90) -> tuple[ssl.SSLContext, bytes]:
    """A server's context and its certificate, which is its own authority (``ca.pem``)."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    return context, made.public_bytes(serialization.Encoding.DER)


def tls(port: int, more: str, name: str = "shop.example") -> str:
    return f'kind = "tls"\nresource = "{{resource}}"\nhost = "127.0.0.1"\nport = {port}\nname = "{name}"\ntimeout = "2s"\n{more}'


async def test_a_certificate_is_seen_at_a_real_server(tmp_path: Path) -> None:
    context, der = certified(tmp_path)
    async with serving(silent, context) as port:
        fingerprint = f'observe = "fingerprint"\nexpected = {{ literal = "{hashlib.sha256(der).hexdigest()}" }}'
        assert agrees(await seen(tmp_path, tls(port, fingerprint)))
        assert agrees(await seen(tmp_path, tls(port, 'observe = "names"\nexpected = { literal = "shop.example" }')))
        assert agrees(await seen(tmp_path, tls(port, 'observe = "days_left"\nat_least = 30')))
        assert not agrees(await seen(tmp_path, tls(port, 'observe = "days_left"\nat_least = 300')))
        assert agrees(await seen(tmp_path, tls(port, 'observe = "valid"\nca = "ca.pem"')))
        assert not agrees(await seen(tmp_path, tls(port, 'observe = "valid"')))  # no authority of this system vouches for it
        assert not agrees(await seen(tmp_path, tls(port, 'observe = "valid"\nca = "ca.pem"', name="mallory.example")))


async def test_https_is_checked_and_a_server_that_nobody_vouches_for_is_no_answer(tmp_path: Path) -> None:
    context, _ = certified(tmp_path, "localhost")
    async with serving(answers(b'{"state": "shipped"}'), context) as port:
        text = http(port, STATE, scheme="https").replace("127.0.0.1", "localhost")
        assert agrees(await seen(tmp_path, f'{text}\nca = "ca.pem"', path="a"))
        assert "no answer" in blind(await seen(tmp_path, text, path="a"))


async def test_a_port_is_open_or_closed(tmp_path: Path) -> None:
    text = 'kind = "tcp"\nresource = "{resource}"\nhost = "127.0.0.1"\nport = %d\n'
    async with serving(silent) as port:
        assert agrees(await seen(tmp_path, text % port))
    closed = await seen(tmp_path, text % port)
    assert isinstance(closed, Observation)
    assert (closed.agrees, closed.observed) == (False, "closed")
    assert agrees(await seen(tmp_path, text % port + 'expected = { literal = "closed" }'))


# --- rows ---------------------------------------------------------------------------------------------------------------


def sql(tmp_path: Path, more: str = "", statement: str = "SELECT state FROM orders WHERE id = :order") -> str:
    return f'''kind = "sql"
params = {{ "verify.order" = "text" }}
resource = "{{resource}}"
database = "{tmp_path}/shop.db"
statement = "{statement}"
bind = {{ order = "verify.order" }}
expected = {{ literal = "shipped" }}
{more}'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript("CREATE TABLE orders (id TEXT, state TEXT, n INTEGER); INSERT INTO orders VALUES ('8812', 'shipped', 2)")
        database.commit()
    return tmp_path


async def test_a_row_is_seen_in_a_real_database_and_its_words_are_bound(shop: Path) -> None:
    assert agrees(await seen(shop, sql(shop), order="8812"))
    for order in ("8813", "8812' OR '1'='1", "8812'; DROP TABLE orders; --"):
        found = await seen(shop, sql(shop), order=order)
        assert isinstance(found, Observation)
        assert (found.agrees, found.observed) == (False, Absent())
    count = sql(shop, statement="SELECT n FROM orders WHERE id = :order").replace('"shipped"', "2")
    assert agrees(await seen(shop, count, order="8812"))


async def test_a_database_that_is_not_there_is_not_made_and_not_a_mismatch(shop: Path) -> None:
    assert "unable to open" in blind(await seen(shop, sql(shop).replace("shop.db", "other.db"), order="8812"))
    assert not (shop / "other.db").exists()


async def test_a_statement_that_never_ends_is_killed(shop: Path) -> None:
    counting = (
        "SELECT 'x' FROM orders a, (WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t) WHERE id = :order"
    )
    assert "did not answer within" in blind(await seen(shop, sql(shop, 'timeout = "500ms"', counting), order="8812"))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM orders", "SELECT 1; DELETE FROM orders", "SELECT 1 -- x", "SELECT 1 /* x */", "select * into x from orders", "",
        "PRAGMA query_only = OFF", "WITH x AS (DELETE FROM orders RETURNING id) SELECT id FROM x", "SELECT load_extension('x')",
    ],
)  # fmt: skip
async def test_a_statement_that_is_not_a_single_select_does_not_load(shop: Path, statement: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="not one single SELECT"):
        await seen(shop, sql(shop, statement=statement), order="8812")


# --- programs -----------------------------------------------------------------------------------------------------------


def program(tmp_path: Path, says: str, more: str) -> str:
    (tmp_path / "says.py").write_text(f"print({says!r})")
    return f'''kind = "json_output"
read_only = true
resource = "{{resource}}"
root = "{tmp_path}"
argv = ["{sys.executable}", "says.py"]
{more}'''


async def test_the_output_of_a_real_program_is_looked_at_by_path_and_by_schema(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"type": "object", "required": ["state"], "properties": {"n": {"minimum": 1}}}))
    path, schema = 'json_path = "$.state"\nexpected = { literal = "up" }', 'schema = "s.json"'
    assert agrees(await seen(tmp_path, program(tmp_path, '{"state": "up"}', path)))
    assert agrees(await seen(tmp_path, program(tmp_path, '{"state": "up", "n": 3}', schema)))
    found = await seen(tmp_path, program(tmp_path, '{"state": "up", "n": 0}', schema))
    assert isinstance(found, Observation)
    assert "$.n: 0 is less than the minimum" in str(found.observed)
    assert "not JSON" in blind(await seen(tmp_path, program(tmp_path, "up", schema)))


async def test_a_schema_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"$ref": "http://127.0.0.1:1/schema.json"}))
    assert "outside itself" in blind(await seen(tmp_path, program(tmp_path, "{}", 'schema = "s.json"')))


def test_a_place_covers_what_is_below_it_and_nothing_else() -> None:
    place = Place.parse("https://shop.example/api/")
    assert place.covers("https://shop.example:443/api/orders")
    for other in (
        "http://shop.example/api/x",
        "https://shop.example:8443/api/x",
        "https://shop.example/apis",
        "https://x@shop.example/api/x",
    ):
        assert not place.covers(other), other

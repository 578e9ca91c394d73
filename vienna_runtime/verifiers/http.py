"""What an HTTP(S) server answers to a GET: its status, one value of its JSON, or the digest of its body.

[checks.http]
kind = "http"
params = { "verify.path" = "path" }
resource = "{resource}"
base = "https://shop.example/api/"     # nothing outside is ever asked, whatever the case says
path = "{verify.path}"                 # below base; a value fills whole parts of the path, percent-encoded
observe = "json"                       # or status, body_digest
json_path = "$.state"
status = [200]                         # under which the body means something
expected = { literal = "shipped" }
token_file = "token"                   # sent as Authorization: Bearer
ca = "ca.pem"                          # trusted instead of the system's
"""

from __future__ import annotations

import hashlib
import ssl
from urllib.parse import quote_from_bytes

import attrs

from vienna_runtime.executors import params, walk
from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.executors.template import Template
from vienna_runtime.verifiers import expect, json_look
from vienna_runtime.verifiers.fetch import Place, fetch
from vienna_runtime.verifiers.observe import Expectation, Source, Value

LOOKS = ("status", "json", "body_digest")
_MOST_TOKEN = 8192


@attrs.frozen(kw_only=True)
class Http:
    subject: Subject
    source: Source
    place: Place
    path: Template
    observe: str
    json_path: Template
    statuses: frozenset[int]
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    tls: ssl.SSLContext = attrs.field(repr=False, eq=False)
    timeout: float
    most: int
    redirects: int

    def expected(self, expectation: Expectation) -> Value:
        value = expect.resolve(self.source, expectation)
        match self.observe:
            case "status":
                return expect.integer(value)
            case "body_digest":
                return expect.digest(value)
            case _:
                return value if isinstance(value, int) and not isinstance(value, bool) else expect.text(value)

    async def look(self, expectation: Expectation) -> Value:
        values = expectation.values(self.subject)
        parts = walk.components(self.path.render(values), "the path")
        target = self.place.path + "/".join(quote_from_bytes(part, safe="") for part in parts)
        answer = await fetch(self.place, target, self.headers, tls=self.tls, timeout=self.timeout, most=self.most, redirects=self.redirects)
        if self.observe == "status":
            return answer.status
        if answer.status not in self.statuses:
            raise NotStarted(f"the server answered {answer.status}, so its body means nothing")
        if self.observe == "body_digest":
            return hashlib.sha256(answer.body).digest()
        return json_look.found(json_look.read(answer.body), self.json_path.render(values).decode())


def http(table: Table, subject: Subject) -> Http:
    observe = table.choice("observe", LOOKS, "status")
    try:
        place = Place.parse(table.text("base"))
    except ValueError as wrong:
        raise table.invalid("base", str(wrong)) from None
    json_path = params.template(table, "json_path", table.text("json_path") if observe == "json" else "$", subject.declared)
    if not json_path.names:
        try:
            json_look.path(json_path.prefix.decode())
        except ValueError as wrong:
            raise table.invalid("json_path", str(wrong)) from None
    headers = [("Accept", "application/json" if observe == "json" else "*/*"), ("User-Agent", "vienna-verifier")]
    if token := table.secret("token_file", most=_MOST_TOKEN):
        if not place.tls:
            raise table.invalid("token_file", "would be sent in the clear; base has to begin with https://")
        headers.append(("Authorization", f"Bearer {token}"))
    return Http(
        subject=subject,
        source=expect.source(table, subject.declared, None),
        place=place,
        path=params.template(table, "path", table.text("path"), subject.declared),
        observe=observe,
        json_path=json_path,
        statuses=frozenset(table.integers("status", [200])),
        headers=tuple(headers),
        tls=trusting(table),
        timeout=table.duration("timeout", "10s"),
        most=table.size("max_size", "1MiB"),
        redirects=table.integer("redirects", 0, least=0, most=5),
    )


def trusting(table: Table) -> ssl.SSLContext:
    """Certificates are always checked: by the system's authorities, or by those of ``ca`` alone."""
    ca = table.text("ca", "")
    try:
        return ssl.create_default_context(cafile=str(table.beside(ca)) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise table.invalid("ca", f"is {ca!r}, which holds no certificates that can be read: {error.strerror or error}") from None

"""A bundle as bytes: the files of its directory, and the digest that names exactly them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import attrs

from .finding import Finding, did_you_mean
from .ids import Digest

MANIFEST = "bundle.toml"
SCHEMA = "schema.cedarschema"
MOST_FILES = 256
MOST_BYTES = 1 << 20  # a bundle is one entry's body on the ledger, and a person reads it
_DOMAIN = b"vienna/bundle/1\n"
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/){0,4}[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


@attrs.frozen
class Source:
    """Paths relative to the bundle, with forward slashes, and their contents."""

    files: Mapping[str, bytes]


def digest(source: Source) -> Digest:
    """SHA-256 over the files sorted by path, each path and content led by its length, so that no two sources share it."""
    sha = hashlib.sha256(_DOMAIN)
    for path, data in sorted((path.encode(errors="surrogatepass"), data) for path, data in source.files.items()):
        sha.update(len(path).to_bytes(8, "big") + path + len(data).to_bytes(8, "big") + data)
    return Digest(sha.digest())


def texts(source: Source, findings: list[Finding]) -> dict[str, str]:
    """The files as text, sorted by path; one that nothing reads is a finding, because its author thinks it is in force."""
    if len(source.files) > MOST_FILES or sum(map(len, source.files.values())) > MOST_BYTES:
        findings.append(Finding(MANIFEST, 1, 1, f"the bundle is too large: at most {MOST_FILES} files and {MOST_BYTES} bytes"))
        return {}
    found = {}
    for path in sorted(source.files):
        if not _PATH.fullmatch(path):
            findings.append(Finding(ascii(path)[1:-1], 1, 1, "this path cannot be in a bundle", "letters, digits, . _ - and /"))
        elif not is_known(path):
            near = did_you_mean(path, (MANIFEST, SCHEMA)) if "/" not in path else ""
            hint = near if near.startswith("did") else "a bundle has bundle.toml, schema.cedarschema, *.cedar, tests/*.toml and *.md"
            findings.append(Finding(path, 1, 1, "nothing reads this file", hint))
        else:
            try:
                found[path] = source.files[path].decode()
            except UnicodeDecodeError as error:
                line = source.files[path].count(b"\n", 0, error.start) + 1
                findings.append(Finding(path, line, 1, "this is not UTF-8 text"))
    return found


def is_known(path: str) -> bool:
    return path in (MANIFEST, SCHEMA) or path.endswith((".cedar", ".md")) or is_test(path)


def is_test(path: str) -> bool:
    return path.startswith("tests/") and path.endswith(".toml")

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.governance.finding import Finding
from actors.governance.source import MOST_BYTES, MOST_FILES, Source, digest, texts

sources = st.dictionaries(st.text(max_size=4), st.binary(max_size=4), max_size=4)


@given(sources, sources)
def test_two_sources_have_one_digest_only_if_they_are_the_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (digest(Source(one)) == digest(Source(other))) == (one == other)


@given(sources)
def test_the_order_of_the_files_does_not_matter(files: dict[str, bytes]) -> None:
    assert digest(Source(files)) == digest(Source(dict(reversed(files.items()))))


def test_a_byte_moved_from_a_path_to_its_content_changes_the_digest() -> None:
    assert digest(Source({"ab": b"c"})) != digest(Source({"a": b"bc"}))


def test_the_digest_of_a_known_source_stays_what_it_is() -> None:
    known = digest(Source({"bundle.toml": b"", "a.cedar": b"x"}))
    assert known.hex() == "a7644563f70ac14166c350cd5dabc1a9b6adab395a11ac132d05ca080e15997d"


def read(files: dict[str, bytes]) -> tuple[dict[str, str], list[Finding]]:
    findings: list[Finding] = []
    return texts(Source(files), findings), findings


def test_a_file_that_nothing_reads_is_a_finding_because_its_author_thinks_it_is_in_force() -> None:
    found, findings = read({"bundle.tml": b"", "push.ceder": b"", "tests/push.txt": b"", "README.md": b"read me"})
    assert list(found) == ["README.md"]
    assert [finding.file for finding in findings] == ["bundle.tml", "push.ceder", "tests/push.txt"]
    assert findings[0].hint == "did you mean bundle.toml?"


def test_paths_that_lead_elsewhere_are_findings() -> None:
    for path in ("../x.cedar", "/x.cedar", "a/../x.cedar", ".cedar", "a//x.cedar", "x\n.cedar", "\ud800.cedar", "", "a\\x.cedar"):
        found, findings = read({path: b""})
        assert (found, len(findings)) == ({}, 1), path
        str(findings[0]).encode()  # printable, whatever the path was


def test_bytes_that_are_not_text_are_a_finding_with_their_line() -> None:
    _, findings = read({"a.cedar": b"// one\n\xff"})
    assert (findings[0].line, findings[0].message) == (2, "this is not UTF-8 text")


def test_a_bundle_beyond_the_limits_is_one_finding() -> None:
    for files in ({"a.cedar": b" " * (MOST_BYTES + 1)}, {f"a{number}.cedar": b"" for number in range(MOST_FILES + 1)}):
        found, findings = read(files)
        assert (found, len(findings)) == ({}, 1)

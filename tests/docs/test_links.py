"""Every relative link leads to a file that is there, every anchor to a heading, every named test to a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "bench").glob("*.md")])
BY_NAME = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())

_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(path: Path) -> Iterator[str]:
    yield from _LINK.findall(_CODE.sub("", path.read_text()))


def anchors(path: Path) -> set[str]:
    """As GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


@BY_NAME
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name}: {link}"
        assert target.is_relative_to(PROJECT), f"{document.name}: {link} leaves the project"
        if anchor:
            assert anchor in anchors(target), f"{document.name}: {link}"


def test_every_page_is_found_from_the_first() -> None:
    pages = {path for path in DOCUMENTS if path.parent == PROJECT / "docs"}
    found = {(PROJECT / link.partition("#")[0]).resolve() for link in links(PROJECT / "README.md")}
    assert sorted(path.name for path in pages - found) == []


@BY_NAME
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", document.read_text()))
    if named:
        defined = {name for path in (PROJECT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
        assert named <= defined, f"{document.name}: {sorted(named - defined)}"


@BY_NAME
def test_every_source_file_that_is_named_exists(document: Path) -> None:
    named = set(re.findall(r"`((?:actors|ledger|transport|vienna_runtime|bench|docs|tests)/[\w/.-]+\.\w+)`", document.read_text()))
    assert not [name for name in named if not (PROJECT / name).exists()]


@BY_NAME
def test_no_document_names_a_machine(document: Path) -> None:
    """Paths of somebody's machine, addresses of inner registries: a reader has neither."""
    text = document.read_text()
    assert not re.findall(r"(?<![\w.])/(?:work|tmp|home|root|Users|opt)/[\w.-]+", text)
    assert not re.findall(r"[a-z]:\\\\", text)
    assert not re.findall(r"\bissues? #?\d+\b|\bsession\b(?= of the project)|\.internal\b|artifactory", text)


def test_every_decision_has_its_four_parts_and_its_number() -> None:
    found = sorted((PROJECT / "docs" / "adr").glob("*.md"))
    assert len({path.name[:4] for path in found}) == len(found), "a number is given once"
    for path in found:
        text, number = path.read_text(), int(path.name[:4])
        assert text.startswith(f"# {number}. ")
        for part in ("Context", "Decision", "Rejected", "Consequences"):
            assert f"**{part}.**" in text, f"{path.name} has no {part}"

"""A bundle's tests as JUnit XML, which build servers read; a bundle that does not load is one whose every finding is an error."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from actors.governance.bundle import Findings
from actors.governance.bundle_tests import TestResult

# What XML 1.0 has no way to write, not even as a reference (section 2.2), a half surrogate too.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tests(name: str, directory: Path, results: Sequence[TestResult]) -> bytes:
    suite = _suite(name, len(results), failures=sum(not result.passed for result in results))
    for result in results:
        case = _case(suite, result.file.removesuffix(".toml"), result.name, directory / result.file, result.line)
        if not result.passed:
            failure = ElementTree.SubElement(case, "failure", message=_text(result.why), type="expectation")
            failure.text = _text(f"{directory / result.file}:{result.line}:1: {result.why}")
    return _written(suite)


def findings(directory: Path, found: Findings) -> bytes:
    suite = _suite(directory.name, len(found), errors=len(found))
    for finding in found:
        case = _case(suite, finding.file, f"{finding.file}:{finding.line}:{finding.column}", directory / finding.file, finding.line)
        ElementTree.SubElement(case, "error", message=_text(finding.message), type="finding").text = _text(f"{directory}/{finding}")
    return _written(suite)


def _suite(name: str, count: int, *, failures: int = 0, errors: int = 0) -> ElementTree.Element:
    numbers = {"tests": str(count), "failures": str(failures), "errors": str(errors), "skipped": "0"}
    return ElementTree.Element("testsuite", {"name": _text(name), **numbers})


def _case(suite: ElementTree.Element, group: str, name: str, file: Path, line: int) -> ElementTree.Element:
    about = {"classname": group, "name": name, "file": str(file), "line": str(line)}
    return ElementTree.SubElement(suite, "testcase", {key: _text(value) for key, value in about.items()})


def _written(suite: ElementTree.Element) -> bytes:
    whole = ElementTree.Element("testsuites")
    whole.append(suite)
    ElementTree.indent(whole)
    written: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _text(text: str) -> str:
    return _UNWRITABLE.sub(lambda found: f"<U+{ord(found.group()):04X}>", text)

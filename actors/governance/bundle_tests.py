"""Runs the cases a bundle carries: what it was expected to say, and what it says."""

from __future__ import annotations

import attrs

from . import cases
from .bundle import Bundle, Source
from .finding import Finding
from .judge import judge
from .question import Permitted
from .source import digest, is_test, texts


@attrs.frozen(kw_only=True)
class TestResult:
    """One case; ``got`` is a tier or "deny", ``why`` the sentence for a failure and empty for a success."""

    __test__ = False  # the name is for people who test policies, not for pytest

    file: str
    line: int
    name: str
    passed: bool
    expected: str
    got: str
    policies: tuple[str, ...]
    why: str


def run_tests(bundle: Bundle, source: Source) -> list[TestResult]:
    """Every case of ``source``, the files that ``bundle`` was loaded from, in their order."""
    if digest(source) != bundle.digest:
        raise ValueError("these are not the files that the bundle was loaded from")
    none: list[Finding] = []  # load() has found no fault in these very bytes
    return [_run(bundle, case) for path, text in texts(source, none).items() if is_test(path) for case in cases.read(path, text, none)]


def _run(bundle: Bundle, case: cases.Case) -> TestResult:
    answer = judge(bundle, case.question)
    permitted = isinstance(answer, Permitted)
    got = answer.obligations.tier if isinstance(answer, Permitted) else "deny"
    why = ""
    if got != case.expect:
        why = f"expected {case.expect}, got {got}" + ("" if isinstance(answer, Permitted) else f": {answer.why}")
    elif case.policies is not None and case.policies != frozenset(answer.policies):
        why = f"expected {', '.join(sorted(case.policies)) or 'no policy'} to decide, it was {', '.join(answer.policies) or 'none'}"
    return TestResult(
        file=case.file,
        line=case.line,
        name=case.name,
        passed=not why,
        expected=case.expect,
        got=got,
        policies=answer.policies,
        why=why if why or permitted else "",
    )

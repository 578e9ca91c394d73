"""Runs the cases a bundle carries: what it was expected to say, what it says, and what no case looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from . import cases
from .bundle import Bundle, Source
from .finding import Finding
from .judge import judge
from .question import Permitted
from .source import digest, is_test, texts


@attrs.frozen(kw_only=True)
class TestResult:
    """One case; ``got`` is a tier or "deny", ``why`` the sentence for a failure and empty for a success.

    ``policies`` are those that decided, ``deciding`` those that were to; None where the case does not say.
    """

    __test__ = False  # the name is for people who test policies, not for pytest

    file: str
    line: int
    name: str
    passed: bool
    expected: str
    got: str
    policies: tuple[str, ...]
    deciding: tuple[str, ...] | None
    action: str
    why: str


@attrs.frozen
class Coverage:
    """By id and by name, in the bundle's order, how many cases each has; a failed case tells nothing of policies."""

    policies: Mapping[str, int]
    actions: Mapping[str, int]

    def untried(self) -> tuple[str, ...]:
        """The policies that decide no case."""
        return tuple(name for name, count in self.policies.items() if not count)

    def unasked(self) -> tuple[str, ...]:
        """The actions that no case asks for."""
        return tuple(name for name, count in self.actions.items() if not count)


def run_tests(bundle: Bundle, source: Source) -> list[TestResult]:
    """Every case of ``source``, the files that ``bundle`` was loaded from, in their order."""
    if digest(source) != bundle.digest:
        raise ValueError("these are not the files that the bundle was loaded from")
    none: list[Finding] = []  # load() has found no fault in these very bytes
    return [_run(bundle, case) for path, text in texts(source, none).items() if is_test(path) for case in cases.read(path, text, none)]


def coverage(bundle: Bundle, results: Iterable[TestResult]) -> Coverage:
    """What these results say of each policy and each action of the bundle."""
    policies = dict.fromkeys((policy.id for policy in bundle.policies), 0)
    actions = dict.fromkeys(bundle.catalogue, 0)
    for result in results:
        for name in result.policies if result.passed else ():
            policies[name] += 1
        if result.action in actions:
            actions[result.action] += 1
    return Coverage(policies, actions)


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
        deciding=None if case.policies is None else tuple(sorted(case.policies)),
        action=case.question.action,
        why=why if why or permitted else "",
    )

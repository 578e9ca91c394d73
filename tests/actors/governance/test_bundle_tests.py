from __future__ import annotations

from pathlib import Path

import pytest

from actors.governance.bundle import Bundle, Source, load
from actors.governance.bundle_tests import coverage, run_tests

EXAMPLES = Path(__file__).parents[3] / "examples" / "bundles"
FILES = {
    "bundle.toml": b'[actions."git.log"]\nexecutor = "workshop"\n',
    "log.cedar": b'@id("log") @tier("T0") permit(principal in Role::"developer", action == Action::"git.log", resource);',
}
CASE = '[[case]]\nname = "the log"\nagent = "ada"\nroles = ["developer"]\naction = "git.log"\nresource = "repo/vienna"\nexpect = "T0"\n'


def loaded(case: str) -> tuple[Bundle, Source]:
    source = Source(FILES | {"tests/log.toml": case.encode()})
    bundle = load(source)
    assert isinstance(bundle, Bundle), bundle
    return bundle, source


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_the_example_bundles_do_what_their_own_tests_say(name: str) -> None:
    root = EXAMPLES / name
    source = Source({path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()})
    bundle = load(source)
    assert isinstance(bundle, Bundle), bundle
    results = run_tests(bundle, source)
    assert [str(result) for result in results if not result.passed] == []
    assert {policy.id for policy in bundle.policies} <= {policy for result in results for policy in result.policies} | {
        "commit-needs-one",
        "refund-needs-one",
    }  # every policy decides some case, save two stops whose twins do


def test_a_met_expectation_passes_without_a_word() -> None:
    (result,) = run_tests(*loaded(CASE))
    assert (result.passed, result.got, result.policies, result.why) == (True, "T0", ("log",), "")
    assert (result.file, result.line, result.name) == ("tests/log.toml", 1, "the log")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('expect = "T0"', 'expect = "T1"', "expected T1, got T0"),
        ('expect = "T0"', 'expect = "deny"', "expected deny, got T0"),
        ('"developer"', '"guest"', "expected T0, got deny: no policy permits git.log on 'repo/vienna' to 'ada'"),
        ('expect = "T0"', 'expect = "T0"\npolicies = ["log", "other"]', "expected log, other to decide, it was log"),
    ],
)
def test_an_unmet_expectation_says_what_came_instead(old: str, new: str, why: str) -> None:
    (result,) = run_tests(*loaded(CASE.replace(old, new)))
    assert (result.passed, result.why) == (False, why)


def test_what_was_to_decide_stands_beside_what_did() -> None:
    (said,) = run_tests(*loaded(CASE + 'policies = ["other", "log"]\n'))
    (unsaid,) = run_tests(*loaded(CASE))
    assert (said.deciding, unsaid.deciding, said.action) == (("log", "other"), None, "git.log")


def test_a_case_covers_the_policies_that_decided_it_as_expected_and_the_action_it_asks_for() -> None:
    bundle, source = loaded(CASE)
    covered = coverage(bundle, run_tests(bundle, source))
    assert (covered.policies, covered.actions, covered.untried(), covered.unasked()) == ({"log": 1}, {"git.log": 1}, (), ())


@pytest.mark.parametrize(
    ("old", "new", "untried", "unasked"),
    [
        ('expect = "T0"', 'expect = "T1"', ("log",), ()),  # it decided, and not as expected: nobody has looked at it
        ('"developer"', '"guest"', ("log",), ()),
        ('"git.log"', '"git.lgo"', ("log",), ("git.log",)),
    ],
)
def test_a_case_that_fails_or_asks_for_something_else_covers_no_policy(
    old: str, new: str, untried: tuple[str, ...], unasked: tuple[str, ...]
) -> None:
    bundle, source = loaded(CASE.replace(old, new))
    covered = coverage(bundle, run_tests(bundle, source))
    assert (covered.untried(), covered.unasked()) == (untried, unasked)


def test_other_files_than_the_bundles_own_are_an_error_and_not_silence() -> None:
    bundle, _ = loaded(CASE)
    with pytest.raises(ValueError, match="not the files"):
        run_tests(bundle, Source({"tests/log.toml": b"[[case]"}))

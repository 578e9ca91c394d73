from __future__ import annotations

import cedarpy
import pytest

from actors.governance import cedar_schema, policies
from actors.governance.catalogue import Action
from actors.governance.finding import Finding
from actors.governance.observations import Observation
from actors.governance.params import Param
from actors.governance.policies import Policy

CATALOGUE = {
    "git.log": Action(name="git.log", params=()),
    "git.push": Action(
        name="git.push",
        params=(Param(name="remote", kind="string"), Param(name="tag", kind="string", required=False)),
        executor="workshop",
        checks=(Observation(name="pushed", kind="git_ref", arguments={}),),
    ),
}
SCHEMA = cedarpy.Schema.from_str(cedar_schema.generate(CATALOGUE, ()))
PUSH = """\
// two people
@id("push")
@tier("T2") @reason("seen by two")
permit(principal in Role::"dev", action == Action::"git.push", resource);
"""


def load(text: str) -> tuple[list[Policy], list[Finding]]:
    findings: list[Finding] = []
    return policies.read("push.cedar", text, CATALOGUE, SCHEMA, findings), findings


def test_a_policy_keeps_its_id_its_place_and_its_reason() -> None:
    (policy,), findings = load(PUSH)
    assert findings == []
    assert (policy.id, policy.line, policy.reason, policy.actions) == ("push", 2, "seen by two", {"git.push"})
    assert policy.terms is not None
    assert policy.terms.tier == "T2"


def test_the_scope_tells_which_actions_a_policy_concerns() -> None:
    text = '@id("all") forbid(principal, action, resource); @id("in") forbid(principal, action in [Action::"git.log"], resource);'
    (everything, some), findings = load(text)
    assert (everything.actions, some.actions, findings) == ({"git.log", "git.push"}, {"git.log"}, [])


@pytest.mark.parametrize(
    ("old", "new", "place", "says", "hint"),
    [
        ('@tier("T2")', "", (2, "@id"), "a permit needs a tier", "add @tier"),
        ('@tier("T2")', '@tier("T4")', (3, "@tier"), "'T4' is not a tier", "one of"),
        ("@reason", "@raeson", (3, "@raeson"), "unknown annotation @raeson", "did you mean reason?"),
        ("seen by two", "x" * 401, (3, "@reason"), "@reason is too long", "at most"),
        ('@id("push")', "", (3, "@tier"), "a policy needs an id", "as in"),
        ('@id("push")', '@id("push it")', (2, "@id"), "'push it' is not an id", "as in"),
        ('@id("push")', '@id("a") @id("b")', (2, "id("), "duplicate annotation", ""),
        ("permit(", "permt(", (4, "permt"), "permt", "did you mean permit?"),
        ('"git.push"', '"git.psuh"', (4, '"git.psuh"'), 'unknown action Action::"git.psuh"', "did you mean git.push?"),
        ('Action::"git.push"', 'Deed::"git.push"', (4, "Deed"), "expected an entity uid with type `Action`", ""),
        ("resource);", "resource", (4, ""), "unexpected end of input", "is a semicolon"),
        ("resource);", "resource) when { 1 + };", (4, "}"), "unexpected token `}`", ""),
        ("resource);", "resource) wehn { true };", (4, "wehn"), "wehn", "did you mean when?"),
        ("resource);", 'resource) when { context.params.remot == "x" };', (4, "remot "), "not found", ""),
        ("resource);", 'resource) when { context.params.tag == "x" };', (4, "tag"), "optional", ""),
        ("resource);", "resource) when { context.approvals == principal.owner };", (2, "@id"), "not compatible", ""),
        ('"git.push"', '"git.log"', (2, "@id"), "nobody executes git.log", "add @executor"),
        ('@tier("T2")', '@tier("T2") @executor("agent")', (3, "@executor"), "only T0 may be passed back", ""),
        ('principal in Role::"dev"', "principal == ?principal", (2, "@id"), "templates", "name the principal"),
        ("permit(", "forbid(", (3, "@tier"), "a forbid cannot carry @tier", "it has only"),
    ],
)
def test_a_wrong_policy_is_a_finding_with_its_place(old: str, new: str, place: tuple[int, str], says: str, hint: str) -> None:
    assert old in PUSH
    text = PUSH.replace(old, new)
    found, findings = load(text)
    assert found == []
    first = findings[0]
    line, at = place
    assert (first.file, first.line) == ("push.cedar", line), first
    rest = text.split("\n")[line - 1][first.column - 1 :]
    assert rest.startswith(at) if at else rest == "", first
    assert says in first.message
    assert first.hint.startswith(hint)


def test_observing_an_action_that_the_catalogue_cannot_observe_is_a_finding() -> None:
    _, findings = load(
        '@id("log") @tier("T0") @executor("agent") @verify("observed") permit(principal, action == Action::"git.log", resource);'
    )
    assert "does not say how git.log is observed" in findings[0].message


def test_one_bad_policy_does_not_hide_the_next() -> None:
    _, findings = load(PUSH.replace("T2", "T4") + PUSH.replace("permit", "allow"))
    assert [finding.line for finding in findings] == [3, 8]


@pytest.mark.parametrize("text", ["(" * 2_000, "true" + " || (true" * 2_000, ".a" * 9_000, "-" * 5_000, "[" * 150 + "]" * 150])
def test_text_that_would_overflow_cedars_stack_never_reaches_it(text: str) -> None:
    found, findings = load(PUSH.replace("resource);", f"resource) when {{ {text} }};"))
    assert (found, len(findings)) == ([], 1)


def test_what_cannot_be_undone_is_never_granted_at_once() -> None:
    known = {"mail.send": Action(name="mail.send", params=(), executor="post", reversible="no")}
    schema = cedarpy.Schema.from_str(cedar_schema.generate(known, ()))
    text = '@id("send")\n@tier("T0")\npermit(principal, action == Action::"mail.send", resource);'
    for tier, loads in (("T0", False), ("T1", True), ("T2", True)):
        findings: list[Finding] = []
        policies.read("mail.cedar", text.replace("T0", tier), known, schema, findings)
        assert (
            not findings
            if loads
            else [(f.line, f.message) for f in findings] == [(2, "mail.send cannot be undone, and T0 would grant it at once")]
        )

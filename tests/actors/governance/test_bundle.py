from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.governance.bundle import Bundle, Findings, Source, digest, load

FILES = {
    "bundle.toml": b"""
[bundle]
name = "belvedere"
[facts]
founding = "boolean"
[actions."git.push"]
executor = "workshop"
[actions."git.push".params]
remote = "string"
[actions."git.log"]
executor = "workshop"
""",
    "push.cedar": b'@id("push") @tier("T2") permit(principal, action == Action::"git.push", resource) when { !context.facts.founding };',
    "log.cedar": b'@id("log") @tier("T0") permit(principal, action == Action::"git.log", resource);\n'
    b'@id("never") forbid(principal, action, resource) when { resource.kind == "secret" };',
    "tests/push.toml": b'[[case]]\nagent = "ada"\naction = "git.push"\nresource = "repo/vienna"\nexpect = "deny"\n',
    "README.md": b"what this is",
}


def bundle(files: dict[str, bytes] = FILES) -> Bundle:
    loaded = load(Source(files))
    assert isinstance(loaded, Bundle), loaded
    return loaded


def findings(**changed: bytes) -> Findings:
    loaded = load(Source(FILES | changed))
    assert isinstance(loaded, Findings)
    return loaded


def test_a_bundle_is_named_by_the_digest_of_its_source() -> None:
    loaded = bundle()
    assert (loaded.name, loaded.digest) == ("belvedere", digest(Source(FILES)))
    assert loaded.digest != bundle(FILES | {"README.md": b"what that is"}).digest


def test_each_action_is_judged_by_the_policies_that_can_concern_it_and_no_others() -> None:
    slices = bundle().slices
    assert {action: [policy.id for policy in part.policies] for action, part in slices.items()} == {
        "git.push": ["never", "push"],
        "git.log": ["log", "never"],
    }


def test_a_bundle_without_a_manifest_does_not_load() -> None:
    loaded = load(Source({"push.cedar": FILES["push.cedar"]}))
    assert isinstance(loaded, Findings)
    assert str(loaded).startswith("bundle.toml:1:1: the bundle has no bundle.toml")


def test_all_faults_of_all_files_come_at_once_in_order() -> None:
    loaded = findings(
        **{
            "bundle.toml": FILES["bundle.toml"] + b"[brekaer]\n",
            "push.cedar": b'@id("push") permit(principal, action, resource);',
            "tests/push.toml": b'[[case]]\nagent = "ada"\naction = "git.push"\nresource = "r"\nexpect = "T3"\n',
        }
    )
    assert [(finding.file, finding.line) for finding in loaded] == [("bundle.toml", 12), ("push.cedar", 1), ("tests/push.toml", 5)]


def test_an_id_used_twice_does_not_load_even_across_files() -> None:
    loaded = findings(**{"push.cedar": FILES["push.cedar"].replace(b'"push"', b'"log"')})
    assert [finding.message for finding in loaded] == ["the id 'log' is already taken"]


def test_a_wrong_type_in_the_last_place_that_is_read_is_not_overlooked() -> None:
    loaded = findings(**{"bundle.toml": FILES["bundle.toml"].replace(b'"belvedere"', b"1")})
    assert [finding.line for finding in loaded] == [3]


def test_a_schema_that_says_what_the_catalogue_says_is_welcome() -> None:
    schema = "// for the editor\n" + bundle().schema_text
    assert bundle(FILES | {"schema.cedarschema": schema.encode()}).schema_text == bundle().schema_text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"remote": String', '"remote": Long', "does not say what the catalogue says: 'remote: Long' instead of 'remote: String'"),
        ('"remote": String', '"remote": String, "force": Bool', "does not say what the catalogue says"),
        ("entity Role;", "entity Role; entity Team;", "does not say what the catalogue says"),
        ("entity Role;", "entity Role", "not a Cedar schema"),
        ("String }", "Set<" * 300 + "String" + ">" * 300 + "}", "more than 200 brackets"),
    ],
)
def test_a_schema_that_says_something_else_does_not_load(old: str, new: str, says: str) -> None:
    text = bundle().schema_text
    assert old in text
    (finding,) = findings(**{"schema.cedarschema": text.replace(old, new, 1).encode()})
    assert finding.file == "schema.cedarschema"
    assert says in finding.message


def test_a_bundle_may_declare_nothing_and_then_permits_nothing() -> None:
    empty = bundle({"bundle.toml": b""})
    assert (dict(empty.catalogue), empty.policies) == ({}, ())


def test_a_bundle_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        bundle().policies = ()  # type: ignore[misc]  # that is the point


snippets = st.sampled_from(
    ["[actions", '."git.push"', "]\n", "= ", '"', "'", "{", "}", "(", ")", ";", "@id", '("push")', "permit", "forbid", "when ", "principal",
     ", ", "action", "resource", "context.params", ".remote",
     " == ", "Action::", "[[case]]\n", "expect", "entity ", "Set<", "// ", "\r", "\x00"]
)  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(snippets, max_size=40).map("".join))
paths = st.sampled_from([*FILES, "schema.cedarschema", "other.cedar"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(paths, texts, max_size=3))
def test_no_text_in_any_file_makes_loading_raise(changed: dict[str, str]) -> None:
    loaded = load(Source(FILES | {path: text.encode(errors="surrogatepass") for path, text in changed.items()}))
    assert isinstance(loaded, Bundle) or len(loaded) > 0


@settings(max_examples=200, deadline=None)
@given(paths, st.integers(0, 400), texts)
def test_no_text_inserted_anywhere_makes_loading_raise(path: str, at: int, text: str) -> None:
    before = FILES.get(path, b"").decode()
    at = min(at, len(before))
    changed = (before[:at] + text + before[at:]).encode(errors="surrogatepass")
    loaded = load(Source(FILES | {path: changed}))
    if isinstance(loaded, Findings):
        lines = changed.count(b"\n") + 1
        assert all(finding.file != path or 1 <= finding.line <= lines for finding in loaded), loaded


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=30), max_size=4))
def test_no_bytes_under_any_path_make_loading_raise(files: dict[str, bytes]) -> None:
    assert isinstance(load(Source(files)), (Bundle, Findings))

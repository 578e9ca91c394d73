from __future__ import annotations

import attrs
import cedarpy
import pytest

from actors.governance import cedar_schema
from actors.governance.catalogue import Action
from actors.governance.params import KINDS, Param
from actors.governance.reads import EVERYTHING
from actors.governance.view import view

EVERY_KIND = Action(name="a.b", params=tuple(Param(name=f"p_{kind}", kind=kind, required=kind != "set") for kind in KINDS))
C = attrs.evolve(EVERY_KIND, name="a.c")


def test_every_kind_of_parameter_has_a_cedar_type() -> None:
    text = cedar_schema.generate({"a.b": EVERY_KIND}, (Param(name="founding", kind="boolean"),))
    said = str(cedarpy.Schema.from_str(text))
    for line in ("p_string: String", "p_integer: Long", "p_boolean: Bool", "p_decimal: Long", "p_list: Set<String>", "p_set?: Set<String>"):
        assert line in said
    assert "founding: Bool" in said


@pytest.mark.parametrize("name", ["if", "in", "true", "principal", "action", "is", "has", "like", "type"])
def test_a_parameter_may_have_the_name_of_a_keyword(name: str) -> None:
    cedarpy.Schema.from_str(cedar_schema.generate({"a.b": Action(name="a.b", params=(Param(name=name, kind="string"),))}, ()))


def test_order_and_spelling_do_not_matter_to_the_canonical_form() -> None:
    one = cedar_schema.generate({"a.b": Action(name="a.b", params=()), "a.c": C}, ())
    other = cedar_schema.generate({"a.c": C, "a.b": Action(name="a.b", params=())}, ())
    assert one != other
    assert cedar_schema.canonical_form(one) == cedar_schema.canonical_form("// as above\n" + other)


def test_the_narrowed_schema_has_what_is_shown_and_nothing_else() -> None:
    facts = (Param(name="founding", kind="boolean"),)
    paths = {("resource", "kind"), ("context", "cost"), ("context", "params", "p_set"), ("context", "params", "elsewhere")}
    said = cedar_schema.narrowed(EVERY_KIND, facts, view(paths, EVERY_KIND.params, facts))
    assert cedar_schema.canonical_form(said) == cedar_schema.canonical_form(
        "entity Role; entity Agent in [Role]; entity Resource = { kind: String };"
        'action "a.b" appliesTo { principal: [Agent], resource: [Resource], context: { cost: Long, params: { p_set?: Set<String> } } };'
    )


def test_the_schema_of_everything_is_the_narrowed_one_where_everything_is_shown() -> None:
    facts = (Param(name="founding", kind="boolean"),)
    said = cedar_schema.narrowed(EVERY_KIND, facts, view(EVERYTHING, EVERY_KIND.params, facts))
    assert cedar_schema.canonical_form(said) == cedar_schema.canonical_form(cedar_schema.generate({"a.b": EVERY_KIND}, facts))

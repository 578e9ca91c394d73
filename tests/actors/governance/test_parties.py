from __future__ import annotations

import json

import pytest

from actors.governance.parties import parties


def test_parties_without_a_name_have_only_the_attributes_that_are_read() -> None:
    known = parties((None, frozenset({"sre"}), None, None, "order"))
    assert (known.principal, known.resource) == ({"type": "Agent", "id": ""}, {"type": "Resource", "id": ""})
    told = {entity["uid"]["type"]: (entity["attrs"], entity["parents"]) for entity in json.loads(str(known.entities))}
    assert told == {"Agent": ({}, [{"type": "Role", "id": "sre"}]), "Resource": ({"kind": "order"}, [])}


def test_parties_that_are_told_apart_have_all_their_attributes() -> None:
    known = parties(("ada", frozenset(), "clara", "order/1", "order"))
    assert (known.principal, known.resource) == ({"type": "Agent", "id": "ada"}, {"type": "Resource", "id": "order/1"})
    told = {entity["uid"]["type"]: (entity["attrs"], entity["parents"]) for entity in json.loads(str(known.entities))}
    assert told == {"Agent": ({"owner": "clara"}, []), "Resource": ({"id": "order/1", "kind": "order"}, [])}


@pytest.mark.parametrize("text", ['ada"', 'x"}},{"uid":1', "a\nb", "\x00", "\u202eada"])
def test_a_name_is_data(text: str) -> None:
    known = parties((text, frozenset({text}), text, text, text))
    assert len(known.entities) == 2
    assert (known.principal["id"], known.resource["id"]) == (text, text)


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ValueError, match="entity"):
        parties(("ada", frozenset({"\ud800"}), None, None, None))

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vienna_runtime.executors.template import parse


def test_a_value_fills_its_hole_whole_and_is_not_read_again() -> None:
    assert parse("a {x} b {{x}} {y}").render({"x": b"{y} $(id)", "y": b"' '"}) == b"a {y} $(id) b {x} ' '"


@pytest.mark.parametrize("text", ["{", "}", "a{b", "{}", "{a b}", "{0}", "{a!r}", "{a[0]}", "{a:>9}", "{{}", "\0"])
def test_a_template_in_doubt_does_not_parse(text: str) -> None:
    with pytest.raises(ValueError, match=r"position|not the name|NUL"):
        parse(text)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_with_its_braces_doubled_renders_as_itself(text: str) -> None:
    template = parse(text.replace("{", "{{").replace("}", "}}"))
    assert template.names == frozenset()
    assert template.render({}) == text.encode()

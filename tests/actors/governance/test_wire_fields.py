from __future__ import annotations

from typing import Any

import pytest

from actors.governance.wire_fields import MISSING, Absent, Bytes, Field, Flag, Map, Names, Number, Text, describe, problem


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (Text(4), "abcd"), (Text(4), "čšž"), (Text(4), "日本語"), (Text(2000), "two\nlines\t."), (Bytes(2, 2), b"ab"), (Number(0), 0),
        (Number(0), 2**63 - 1), (Flag(), False), (Map(), {}), (Names(), []), (Names(), ["lead"]), (Absent(Text(4)), None),
        (Absent(Text(4)), "a"),
    ],
)  # fmt: skip
def test_what_fits_has_no_problem(spec: Field, value: Any) -> None:
    assert problem(spec, value) is None


@pytest.mark.parametrize(
    ("spec", "value", "why"),
    [
        (Text(4), "", "1 to 4"), (Text(4), "abcde", "1 to 4"), (Text(4), b"abc", "text"), (Text(4), 1, "text"), (Text(4), None, "text"),
        (Text(9), "a\nb", "control"), (Text(9), "a\x00", "control"), (Text(9), "a\x7f", "control"), (Text(9), "a\x9b", "control"),
        (Text(2000), "a\x1b[2J", "control"), (Text(9), "a\ud800", "Unicode"), (Text(2000), "\udfff\n", "Unicode"), (Names(),
        ["\ud800"], "list"),
        (Bytes(2, 2), b"a", "2 bytes"), (Bytes(1, 2), b"", "1 to 2"), (Bytes(1, 2), bytearray(b"a"), "1 to 2"), (Bytes(1, 2),
        "a", "1 to 2"),
        (Number(0), True, "whole"), (Number(0), False, "whole"), (Number(0), -1, "whole"), (Number(0), 2**63, "whole"), (Number(0),
        1.0, "whole"),
        (Number(0), "1", "whole"), (Flag(), 1, "true or false"), (Flag(), None, "true or false"), (Map(), [], "map"), (Names(),
        "lead", "list"),
        (Names(), ["x"] * 17, "list"), (Names(), [1], "list"), (Names(), ("lead",), "list"), (Absent(Number(0)), True, "whole"),
        (Text(4), MISSING, "missing"), (Flag(), MISSING, "missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(spec: Field, value: Any, why: str) -> None:
    assert why in (problem(spec, value) or "")


def test_every_kind_of_field_describes_itself() -> None:
    kinds = (Text(4), Bytes(1, 2), Bytes(2, 2), Number(0), Number(1, 5, default=2), Flag(), Flag(default=True), Map(), Names())
    assert len({describe(kind) for kind in (*kinds, *(Absent(kind) for kind in kinds if isinstance(kind, Text | Bytes | Number)))}) == 14

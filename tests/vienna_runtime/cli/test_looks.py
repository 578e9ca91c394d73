from __future__ import annotations

import pytest

from vienna_runtime.cli.looks import doubts, strange
from vienna_runtime.cli.shown import escape


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refund p\u0430yments", "mixes Cyrillic and Latin letters in 'p\u0430yments'"),
        ("pay \u0440\u0430\u0443 now", "all of whose Cyrillic letters are drawn like Latin ones"),
        ("g\u03bf", "mixes Greek and Latin letters"),
        ("amount 1\u06605", "digits in '1\u06605' that are not 0 to 9"),
        ("\uff50ay", "only drawn like plain ones"),
        ("\U0001d429ay", "only drawn like plain ones"),
        ("ok\u202ekcilb", "turn the direction of writing round"),
        ("o\u200bk", "not shown at all"),
        ("ok\U000e0041\U000e0042", "tag characters"),
        ("ok\ufe0f", "variation selectors"),
        ("o" + "\u0301" * 6, "piles up marks"),
        ("ok\x1b[2Jtier T0", "control characters"),
        ("ok\ntier T0", "line breaks"),
        ("ok" + " " * 90 + "and more", "90 blanks in a row"),
        ("ok" + "\n" * 9 + "and more", "9 blanks in a row"),
    ],
)
def test_what_looks_like_something_else_is_said_in_words(text: str, said: str) -> None:
    assert any(said in doubt for doubt in doubts(text)), doubts(text)


@pytest.mark.parametrize(
    "text",
    [
        "refund a double charge", "R\u00fcckzahlung f\u00fcr M\u00fcller, 12.50 \u20ac", "m\u00b2, x\u00b3",
        "order/8812", "", "na\u00efve caf\u00e9", "a  b",
        "\u0432\u043e\u0437\u0432\u0440\u0430\u0442 \u0434\u0435\u043d\u0435\u0433",  # vozvrat deneg
        "\u8fd4\u91d1\u3057\u307e\u3059", "\uba85\uc138\uc11c 4711", "\u0661\u0662\u0663",
    ],
)  # fmt: skip
def test_what_people_write_every_day_in_their_own_script_is_not_doubted(text: str) -> None:
    assert doubts(text) == []
    assert escape(text) == text


def test_what_looks_like_another_letter_is_spelled_out_in_every_list_and_line() -> None:
    assert strange("p\u0430yments") == {"\u0430"}
    assert escape("refund p\u0430yments") == "refund p<U+0430>yments"
    assert escape("1\u06605 and \uff50ay") == "1<U+0660>5 and <U+FF50>ay"
    assert escape("ok" + " " * 90 + "more") == "ok<90 blanks>more"


def test_a_text_made_of_oddities_says_no_more_than_a_screen_holds() -> None:
    assert len(doubts(" ".join(f"p\u0430y{n}x" for n in range(500)))) == 7

"""What in a text may look like something else, said in words for whoever has to believe it.

``shown`` spells out what is not plainly visible; here is said what it means, and what is visible and still misleads: letters of
two scripts in one word, digits that are not 0 to 9, letters that are drawn like others, text far away behind blanks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MOST = 6  # sentences about one text: after these nobody believes the rest either
FAR = 4  # blanks in a row from which on they are counted instead of shown: an indent has fewer, and nothing hides behind three

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_NAMED = {"LATIN": "Latin", "CYRILLIC": "Cyrillic", "GREEK": "Greek"}
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})  # written in one word
# Letters of other scripts that are drawn like Latin ones (Unicode's confusables, those of everyday fonts).
ALIKE = frozenset("аеорсухіјѕһԁԛԝѵӏАВЕКМНОРСТУХІЈЅԌԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυαρκ")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def doubts(text: str, *, lines: bool = False) -> list[str]:
    """Each a sentence's end, as in "the purpose …"; none for a text that is what it looks like."""
    found = list(dict.fromkeys(_doubts(text, lines=lines)))
    return found if len(found) <= MOST else [*found[:MOST], f"has {len(found) - MOST} more such oddities"]


def strange(word: str) -> frozenset[str]:
    """The letters of a word that are of another script than the word's own, or are digits or letters only drawn like plain ones."""
    scripts = [_script(character) for character in word]
    own = "LATIN" if "LATIN" in scripts else max(set(scripts) - {""}, key=scripts.count, default="")
    mixed = _mixes(set(scripts) - {""})
    odd = {c for c, script in zip(word, scripts, strict=True) if mixed and script and script != own}
    return frozenset(odd | {c for c in word if _styled(c) or _odd_digit(c, word)})


def words(text: str) -> Iterator[tuple[int, str]]:
    """The words of a text, each with its place."""
    return ((found.start(), found.group()) for found in _WORD.finditer(text))


def _doubts(text: str, *, lines: bool) -> Iterator[str]:
    kinds = {unicodedata.category(c) for c in text if not (lines and c == "\n")}
    if _BIDI & set(text):
        yield "holds marks that turn the direction of writing round"
    if any("\U000e0000" <= c <= "\U000e007f" for c in text):
        yield "holds tag characters, which no screen shows and machines read"
    if "Cc" in kinds:
        yield "holds control characters or line breaks"
    if any(unicodedata.category(c) == "Cf" and c not in _BIDI and not "\U000e0000" <= c <= "\U000e007f" for c in text):
        yield "holds characters that are not shown at all"
    if any("\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef" for c in text):
        yield "holds variation selectors, which change or carry what is not seen"
    if re.search(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{5}", text):
        yield "piles up marks on one letter"
    if (blanks := max((len(run) for run in re.findall(r"\s+", text)), default=0)) >= FAR:
        yield f"has {blanks} blanks in a row: read what stands behind them"
    latin = any("a" <= c.lower() <= "z" for c in text)
    for _, word in words(text):
        named = sorted(_NAMED.get(script, script.capitalize()) for script in {_script(c) for c in word} - {""})
        if _mixes({_script(c) for c in word} - {""}):
            yield f"mixes {' and '.join(named)} letters in {word[:40]!r}"
        elif latin and len(word) > 1 and not word.isascii() and set(word) <= ALIKE:
            yield f"has the word {word[:40]!r}, all of whose {' and '.join(named)} letters are drawn like Latin ones"
        if any(_odd_digit(c, word) for c in word):
            yield f"has digits in {word[:40]!r} that are not 0 to 9"
        if any(_styled(c) for c in word):
            yield f"has letters in {word[:40]!r} that are only drawn like plain ones"


def _script(character: str) -> str:
    """The script of a letter by its name, empty for what belongs to all of them."""
    if character.isascii():
        return "LATIN" if character.isalpha() else ""
    if not unicodedata.category(character).startswith("L"):
        return ""
    return unicodedata.name(character, "UNKNOWN").split()[0]


def _mixes(scripts: set[str]) -> bool:
    return len(scripts) > 1 and not any(scripts <= usual for usual in _TOGETHER) and not scripts & {"MODIFIER", "FULLWIDTH", "MATHEMATICAL"}


def _styled(character: str) -> bool:
    """A letter or digit of another shape: fullwidth, mathematical, circled."""
    return not character.isascii() and unicodedata.decomposition(character).startswith(("<wide>", "<font>", "<circle>", "<square>"))


def _odd_digit(character: str, word: str) -> bool:
    if character.isascii() or unicodedata.category(character) != "Nd":
        return False
    return any(other.isascii() and other.isalnum() for other in word)

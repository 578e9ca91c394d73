"""Constraints as people write them, in ``@constrain`` and on the command line.

    amount: range 0.01..20.00; path: under drafts; branch: one of main, next

    exactly VALUE              one of VALUE, VALUE           range LOW..HIGH (either may be left out)
    prefix TEXT                matching EXPRESSION           under PATH
    url URL (with query)       domain NAME (with subdomains)

A value is a whole number, a decimal with its point, ``true`` or ``false``, and else a text; in double quotes it is always a text.
A parameter that is named twice must fit both.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..canonical import DECIMAL, NotCanonical, Value
from ..finding import Malformed, did_you_mean
from ..params import NAME
from . import Constraint, Domain, Exact, Matching, OneOf, Prefix, Range, Under, Url, intersect
from .urls import Place, place

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_BOUNDS = re.compile(r"(-?[0-9][0-9.]*?)?\.\.(-?[0-9][0-9.]*)?", re.ASCII)
_WITH = re.compile(r"\s+with\s+(\w+)\Z", re.ASCII)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(\*\.)?", re.ASCII)


def parse(text: str) -> dict[str, Constraint] | Malformed:
    """What a whole ``@constrain`` says, or what is wrong and at which column."""
    found: dict[str, Constraint] = {}
    column = 1
    for part in text.split(";"):
        name, colon, words = part.partition(":")
        at = column + len(part) - len(part.lstrip())
        column += len(part) + 1
        if not colon or not NAME.fullmatch(name.strip()):
            return Malformed(f"{part.strip()[:60]!r} is not a parameter with its constraint", 'as in "amount: range 0.01..20.00"', at)
        made = parse_one(words)
        if isinstance(made, Malformed):
            return Malformed(f"{name.strip()}: {made.message}", made.hint, at)
        both = made if (known := found.get(name.strip())) is None else intersect(known, made)
        if both is None:
            return Malformed(f"nothing fits both constraints on {name.strip()}", "", at)
        found[name.strip()] = both
    return found


def parse_one(words: str) -> Constraint | Malformed:
    """One constraint, without its parameter."""
    words = words.strip()
    if words.startswith("one of "):
        kind, rest = "one of", words.removeprefix("one of ").strip()
    else:
        kind, _, rest = words.partition(" ")
        rest = rest.strip()
    reader = _KINDS.get(kind)
    if reader is None:
        return Malformed(f"{kind[:40]!r} is not a kind of constraint", did_you_mean(kind, _KINDS))
    if not rest:
        return Malformed(f"{kind} is followed by nothing", _HINTS[kind])
    try:
        return reader(rest)
    except NotCanonical as error:
        return Malformed(str(error), _HINTS[kind])


def value(text: str) -> Value:
    """A value as it is written; raises ``NotCanonical``."""
    text = text.strip()
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"') or '"' in text[1:-1]:
            raise NotCanonical("a quoted text ends with a quote and holds none")
        return text[1:-1]
    if _INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return {"dec": text}
    if not text:
        raise NotCanonical("a value is missing")
    return {"true": True, "false": False}.get(text, text)


def _range(rest: str) -> Range:
    bounds = _BOUNDS.fullmatch(rest)
    if bounds is None:
        raise NotCanonical("a range is two numbers with two points between them")
    written = [bound for bound in bounds.groups() if bound is not None]
    values = [value(bound) for bound in written]
    places = {len(bound.partition(".")[2]) for bound in written}
    if len(places) != 1 or any(type(bound) is str for bound in values):
        raise NotCanonical("the bounds of a range are two whole numbers, or two decimals with the same digits after the point")
    low, high = (None if bound is None else int(bound.replace(".", "")) for bound in bounds.groups())
    return Range(low, high, places.pop() or None)


def _url(rest: str) -> Url:
    rest, query = _option(rest, "query")
    found = _SCHEME.match(rest)
    wild = found is not None and found[2] is not None
    named = place(rest.replace("*.", "", 1) if wild else rest)
    if not isinstance(named, Place):
        raise NotCanonical(f"the URL {named}")
    if named.has_query:
        raise NotCanonical('the URL has a query; where any may follow, write "with query" after it')
    return Url(named.scheme, f"*.{named.host}" if wild else named.host, named.port, named.path, query)


def _domain(rest: str) -> Domain:
    rest, subdomains = _option(rest, "subdomains")
    return Domain(rest, subdomains)


def _option(rest: str, word: str) -> tuple[str, bool]:
    found = _WITH.search(rest)
    if found is None:
        return rest, False
    if found[1] != word:
        raise NotCanonical(f"{found[1]!r} is not what can follow here; it is {word!r}")
    return rest[: found.start()], True


def _text(rest: str) -> str:
    return str(value(rest)) if rest.startswith('"') else rest


_KINDS: dict[str, Callable[[str], Constraint]] = {
    "exactly": lambda rest: Exact(value(rest)),
    "one of": lambda rest: OneOf(tuple(value(item) for item in rest.split(","))),
    "range": _range,
    "prefix": lambda rest: Prefix(_text(rest)),
    "matching": Matching,
    "under": lambda rest: Under(_text(rest)),
    "url": _url,
    "domain": _domain,
}
_HINTS = {
    "exactly": 'as in "exactly 12.50"',
    "one of": 'as in "one of main, next"',
    "range": 'as in "range 0.01..20.00" or "range 1.."',
    "prefix": 'as in "prefix drafts-"',
    "matching": 'as in "matching [A-Z]{2}-\\d+"',
    "under": 'as in "under drafts"',
    "url": 'as in "url https://api.example.org/v1"',
    "domain": 'as in "domain example.org with subdomains"',
}

"""Reads a TOML table field by field: every fault becomes a finding with its place, and reading goes on.

``tomllib`` keeps no positions, so a second look at the text finds the line of a key by its header; a key inside an inline
table or a multi-line value is placed at the nearest key above it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias, TypeVar

from .finding import Finding, Malformed, did_you_mean
from .ids import Cost, Micros
from .units import amount, duration

Path: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_FIELD = re.compile(rf"\s*({_DOTTED})\s*=")
_LONGEST_LINE = 4_096  # characters: a key of a hundred thousand dots takes ``tomllib`` minutes, for it is quadratic in them
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def read(file: str, text: str, findings: list[Finding]) -> Table | None:
    """The root table; None, with a finding, where the text is not TOML, or has lines that nobody could read."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST_LINE:
            findings.append(Finding(file, number, 1, f"more than {_LONGEST_LINE} characters in one line", "break it into several"))
            return None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError covers its own error and integers of absurd length
        found = _SYNTAX.fullmatch(str(error))
        message, at, column = found.groups() if found else (str(error), None, None)
        findings.append(Finding(file, int(at or text.count("\n") + 1), int(column or 1), f"not TOML: {message}"))
        return None
    return Table(file, data, (), _places(text), findings)


class Table:
    """One table of the file.  Each reader returns its default after a finding, so that all faults are found in one go."""

    def __init__(self, file: str, data: dict[str, Any], path: Path, places: dict[Path, tuple[int, int]], findings: list[Finding]) -> None:
        self.file = file
        self.data = data
        self.path = path
        self._places = places
        self._findings = findings

    def fault(self, key: str | None, message: str, hint: str = "") -> None:
        line, column = self.place(key)
        self._findings.append(Finding(self.file, line, column, message, hint))

    def place(self, key: str | None = None) -> tuple[int, int]:
        path: Path = self.path if key is None else (*self.path, key)
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, (1, 1))

    def only(self, known: Collection[str]) -> None:
        """Every other key is a finding with its near miss."""
        for key in self.data:
            if key not in known:
                self.fault(key, f"unknown setting {key!r}", did_you_mean(key, known))

    def text(self, key: str, default: str = "") -> str:
        value = self.data.get(key, default)
        return value if isinstance(value, str) else self._wrong(key, "text in quotes", default)

    def flag(self, key: str, default: bool) -> bool:
        value = self.data.get(key, default)
        return value if isinstance(value, bool) else self._wrong(key, "true or false", default)

    def integer(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self.data.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        return self._wrong(key, f"a whole number from {lowest} to {highest}", default)

    def duration(self, key: str, default: Micros) -> Micros:
        if key not in self.data:
            return default
        return self._parsed(key, duration(self.text(key)), default)

    def amount(self, key: str) -> Cost | None:
        if key not in self.data:
            return None
        return self._parsed(key, amount(self.text(key)), Cost(0))

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.fault(key, f"{key} must be a list of texts", 'as in ["a", "b"]')
        return ()

    def table(self, key: str) -> Table:
        """The table under ``key``; an empty one where there is none."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.fault(key, f"{key} must be a table", f"write it as [{key}]")
            value = {}
        return Table(self.file, value, (*self.path, key), self._places, self._findings)

    def tables(self, key: str) -> Iterator[Table]:
        """The array of tables under ``key``."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(key, f"{key} must be an array of tables", f"write each as [[{key}]]")
            return
        for number, item in enumerate(value):
            yield Table(self.file, item, (*self.path, key, number), self._places, self._findings)

    def _parsed(self, key: str, value: T | Malformed, default: T) -> T:
        if isinstance(value, Malformed):
            if isinstance(self.data[key], str):  # otherwise text() has said so already
                self.fault(key, value.message, value.hint)
            return default
        return value

    def _wrong(self, key: str, expected: str, default: T) -> T:
        self.fault(key, f"{key} must be {expected}")
        return default


def _places(text: str) -> dict[Path, tuple[int, int]]:
    places: dict[Path, tuple[int, int]] = {}
    header: Path = ()
    arrays: dict[Path, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if found := _HEADER.match(line):
            header = _parts(found[2])
            if found[1] == "[[":
                arrays[header] = arrays.get(header, -1) + 1
                header = (*header, arrays[header])
            places.setdefault(header, (number, found.start(2) + 1))
        elif found := _FIELD.match(line):
            places.setdefault((*header, *_parts(found[1])), (number, found.start(1) + 1))
    return places


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))

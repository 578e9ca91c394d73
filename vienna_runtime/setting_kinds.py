"""What a setting's value may be: how it is written in the file or an environment variable, and what it becomes.

A kind says in words what it expects, so that an error can.  Durations become microseconds and sizes bytes: integers, with
their unit written by the operator.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TypeAlias

import attrs

from actors.governance import rates
from actors.governance.finding import Malformed

Value: TypeAlias = bool | int | str | tuple[str, ...]

_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_AMOUNT = re.compile(r"([0-9]{1,9}) ?([A-Za-z]+)")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)  # as actors.governance.names has it


@attrs.frozen
class Kind:
    """One kind of value.  ``read`` raises ``ValueError`` for what it does not expect; ``write`` gives the text that reads back."""

    expects: str
    read: Callable[[object], Value]
    write: Callable[[Value], str]


def _whole(raw: object) -> int:
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,12}", raw):  # from the environment
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise ValueError(raw)
    return raw


def whole(least: int, most: int) -> Kind:
    """A whole number within these bounds."""

    def read(raw: object) -> Value:
        number = _whole(raw)
        if not least <= number <= most:
            raise ValueError(raw)
        return number

    return Kind(f"a whole number from {least} to {most}", read, str)


def duration(least: str, most: str) -> Kind:
    """A time such as "30s", as microseconds."""
    return _amount("a time", _MICROSECONDS, "30s, 5m, 12h or 7d", least, most)


def size(least: str, most: str) -> Kind:
    """A size such as "64KiB", as bytes."""
    return _amount("a size", _BYTES, "64KiB or 2GiB", least, most)


def choice(*options: str) -> Kind:
    """One of these words."""

    def read(raw: object) -> Value:
        if raw not in options:
            raise ValueError(raw)
        return str(raw)

    return Kind("one of " + ", ".join(options), read, _quoted)


def pattern(expects: str, allowed: str) -> Kind:
    """Text that matches as a whole."""
    compiled = re.compile(allowed)

    def read(raw: object) -> Value:
        if not isinstance(raw, str) or compiled.fullmatch(raw) is None:
            raise ValueError(raw)
        return raw

    return Kind(expects, read, _quoted)


def _read_switch(raw: object) -> Value:
    match raw:
        case True | "true":
            return True
        case False | "false":
            return False
        case _:
            raise ValueError(raw)


def _read_host(raw: object) -> Value:
    if not isinstance(raw, str):
        raise ValueError(raw)
    if _HOST.fullmatch(raw) and not re.fullmatch(r"[0-9.]+", raw):
        return raw
    return str(ipaddress.ip_address(raw))  # raises ValueError


def _read_hosts(raw: object) -> Value:
    if isinstance(raw, str):  # from the environment
        raw = [part for part in raw.split(",") if part]
    if not isinstance(raw, list):
        raise ValueError(raw)
    return tuple(str(_read_host(item)) for item in raw)


def _read_names(raw: object) -> Value:
    if isinstance(raw, str):  # from the environment
        raw = [part for part in raw.split(",") if part]
    if not isinstance(raw, list) or not all(isinstance(item, str) and _NAME.fullmatch(item) for item in raw):
        raise ValueError(raw)
    return tuple(raw)


def _write_hosts(value: Value) -> str:
    assert isinstance(value, tuple)
    return "[" + ", ".join(_quoted(item) for item in value) + "]"


def _quoted(value: Value) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read_path(raw: object) -> Value:
    if not isinstance(raw, str) or any(ord(character) < 32 or character == "\x7f" for character in raw):
        raise ValueError(raw)
    return raw


def _read_rate(raw: object) -> Value:
    if not isinstance(raw, str) or isinstance(rate := rates.parse(raw), Malformed):
        raise ValueError(raw)
    return str(rate)


RATE = Kind('a rate, such as "20/s" or "100/m burst 50"', _read_rate, _quoted)
SWITCH = Kind("true or false", _read_switch, lambda value: str(value).lower())
HOST = Kind("an IP address or a host name in lower case", _read_host, _quoted)
HOSTS = Kind("a list of IP addresses and host names (in the environment: separated by commas)", _read_hosts, _write_hosts)
NAMES = Kind("a list of tenants' names (in the environment: separated by commas)", _read_names, _write_hosts)
PATH = Kind("a path; a relative one starts at the data directory", _read_path, _quoted)
PORT = whole(0, 65_535)


def _amount(what: str, units: dict[str, int], example: str, least: str, most: str) -> Kind:
    def parse(raw: object) -> int:
        found = _AMOUNT.fullmatch(raw) if isinstance(raw, str) else None
        if found is None or found[2] not in units:
            raise ValueError(raw)
        return int(found[1]) * units[found[2]]

    low, high = parse(least), parse(most)

    def read(raw: object) -> Value:
        amount = parse(raw)
        if not low <= amount <= high:
            raise ValueError(raw)
        return amount

    def write(value: Value) -> str:
        assert isinstance(value, int)
        unit = max((name for name in units if value % units[name] == 0), key=units.__getitem__, default=min(units, key=units.__getitem__))
        return f'"{value // units[unit]}{unit}"'

    return Kind(f"{what} from {least} to {most}, such as {example}", read, write)

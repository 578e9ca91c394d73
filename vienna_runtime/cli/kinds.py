"""Kinds of argument: durations, amounts, digests and params as people write them, read exactly."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from actors.governance import canonical, units
from actors.governance.finding import Malformed
from ledger import VerificationError, VerifierKey
from ledger.errors import BadPolicy
from ledger.witness_policy import Policy

_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+", re.ASCII)


class _Duration(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = units.duration(value)
        if isinstance(found, Malformed):
            self.fail(f"{found.message}; {found.hint}", param, ctx)
        return int(found)


class _Amount(click.ParamType[int]):
    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = units.amount(value)
        if isinstance(found, Malformed):
            self.fail(f"{found.message}; {found.hint}", param, ctx)
        return int(found)


class _Digest(click.ParamType[bytes]):
    name = "digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        if len(found) != 32:
            self.fail("a digest is 64 hexadecimal digits", param, ctx)
        return found


class _VerifierKey(click.ParamType[VerifierKey]):
    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> VerifierKey:
        if isinstance(value, VerifierKey):
            return value
        try:
            return VerifierKey.parse(value)
        except VerificationError as error:
            self.fail(str(error), param, ctx)


class _Policy(click.ParamType[Policy]):
    """A file of that form."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Policy:
        if isinstance(value, Policy):
            return value
        try:
            return Policy.parse(Path(value).read_bytes())
        except OSError as error:
            self.fail(f"{value}: {(error.strerror or 'cannot be read').lower()}", param, ctx)
        except BadPolicy as error:
            self.fail(f"{value}: {error}", param, ctx)


class _Param(click.ParamType[tuple[str, canonical.Value]]):
    """``name=text``, or ``name:=json`` where a number with a point is a decimal and no fraction is ever a float."""

    name = "param"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, canonical.Value]:
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        if not sign or not name.removesuffix(":"):
            self.fail(f"{value!r} is not a parameter; write name=text or name:=json", param, ctx)
        if not name.endswith(":"):
            return name, text
        try:
            found = json.loads(text, parse_float=_decimal, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
            canonical.pack(found)
        except (ValueError, RecursionError) as error:
            self.fail(f"{name}={text!r} cannot be a parameter: {error}", param, ctx)
        return name.removesuffix(":"), found


def _decimal(text: str) -> dict[str, str]:
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text} has an exponent; write the digits out")
    return {"dec": text}


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not a number that can be compared")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


DURATION, AMOUNT, DIGEST, PARAM, VERIFIER_KEY = _Duration(), _Amount(), _Digest(), _Param(), _VerifierKey()
POLICY = _Policy()

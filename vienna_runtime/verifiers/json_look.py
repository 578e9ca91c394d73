"""JSON from elsewhere: read within bounds, and one value found in it by a JSON path (RFC 9535).

What is found is compared as a text or an integer.  A list, a map, a fraction or several values are nothing that can be compared.
"""

from __future__ import annotations

import json
from typing import Any

import jsonpath

from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.verifiers.observe import Absent, Value

MOST_DEPTH = 64  # brackets inside each other: no answer that anybody checks has as many, and readers of JSON fall over thousands


def read(data: bytes) -> Any:
    """Raises ``NotStarted`` for what is not JSON, or is too deep."""
    depth = deepest = 0
    quoted = escaped = False
    for byte in data:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = byte == 0x5C, byte != 0x22
        elif byte == 0x22:
            quoted = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    if deepest > MOST_DEPTH:
        raise NotStarted(f"the answer's JSON is more than {MOST_DEPTH} deep")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotStarted(f"the answer is not JSON: {str(error)[:100]}") from None


def path(text: str) -> str:
    """The path, if it reads; raises ``ValueError``."""
    try:
        jsonpath.compile(text)
    except jsonpath.JSONPathError as error:
        raise ValueError(f"is not a JSON path: {str(error)[:200]}") from None
    return text


def found(value: Any, where: str) -> Value:
    """The one value there, as a text or an integer; ``Absent`` where there is none."""
    try:
        values = [match.value for match in jsonpath.finditer(where, value)]
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ValueRefused(f"{where!r} is not a JSON path: {str(error)[:100]}") from None
    if not values:
        return Absent()
    if len(values) > 1:
        raise ValueRefused(f"{where} finds {len(values)} values, and one is expected")
    match values[0]:
        case None:
            return "null"
        case bool():
            return "true" if values[0] else "false"
        case str() | int():
            return values[0]
        case _:
            raise ValueRefused(f"{where} finds a {type(values[0]).__name__}, which nothing is compared with")

"""Text with named holes that a value fills as a whole: nothing is split, expanded or read a second time.

``{name}`` is a hole, ``{{`` and ``}}`` are braces.  A value that itself holds ``{other}`` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import attrs

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@attrs.frozen
class Hole:
    name: str


Part: TypeAlias = bytes | Hole


@attrs.frozen
class Template:
    """Literal bytes and holes in turn.  Made by ``parse``, never empty of meaning: every hole has a lawful name."""

    parts: tuple[Part, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if isinstance(part, Hole))

    @property
    def prefix(self) -> bytes:
        """What stands before the first hole; all of it when there is none."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], bytes) else b""

    def render(self, values: Mapping[str, bytes]) -> bytes:
        return b"".join(values[part.name] if isinstance(part, Hole) else part for part in self.parts)


def parse(text: str) -> Template:
    """Raises ``ValueError`` that says what is wrong with the text."""
    if "\0" in text:
        raise ValueError("holds a NUL character")
    parts: list[Part] = []
    literal, end = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            literal += token[0][0]
        elif token[1] is None:
            raise ValueError(f"has a single {token[0]!r} at position {token.start()}; write {token[0] * 2!r} for the character itself")
        elif not NAME.fullmatch(token[1]):
            raise ValueError(f"has a placeholder {token[0]!r}, which is not the name of a parameter")
        else:
            if literal:
                parts.append(literal.encode())
            parts.append(Hole(token[1]))
            literal = ""
    literal += text[end:]
    if literal:
        parts.append(literal.encode())
    return Template(tuple(parts))

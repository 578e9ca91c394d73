"""A path strictly below a root, written in the one way in which a file has one spelling.

POSIX reads ``a//b``, ``a/./b`` and ``a/b`` as the same file and ``a/../b`` as one that depends on links, so none of these forms
is taken.  What is a link in the target's tree is the executor's business: it walks without following any.
"""

from __future__ import annotations

import attrs

from ..canonical import NotCanonical, Value

LONGEST_PATH = 4_096  # bytes: PATH_MAX of Linux
LONGEST_COMPONENT = 255  # bytes: NAME_MAX of every usual file system


def components(path: str) -> tuple[str, ...] | str:
    """The components of a path (the first is empty for an absolute one), or what is wrong with how it is written."""
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return "must be valid Unicode"
    if not 1 <= length <= LONGEST_PATH:
        return f"must be a path of 1 to {LONGEST_PATH} bytes"
    if "\0" in path:
        return "must be a path without a NUL character"
    parts = tuple(path.split("/"))
    for part in parts[1:] if path.startswith("/") else parts:
        if part in ("", ".", ".."):
            return f"must be a path of names joined by single slashes, not one with a component {part!r}"
        if len(part.encode()) > LONGEST_COMPONENT:
            return f"must be a path without a component of more than {LONGEST_COMPONENT} bytes"
    return parts


@attrs.frozen
class Under:
    """A path below ``root``; ``.`` is the root of all relative paths and ``/`` of all absolute ones."""

    root: str

    def __attrs_post_init__(self) -> None:
        if type(self.root) is not str or (self.root not in (".", "/") and isinstance(components(self.root), str)):
            raise NotCanonical('a root is a path of names joined by single slashes, as in "drafts" or "/srv/out", or "." or "/"')

    @property
    def start(self) -> str:
        """What every path below begins with, as a text."""
        return {".": "", "/": "/"}.get(self.root, f"{self.root}/")

    def problem(self, value: Value) -> str | None:
        if type(value) is not str:
            return "must be a text"
        parts = components(value)
        if isinstance(parts, str):
            return parts
        if value.startswith("/") != self.root.startswith("/"):
            return f"must be {'an absolute' if self.root.startswith('/') else 'a relative'} path below {self.root!r}"
        return None if value.startswith(self.start) else f"must be a path below {self.root!r}"

    def form(self) -> Value:
        return {"under": self.root}

    def words(self) -> str:
        return f'a path below "{self.root}"'

    def holds(self, other: Under) -> bool:
        """Whether every path below the other root is below this one."""
        return self.root.startswith("/") == other.root.startswith("/") and other.start.startswith(self.start)

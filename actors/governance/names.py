"""What a tenant, a member or a role may be called."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)  # as in host names: safe in paths, tokens, origins and on screens
RESERVED = frozenset({"node", "law", "founding", "operator", "agent", "any"})  # words that mean something else where names stand
OF_FILES = frozenset({"tile", "checkpoint", "heads"})  # what lies beside the tenants' directories where a node's log is exported


def tenant_problem(name: str) -> str | None:
    """The same for a tenant, which also names a directory and a path."""
    if name in OF_FILES:
        return f"cannot be {name!r}: an export of the node's own log has a file or directory of that name beside the tenants'"
    return problem(name)


def problem(name: str) -> str | None:
    """None if it is a name, else the rest of a sentence."""
    if NAME.fullmatch(name) is None:
        return "is 1 to 40 of a-z, 0-9 and -, beginning and ending with a letter or digit"
    if name in RESERVED:
        return f"cannot be {name!r}: the word has a meaning of its own here"
    return None

"""The argument vector of an action: each element a template, filled whole, read by no shell.

A value must never be read as an option.  The configuration says where values may stand:

    ["git", "log", "{branch}"]            a value that begins with "-" is refused when it is used
    ["git", "commit", "--message={m}"]    glued to its option: any value
    ["git", "add", "--", "{path}"]        after the end of options: any value
    ["git", "log", "--{option}"]          does not load: the value would choose the option
    ["{program}", "x"]                    does not load: the program is not a matter of parameters
    ["bash", "-c", "echo {m}"]            does not load: the value would be code
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Mapping

import attrs

from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.params import Declared, template
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.template import Template

SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # not the PATH of whoever starts the executor
MAX_ELEMENT = 128 * 1024 - 1  # MAX_ARG_STRLEN of Linux with its closing NUL

_END_OF_OPTIONS = (b"--", b"--end-of-options")  # the second is git's, for its revisions
_GLUED = re.compile(rb"--[A-Za-z0-9][A-Za-z0-9._-]*=.*", re.DOTALL)
_CODE = frozenset({"-c", "-e", "--eval", "--command"})
# what these read after one of _CODE is a program in their language
_INTERPRETERS = re.compile(
    r"(ba|da|z|k|a|fi|)sh|busybox|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node(js)?|lua[0-9.]*|php[0-9.]*|env|xargs|su|sudo", re.ASCII
)


@attrs.frozen
class Argv:
    """Made by ``read``; ``program`` is the absolute path that was found when the configuration was loaded."""

    program: str
    rest: tuple[tuple[Template, bool], ...]  # the element, and whether a value may begin it with "-"

    @property
    def names(self) -> frozenset[str]:
        return frozenset[str]().union(*(element.names for element, _ in self.rest))

    def render(self, values: Mapping[str, bytes]) -> list[bytes]:
        """Raises ``ValueRefused`` when a value would be read as an option or does not fit into an argument."""
        argv = [os.fsencode(self.program)]
        for position, (element, free) in enumerate(self.rest, start=1):
            rendered = element.render(values)
            if not free and element.names and rendered.startswith(b"-"):
                raise ValueRefused(f"argument {position} would begin with '-' and be read as an option")
            if b"\0" in rendered:
                raise ValueRefused(f"argument {position} would hold a NUL character")
            if len(rendered) > MAX_ELEMENT:
                raise ValueRefused(f"argument {position} would be {len(rendered)} bytes long, and the system takes {MAX_ELEMENT}")
            argv.append(rendered)
        return argv


def read(table: Table, declared: Declared) -> Argv:
    items = table.texts("argv")
    if not items:
        raise table.invalid("argv", "is empty, expected a program and its arguments")
    elements = [template(table, "argv", item, declared) for item in items]
    if elements[0].names:
        raise table.invalid("argv", "takes its program from a parameter; name the program itself")
    rest: list[tuple[Template, bool]] = []
    ended = False
    for item, before, element in zip(items[1:], items, elements[1:], strict=False):
        if element.names:
            _check(table, items[0], item, before, element, ended=ended)
        rest.append((element, ended or bool(_GLUED.match(element.prefix))))
        ended = ended or (not element.names and element.prefix in _END_OF_OPTIONS)
    return Argv(program=program(table, "argv", items[0]), rest=tuple(rest))


def program(table: Table, key: str, name: str) -> str:
    """Where the program is.  One that everybody may write is nobody's."""
    found = shutil.which(name, path=SEARCH) if "/" not in name else name
    if found is None or not os.path.isabs(found) or not os.path.isfile(found) or not os.access(found, os.X_OK):
        raise table.invalid(key, f"names the program {name!r}, which is not an absolute path to one and is not in {SEARCH}")
    if os.stat(found).st_mode & stat.S_IWOTH:
        raise table.invalid(key, f"names the program {found!r}, which everybody may write")
    return found


def _check(table: Table, name: str, item: str, before: str, element: Template, *, ended: bool) -> None:
    if before in _CODE and _INTERPRETERS.fullmatch(os.path.basename(name)):
        raise table.invalid("argv", f"puts {item!r} after {before}, where {name} reads a program; pass values as arguments instead")
    if not ended and element.prefix.startswith(b"-") and not _GLUED.match(element.prefix):
        raise table.invalid(
            "argv", f'has {item!r}, whose value could choose the option; write "--option={{…}}", or put the value after "--"'
        )

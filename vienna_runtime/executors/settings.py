"""A TOML table read strictly: every key is asked for by name, and a key nobody asked for is an error.

The file decides what an executor may do to the world, so it is read as such: a file that its group or the world may
write is refused, and so is one that belongs to somebody else than this user or root.
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from vienna_runtime import private_file
from vienna_runtime.errors import ViennaError
from vienna_runtime.executors import quantities
from vienna_runtime.executors.errors import ConfigurationInvalid

T = TypeVar("T")

MAX_FILE = 1 << 20  # a configuration of a megabyte is some other file


class Required:
    """The default of a setting that has none."""


REQUIRED = Required()


class Table:
    """One table of the file, which remembers what was asked for; ``finish`` refuses the rest."""

    def __init__(self, where: str, values: Mapping[str, Any], home: Path = Path()) -> None:
        self.where = where
        self._home = home  # the directory of the file
        self._values = values
        self._asked: set[str] = set()

    def text(self, key: str, default: str | Required = REQUIRED) -> str:
        return self._get(key, default, str, "a text")

    def boolean(self, key: str, default: bool | Required = REQUIRED) -> bool:
        return self._get(key, default, bool, "true or false")

    def integer(self, key: str, default: int | Required = REQUIRED, *, least: int, most: int) -> int:
        value = self._get(key, default, int, f"an integer from {least} to {most}")
        if isinstance(value, bool) or not least <= value <= most:
            raise self.invalid(key, f"is {value!r}, expected an integer from {least} to {most}")
        return value

    def duration(self, key: str, default: str | Required = REQUIRED) -> float:
        return self._quantity(key, default, quantities.seconds)

    def size(self, key: str, default: str | Required = REQUIRED) -> int:
        return self._quantity(key, default, quantities.octets)

    def choice(self, key: str, among: Iterable[str], default: str | Required = REQUIRED) -> str:
        value, known = self.text(key, default), list(among)
        if value not in known:
            raise self.invalid(key, f"is {value!r}, expected one of {', '.join(known)}{near(value, known)}")
        return value

    def directory(self, key: str) -> str:
        path = self.text(key)
        if not path.startswith("/") or "\0" in path:
            raise self.invalid(key, f"is {path!r}, expected the absolute path of a directory")
        return path

    def beside(self, name: str) -> Path:
        """A file that is named relative to this one."""
        return self._home / name

    def secret(self, key: str, *, most: int) -> str:
        """The one line of the file that ``key`` names; empty where it names none.  Nobody else may read that file."""
        name = self.text(key, "")
        if not name:
            return ""
        try:
            content = private_file.read(self.beside(name), largest=most)
            return content.decode().strip()
        except (OSError, UnicodeDecodeError, ViennaError) as error:
            raise self.invalid(key, f"names {name!r}, which cannot be read as a secret: {error}") from None

    def texts(self, key: str, default: list[str] | Required = REQUIRED) -> list[str]:
        value = self._get(key, default, list, "a list of texts")
        if not all(isinstance(item, str) for item in value):
            raise self.invalid(key, f"is {value!r}, expected a list of texts")
        return value

    def integers(self, key: str, default: list[int]) -> list[int]:
        value = self._get(key, default, list, "a list of integers")
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            raise self.invalid(key, f"is {value!r}, expected a list of integers")
        return value

    def mapping(self, key: str, default: dict[str, Any] | Required = REQUIRED) -> dict[str, Any]:
        return self._get(key, default, dict, "a table")

    def table(self, key: str, default: dict[str, Any] | Required = REQUIRED) -> Table:
        return Table(f"{self.where}.{key}", self.mapping(key, default), self._home)

    def tables(self, key: str) -> dict[str, Table]:
        """The named tables below ``key``: ``[actions."git.commit"]`` and its neighbours."""
        named = self.mapping(key)
        for name, value in named.items():
            if not isinstance(value, dict):
                raise self.invalid(key, f"has {name!r} as {value!r}, expected a table: [{key}.{name!r}]")
        return {name: Table(f'{self.where}: {key}."{name}"', value, self._home) for name, value in named.items()}

    def finish(self) -> None:
        """Refuse every key that nothing asked for, with the nearest one that exists."""
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise self.invalid(key, f"is not a setting here{near(key, self._asked)}; known are {known}")

    def invalid(self, key: str, why: str) -> ConfigurationInvalid:
        return ConfigurationInvalid(f"{self.where}: {key} {why}")

    def _get(self, key: str, default: T | Required, kind: type[T], expected: str) -> T:
        self._asked.add(key)
        value = self._values.get(key, default)
        if isinstance(value, Required):
            raise self.invalid(key, f"is missing, expected {expected}")
        if not isinstance(value, kind):
            raise self.invalid(key, f"is {value!r}, expected {expected}")
        return value

    def _quantity(self, key: str, default: str | Required, read: Callable[[str], T]) -> T:
        written = self.text(key, default)
        try:
            return read(written)
        except ValueError as wrong:
            raise self.invalid(key, str(wrong)) from None


def near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def load(path: Path) -> Table:
    """The file's top table.  The permissions that are checked are those of the bytes that are read."""
    try:
        with path.open("rb") as file:
            _own(path, os.fstat(file.fileno()))
            text = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigurationInvalid(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > MAX_FILE:
        raise ConfigurationInvalid(f"{path}: is larger than {MAX_FILE} bytes, which no configuration is")
    try:
        return Table(str(path), tomllib.loads(text.decode()), path.parent)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationInvalid(f"{path}: is not TOML: {error}") from error


def _own(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationInvalid(f"{path}: is not a regular file")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigurationInvalid(f"{path}: mode {mode:04o} lets others write it, and it says what may be done here; chmod go-w it")
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigurationInvalid(f"{path}: belongs to user {found.st_uid}, expected this user ({os.geteuid()}) or root")

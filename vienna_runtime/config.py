"""The configuration that is in force: defaults, then ``vienna.toml`` of the data directory, then the environment.

Nothing is ignored: an unknown section, key or ``VIENNA_<SECTION>_<KEY>`` is an error that names the nearest known one, and
a bad value is an error that names the file, the key and what is expected.
"""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

import attrs

from vienna_runtime.errors import ConfigError
from vienna_runtime.setting_kinds import Value
from vienna_runtime.settings import SECTIONS, Settings, describe, kind_of, variable

FILE = "vienna.toml"
_WIDTH = 110  # of the comments in the file that `vienna init` writes


@attrs.frozen(kw_only=True)
class Config:
    """Where the node lives and every setting in force."""

    directory: Path
    settings: Settings

    @property
    def ledger(self) -> Path:
        """The directory of the logs."""
        return self.directory / self.settings.data.ledger

    @property
    def keystore(self) -> Path:
        """The sealed file of the node's keys."""
        return self.directory / self.settings.data.keystore

    @property
    def tls(self) -> Path:
        """The directory of certificates."""
        return self.directory / self.settings.data.tls

    @property
    def watermark(self) -> Path:
        """Where the last released heads are remembered outside the ledger."""
        return self.directory / self.settings.data.watermark

    @property
    def witness_policy(self) -> Path | None:
        """Which witnesses are asked, and how many of them suffice; None where none are."""
        policy = self.settings.witness.policy
        return self.directory / policy if policy else None

    @property
    def witness_ca(self) -> Path | None:
        """Who vouches for witnesses on https; None where the system's authorities do."""
        ca = self.settings.witness.ca
        return self.directory / ca if ca else None

    @property
    def key_file(self) -> Path:
        """The raw key of the keystore, if it was sealed with one."""
        return self.directory / self.settings.keys.key_file


def load(directory: Path, *, environ: Mapping[str, str], given: Mapping[tuple[str, str], str] | None = None) -> Config:
    """The configuration of that data directory.  ``given`` are settings from the command line, which win over all others."""
    path = directory / FILE
    chosen: dict[str, dict[str, Value]] = {section: {} for section in SECTIONS}
    for section, key, raw in _in_file(path):
        chosen[section][key] = _value(str(path), section, key, raw)
    for section, key, raw in _in_environment(environ):
        chosen[section][key] = _value(variable(section, key), section, key, raw)
    for (section, key), raw in (given or {}).items():
        chosen[section][key] = _value("command line", section, key, raw)
    return Config(directory=directory, settings=Settings(**{name: made(**chosen[name]) for name, made in SECTIONS.items()}))


def template(**chosen: Mapping[str, Value]) -> str:
    """A ``vienna.toml`` with every setting, its meaning and its default as a comment; those in ``chosen`` are in force."""
    lines = ["# Settings of this node. What is commented out is the default. Each can be overridden by the variable named beside it."]
    for section, settings in groupby(describe(), key=lambda setting: setting.section):
        lines += ["", f"[{section}]"]
        for setting in settings:
            lines += textwrap.wrap(setting.meaning, _WIDTH, initial_indent="# ", subsequent_indent="# ")
            lines += [f"# ({setting.expects}; {setting.environment})"]
            values = chosen.get(section, {})
            kind = kind_of(section, setting.key)
            assert kind is not None
            lines += [
                f"{setting.key} = {kind.write(values[setting.key])}" if setting.key in values else f"# {setting.key} = {setting.default}"
            ]
    return "\n".join(lines) + "\n"


def _in_file(path: Path) -> Iterable[tuple[str, str, object]]:
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "", f"this is not TOML: {error}") from None
    for section, keys in parsed.items():
        if section not in SECTIONS:
            raise ConfigError(str(path), section, f"there is no such section{_near(section, SECTIONS)}")
        if not isinstance(keys, dict):
            raise ConfigError(str(path), section, f"this must be a section, written [{section}]")
        for key, raw in keys.items():
            if kind_of(section, key) is None:
                known = [setting.key for setting in describe() if setting.section == section]
                raise ConfigError(str(path), f"{section}.{key}", f"there is no such setting{_near(key, known)}")
            yield section, key, raw


def _in_environment(environ: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """The overrides.  A variable of another program's part (``VIENNA_EFFECT``) is left alone unless it looks like a misspelt one."""
    known = {setting.environment: (setting.section, setting.key) for setting in describe()}
    sections = tuple(f"VIENNA_{section}_".upper() for section in SECTIONS)
    for name, raw in environ.items():
        if name in known:
            yield *known[name], raw
        elif name.startswith(sections) or (name.startswith("VIENNA_") and difflib.get_close_matches(name, known, cutoff=0.9)):
            raise ConfigError("environment", name, f"there is no such setting{_near(name, known)}")


def _value(where: str, section: str, key: str, raw: object) -> Value:
    kind = kind_of(section, key)
    if kind is None:
        raise ConfigError(where, f"{section}.{key}", "there is no such setting")
    try:
        return kind.read(raw)
    except ValueError:
        raise ConfigError(where, f"{section}.{key}", f"{raw!r} will not do; expected {kind.expects}") from None


def _near(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a hint, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"

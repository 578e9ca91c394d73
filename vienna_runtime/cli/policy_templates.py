"""The template bundles that come with the program, as ``vienna policy new`` copies them: sound bundles, tests and notes included."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import click
import tomlkit
from click.shell_completion import CompletionItem

import vienna_runtime
from actors.governance.source import MANIFEST, Source
from vienna_runtime.cli.policy_directory import source_of

DIRECTORY = Path(vienna_runtime.__file__).parent / "templates"


@attrs.frozen
class Template:
    name: str
    description: str
    actions: tuple[str, ...]


@cache
def templates() -> dict[str, Template]:
    """By name, sorted."""
    return {path.name: _about(path) for path in sorted(DIRECTORY.iterdir()) if (path / MANIFEST).is_file()}


def _about(path: Path) -> Template:
    manifest = tomllib.loads((path / MANIFEST).read_text())
    return Template(path.name, manifest["bundle"]["description"], tuple(manifest["actions"]))


def named(template: str, name: str | None) -> Source:
    """The template's files, the bundle in them called ``name`` where that is given; every comment stays."""
    source = source_of(DIRECTORY / template)
    if name is None:
        return source
    document: Any = tomlkit.parse(source.files[MANIFEST].decode())
    document["bundle"]["name"] = name
    return Source({**source.files, MANIFEST: tomlkit.dumps(document).encode()})


class TemplateName(click.ParamType[str]):
    """The name of a template, which a shell completes with what it is for."""

    name = "template"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in templates():
            self.fail(f"there is no template {value!r}; one of: {', '.join(templates())}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(one.name, help=one.description) for one in templates().values() if one.name.startswith(incomplete)]

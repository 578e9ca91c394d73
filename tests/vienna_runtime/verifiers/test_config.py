from __future__ import annotations

from pathlib import Path

import pytest

from vienna_runtime.executors.errors import ConfigurationInvalid
from vienna_runtime.verifiers import config


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def check(kind: str, more: str) -> str:
    return f'credential = "emil.vienna"\n[checks.look]\nkind = "{kind}"\nresource = "r"\nparams = {{ it = "text" }}\nroot = "/"\n{more}\n'


REF = 'repo = "r"\nref = "refs/heads/main"\nexpected = { param = "it" }\n'


def test_the_example_in_the_docstring_loads(tmp_path: Path) -> None:
    assert config.__doc__ is not None
    loaded = config.load(write(tmp_path / "verifier.toml", config.__doc__.split("\n\n", 1)[1]))
    assert set(loaded.checks) == {"note_written", "committed", "pushed"}
    assert loaded.credential == tmp_path / "emil.vienna"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('credential = "x"', "checks is missing"),
        ('credential = "x"\n[checks]', "checks lists none"),
        (check("file_digests", ""), "did you mean 'file_digest'"),
        (check("file_digest", ""), "path is missing"),
        (check("file_digest", 'path = "{other}"'), "params does not declare"),
        (check("file_digest", 'path = "x"\nexpected = { param = "other" }'), "expected is"),
        (check("file_digest", 'path = "x"\nexpected = { literal = 1, absent = true }'), "expected is"),
        (check("file_digest", 'path = "x"\nexpected = { literal = true }'), "expected is"),
        (check("file_digest", 'path = "x"\nexpects = { absent = true }'), "did you mean 'expected'"),
        (check("exit_code", 'argv = ["true"]'), "read_only must be true"),
        (check("exit_code", 'argv = ["true"]\nread_only = true\nobserve = "output"'), "expected is"),
        (check("git_ref", REF.replace("expected", "# ")), "expected is"),
        (check("git_ref", 'remote = "ext::sh"\n' + REF), "expected a URL that begins with"),
        (check("git_ref", 'remote = "{it}"\n' + REF), "expected a URL that begins with"),
        (check("git_ref", 'remote = "https://git.example/{it}"\n' + REF), "could lead to another host"),
        (check("git_ref", 'remote = "https://{it}/x"\n' + REF).replace('it = "text"', 'it = "path"'), "takes its host from a parameter"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=message):
        config.load(write(tmp_path / "verifier.toml", text))

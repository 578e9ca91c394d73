from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vienna_runtime.executors import config
from vienna_runtime.executors.config import ExecutorConfig
from vienna_runtime.executors.errors import ConfigurationInvalid

Load = Callable[[str], ExecutorConfig]

ECHO = """
[actions."say"]
kind = "process"
params = {{ word = "text" }}
resource = "word"
root = "/"
argv = {argv}
{more}
"""


def echo(argv: str = '["echo", "--", "{word}"]', more: str = "") -> str:
    return ECHO.format(argv=argv, more=more)


def test_the_example_in_the_docstring_loads(loaded: Load) -> None:
    assert config.__doc__ is not None
    example = config.__doc__.split("\n\n", 1)[1].replace('credential = "executor.vienna" ', "")
    assert set(loaded(example).actions) == {"git.commit", "notes.write"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "actions is missing"),
        ("[actions]", "actions lists none"),
        (echo(more='timeot = "3s"'), "timeot is not a setting here .did you mean 'timeout'"),
        (echo(more="timeout = 3"), "timeout is 3, expected a text"),
        (echo(more='timeout = "3"'), "timeout is '3', expected a duration"),
        (echo(more="limits = { cpu = 3 }"), "limits: cpu is not a setting here"),
        (echo(more='env = { VIENNA_EFFECT = "x" }'), "VIENNA_ are the executor's"),
        (echo(more='env = { LD_PRELOAD = "x" }'), "LD_ would change the program"),
        (echo('["echo", "--", "{wrod}"]'), "uses {wrod}, which params does not declare"),
        (echo('["echo"]'), "declares 'word', which nothing uses"),
        (echo("[]"), "argv is empty"),
        (echo('["{word}"]'), "takes its program from a parameter"),
        (echo('["no-such-program", "--", "{word}"]'), "names the program 'no-such-program'"),
        (echo('["./echo", "--", "{word}"]'), "not an absolute path"),
        (echo('["echo", "-{word}"]'), "could choose the option"),
        (echo('["echo", "--{word}"]'), "could choose the option"),
        (echo('["echo", "-n{word}"]'), "could choose the option"),
        (echo('["sh", "-c", "echo {word}"]'), "reads a program"),
        (echo('["sh", "-e", "{word}"]'), "reads a program"),
        (echo().replace('resource = "word"', ""), "resource is missing"),
        (echo().replace('resource = "word"', 'resource = "{resource}"'), "takes any resource"),
        (echo().replace('"text"', '"txt"'), "expected one of text, path"),
        (echo().replace("word =", "resource ="), "not a name that a parameter can have"),
        (echo().replace('root = "/"', 'root = "here"'), "root is 'here', expected the absolute path"),
        (echo().replace('"process"', '"proces"'), "did you mean 'process'"),
        ("concurrency = 0" + echo(), "concurrency is 0"),
        ("concurrency = true" + echo(), "concurrency is True"),
        ("concurency = 2" + echo(), "did you mean 'concurrency'"),
        ("actions = 3", "actions is 3, expected a table"),
        ("a = = 1", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(loaded: Load, text: str, message: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=message) as raised:
        loaded(text)
    assert "executor.toml" in str(raised.value)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "executor.toml"
    path.write_text(echo())
    path.chmod(mode)
    with pytest.raises(ConfigurationInvalid, match="lets others write it"):
        config.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"executor.toml: cannot be read"):
        config.load(tmp_path / "executor.toml")


def test_what_is_handed_to_a_program_is_not_shown(loaded: Load) -> None:
    assert "hunter2" not in repr(loaded(echo(more='env = { TOKEN = "hunter2" }')))

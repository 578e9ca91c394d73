from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from vienna_runtime.config import FILE, load, template
from vienna_runtime.errors import ConfigError
from vienna_runtime.keystore import is_loopback
from vienna_runtime.settings import Settings, describe, kind_of, variable


def refusal(directory: Path, text: str = "", environ: dict[str, str] | None = None) -> str:
    (directory / FILE).write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(directory, environ=environ or {})
    return str(refused.value)


def test_without_a_file_every_default_is_in_force_and_reaches_loopback_only(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"PATH": "/bin", "VIENNA_EFFECT": "another part's", "VIENNA_PASSPHRASE_FILE": "p"})
    assert config.settings == Settings()
    assert is_loopback(config.settings.listen.host)
    assert config.ledger == tmp_path / "ledger"
    assert config.keystore.parent == config.key_file.parent == config.watermark.parent == config.tls.parent == tmp_path


def test_development_keys_are_no_default() -> None:
    assert Settings().keys.insecure_dev_keys is False


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('[listen]\nhost = "10.0.0.1"\nport = 1\n[log]\nlevel = "error"\n')
    environ = {"VIENNA_LISTEN_PORT": "2", "VIENNA_LOG_LEVEL": "debug"}
    settings = load(tmp_path, environ=environ, given={("listen", "port"): "0"}).settings
    assert (settings.listen.host, settings.listen.port, settings.log.level) == ("10.0.0.1", 0, "debug")


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"VIENNA_DATA_WATERMARK": "/mnt/other/watermark"}).watermark == Path("/mnt/other/watermark")


def test_every_default_is_a_value_its_own_setting_accepts() -> None:
    for setting in describe():
        kind = kind_of(setting.section, setting.key)
        assert kind is not None
        value = kind.read(tomllib.loads(f"x = {setting.default}")["x"])
        assert value == getattr(getattr(Settings(), setting.section), setting.key), setting.key


def test_every_setting_is_described_for_somebody_who_does_not_know_it() -> None:
    described = describe()
    assert all(setting.meaning.endswith(".") and len(setting.meaning) > 20 and setting.expects for setting in described)
    assert len({setting.environment for setting in described}) == len(described)


def test_every_setting_can_be_overridden_from_the_environment(tmp_path: Path) -> None:
    for setting in describe():
        kind = kind_of(setting.section, setting.key)
        assert kind is not None
        with pytest.raises(ConfigError) as refused:
            load(tmp_path, environ={variable(setting.section, setting.key): "\0"})
        assert refused.value.key == f"{setting.section}.{setting.key}"


def test_the_written_file_is_the_defaults_also_with_every_comment_taken_away(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(template())
    assert load(tmp_path, environ={}).settings == Settings()
    (tmp_path / FILE).write_text(re.sub(r"^# ([a-z_]+ = )", r"\1", template(), flags=re.MULTILINE))
    assert load(tmp_path, environ={}).settings == Settings()


def test_what_init_chose_is_in_force_in_the_file_it_writes(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(template(node={"name": "wien"}, listen={"names": ("wien.example", "::1")}))
    settings = load(tmp_path, environ={}).settings
    assert settings.node.name == "wien"
    assert settings.listen.names == ("wien.example", "::1")


def test_an_unknown_section_key_or_variable_names_the_nearest_known_one(tmp_path: Path) -> None:
    assert "did you mean limits?" in refusal(tmp_path, "[limit]\nconnections = 1\n")
    assert "limits.conections: there is no such setting; did you mean connections?" in refusal(tmp_path, "[limits]\nconections = 1\n")
    assert "did you mean VIENNA_LIMITS_MAILBOX?" in refusal(tmp_path, environ={"VIENNA_LIMITS_MAILBX": "1"})
    assert "did you mean VIENNA_LISTEN_PORT?" in refusal(tmp_path, environ={"VIENNA_LISTN_PORT": "1"})


def test_an_unlike_key_is_answered_with_those_there_are(tmp_path: Path) -> None:
    assert "there are: level, format" in refusal(tmp_path, "[log]\nzzz = 1\n")


def test_a_bad_value_names_the_file_the_key_and_what_is_expected(tmp_path: Path) -> None:
    message = refusal(tmp_path, "[listen]\nport = 99999\n")
    assert message == f"{tmp_path / FILE}: listen.port: 99999 will not do; expected a whole number from 0 to 65535"
    assert refusal(tmp_path, environ={"VIENNA_LISTEN_PORT": "https"}).startswith("VIENNA_LISTEN_PORT: listen.port: 'https'")


def test_a_key_outside_any_section_and_a_section_that_is_none_are_refused(tmp_path: Path) -> None:
    assert "no such section" in refusal(tmp_path, "port = 1\n")
    assert "written [listen]" in refusal(tmp_path, "listen = 1\n")


def test_what_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    message = refusal(tmp_path, "[listen]\nport = \n")
    assert str(tmp_path / FILE) in message
    assert "line 2" in message
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not TOML"):
        load(tmp_path, environ={})


def test_the_command_line_may_not_name_what_is_no_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such setting"):
        load(tmp_path, environ={}, given={("listen", "prot"): "1"})

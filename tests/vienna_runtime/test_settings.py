from __future__ import annotations

import attrs

from vienna_runtime.settings import SECTIONS, Settings, describe, kind_of, variable


def test_every_section_of_the_settings_is_declared_and_no_other() -> None:
    assert {field.name: field.type for field in attrs.fields(Settings)}.keys() == SECTIONS.keys()
    assert all(isinstance(getattr(Settings(), name), kind) for name, kind in SECTIONS.items())


def test_settings_are_described_in_the_order_of_the_file() -> None:
    assert [setting.section for setting in describe()] == [name for name, kind in SECTIONS.items() for _ in attrs.fields(kind)]


def test_what_is_no_setting_has_no_kind() -> None:
    assert kind_of("listen", "prot") is None
    assert kind_of("listn", "port") is None
    assert variable("listen", "port") == "VIENNA_LISTEN_PORT"

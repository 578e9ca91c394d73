from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from vienna_runtime.secret import Secret

HIDDEN = b"schlagobers-and-more"


def test_a_secret_shows_itself_in_no_text() -> None:
    secret = Secret(HIDDEN)
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>3}",
        repr([secret]),
        repr({"k": secret}),
    ):
        assert "schlagobers" not in shown
    assert "schlagobers" not in "".join(traceback.format_exception(ValueError(secret)))


def test_a_secret_leaves_the_process_by_no_side_door() -> None:
    secret = Secret(HIDDEN)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, bytes):
        with pytest.raises(TypeError):
            leak(secret)  # type: ignore[operator]


def test_secrets_compare_by_value_and_never_with_bytes() -> None:
    assert Secret(HIDDEN) == Secret(HIDDEN)
    assert Secret(HIDDEN) != Secret(HIDDEN[:-1])
    assert Secret(HIDDEN) != HIDDEN
    with pytest.raises(TypeError, match="mapping"):
        hash(Secret(HIDDEN))


def test_a_secret_does_not_change() -> None:
    secret = Secret(HIDDEN)
    with pytest.raises(AttributeError):
        secret.value = b"other"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        secret._Secret__value = b"other"  # type: ignore[attr-defined]
    assert secret.reveal() == HIDDEN
    assert len(secret) == len(HIDDEN)


def test_a_secret_keeps_its_own_copy_of_what_it_was_made_from() -> None:
    source = bytearray(HIDDEN)
    secret = Secret(source)
    source[0] ^= 1
    assert secret.reveal() == HIDDEN

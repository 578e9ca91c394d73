from __future__ import annotations

from typing import Any

import pytest

from transport.errors import ProtocolError
from transport.session import FIELDS, SAID_BY_CLIENT, SAID_BY_SERVER, SUBPROTOCOL, WORDS, ClientState, ServerState, require_fields, tag_of

# Every word of the session and its fields, `?` for those that may be left out.  A change here is a change of the wire:
# other people's clients break, so it wants a new version and a reader.
WIRE = """
bye code:str why:str
cease sub:int
ceased sub:int why:str
challenge nonce:bytes principal:str origin:str certificate:bytes
credit sub:int more:int
event sub:int at:int value:dict
hello versions:list agent:str
indeterminate id:int why:str
lagging sub:int at:int
ping n:int
pong n:int
prove signature:bytes
refused id:int code:str why:str retry_after?:int detail?:dict
reply id:int value:dict
welcome session:str principal:str limits:dict heartbeat:int
"""

SAMPLES: dict[type, Any] = {str: "x", int: 1, bytes: b"x", list: [], dict: {}}
WRONG: dict[type, Any] = {str: b"x", int: True, bytes: "x", list: {}, dict: []}


def test_the_wire_is_as_it_was_published() -> None:
    lines = [
        " ".join(
            [
                tag,
                *(f"{name}:{kind.__name__}" for name, kind in required.items()),
                *(f"{name}?:{kind.__name__}" for name, kind in optional.items()),
            ]
        )
        for tag, (required, optional) in sorted(FIELDS.items())
    ]
    assert lines == WIRE.strip().splitlines()
    assert SUBPROTOCOL == "vienna.v1.msgpack"


def test_every_word_has_its_fields_and_every_state_its_words() -> None:
    assert FIELDS.keys() == WORDS
    assert SAID_BY_CLIENT.keys() == set(ServerState)
    assert SAID_BY_SERVER.keys() == set(ClientState)


def test_after_the_end_nothing_may_be_said() -> None:
    assert not SAID_BY_CLIENT[ServerState.CLOSED]
    assert not SAID_BY_SERVER[ClientState.CLOSED]


@pytest.mark.parametrize("tag", sorted(WORDS))
def test_each_field_is_required_in_its_type_and_none_besides(tag: str) -> None:
    required, optional = FIELDS[tag]
    whole = {"t": tag, **{name: SAMPLES[kind] for name, kind in (required | optional).items()}}
    require_fields(tag, whole)
    require_fields(tag, {name: value for name, value in whole.items() if name not in optional})
    for name in required:
        with pytest.raises(ProtocolError, match=f"`{name}` must be"):
            require_fields(tag, {key: value for key, value in whole.items() if key != name})
    for name, kind in (required | optional).items():
        with pytest.raises(ProtocolError, match=f"`{name}` must be"):
            require_fields(tag, whole | {name: WRONG[kind]})
    with pytest.raises(ProtocolError, match="a field it does not have"):
        require_fields(tag, whole | {"admin": True})


@pytest.mark.parametrize("message", [{}, {"t": ""}, {"t": 1}, {"t": None}, {"t": b"hello"}, {"t": ["hello"]}])
def test_a_message_without_a_tag_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="without its tag"):
        tag_of(message)

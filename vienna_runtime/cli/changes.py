"""The changes of a tenant itself as people read them: each event that would be recorded, with its fields by name.

A card carries them as the bytes that will stand on the ledger.  Decoding accepts exactly the bytes that encoding writes,
so whoever has read the fields has read all that is signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs

from actors.governance.canonical import NotCanonical
from actors.governance.ids import Instant
from actors.governance.intent import GOVERNED, Intent
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import value_text

if TYPE_CHECKING:
    from actors.governance.events import Event


def is_change(wish: Intent) -> bool:
    """Whether an intent is a change of the tenant itself; no agent can propose one."""
    return wish.action.startswith(GOVERNED)


def changes_of(wish: Intent) -> tuple[Event, ...]:
    """The events that such an intent would have recorded; raises ``NotCanonical`` for what this program cannot read."""
    match wish.params:
        case {"changes": Sequence() as changes, **others} if not others:
            return tuple(_event(change) for change in changes)
        case _:
            raise NotCanonical("a change of the tenant that does not list what it changes")


def _event(change: object) -> Event:
    match change:
        case {"tag": str() as tag, "body": bytes() as body, **others} if not others:
            from actors.governance.codec import decode  # most cards do without the whole law

            return decode(tag, body)
        case _:
            raise NotCanonical("a change that is not a tag and a body")


def fields_of(event: Event) -> dict[str, str]:
    """Every field of an event by name, still to be shown: times as times, texts in quotes, bytes in hex."""
    hints = get_type_hints(type(event))
    fields = {field.name: getattr(event, field.name) for field in attrs.fields(type(event))}
    return {name: f"{clock(value)} UTC" if hints[name] is Instant else value_text(value) for name, value in fields.items()}


def in_words(wish: Intent) -> str:
    """All changes on one line, still to be shown."""
    try:
        return "; ".join(f"{event.TAG}: {_listed(fields_of(event))}" for event in changes_of(wish))
    except NotCanonical as error:
        return f"what it changes cannot be read: {error}"


def _listed(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def as_json(wish: Intent) -> list[dict[str, Any]]:
    """For programs: the tag and the fields as they are."""
    return [{"tag": event.TAG, **attrs.asdict(event, recurse=False)} for event in changes_of(wish)]

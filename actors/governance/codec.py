"""Events and state as bytes and back, exactly.

An event's body is the canonical map of its declared fields.  Decoding checks the tag, the set and order of fields and every
type, and refuses what does not fit: a log whose entries cannot be decoded is frozen, never guessed at.  How each field is
encoded is worked out once from its annotation.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import attrs

from . import alert_book, canonical, conversation, events, finding_book, halt, letter_book, older, signals, state
from .canonical import NotCanonical, Value
from .events import Event
from .evolve import remember_deadlines
from .node_law import KINDS as NODE_EVENTS
from .node_law import NodeEvent

Convert = Callable[[Any], Any]


def encode(event: Event) -> bytes:
    """The body of the event's entry."""
    return _ENCODERS[type(event)](event)


def decode(tag: str, body: bytes) -> Event:
    """The event, from exactly the bytes ``encode`` writes; raises ``NotCanonical``."""
    kind = EVENTS.get(tag)
    if kind is None:
        raise NotCanonical(f"no event has the tag {tag!a}")
    return cast(Event, _decoded(kind, canonical.unpack_fields(body, _names(kind))))


def encode_node(event: NodeEvent) -> bytes:
    """The body of an entry of the node's own log."""
    return _encoder(type(event))(event)


def decode_node(tag: str, body: bytes) -> NodeEvent | None:
    """The node's own event, or None for what the ledger wrote there itself; raises ``NotCanonical``."""
    kind = NODE_EVENTS.get(tag)
    return None if kind is None else cast(NodeEvent, _decoded(kind, canonical.unpack_fields(body, _names(kind))))


def encode_state(value: state.State) -> bytes:
    """Everything ``evolve`` made, as canonical bytes: equal states have equal bytes."""
    return canonical.pack_ordered({name: _plain(hint)(getattr(value, name)) for name, hint in _hints(state.State).items()})


def decode_state(packed: bytes) -> state.State:
    """The state, with its derived parts made anew; raises ``NotCanonical``."""
    return _state(canonical.unpack_fields(packed, _names(state.State)))


def decode_older(packed: bytes, shape: bytes) -> state.State:
    """The state that an earlier version packed, whose ``fingerprint`` is ``shape``; raises ``NotCanonical``."""
    fields = canonical.unpack_any_fields(packed)
    try:
        older.brought_on(fields, shape)
    except (TypeError, KeyError, ValueError) as error:
        raise NotCanonical(f"no state of that shape: {error}") from None
    return _state(fields)


def _state(fields: Mapping[str, Value]) -> state.State:
    value = cast(state.State, _decoded(state.State, fields))
    remember_deadlines(value)
    return value


def fingerprint() -> bytes:
    """Names the shape of the state: a snapshot of another shape is not read but folded anew."""
    return _fingerprint(FOLD_VERSION)


@cache
def _fingerprint(version: str) -> bytes:
    """Worked out once: reading the hints of every kind takes longer than folding a hundred entries."""
    shapes = [f"{kind.__qualname__}:{name}:{hint}" for kind in _STATE_KINDS for name, hint in sorted(_hints(kind).items())]
    return canonical.digest("\n".join([version, *shapes]).encode())


FOLD_VERSION = "fold/28"  # raised whenever evolve folds the same log into another state
_STATE_KINDS = (
    state.State,
    state.Member,
    state.Invitation,
    state.Case,
    state.Given,
    conversation.Exchange,
    state.Envelope,
    state.LiveWarrant,
    state.Ask,
    state.Run,
    state.Said,
    signals.Breaker,
    signals.Reopener,
    signals.Signals,
    signals.Pace,
    signals.Habits,
    signals.News,
    state.Counter,
    state.Bucket,
    state.Count,
    state.Limit,
    state.Spent,
    state.Budget,
    halt.Pause,
    alert_book.Alert,
    alert_book.Alerts,
    state.Promise,
    state.Hold,
    state.Erasure,
    state.Recovery,
    state.Shadow,
    letter_book.Letters,
    letter_book.Hour,
    finding_book.Findings,
    finding_book.Finding,
    finding_book.Counted,
    state.Tally,
)


def _fields(kind: type) -> list[attrs.Attribute[Any]]:
    return [field for field in attrs.fields(kind) if not field.metadata.get("derived")]


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in _fields(kind))


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Worked out once: every state that is packed asks for its own."""
    found = get_type_hints(kind)
    return {field.name: found[field.name] for field in _fields(kind)}


@cache
def _plain(hint: Any) -> Convert:
    """The way back from ``_converter``, in canonical order: objects as maps, sets as sorted lists, what is looked up by a name as pairs.

    Pairs, because names are other people's words, and a map with the key ``dec`` would be taken for a decimal.
    """
    hint, origin, args = _bare(hint)
    if _is_plain(hint):
        return _same
    if origin in (Union, UnionType):
        inner = _plain(next(a for a in args if a is not type(None)))
        return lambda value: None if value is None else inner(value)
    if attrs.has(hint):
        return _object(hint)
    if origin is tuple:
        one = _plain(args[0])
        return lambda value: [one(item) for item in value]
    if origin is frozenset:
        return sorted
    if origin is dict:
        one = _plain(args[1])
        return (lambda value: sorted(value.items())) if one is _same else (lambda value: [(key, one(value[key])) for key in sorted(value)])
    return canonical.ordered  # a free map


def _same(value: Any) -> Any:
    return value


def _is_plain(hint: Any) -> bool:
    """Whether such a value is packed as it stands: text, bytes, numbers, and rows of them."""
    hint, origin, args = _bare(hint)
    if origin in (Union, UnionType, tuple):
        return all(arg is Ellipsis or _is_plain(arg) for arg in args)
    return hint in (str, bytes, int, bool, type(None))


def _object(kind: type) -> Convert:
    hints = _hints(kind)
    names = sorted(hints)
    values = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    others = [(name, convert) for name in names if (convert := _plain(hints[name])) is not _same]

    def plain(value: Any) -> dict[str, Any]:
        fields = dict(zip(names, values(value), strict=True))
        for name, convert in others:
            fields[name] = convert(fields[name])
        return fields

    return plain


def _bare(hint: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """A hint without its new names, its origin and its arguments."""
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return hint, get_origin(hint), get_args(hint)


_CONVERTERS: dict[type, dict[str, Convert]] = {}


def _decoded(kind: type, fields: Mapping[str, Value]) -> Any:
    converters = _CONVERTERS.get(kind)
    if converters is None:
        converters = _CONVERTERS[kind] = {name: _converter(hint) for name, hint in _hints(kind).items()}
    if set(fields) != set(converters):
        raise NotCanonical(f"{kind.__name__} has other fields")
    try:
        return kind(**{name: converters[name](value) for name, value in fields.items()})
    except _WrongTypeError as error:
        raise NotCanonical(f"{kind.__name__}: expected {error}") from None


class _WrongTypeError(Exception):
    pass


def _converter(hint: Any) -> Convert:
    """What turns a plain value into one of the annotated type, refusing any other."""
    hint, origin, args = _bare(hint)
    if origin in (Union, UnionType):
        inner = _converter(next(a for a in args if a is not type(None)))
        return lambda value: None if value is None else inner(value)
    if attrs.has(hint):
        return lambda value: _decoded(hint, _as(value, dict))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        one = _converter(args[0])
        return lambda value: tuple(one(item) for item in _as(value, list))
    if origin is tuple:
        each = [_converter(arg) for arg in args]
        return lambda value: tuple(convert(item) for convert, item in zip(each, _listed(value, len(each)), strict=True))
    if origin is frozenset:
        one = _converter(args[0])
        return lambda value: frozenset(one(item) for item in _as(value, list))
    if origin is dict:
        one = _converter(args[1])
        return lambda value: {_as(key, str): one(item) for key, item in (_listed(pair, 2) for pair in _as(value, list))}
    if origin is not None and issubclass(origin, Mapping):
        return lambda value: _as(value, dict)
    return lambda value: _as(value, hint)


def _as(value: Any, kind: Any) -> Any:
    if type(value) is not kind:
        raise _WrongTypeError(getattr(kind, "__name__", str(kind)))
    return value


def _listed(value: Any, length: int) -> list[Any]:
    found: list[Any] = _as(value, list)
    if len(found) != length:
        raise _WrongTypeError(f"{length} items")
    return found


def _encoder(kind: type) -> Callable[[Any], bytes]:
    names = _names(kind)
    if len(names) == 1:  # attrgetter then gives the value itself
        return lambda event: canonical.pack_fields([(names[0], getattr(event, names[0]))])
    values = attrgetter(*names)
    return lambda event: canonical.pack_fields(zip(names, values(event), strict=True))


EVENTS: Mapping[str, type] = {kind.TAG: kind for kind in get_args(events.Event)}
_ENCODERS: Mapping[type, Callable[[Any], bytes]] = {kind: _encoder(kind) for kind in EVENTS.values()}

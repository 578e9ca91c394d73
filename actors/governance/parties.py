"""The principal and the resource as Cedar takes them, made of what is shown of them.

Where the policies asked cannot tell agents apart, the principal is an agent without a name, and the same for resources: so one
answer serves every agent with these roles.  No policy can name the nameless one without reading, and being shown, the name.
"""

from __future__ import annotations

import json

import attrs
import cedarpy

from .view import Who

_quote = json.encoder.encode_basestring_ascii


@attrs.frozen
class Parties:
    """The principal and the resource as Cedar takes them."""

    principal: dict[str, str]
    resource: dict[str, str]
    entities: cedarpy.Entities


def parties(who: Who) -> Parties:
    """Raises ValueError for text that is not Unicode."""
    agent, roles, owner, resource, kind = who
    name, thing = agent or "", resource or ""
    parents = ",".join([f'{{"type":"Role","id":{_quote(role)}}}' for role in roles])
    owned = "" if owner is None else f'"owner":{_quote(owner)}'
    known = [f'"{field}":{_quote(value)}' for field, value in (("id", resource), ("kind", kind)) if value is not None]
    entities = cedarpy.Entities.from_json_str(
        f'[{{"uid":{{"type":"Agent","id":{_quote(name)}}},"attrs":{{{owned}}},"parents":[{parents}]}},'
        f'{{"uid":{{"type":"Resource","id":{_quote(thing)}}},"attrs":{{{",".join(known)}}},"parents":[]}}]'
    )
    return Parties({"type": "Agent", "id": name}, {"type": "Resource", "id": thing}, entities)

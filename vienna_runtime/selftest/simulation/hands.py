"""Through whose hands a warrant went before it was redeemed, worked out again from the bytes of its links.

Each link is signed by the holder before it, about exactly what is before it, gives no more than that, and has not expired; everybody
along it is an active member, and nobody of them approved the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import attrs
import msgpack
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from actors.governance import intent as intents
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.remembered import WarrantNow, Who

HANDED = "a warrant is handed on by who holds it, and for no more than that"
COVERED = "a warrant covers what it says"
WHOLE = 1_000_000  # micro-units


@attrs.frozen
class Way:
    holders: tuple[str, ...]  # the last redeems
    links: tuple[tuple[bytes, int], ...]  # of each its digest and how often it may be used
    bounds: tuple[Mapping[str, Any], ...]  # of each what its parameters may be
    cap: int | None


def follow(found: WarrantNow, chain: bytes, members: Mapping[str, Who], at: int) -> Way:
    """Raises ``Broken`` where a link does not hold."""
    terms, issued = found.terms, found.issued
    holder, above = terms.holder, _parent(issued.fields, issued.signature)
    uses, ends, cap = terms.uses, terms.expires_at, terms.cost_cap
    names, known, bounds = [], [], []
    for number, (packed, signature) in enumerate(msgpack.unpackb(chain), 1):
        link = msgpack.unpackb(packed)
        what = f"link {number} of {issued.warrant}"
        if not signed(holder, b"vienna/link/1\0" + packed, signature) or link["parent"] != above:
            raise Broken(HANDED, f"{what} is not signed by the holder before it, or about something else")
        wider = cap is not None and (link["cost_cap"] is None or link["cost_cap"] > cap)
        if link["uses"] > uses or link["expires_at"] > ends or wider:
            raise Broken(HANDED, f"{what} gives more than there is: {link}")
        if at >= link["expires_at"]:
            raise Broken(HANDED, f"{what} has expired")
        name = next((name for name, who in members.items() if who.public == link["holder"] and who.status == "active"), None)
        if name is None or members[name].person in terms.approvals:
            raise Broken(HANDED, f"{what} is held by {name}: nobody, or somebody who approved it")
        above, holder = _parent(packed, signature), link["holder"]
        uses, ends, cap = link["uses"], link["expires_at"], link["cost_cap"]
        names.append(name)
        known.append((above, uses))
        bounds.append(link["constraints"])
    if members[names[-1]].kind == "agent" and terms.tier != "T0":
        raise Broken(HANDED, f"{names[-1]}, an agent, redeems {issued.warrant}, which is {terms.tier}")
    return Way(tuple(names), tuple(known), tuple(bounds), cap)


def covers(found: WarrantNow, run: Any, way: Way | None) -> None:
    """Whether the arguments of one run are those that the warrant, and each link, allows."""
    terms = found.terms
    params: Mapping[str, Any] = terms.params if run.params is None else run.params
    if run.args_digest != intents.args_digest(terms.action, terms.resource, params):
        raise Broken(COVERED, f"{run.run}: another digest than that of {params}")
    exact = {name: {"exact": value} for name, value in terms.params.items()}
    for bounds in ({**exact, **terms.constraints}, *(() if way is None else way.bounds)):
        for name, form in bounds.items():
            if name not in params or not allows(form, params[name]):
                raise Broken(COVERED, f"{run.run}: {name} of {params} is not within {form}")
    cap = terms.cost_cap if way is None else way.cap
    if terms.action == "orders.refund" and cap is not None and params["amount"] * WHOLE > cap:
        raise Broken(COVERED, f"{run.run}: {params} costs more than {cap}")


def persons(members: Mapping[str, Who], names: Iterable[str]) -> frozenset[str]:
    return frozenset(members[name].person for name in names)


def allows(form: Mapping[str, Any], value: Any) -> bool:
    """Whether a constraint, in the form in which it is signed, takes the value: of those kinds that are made here."""
    ((kind, argument),) = form.items()
    match kind:
        case "all":
            return all(allows(one, value) for one in argument)
        case "exact":
            return type(value) is type(argument) and bool(value == argument)
        case "prefix":
            return type(value) is str and value.startswith(argument)
        case "range":
            low, high = argument["low"], argument["high"]
            return type(value) is int and (low is None or low <= value) and (high is None or value <= high)
        case _:
            raise Broken(COVERED, f"nobody here makes a constraint {kind}")


def _parent(packed: bytes, signature: bytes) -> bytes:
    return sha256(b"vienna/parent/1\0" + sha256(packed).digest() + sha256(signature).digest()).digest()


def signed(key: bytes, what: bytes, signature: bytes) -> bool:
    try:
        crypto_sign_open(signature + what, key)
    except (CryptoError, ValueError):
        return False
    return True

"""What a warrant costs by itself, without a node: issued, handed on once, and checked, beside ``tenuo`` and ``pymacaroons`` (PyPI).

All three grant the same: one action with four constrained parameters (a path below a root, a number in a range, one of two
words, a text that matches), for ten minutes.  It is handed on once, narrower in path and number.  Whoever is shown both has bytes
at first, and says whether they allow four given parameters.  What each checks for that differs, see ``bench/README.md``; what
all three are held to before anything is timed is that the wide warrant allows what the narrow one refuses.

Every warrant is another one, so that nothing remembered helps.  What is not installed is left out, and ``missing`` says so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any, Protocol

import attrs
from nacl.signing import SigningKey

from actors import drafting
from actors.governance import constraints, events, links, signing, warrant
from actors.governance.ids import MINUTE, SECOND, Instant
from actors.governance.signing import Purpose
from vienna_runtime import warrant_file

TENANT, ACTION, TITLES = "bench", "note.write", "[A-Za-z0-9 .]{1,200}"
ROOT, NARROW = ("drafts", 1, 100), ("drafts/b", 1, 50)  # below which path, and the bounds of the number
ALLOWED = {"path": "drafts/b/one", "amount": 20, "kind": "note", "title": "The first."}
BEYOND = {**ALLOWED, "amount": 60}  # by the warrant, not by what was handed on of it
STEPS = ("issue", "hand on", "check", "check with the holder's proof")


@attrs.frozen
class Shown:
    """What the last holder shows: bytes alone."""

    warrant: bytes
    link: bytes
    beside: tuple[bytes, ...] = ()  # signature and MAC, where they do not stand in the warrant's own bytes
    proof: bytes = b""  # that the holder has its key

    @property
    def size(self) -> int:
        return len(self.warrant) + len(self.link) + sum(map(len, self.beside))


class Way(Protocol):
    """One implementation.  ``check`` is given the bytes of somebody else and says whether they allow these parameters."""

    def issue(self, number: int) -> Any: ...
    def hand_on(self, issued: Any) -> Any: ...
    def show(self, issued: Any, handed: Any) -> Shown: ...
    def check(self, shown: Shown, params: dict[str, Any]) -> bool: ...
    def check_with_proof(self, shown: Shown, params: dict[str, Any]) -> bool: ...


def missing() -> list[str]:
    """One line for each way that cannot be measured here."""
    return [f"{name} is left out: it is not installed (pip install {name})" for name in ("tenuo", "pymacaroons") if not find_spec(name)]


def ways() -> dict[str, Way]:
    """Every way that is installed, by its name; ours first."""
    found: dict[str, Way] = {"Vienna": Vienna()}
    if find_spec("tenuo"):
        found["tenuo"] = Tenuo()
    if find_spec("pymacaroons"):
        found["pymacaroons"] = Macaroons()
    return found


class Vienna:
    """The law's own code: packed, signed by issuer and MAC as the shell does it; then ``warrant_file``, ``links`` and ``warrant``."""

    def __init__(self) -> None:
        self._issuer, self._holder, self._last = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
        self._bounds, self._narrower = (
            {
                "path": constraints.Under(path),
                "amount": constraints.Range(low, high, None),
                "kind": constraints.OneOf(("letter", "note")),
                "title": constraints.Matching(TITLES),
            }
            for path, low, high in (ROOT, NARROW)
        )
        self._now = Instant(1_700_000_000 * SECOND)
        self._challenge = hashlib.sha256(b"challenge").digest()
        self._proof = bytes(self._last.sign(signing.signed_bytes(Purpose.CHALLENGE, self._challenge)).signature)

    # the shell's signer

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        return bytes(self._issuer.sign(message).signature)

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        return hmac.digest(b"k" * 32, message, "sha256")

    def issue(self, number: int) -> events.WarrantIssued:
        nothing = bytes(32)
        terms = warrant.Warrant(
            tenant=TENANT, warrant=f"w-{number}", case=f"c-{number}", agent="ada", executor="scribbler",  # type: ignore[arg-type]
            holder=bytes(self._holder.verify_key), action=ACTION, resource="notes", params=ALLOWED,
            constraints={name: constraint.form() for name, constraint in self._bounds.items()}, intent=nothing, effect="e",  # type: ignore[arg-type]
            state_digest=None, tier="T0", approvals=(), envelopes=(), bundle=nothing, verify={}, not_before=self._now,
            expires_at=Instant(self._now + 10 * MINUTE), uses=1, cost_cap=None,
        )  # fmt: skip
        unsigned = events.WarrantIssued(terms.case, terms.warrant, warrant.pack(terms), b"", b"")
        return drafting.sign(unsigned, TENANT, self)  # type: ignore[arg-type]  # what it needs of a signer

    def hand_on(self, issued: events.WarrantIssued) -> bytes:
        narrower = {name: self._narrower[name] for name in ("path", "amount")}
        file = warrant_file.WarrantFile(issued.fields, issued.signature, None, None, {})
        life = self._now + 5 * MINUTE
        made = warrant_file.attenuate(file, bytes(self._holder), bytes(self._last.verify_key), only=narrower, expires_at=life)
        assert made.chain is not None
        return made.chain

    def show(self, issued: events.WarrantIssued, handed: bytes) -> Shown:
        return Shown(issued.fields, handed, (issued.signature, issued.mac), self._proof)

    def check(self, shown: Shown, params: dict[str, Any]) -> bool:
        signature, _ = shown.beside
        issuer, holder = bytes(self._issuer.verify_key), bytes(self._holder.verify_key)
        terms = warrant.verify(shown.warrant, signature, issuer, now=self._now, holder=holder).warrant
        left = links.follow(terms, links.digest(shown.warrant, signature), links.unpack_chain(shown.link), now=self._now)
        return left.holder == bytes(self._last.verify_key) and warrant.within(left.bounds, params) is None

    def check_with_proof(self, shown: Shown, params: dict[str, Any]) -> bool:
        holder = bytes(self._last.verify_key)
        return signing.verifies(Purpose.CHALLENGE, holder, self._challenge, shown.proof) and self.check(shown, params)


class Tenuo:
    """Its core in Rust, called as its own adapters call it."""

    def __init__(self) -> None:
        import tenuo_core as core  # type: ignore[import-not-found, unused-ignore]  # what ``tenuo`` installs

        self._core = core
        self._root, self._holder, self._last = (core.SigningKey.generate() for _ in range(3))
        self._may, self._narrower = (
            {
                ACTION: {
                    "path": core.Subpath(f"/{path}"),
                    "amount": core.Range(low, high),
                    "kind": core.OneOf(["letter", "note"]),
                    "title": core.Regex(f"^{TITLES}$"),  # it looks for a match anywhere in the text
                }
            }
            for path, low, high in (ROOT, NARROW)
        )
        self._authorizer = core.Authorizer(trusted_roots=[self._root.public_key])

    def issue(self, number: int) -> Any:
        return self._core.Warrant.issue(self._root, capabilities=self._may, ttl_seconds=600, holder=self._holder.public_key)

    def hand_on(self, issued: Any) -> Any:
        return issued.attenuate(self._narrower, self._holder, ttl_seconds=300, holder=self._last.public_key)

    def show(self, issued: Any, handed: Any) -> Shown:
        proof = handed.sign(self._last, ACTION, _absolute(ALLOWED), int(time.time()))
        return Shown(bytes(issued.to_bytes()), bytes(handed.to_bytes()), proof=bytes(proof))

    def _chain(self, shown: Shown) -> list[Any]:
        return [self._core.Warrant.from_bytes(shown.warrant), self._core.Warrant.from_bytes(shown.link)]

    def check(self, shown: Shown, params: dict[str, Any]) -> bool:
        chain = self._chain(shown)
        self._authorizer.verify_chain(chain)
        return chain[-1].check_constraints(ACTION, _absolute(params)) is None

    def check_with_proof(self, shown: Shown, params: dict[str, Any]) -> bool:
        from tenuo.exceptions import TenuoError

        try:
            self._authorizer.check_chain(self._chain(shown), ACTION, _absolute(params), signature=shown.proof)
        except TenuoError:
            return False
        return True


def _absolute(params: dict[str, Any]) -> dict[str, Any]:
    """Its paths begin with a slash."""
    return {**params, "path": f"/{params['path']}"}


class Macaroons:
    """A chain of HMACs.  What a caveat means is the verifier's own affair, so the reading of them is ours, as short as it can be."""

    _KEY = "k" * 32

    def issue(self, number: int) -> Any:
        from pymacaroons import Macaroon  # type: ignore[import-untyped, import-not-found, unused-ignore]

        made = Macaroon(location="bench", identifier=f"w-{number}", key=self._KEY)
        for caveat in (f"action = {ACTION}", "kind in note,letter", f"title matches {TITLES}", *self._bounded(*ROOT, life=600)):
            made.add_first_party_caveat(caveat)
        return made

    def hand_on(self, issued: Any) -> Any:
        made = issued.copy()
        for caveat in self._bounded(*NARROW, life=300):
            made.add_first_party_caveat(caveat)
        return made

    def _bounded(self, path: str, low: int, high: int, *, life: int) -> Sequence[str]:
        return f"path under {path}/", f"amount range {low}..{high}", f"time before {time.time() + life:.0f}"

    def show(self, issued: Any, handed: Any) -> Shown:
        return Shown(b"", handed.serialize().encode())  # it holds what it was made from

    def check(self, shown: Shown, params: dict[str, Any]) -> bool:
        from pymacaroons import Macaroon, Verifier
        from pymacaroons.exceptions import MacaroonInvalidSignatureException

        context = {**params, "action": ACTION, "time": time.time()}
        verifier = Verifier()
        verifier.satisfy_general(lambda caveat: _met(caveat, context))
        try:
            return bool(verifier.verify(Macaroon.deserialize(shown.link.decode()), self._KEY))
        except MacaroonInvalidSignatureException:
            return False

    def check_with_proof(self, shown: Shown, params: dict[str, Any]) -> bool:
        raise NotImplementedError("a macaroon is a bearer's: who has it may use it")


def _met(caveat: str, context: dict[str, Any]) -> bool:
    name, relation, bound = caveat.split(" ", 2)
    value = context[name]
    match relation:
        case "=":
            return bool(value == bound)
        case "in":
            return value in bound.split(",")
        case "matches":
            return re.fullmatch(bound, value) is not None
        case "under":
            return bool(value.startswith(bound)) and ".." not in value
        case "range":
            low, high = map(int, bound.split(".."))
            return bool(low <= value <= high)
        case "before":
            return bool(value < float(bound))
    return False


@attrs.frozen
class Row:
    step: str
    cost: dict[str, float | None]  # µs by the way's name, or None where it has no such step

    def ratio(self, name: str) -> float | None:
        """Their time to ours: above one we are faster."""
        theirs, ours = self.cost[name], self.cost["Vienna"]
        return None if theirs is None or ours is None else theirs / ours


@attrs.frozen
class Found:
    rows: tuple[Row, ...]
    sizes: dict[str, int]  # bytes of the warrant and what was handed on of it


def measured(*, rounds: int, warrants: int) -> Found:
    """Every way does the same number of warrants in each round, one way after the other; the medians of the rounds."""
    known = ways()
    taken: dict[str, list[tuple[float | None, ...]]] = {name: [] for name in known}
    sizes: dict[str, int] = {}
    for number in range(rounds):
        for name, way in known.items():
            costs, sizes[name] = _round(way, range(number * warrants, (number + 1) * warrants))
            taken[name].append(costs)
    rows = tuple(Row(step, {name: _middle([costs[at] for costs in taken[name]]) for name in known}) for at, step in enumerate(STEPS))
    return Found(rows, sizes)


def _round(way: Way, numbers: Sequence[int]) -> tuple[tuple[float | None, ...], int]:
    made: list[Any] = []
    handed: list[Any] = []
    issuing = _timed(lambda number: made.append(way.issue(number)), numbers)
    handing = _timed(lambda issued: handed.append(way.hand_on(issued)), made)
    shown = [way.show(*pair) for pair in zip(made, handed, strict=True)]
    proves = any(one.proof for one in shown)
    for check in (way.check, way.check_with_proof) if proves else (way.check,):
        assert check(shown[0], ALLOWED)
        assert not check(shown[0], BEYOND)
    checking = _timed(lambda one: way.check(one, ALLOWED), shown)
    proving = _timed(lambda one: way.check_with_proof(one, ALLOWED), shown) if proves else None
    return (issuing, handing, checking, proving), shown[0].size


def _timed(function: Callable[[Any], object], over: Sequence[Any]) -> float:
    """µs each."""
    begun = time.perf_counter()
    for one in over:
        function(one)
    return (time.perf_counter() - begun) * 1e6 / len(over)


def _middle(costs: Sequence[float | None]) -> float | None:
    there = [cost for cost in costs if cost is not None]
    return median(there) if there else None


def main() -> None:
    for line in missing():
        print(line)
    found = measured(rounds=3, warrants=50) if "--quick" in sys.argv else measured(rounds=11, warrants=200)
    names = list(found.sizes)
    others = names[1:]
    table = [["µs", *names, *(f"{name} to Vienna" for name in others)], ["---", *("---:" for _ in names + others)]]
    for row in found.rows:
        costs = ["" if (cost := row.cost[name]) is None else f"{cost:.0f}" for name in names]
        ratios = ["" if (ratio := row.ratio(name)) is None else f"**{ratio:.2f}**" for name in others]
        table.append([row.step, *costs, *ratios])
    table.append(["bytes of both", *(str(found.sizes[name]) for name in names), *("" for _ in others)])
    for line in table:
        print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()

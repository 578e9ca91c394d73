"""A node's keys in one sealed file: held open in memory, rewritten as a whole, and durable before a new key is used.

Reading (``sign``, ``data_key``, …) touches no file and takes no lock: it looks at a ``Keyring`` that is replaced, never
changed.  Writing takes a lock, seals the new ring under the master key held in memory (no new argon2), replaces the file
(temporary file, fsync, rename, fsync of the directory) and only then lets anyone see the ring.  A key that seals a body
is therefore on disk before the body is.

Destroying a key rewrites the file without it; the old file's blocks are freed, not overwritten, and their ciphertext
opens only with the passphrase or key file: whoever must forget against somebody who has both rotates those too.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
import nacl.utils

from vienna_runtime import private_file
from vienna_runtime.errors import InsecureKeysError, UnknownOwnerError
from vienna_runtime.keyring import FOREVER, ID_BYTES, KEY_BYTES, Key, Keyring, Purpose, SigningPair, State, decode
from vienna_runtime.sealing import MODERATE, Cost, Opener, Seal, new_seal, unseal
from vienna_runtime.secret import Secret

KIND = "vienna/keystore/1"
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
NODE_LOG = ""  # the ledger's name for the node's own log

Now = Callable[[], int]


def wall_clock() -> int:
    """Microseconds since 1970: a key's date of birth is for people, nothing is decided by it."""
    return time.time_ns() // 1000


@attrs.frozen
class TenantKeys:
    """The public halves that the node's log lists when a tenant is admitted (Ed25519, 32 bytes each)."""

    checkpoint: bytes
    issuer: bytes


@attrs.frozen
class Listed:
    """A key as people are shown it."""

    id: bytes
    purpose: Purpose
    owner: str
    state: State
    created: int  # µs
    until: int  # µs; FOREVER while nothing has taken over from it
    public: bytes  # empty for a MAC key, which has no such half


class Keystore:
    """All keys of a node.  Safe to use from any thread."""

    def __init__(self, path: Path, seal: Seal, ring: Keyring, now: Now) -> None:
        self._path = path
        self._seal = seal
        self._ring = ring
        self._now = now
        self._writing = threading.Lock()

    def __repr__(self) -> str:
        return f"Keystore({self._path}, {len(self._ring.keys)} keys)"

    @classmethod
    def create(
        cls, path: Path, opener: Opener, *, node: str, cost: Cost = MODERATE, insecure: bool = False, now: Now = wall_clock
    ) -> Keystore:
        """A new keystore with the node's own checkpoint key; ``FileTakenError`` if there is one already."""
        ring = Keyring.of(node, [_new_key(Purpose.CHECKPOINT, NODE_LOG, now())])
        seal = new_seal(KIND, opener, cost=cost, insecure=insecure)
        private_file.create(path, seal.seal(ring.encode().reveal()))
        return cls(path, seal, ring, now)

    @classmethod
    def open(cls, path: Path, opener: Opener, *, now: Now = wall_clock) -> Keystore:
        """The keystore as it was last written; ``VerificationError`` for a wrong opener and for an altered file alike."""
        seal, secrets = unseal(KIND, private_file.read(path), opener)
        return cls(path, seal, decode(secrets), now)

    @property
    def node(self) -> str:
        """The node's name, the first part of every origin."""
        return self._ring.node

    def now(self) -> int:
        """By the clock that ends an overlap."""
        return self._now()

    @property
    def insecure(self) -> bool:
        """Whether it was made with development keys or a cheap derivation; it stays so for good."""
        return self._seal.insecure

    def refuse_beyond_loopback(self, host: str) -> None:
        """Raise ``InsecureKeysError`` if development keys would serve other machines."""
        if self.insecure and not is_loopback(host):
            raise InsecureKeysError(
                f"{self._path} holds insecure development keys and the node would listen on {host}, where other machines reach it; "
                "listen on 127.0.0.1 or make a node with a passphrase"
            )

    # the ledger's keys (``ledger_keys.LedgerKeys`` speaks the ledger's own types)

    def checkpoint_pairs(self, log: str) -> tuple[SigningPair, ...]:
        """Who signs that log's tree heads now, the newest key first; ``UnknownOwnerError`` for a log never admitted."""
        pairs = self._pairs(Purpose.CHECKPOINT, log)
        if len(pairs) == 1:
            return pairs
        now = self._now()
        return (pairs[0], *(pair for pair in pairs[1:] if pair.until == FOREVER or now < pair.until))

    def data_key(self, log: str, month: str) -> Key:
        """The key that seals that month's bodies now; made, and durable, when it is first asked for."""
        key = self._ring.data.get((log, month))
        return key if key is not None else self._renewed(log, month, only_if_missing=True)

    def data_key_by_id(self, log: str, key_id: bytes) -> Key | None:
        """The key of that id, whichever month's; ``None`` if it was destroyed or never was."""
        return self._ring.data_by_id.get((log, key_id))

    def prepare_month(self, month: str, logs: Iterable[str]) -> None:
        """All these logs have a key for that month, in one rewrite: a new month must not cost one sync a tenant."""
        _check_month(month)
        with self._writing:
            logs = [self._admitted(log) for log in logs]
            missing = [log for log in dict.fromkeys(logs) if (log, month) not in self._ring.data]
            if missing:
                self._write(self._ring.plus(*(_new_key(Purpose.DATA, log, self._now(), month) for log in missing)))

    def renew_data_key(self, log: str, month: str) -> Key:
        """A further key for that month, used from now on; the older ones still open what they sealed."""
        return self._renewed(log, month, only_if_missing=False)

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        """Every data key of that month that is still there, the current one first."""
        return tuple(key.id for key in reversed(self._ring.keys) if (key.purpose, key.owner, key.month) == (Purpose.DATA, log, month))

    def destroy_data_key(self, log: str, key_id: bytes) -> bool:
        """Forget a data key; durable on return.  Whether there was one."""
        return bool(self.destroy_data_keys(log, (key_id,)))

    def destroy_data_keys(self, log: str, key_ids: Iterable[bytes]) -> int:
        """Forget data keys in one rewrite; durable on return, and no draft that an interrupted rewrite left holds them.  How many."""
        with self._writing:
            there = [key_id for key_id in key_ids if (log, key_id) in self._ring.data_by_id]
            if there:
                ring = self._ring
                for key_id in there:
                    ring = ring.without(log, key_id)
                self._write(ring)
            private_file.remove_drafts(self._path)
            return len(there)

    # the tenants' keys

    def admit_tenant(self, tenant: str) -> TenantKeys:
        """The tenant's checkpoint, issuer and warrant keys, made in one rewrite; repeating it changes nothing."""
        if not tenant:
            raise ValueError("a tenant has a name; the node's own keys are made with the keystore")
        with self._writing:
            if (Purpose.CHECKPOINT, tenant) not in self._ring.signing:
                purposes = (Purpose.CHECKPOINT, Purpose.ISSUER, Purpose.WARRANT_MAC)
                self._write(self._ring.plus(*(_new_key(purpose, tenant, self._now()) for purpose in purposes)))
        return TenantKeys(self.checkpoint_pairs(tenant)[0].public, self.issuer_public(tenant))

    def tenants(self) -> frozenset[str]:
        """Who has been admitted."""
        return frozenset(self._ring.macs)

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        """The tenant's Ed25519 signature over a message that begins with its own purpose tag."""
        return self._pairs(Purpose.ISSUER, tenant)[0].sign(message)

    def issuer_public(self, tenant: str) -> bytes:
        """The public key that its new warrants verify with."""
        return self._pairs(Purpose.ISSUER, tenant)[0].public

    def issuer_publics(self, tenant: str) -> tuple[bytes, ...]:
        """Every public key that a live warrant of its may be signed with, the newest first: replaced ones too, unless compromised."""
        self._pairs(Purpose.ISSUER, tenant)
        return self._ring.issuers[tenant]

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        """HMAC-SHA256 under the tenant's newest key, which never leaves the node."""
        return hmac.digest(self._macs(tenant)[0].reveal(), message, "sha256")

    def every_warrant_mac(self, tenant: str, message: bytes) -> tuple[bytes, ...]:
        """As ``warrant_mac``, by every key the tenant ever had, the newest first."""
        secrets = (*self._macs(tenant), *self._ring.former_macs.get(tenant, ()))
        return tuple(hmac.digest(secret.reveal(), message, "sha256") for secret in secrets)

    def check_warrant_mac(self, tenant: str, message: bytes, mac: bytes) -> bool:
        """Whether ``mac`` is ours, by any key that counts; each in constant time."""
        found = [hmac.compare_digest(hmac.digest(secret.reveal(), message, "sha256"), mac) for secret in self._macs(tenant)]
        return any(found)

    # how keys hand over (``rotating`` has the order in which this is safe)

    def prepare(self, purpose: Purpose, owner: str) -> SigningPair:
        """The key that will take over, on disk and not in use; the same one until it has."""
        current = self._pairs(purpose, owner)[0]
        with self._writing:
            if (purpose, owner) not in self._ring.prepared:
                key = attrs.evolve(_new_key(purpose, owner, self._now()), state=State.PREPARED)
                self._write(self._ring.plus(key))
            found = self._ring.prepared[purpose, owner]
        assert found.public != current.public
        return found

    def prepared(self, purpose: Purpose, owner: str) -> SigningPair | None:
        """What ``prepare`` made and ``activate`` has not yet put to use."""
        return self._ring.prepared.get((purpose, owner))

    def signing(self, purpose: Purpose, owner: str) -> tuple[SigningPair, ...]:
        """The keys whose secrets are there and count, the newest first, over or not."""
        return self._pairs(purpose, owner)

    def turning(self) -> tuple[tuple[Purpose, str], ...]:
        """Where a key is taking over from another: one is prepared, or more than one counts."""
        ring = self._ring
        more = [place for place, pairs in ring.signing.items() if len(pairs) > 1]
        return tuple(dict.fromkeys([*ring.prepared, *more]))

    def activate(self, purpose: Purpose, owner: str) -> None:
        """The prepared key is the newest from now on, and those before it sign beside it until ``end`` or ``retire``.

        An issuer's MAC key is renewed with it.
        """
        with self._writing:
            pair = self._ring.prepared[purpose, owner]
            new = next(key for key in self._ring.keys if key.id == pair.id)
            more = [_new_key(Purpose.WARRANT_MAC, owner, self._now())] if purpose is Purpose.ISSUER else []
            # at the end, since the later of two comes first
            kept = self._ring.where(lambda key: None if key.id == pair.id else key)
            self._write(kept.plus(attrs.evolve(new, state=State.COUNTS), *more))

    def end(self, purpose: Purpose, owner: str, *, until: int) -> None:
        """Every key but the newest signs up to ``until`` (µs), unless it already ends before."""
        with self._writing:
            _, *older = self._pairs(purpose, owner)
            open_ended = {pair.id for pair in older if pair.until == FOREVER}
            if open_ended:
                self._write(self._ring.where(lambda key: attrs.evolve(key, until=until) if key.id in open_ended else key))

    def withdraw(self, purpose: Purpose, owner: str) -> None:
        """Take ``activate`` back: it was not announced after all.  The newest key is the prepared one again."""
        with self._writing:
            newest = self._pairs(purpose, owner)[0]
            self._write(self._ring.where(lambda key: attrs.evolve(key, state=State.PREPARED) if key.id == newest.id else key))

    def retire(self, purpose: Purpose, owner: str, *, compromised: bool = False, ended: bool = False) -> int:
        """Every key but the newest is over, its secret destroyed; with ``ended`` only those whose time is.  How many it were.

        An issuer's older MAC keys count no more only where it is ``compromised``: live warrants need them.  What they recognise they
        go on recognising, see ``every_warrant_mac``.
        """
        with self._writing:
            _, *older = self._pairs(purpose, owner)
            now = self._now()
            over = {pair.id: pair.public for pair in older if not ended or FOREVER != pair.until <= now}
            if not over:
                return 0
            state = State.COMPROMISED if compromised else State.RETIRED
            macs = {key.id for key in self._ring.keys if (key.purpose, key.owner) == (Purpose.WARRANT_MAC, owner)}
            kept = next((key.id for key in reversed(self._ring.keys) if key.id in macs), b"")

            def change(key: Key) -> Key | None:
                if key.id in over:
                    return attrs.evolve(
                        key,
                        state=state,
                        until=now if key.until == FOREVER else min(key.until, now),
                        secret=Secret(b""),
                        public=over[key.id],
                    )
                if purpose is Purpose.ISSUER and compromised and key.id in macs and key.id != kept and key.state is State.COUNTS:
                    return attrs.evolve(key, state=State.FORMER)
                return key

            self._write(self._ring.where(change))
            return len(over)

    def listed(self) -> tuple[Listed, ...]:
        """Every key but the data keys, without its secret, in the order they were made."""
        ring = self._ring
        public = {pair.id: pair.public for pairs in ring.signing.values() for pair in pairs}
        public |= {pair.id: pair.public for pair in ring.prepared.values()}
        return tuple(
            Listed(key.id, key.purpose, key.owner, key.state, key.created, key.until, public.get(key.id, key.public))
            for key in ring.keys
            if key.purpose is not Purpose.DATA
        )

    def _macs(self, tenant: str) -> tuple[Secret, ...]:
        secrets = self._ring.macs.get(tenant)
        if secrets is None:
            raise UnknownOwnerError(Purpose.WARRANT_MAC.value, tenant)
        return secrets

    def _pairs(self, purpose: Purpose, owner: str) -> tuple[SigningPair, ...]:
        pairs = self._ring.signing.get((purpose, owner))
        if pairs is None:
            raise UnknownOwnerError(purpose.value, owner)
        return pairs

    def _admitted(self, log: str) -> str:
        """The log itself, if it has keys at all: a misspelt one must not be given any."""
        self._pairs(Purpose.CHECKPOINT, log)
        return log

    def _renewed(self, log: str, month: str, *, only_if_missing: bool) -> Key:
        _check_month(month)
        with self._writing:
            found = self._ring.data.get((log, month))
            if found is not None and only_if_missing:
                return found
            key = _new_key(Purpose.DATA, self._admitted(log), self._now(), month)
            self._write(self._ring.plus(key))
            return key

    def _write(self, ring: Keyring) -> None:
        private_file.replace(self._path, self._seal.seal(ring.encode().reveal()))
        self._ring = ring  # last: nobody uses a key that a crash could lose


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on ``host``; a name other than localhost is taken as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _new_key(purpose: Purpose, owner: str, now: int, month: str = "") -> Key:
    return Key(
        id=nacl.utils.random(ID_BYTES),
        purpose=purpose,
        owner=owner,
        month=month,
        created=now,
        until=FOREVER,
        secret=Secret(nacl.utils.random(KEY_BYTES)),
    )


def _check_month(month: str) -> None:
    if _MONTH.fullmatch(month) is None:
        raise ValueError(f"a month is written like 2026-11, not {month!r}")

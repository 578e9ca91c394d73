"""Lists and replaces the node's signing keys while it runs, for its operators: in the ledger's thread, between two commits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import structlog
import trio

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Outcome, Unsettled
from actors.scribe import Scribe
from ledger import NODE, CommitFailed, LedgerError, LogFrozen, UnknownLog, VerifierKey, origin_of
from ledger.rotation import Kind
from vienna_runtime import rotating
from vienna_runtime.keyring import FOREVER, Purpose, State
from vienna_runtime.keystore import Keystore, Listed
from vienna_runtime.rotating import PURPOSES, Wanted

log = structlog.get_logger(__name__)

EVERY = 3600.0  # s; an overlap is days, and nothing depends on when the secret goes


@attrs.frozen
class Keymaster:
    """The chores ``keys.list``, ``keys.rotate`` and ``keys.retire``.  ``now`` is legal time."""

    scribe: Scribe
    keystore: Keystore
    now: Callable[[], int]

    async def list(self, ask: c.ListKeys, by: str) -> Outcome:
        """Every key of one log, without its secret."""
        owner = self._owner(ask.tenant)
        return Done({"log": owner, "keys": [self._shown(key) for key in self.keystore.listed() if key.owner == owner]})

    async def rotate(self, ask: c.RotateKey, by: str) -> Outcome:
        """A new key in place of the one that is named: asked again, it is refused and changes nothing."""
        owner, kind = self._owner(ask.tenant), _kind(ask.kind, ask.tenant)
        if isinstance(kind, Refusal):
            return kind
        current = self.keystore.signing(PURPOSES[kind], owner)[0].public
        if ask.replaces != current:
            return Refusal(Code.UNKNOWN, f"that key does not sign as the {kind.value} key any more; {current.hex()} does")
        wanted = Wanted(log=owner, kind=kind, compromised=ask.compromised, overlap=ask.overlap, now=self.now(), actor=f"operator:{by}")
        try:
            done = await self.scribe.errand(partial(rotating.rotate, self.scribe.ledger, self.keystore, wanted))
        except LogFrozen as error:
            return Refusal(Code.FROZEN, str(error))
        except CommitFailed as error:
            await self.scribe.wait_writable()  # the ledger has been opened again: now it is known what is in it
            await self.scribe.errand(partial(rotating.settle, self.scribe.ledger, self.keystore))
            return Unsettled(f"{error}; look at the keys before asking again")
        return Done({"log": owner, "kind": kind.value, "previous": done.previous, "key": done.key, "size": done.size})

    async def retire(self, ask: c.RetireKeys, by: str) -> Outcome:
        """The newest key signs alone from now on."""
        owner, kind = self._owner(ask.tenant), _kind(ask.kind, ask.tenant)
        if isinstance(kind, Refusal):
            return kind
        count = await self.scribe.errand(partial(rotating.retire, self.scribe.ledger, self.keystore, kind, owner))
        return Done({"log": owner, "kind": kind.value, "retired": count})

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Destroys the secrets of keys whose overlap is over, until cancelled; they sign nothing any more by then."""
        task_status.started()
        while True:
            await trio.sleep(EVERY)
            if self.keystore.turning():
                try:
                    await self.scribe.errand(partial(rotating.settle, self.scribe.ledger, self.keystore))
                except (LedgerError, OSError) as error:
                    log.warning("replaced keys are retired later", why=str(error))

    def _owner(self, tenant: str | None) -> str:
        owner = NODE if tenant is None else tenant
        if owner not in self.scribe.ledger.logs():
            raise UnknownLog(f"there is no tenant {tenant!a}")
        return owner

    def _shown(self, key: Listed) -> dict[str, object]:
        shown: dict[str, object] = {
            "id": key.id.hex(),
            "purpose": key.purpose.value,
            "state": self._state(key),
            "created": key.created,
            "until": key.until,
            "key": key.public,
        }
        if key.purpose is Purpose.CHECKPOINT:
            shown["verifier"] = VerifierKey(origin_of(self.keystore.node, key.owner), key.public).text
        return shown

    def _state(self, key: Listed) -> str:
        """What it does at present, in a word."""
        if key.state is not State.COUNTS or key.purpose is Purpose.WARRANT_MAC:
            return key.state.value
        if self.keystore.signing(key.purpose, key.owner)[0].id == key.id:
            return "signs"
        return "signs beside" if key.until == FOREVER or self.keystore.now() < key.until else "over"


def _kind(text: str, tenant: str | None) -> Kind | Refusal:
    try:
        kind = Kind(text)
    except ValueError:
        return Refusal(Code.MALFORMED, "the kind of key is checkpoint or issuer")
    if kind is Kind.ISSUER and tenant is None:
        return Refusal(Code.MALFORMED, "the node issues no warrants: name a tenant")
    return kind

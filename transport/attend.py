"""One admitted peer from greeting to goodbye; the same for a WebSocket and for memory."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs
import trio

from transport.carrier import Carrier
from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.gate import Admission
from transport.limits import Limits
from transport.proof import NONCE_BYTES, Challenge
from transport.server_session import Proof, ServerSession
from transport.session import CRASHED, DONE, STOPPING, UNPROVEN

_log = logging.getLogger(__name__)

Handle: TypeAlias = Callable[[Connection], Awaitable[None]]
StartSoon: TypeAlias = Callable[[Callable[[], Awaitable[object]]], None]


@attrs.frozen(kw_only=True)
class Place:
    """Which server this is, to a client that must prove its key: nothing signed here serves anywhere else."""

    origin: str
    certificate: bytes
    entropy: Callable[[int], bytes] = secrets.token_bytes


async def attend(
    carrier: Carrier,
    admission: Admission,
    *,
    place: Place,
    remote: str,
    limits: Limits,
    handle: Handle,
    start_soon: StartSoon,
    alive: set[Connection],
    deadline: float,
    on_open: Callable[[], None],
) -> None:
    """Greet, let ``handle`` talk, say goodbye.  An exception of ``handle`` ends this connection only, and is logged."""
    connection = _connection(carrier, admission, place, remote, limits)
    alive.add(connection)
    start_soon(connection.write_out)
    code, why = CRASHED, "the server failed on this connection; what it decided stays on the ledger"
    try:
        with trio.move_on_at(deadline) as greeting:
            await connection.establish()
        if greeting.cancelled_caught:
            code, why = UNPROVEN, "the handshake took too long"
            return
        on_open()
        await handle(connection)
        code, why = DONE, ""
    except ConnectionClosed as closed:
        code, why = closed.code, closed.why
    except Exception:  # noqa: BLE001  # one peer's handler failed: it is logged, and the others go on
        _log.exception("the handler of a connection of %s failed", admission.principal)
    except BaseException as ended:
        if _is_cancellation(ended):
            code, why = STOPPING, "the server is stopping; connect again soon"
        raise
    finally:
        with trio.CancelScope(shield=True):  # bounded by closing_seconds
            await connection.aclose(code, why)
        alive.discard(connection)


async def keep_alive(alive: set[Connection], limits: Limits) -> None:
    """One clock for all connections: a timer of each would cost a task and a wake-up of each."""
    while True:
        await trio.sleep(min(1.0, limits.heartbeat_seconds / 4))
        now = trio.current_time()
        for connection in list(alive):
            connection.tick(now)


def _is_cancellation(ended: BaseException) -> bool:
    """A handler with a nursery of its own hands its cancellation on in a group."""
    if isinstance(ended, BaseExceptionGroup):
        return all(map(_is_cancellation, ended.exceptions))
    return isinstance(ended, trio.Cancelled)


def _connection(carrier: Carrier, admission: Admission, place: Place, remote: str, limits: Limits) -> Connection:
    session_id = place.entropy(16).hex()  # a name for logs, not a secret: never enough to get in
    proof = None
    if admission.public_key is not None:
        challenge = Challenge(
            nonce=place.entropy(NONCE_BYTES),
            principal=admission.principal,
            origin=place.origin,
            certificate=place.certificate,
        )
        proof = Proof(challenge=challenge, public_key=admission.public_key)
    session = ServerSession(principal=admission.principal, session_id=session_id, proof=proof, limits=limits, now=trio.current_time())
    return Connection(
        carrier=carrier,
        session=session,
        session_id=session_id,
        principal=admission.principal,
        identity=admission.identity,
        remote=remote,
        limits=limits,
    )

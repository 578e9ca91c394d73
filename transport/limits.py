"""Every bound of the wire, each with its reason.  Nothing a peer sends or leaves unread grows beyond these."""

from __future__ import annotations

import attrs

KIB = 1024
MIB = 1024 * KIB


@attrs.frozen(kw_only=True)
class Limits:
    # One message must hold the largest body a ledger entry may have, with its header; bundles and evidence travel in parts.
    max_message: int = 1 * MIB
    # A frame is decoded in one piece.  No larger than one message of full size, so that nobody gains by packing.
    max_frame: int = 1 * MIB
    # What a writer coalesces: beyond this the cost shared per message is already small, and a peer waits for the whole frame.
    coalesced_frame: int = 64 * KIB
    # The smallest legal message takes five bytes; without a count a frame could hold 200,000 dictionaries.
    messages_per_frame: int = 4096
    # The deepest message of the protocol (a proof in an entry in a page in a reply) is 8 deep; twice that for what agents put in params.
    max_depth: int = 16
    # Free text is the longest string: a purpose or a reason.
    max_string: int = 256 * KIB
    # Sealed bodies and policy bundles' parts travel as bytes, and are what the message limit is for.
    max_bytes: int = 1 * MIB
    # The longest list is a page of entries or an audit path.
    max_list: int = 16 * KIB
    # The widest map is an agent's params.
    max_map: int = 1024

    # An upgrade request of ours is 400 bytes; a browser's with cookies about 2 KiB.
    handshake_bytes: int = 8 * KIB
    # `hello` and `prove` are under 200 bytes; room for a long software name.
    greeting_bytes: int = 2 * KIB
    # TLS, upgrade, hello and proof take four round trips: seconds on a bad mobile line, and a slow peer holds a slot no longer.
    handshake_seconds: float = 10.0
    # Bye, the close frames and the TCP end: two round trips.
    closing_seconds: float = 2.0
    # How long a closed socket goes on reading, so that the kernel does not destroy our last words by a reset.
    linger_seconds: float = 0.5

    # Open connections.  An idle one costs well under 100 KiB, so all of them fit in 1 GiB.
    slots: int = 10_000
    # Peers of one address that have not authenticated yet: an office behind one address may start together, a flood may not.
    handshakes_per_address: int = 256

    # Calls of one connection that wait for their answer; at 1,500 cases a second this is most of a second of work.
    calls_in_flight: int = 1024
    # Subscriptions of one connection: a console watches a dozen things.
    subscriptions: int = 64
    # Events a subscriber may be ahead: with more it holds a server's memory, with less a tail waits for the line.
    max_credit: int = 4096
    # What waits for a peer that does not read.  The bytes are the true bound, the count bounds the overhead of small ones.
    outbox_messages: int = 16 * KIB
    outbox_bytes: int = 4 * MIB
    # Frames read ahead of a handler that does not take them; then reading stops and TCP slows the peer down.
    read_ahead: int = 4

    # Silence after which a side pings: shorter than the 30-60 s after which common proxies and NATs forget a flow.
    heartbeat_seconds: float = 15.0
    # Silence after which the peer counts as dead, in heartbeats: one lost ping is weather, three are an outage.
    heartbeat_patience: int = 3


DEFAULT = Limits()

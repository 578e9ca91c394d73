"""Whether what the file shows is what the logs hold: from the node's key to every body, before anybody asks what it means.

    node's key ─▶ head of the node's log ─▶ its entries ─▶ keys of the tenant ─▶ head of the tenant's log ─▶ its entries ─▶ bodies
                                                └─▶ commitment ─▶ an earlier head of the tenant's log

The keys that later rest on are believed only where the entries that admit them are under a head that the node's key signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest

import attrs

from ledger import (
    NODE,
    Header,
    VerificationError,
    VerifierKey,
    canonical,
    commitments,
    leaf_hash,
    removal,
    verify_consistency,
    verify_inclusion,
)
from ledger.checkpoint import Checkpoint, open_checkpoint, origin_of
from ledger.header import parse
from ledger.trust import Trust
from ledger.witness_policy import Policy
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.form import Evidence, Proved, Share
from vienna_runtime.witness.demand import demand


@attrs.frozen
class Shown:
    """One entry that is under a believed head; ``body`` is None where it was removed."""

    header: Header
    leaf: bytes
    body: bytes | None

    @property
    def seq(self) -> int:
        return self.header.sequence


@attrs.frozen(kw_only=True)
class Proven:
    """What stands, and how far."""

    node_size: int
    size: int  # of the tenant's log
    entries: tuple[Shown, ...]  # of the tenant's log, rising
    issuers: tuple[bytes, ...]
    removed: tuple[int, ...]  # entries whose bodies are gone


def prove(evidence: Evidence, key: VerifierKey, checks: Checks, policy: Policy | None = None) -> Proven | None:
    """Everything that is signed and hashed; None where that leaves nothing to look into."""
    node_entries = _parsed(evidence.node_log, NODE, "node entries", checks)
    tenant_entries = _parsed(evidence.tenant_log, evidence.tenant, "tenant entries", checks)
    if evidence.node != key.name:
        checks.no("node checkpoint", f"the file is of the node {evidence.node!r}, the key of {key.name!r}")
    trust = Trust(key)
    try:
        for header, _ in node_entries:
            trust.heed(header)
    except VerificationError as error:
        checks.no("keys", str(error))
    node_head = _head(trust, NODE, evidence.node_log.checkpoint, "node checkpoint", checks)
    _under(node_head, node_entries, "node entries", checks)
    if evidence.tenant not in trust.admissions:
        checks.no("keys", f"no entry of the node's log admits the log of {evidence.tenant!r}")
        return None
    if trust.keys_of(evidence.tenant)[0].name != origin_of(key.name, evidence.tenant):
        checks.no("keys", "the admission is of another node's log")
    if not trust.issuers_of(evidence.tenant):
        checks.no("keys", "the admission names no key for the tenant's warrants")
    checks.yes("keys", "; ".join(found.text for found in trust.keys_of(evidence.tenant)))
    head = _head(trust, evidence.tenant, evidence.tenant_log.checkpoint, "tenant checkpoint", checks)
    _under(head, tenant_entries, "tenant entries", checks)
    _commitment(evidence, node_entries, head, checks)
    said = [header for header, _ in node_entries if header.tag != commitments.TAG]  # the newest of those may come after
    _witnessed(evidence.node_log, trust, NODE, node_head, checks, policy, said)
    _witnessed(evidence.tenant_log, trust, evidence.tenant, head, checks, policy, [header for header, _ in tenant_entries])
    shown = _bodies(tenant_entries, checks)
    return Proven(
        node_size=0 if node_head is None else node_head.size,
        size=0 if head is None else head.size,
        entries=shown,
        issuers=trust.issuers_of(evidence.tenant),
        removed=tuple(entry.seq for entry in shown if entry.body is None),
    )


def _parsed(share: Share, log: str, name: str, checks: Checks) -> list[tuple[Header, Proved]]:
    found: list[tuple[Header, Proved]] = []
    for entry in share.entries:
        try:
            header = parse(entry.entry)
        except VerificationError as error:
            checks.no(name, f"an entry after {len(found)} others: {error}")
            continue
        if header.tenant != log:
            checks.no(name, f"the entry belongs to the log {header.tenant!r}", header.sequence)
        elif found and header.sequence <= found[-1][0].sequence:
            checks.no(name, "it stands out of order, or twice", header.sequence)
        else:
            found.append((header, entry))
    return found


def _head(trust: Trust, log: str, note: bytes, name: str, checks: Checks) -> Checkpoint | None:
    try:
        found = trust.open(log, note)
    except VerificationError as error:
        checks.no(name, str(error))
        return None
    checks.yes(name, f"{found.size} entries")
    return found


def _under(head: Checkpoint | None, entries: Sequence[tuple[Header, Proved]], name: str, checks: Checks) -> None:
    if head is None:
        checks.skip(name, "the head they would be under is not believed")
        return
    for header, entry in entries:
        try:
            verify_inclusion(leaf_hash(entry.entry), header.sequence, head.size, entry.proof, head.root)
        except VerificationError as error:
            checks.no(name, str(error), header.sequence)
    checks.yes(name, f"{len(entries)} of {head.size}")


def _commitment(evidence: Evidence, node_entries: Sequence[tuple[Header, Proved]], head: Checkpoint | None, checks: Checks) -> None:
    bound = evidence.commitment
    if bound is None:
        checks.skip("commitment", "the node's log had not committed to this log when the file was made")
        return
    try:
        header = next((header for header, _ in node_entries if header.sequence == bound.sequence), None)
        if header is None or header.tag != commitments.TAG:
            raise VerificationError(f"entry {bound.sequence} of the node's log is no commitment")
        public = canonical.decode_map(header.public)
        count, root = public.get("count"), public.get("root")
        if type(count) is not int or type(root) is not bytes:
            raise VerificationError("a commitment without count and root")
        if not 0 <= bound.size < 1 << 63 or len(bound.root) != 32:
            raise VerificationError("a commitment to what is no head")
        leaf = commitments.Committed(commitments.name_hash(evidence.tenant), bound.size, bound.root).leaf()
        verify_inclusion(leaf_hash(leaf), bound.index, count, bound.proof, root)
        if head is None:
            checks.skip("commitment", "the head it is compared with is not believed")
            return
        verify_consistency(bound.size, head.size, bound.consistency, bound.root, head.root)
    except VerificationError as error:
        checks.no("commitment", str(error))
        return
    checks.yes("commitment", f"to the first {bound.size} entries, in entry {bound.sequence} of the node's log")


def _witnessed(
    share: Share, trust: Trust, log: str, head: Checkpoint | None, checks: Checks, policy: Policy | None, rising: Sequence[Header]
) -> None:
    """The log's own signature on it; whose cosignatures are enough is a policy's question, where one is given.

    Then the ``rising`` entries must lie under it: each is under ``head``, which continues it, so that its place says so.
    """
    keys = trust.recorded_keys_of(log)  # it may be older than the key that was given: the head is proved to continue it
    if share.witnessed is None:
        if policy is not None and any(policy.speaks_about(key.name) for key in keys):
            checks.no("witnesses", "there is no cosigned head in the file, and the policy demands one")
        else:
            checks.skip("witnesses", "there is no cosigned head in the file")
        return
    try:
        found = open_checkpoint(share.witnessed.note, keys)
        if head is not None:
            verify_consistency(found.size, head.size, share.witnessed.consistency, found.root, head.root)
        covered = None if policy is None else demand(policy, log, share.witnessed.note, keys, head.size if head else found.size)
    except VerificationError as error:
        checks.no("witnesses", str(error))
        return
    if covered is None:
        checks.yes("witnesses", f"{found.origin} at {found.size}")
        return
    if rising and (last := rising[-1].sequence) >= found.size:
        checks.no(
            "witnesses",
            f"it is in {found.origin}, after the {found.size} entries that a quorum has cosigned; once they have cosigned more, make newer "
            "evidence",
            last,
        )
    else:
        checks.yes("witnesses", f"{found.origin} at {found.size}, cosigned by {', '.join(name for name, _ in covered.times) or 'nobody'}")


def _bodies(entries: Sequence[tuple[Header, Proved]], checks: Checks) -> tuple[Shown, ...]:
    gone: list[int] = []
    removed: list[tuple[int, int]] = []
    shown: list[Shown] = []
    for header, entry in entries:
        body = entry.body
        if header.tag == removal.TAG:
            try:
                removed += removal.parse(header)
            except VerificationError as error:
                checks.no("bodies", str(error))
        if body is None or entry.salt is None:
            gone.append(header.sequence)
        elif len(entry.salt) != 32 or not compare_digest(sha256(entry.salt + body).digest(), header.commitment):
            checks.no("bodies", "the body is not the one the header commits to", header.sequence)
        shown.append(Shown(header, leaf_hash(entry.entry), body))
    for seq in gone:
        if not any(start <= seq < stop for start, stop in removed):
            checks.no("bodies", "the body is missing and no entry says that it was removed", seq)
    said = f"{len(entries) - len(gone)} bodies"
    checks.yes("bodies", said if not gone else f"{said}; removed: {', '.join(map(str, gone))}")
    return tuple(shown)

"""What admins and operators ask: members, bundles, breakers, dead letters, tenants.  Refusals are raised as ``Refused``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from actors.governance.canonical import Value

Answer = dict[str, Any]


class _Call(Protocol):
    async def __call__(self, tag: str, *, key: str | None = None, **fields: Any) -> Answer: ...


class Administration:
    """Calls by name.  ``key`` is made where none is given; name one to repeat a call across restarts of the caller."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    # --- members

    async def invite(
        self,
        member: str,
        kind: str,
        person: str,
        *,
        invitation: str,
        token_hash: bytes,
        expires_at: int,
        roles: Sequence[str] = (),
        owner: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """``{applied, case?}``: in a sealed tenant it becomes a case that two persons approve."""
        fields: Answer = {
            "member": member,
            "kind": kind,
            "person": person,
            "roles": list(roles),
            "invitation": invitation,
            "token_hash": token_hash,
            "expires_at": expires_at,
        }
        if owner is not None:
            fields["owner"] = owner
        return await self._call("member.invite", key=key or _key(), **fields)

    async def confirm(self, member: str, fingerprint: str, *, key: str | None = None) -> Answer:
        return await self._call("member.confirm", key=key or _key(), member=member, fingerprint=fingerprint)

    async def change(self, member: str, roles: Sequence[str], *, key: str | None = None) -> Answer:
        """Other roles in place of all it has; ``{applied, case?}``."""
        return await self._call("member.change", key=key or _key(), member=member, roles=list(roles))

    async def revoke(self, member: str, reason: str, *, key: str | None = None) -> Answer:
        return await self._call("member.revoke", key=key or _key(), member=member, reason=reason)

    async def members(self) -> list[Answer]:
        return list((await self._call("member.list"))["members"])

    async def seal(self) -> Answer:
        """Ends the founding of the tenant for good."""
        return await self._call("tenant.seal")

    # --- policy

    async def push(self, files: Mapping[str, bytes], *, commit: str | None = None, dirty: bool = False) -> bytes:
        """The bundle's digest; it is on the ledger and not in force.  ``commit``: where its files come from."""
        fields: Answer = {"files": dict(files), "dirty": dirty}
        if commit is not None:
            fields["commit"] = commit
        pushed: bytes = (await self._call("bundle.push", **fields))["bundle"]
        return pushed

    async def activate(self, bundle: bytes, *, reason: str | None = None, key: str | None = None) -> Answer:
        fields: Answer = {"bundle": bundle} if reason is None else {"bundle": bundle, "reason": reason}
        return await self._call("bundle.activate", key=key or _key(), **fields)

    async def bundle(self, digest: bytes | None = None) -> Answer:
        """``{bundle, files}`` of what is in force, or of a pushed one."""
        fields: Answer = {} if digest is None else {"bundle": digest}
        return await self._call("bundle.show", **fields)

    async def bundles(self, *, before: int | None = None, limit: int = 50, prefix: str | None = None) -> Answer:
        """``{entries, next}``: what was pushed and activated, newest first; ``next`` is the following page's ``before``."""
        fields: Answer = {"limit": limit}
        if before is not None:
            fields["before"] = before
        if prefix is not None:
            fields["prefix"] = prefix
        return await self._call("bundle.history", **fields)

    async def facts(
        self,
        *,
        agent: str | None = None,
        action: str | None = None,
        resource: str | None = None,
        params: Mapping[str, Value] | None = None,
        parent: str | None = None,
    ) -> Answer:
        """``{bundle, time, facts}``: what policies would be shown now beside such a wish."""
        said = {"whose": agent, "action": action, "resource": resource, "parent": parent}
        known = {name: value for name, value in said.items() if value is not None}
        return await self._call("policy.facts", params=dict(params or {}), **known)

    async def start_shadow(self, bundle: bytes) -> Answer:
        """Runs a pushed bundle beside the one in force; it decides nothing."""
        return await self._call("shadow.start", bundle=bundle)

    async def stop_shadow(self) -> Answer:
        return await self._call("shadow.stop")

    async def shadow(self) -> Answer:
        """``{bundle, since, by, compared, passed_over, groups}``; ``bundle`` is None where no candidate runs."""
        return await self._call("shadow.show")

    # --- standing guards

    async def breakers(self) -> list[Answer]:
        return list((await self._call("breaker.list"))["breakers"])

    async def breaker(self, scope: str) -> Answer:
        """One line of ``breakers``, with ``detectors``: what each counts of it at this moment, and against what."""
        return await self._call("breaker.show", scope=scope)

    async def budgets(self) -> Answer:
        """``{budgets, zone}``: a line for each limit and scope, amounts in micro-units."""
        return await self._call("budget.show")

    async def unsettled(self) -> list[Answer]:
        """The effects of unknown outcome, oldest first: run, case, agent, action, resource, since when, and what was said of each."""
        return list((await self._call("effect.list"))["effects"])

    async def trip(self, scope: str, reason: str) -> Answer:
        return await self._call("breaker.trip", scope=scope, reason=reason)

    async def reset(self, scope: str, reason: str) -> Answer:
        """``{scope, closed}``: False where a mismatch opened it and a second person has to say so, too."""
        return await self._call("breaker.reset", scope=scope, reason=reason)

    async def pause(self, scope: str, reason: str) -> Answer:
        """Stops ``tenant`` or ``agent:NAME``; for operators ``TENANT/tenant`` or ``node``.  Says who had paused it, since when and why."""
        return await self._call("pause", scope=scope, reason=reason)

    async def resume(self, scope: str, reason: str, *, key: str | None = None) -> Answer:
        """``applied`` is false where others have to approve ``case`` first."""
        return await self._call("resume", scope=scope, reason=reason, key=key or _key())

    async def alerts(self) -> list[Answer]:
        """Those that are remembered, newest first, with what was counted since; an operator's are the node's own."""
        return list((await self._call("alert.list"))["alerts"])

    async def acknowledge(self, alert: int, note: str) -> Answer:
        """Says that you have heard of it; ``repeated``, with who and the note, where somebody had."""
        return await self._call("alert.ack", alert=alert, note=note)

    async def revoke_warrant(self, warrant: str, reason: str) -> Answer:
        return await self._call("warrant.revoke", warrant=warrant, reason=reason)

    async def letters(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        state: str | None = None,
        kind: str | None = None,
        agent: str | None = None,
        action: str | None = None,
        case: str | None = None,
        older: int | None = None,
    ) -> Answer:
        """``{letters, next}``, newest first; ``next`` is the following page's ``before``, also where this page is not full."""
        asked = {"before": before, "letters": state, "letter_kind": kind, "whose": agent, "action": action, "case": case, "older": older}
        fields: Answer = {name: value for name, value in asked.items() if value is not None}
        return await self._call("dead_letter.list", limit=limit, **fields)

    async def letter(self, letter: str) -> Answer:
        """One dead letter with its case's entries."""
        return await self._call("dead_letter.show", letter=letter)

    async def retry(self, letter: str, *, key: str | None = None) -> Answer:
        return await self._call("dead_letter.retry", key=key or _key(), letter=letter)

    async def resolve(self, letter: str, reason: str) -> Answer:
        return await self._call("dead_letter.resolve", letter=letter, reason=reason)

    async def settle(self, run: str, *, happened: bool, reason: str) -> Answer:
        """Says what became of a run whose outcome is unknown."""
        return await self._call("effect.settle", run=run, happened=happened, reason=reason)

    # --- reconciliation

    async def findings(self, *, everything: bool = False, before: int | None = None, limit: int = 200) -> Answer:
        """``{findings, next}``: the open ones, the gravest first; with ``everything`` all, newest first."""
        fields: Answer = {"limit": limit, "everything": everything}
        if before is not None:
            fields["before"] = before
        return await self._call("reconcile.list", **fields)

    async def finding(self, finding: str) -> Answer:
        """One finding with both accounts, and its end where it has one."""
        return await self._call("reconcile.show", finding=finding)

    async def resolve_finding(self, finding: str, reason: str) -> Answer:
        return await self._call("reconcile.resolve", finding=finding, reason=reason)

    async def reconcile(self) -> Answer:
        """``{size, state, reservations, milliseconds}`` of one comparison with the ledger, made now."""
        return await self._call("reconcile.run")

    async def bring_evidence(self, about: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> Answer:
        """Records a page of what came of a comparison; see ``docs/reconciliation.md``."""
        return await self._call("reconcile.evidence", **about, findings={"rows": [dict(row) for row in rows]})

    # --- keeping and forgetting

    async def retention(self) -> Answer:
        """``{days, months, holds, erasing, owed, now, witnessed}``: what is kept how long, and why."""
        return await self._call("retention.show")

    async def canary(
        self,
        agent: str,
        action: str,
        resource: str,
        params: Mapping[str, Any],
        *,
        purpose: str,
        reason: str,
        cost: int = 0,
        deadline: int | None = None,
        key: str | None = None,
    ) -> Answer:
        """A case in the agent's name that people have to deny, and that is never executed.  Only the answer says so."""
        fields: dict[str, Any] = {} if deadline is None else {"deadline": deadline}
        return await self._call(
            "review.canary", key=key or _key(), whose=agent, action=action, resource=resource, params=dict(params), purpose=purpose,
            reason=reason, cost=cost, **fields,
        )  # fmt: skip

    async def run_retention(self, *, key: str | None = None) -> Answer:
        """``{applied, months, bodies, case?}``: lets go what is over; without a witness's date it becomes a case for two persons."""
        return await self._call("retention.run", key=key or _key())

    async def erase(self, what: Sequence[str], reason: str, *, key: str | None = None) -> Answer:
        """Forgets closed cases (by id) or entries (by number) before their time."""
        return await self._call("retention.erase", key=key or _key(), what=list(what), reason=reason)

    async def place_hold(self, scope: str, reason: str) -> Answer:
        """``{hold}``; the scope is tenant, case:ID or months:FIRST..LAST."""
        return await self._call("hold.place", scope=scope, reason=reason)

    async def release_hold(self, hold: str, reason: str, *, key: str | None = None) -> Answer:
        return await self._call("hold.release", key=key or _key(), hold=hold, reason=reason)

    # --- a quorum that is lost for good

    async def invite_for_recovery(
        self,
        member: str,
        kind: str,
        person: str,
        *,
        lost: Sequence[str],
        reason: str,
        invitation: str,
        token_hash: bytes,
        expires_at: int,
        roles: Sequence[str] = (),
    ) -> Answer:
        """An invitation that no quorum approved; the key has no rights before a recovery."""
        return await self._call(
            "recovery.invite",
            member=member,
            kind=kind,
            person=person,
            roles=list(roles),
            invitation=invitation,
            token_hash=token_hash,
            expires_at=expires_at,
            lost=list(lost),
            reason=reason,
        )

    async def announce_recovery(self, lost: Sequence[str], keys: Mapping[str, str], reason: str) -> Answer:
        """``{digest, due}``; ``keys`` are members with the fingerprints of the keys they enrolled."""
        return await self._call("recovery.announce", lost=list(lost), keys=dict(keys), reason=reason)

    async def object_to_recovery(self, reason: str) -> Answer:
        return await self._call("recovery.object", reason=reason)

    async def apply_recovery(self, digest: bytes) -> Answer:
        return await self._call("recovery.apply", digest=digest)

    async def agree_to_recovery(self, tenant: str, digest: bytes) -> Answer:
        """The operator's part."""
        return await self._call("recovery.agree", tenant=tenant, digest=digest)

    async def recovery(self, tenant: str | None = None) -> Answer:
        """What is announced, ``digest`` None where nothing is; operators name the tenant."""
        return await (self._call("recovery.show") if tenant is None else self._call("recovery.look", tenant=tenant))

    # --- operators

    async def create_tenant(self, tenant: str, *, admin: str, person: str, invitation: str, token_hash: bytes, expires_at: int) -> Answer:
        return await self._call(
            "tenant.create",
            tenant=tenant,
            admin=admin,
            person=person,
            invitation=invitation,
            token_hash=token_hash,
            expires_at=expires_at,
        )

    async def tenants(self) -> list[Answer]:
        return list((await self._call("tenant.list"))["tenants"])


def _key() -> str:
    return secrets.token_hex(16)

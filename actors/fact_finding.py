"""What a command needs to know beyond the state: looked up here, handed to the law as facts."""

from __future__ import annotations

from functools import partial

import attrs

from actors import lineage
from actors.canaries import Canaries
from actors.forgetting import Forgetting
from actors.governance import bundle as bundles
from actors.governance import commands as c
from actors.governance import enveloping, fact_view, guarding, index, inventory
from actors.governance.canary import Canary
from actors.governance.canonical import NotCanonical, digest
from actors.governance.decision import Ancestor, Asker, Facts
from actors.governance.facts import Past
from actors.governance.ids import Instant
from actors.governance.receipt import unverified_unpack as unpack_receipt
from actors.governance.signing import Purpose, verifies
from actors.governance.state import Case, Member, State
from actors.recall import Recall
from actors.signer import Signer


@attrs.frozen
class Known:
    """Where to look.  ``pushed``: what is being pushed just now, read already."""

    state: State
    recall: Recall
    signer: Signer
    pushed: bundles.Bundle | bundles.Findings | None
    forgetting: Forgetting
    canaries: Canaries
    witnessed: int | None  # entries that a quorum has cosigned; None where nobody is asked

    def facts(self, command: c.Command, by: Asker, *, clock_ok: bool) -> Facts:
        """Raises BodyRemoved where the command rests on what has been forgotten: nobody can decide about it any more."""
        known = self._facts(command, by, clock_ok=clock_ok)
        if isinstance(command, c.GOVERNED) and self.state.phase == "sealed" and isinstance(by, Member):
            return attrs.evolve(known, prior=self.recall.prior(by.member, command.key))
        return known

    def _facts(self, command: c.Command, by: Asker, *, clock_ok: bool) -> Facts:
        recall, state = self.recall, self.state
        active = None if state.bundle is None else recall.bundle(state.bundle)
        match command:
            case c.Propose():
                name = getattr(by, "member", "")
                return Facts(
                    active=active,
                    bundle_of=recall.bundle,
                    prior=recall.prior(name, command.key),
                    parent=None if command.parent is None else self._ancestor(command.parent),
                    run=None if command.run is None else recall.run(command.run),
                    clock_ok=clock_ok,
                    past=self.past,
                )
            case c.ProposeCanary():
                made = self.canaries.key(command, getattr(by, "member", ""))
                return Facts(
                    active=active,
                    bundle_of=recall.bundle,
                    prior=recall.prior(command.whose, made),
                    clock_ok=clock_ok,
                    past=self.past,
                    canary_key=made,
                    canaries=self.canaries.open(state),
                )
            case c.Redeem():
                return Facts(
                    active=active,
                    bundle_of=recall.bundle,
                    mac_ok=self._authentic(command),
                    run=recall.run(command.run),
                    clock_ok=clock_ok,
                    witnessed_size=self.witnessed,
                    past=self.past,
                )
            case c.Report():
                run = _run_of(command.receipt)
                return Facts(active=active, run=None if run in state.runs else recall.run(run))
            case c.ActivateBundle():
                return Facts(active=active, bundle_of=recall.bundle, author=recall.author(command.bundle), clock_ok=clock_ok)
            case c.SignEnvelope():
                return Facts(active=active, envelope_known=recall.knows(index.envelope_key(enveloping.name_of(command.statement))))
            case c.PushBundle():
                return Facts(active=active, bundle_of=recall.bundle, pushed=self.pushed)
            case c.RetryLetter() | c.ResolveLetter():
                return self._lettered(command, active, clock_ok=clock_ok)
            case c.TakeStock():
                return Facts(active=active, receipts={run: self._receipt(run) for run in _runs_of(command.statement)})
            case c.ResolveFinding():
                return Facts(active=active, finding_known=recall.finding(command.finding) is not None)
            case c.PlaceHold():
                return Facts(active=active, case_known=self.forgetting.knows(command.scope.removeprefix("case:")), clock_ok=clock_ok)
            case c.ApplyRecovery():
                return self.forgetting.dated(Facts(active=active, clock_ok=clock_ok, witnessed_size=self.witnessed))
            case c.RunRetention() | c.Erase():
                return self.forgetting.facts(command, Facts(active=active, clock_ok=clock_ok))
            case _:
                return Facts(active=active, bundle_of=recall.bundle, clock_ok=clock_ok, canary_of=self.canary_of)

    def _lettered(self, command: c.RetryLetter | c.ResolveLetter, active: bundles.Bundle | None, *, clock_ok: bool) -> Facts:
        recall = self.recall
        letter = recall.letter(command.letter)
        lettered = None if letter is None else recall.intent(letter.case)
        prior = None
        if isinstance(command, c.RetryLetter) and lettered is not None:
            prior = recall.prior(lettered.agent, guarding.retry_key(command.letter, command.key))
        return Facts(
            active=active,
            bundle_of=recall.bundle,
            letter=letter,
            letter_at=recall.when(index.letter_key(command.letter)),
            letter_resolved=letter is not None and recall.is_resolved(command.letter),
            lettered=lettered,
            prior=prior,
            parent=None if letter is None else self._ancestor(letter.case),
            clock_ok=clock_ok,
            past=self.past,
        )

    def canary_of(self, case: Case) -> Canary | None:
        return self.canaries.of(self.state, case)

    @property
    def past(self) -> Past:
        """Where facts for policy are looked up; nothing is, until policy reads one."""
        return Past(above=partial(lineage.above, self.state, self.recall), redeemed=self.recall.was_redeemed)

    def shown(self, query: c.ShowFacts, now: Instant) -> dict[str, object]:
        """What policies of the bundle in force would be shown about this."""
        active = None if self.state.bundle is None else self.recall.bundle(self.state.bundle)
        asked = fact_view.Asked(agent=query.whose, action=query.action, resource=query.resource, params=query.params, parent=query.parent)
        rows = [] if active is None else fact_view.rows(self.state, active, asked, now, self.past)
        return {"bundle": self.state.bundle, "time": now, "facts": rows}

    def _receipt(self, run: str) -> tuple[bool, bytes | None]:
        """Whether there ever was such a run, and the digest of its receipt as far as that is told."""
        if (open_run := self.state.runs.get(run)) is not None:
            return True, open_run.receipt or None
        if not self.recall.knows(index.run_key(run)):
            return False, None
        receipt = self.recall.receipt(run)
        return True, None if receipt is None else digest(receipt)

    def _ancestor(self, case: str) -> Ancestor | None:
        found = self.recall.intent(case)
        return None if found is None else Ancestor(found.agent, found.excluded)

    def _authentic(self, command: c.Redeem) -> bool:
        """Both signatures over the bytes as received: the node's MAC and the issuer's."""
        signer, tenant = self.signer, self.state.tenant
        mac_ok = signer.check_warrant_mac(tenant, command.warrant + command.signature, command.mac)
        issuers = signer.issuer_publics(tenant)
        return mac_ok and any(verifies(Purpose.WARRANT, issuer, command.warrant, command.signature) for issuer in issuers)


def _runs_of(statement: bytes) -> tuple[str, ...]:
    """The runs that an inventory names; the law checks the inventory itself."""
    try:
        return tuple(made.run for made in inventory.unverified_unpack(statement).entries)
    except NotCanonical:
        return ()


def _run_of(receipt: bytes) -> str:
    """The run a receipt names; the law checks the receipt itself."""
    try:
        return unpack_receipt(receipt).run
    except NotCanonical:
        return ""

"""Calls that are answered and never decided."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, AGENT, APPROVER, EXECUTOR, INVITEE, NOTIFIER, OPERATOR, VERIFIER
from ..wire_fields import Absent, Flag, Map, Names, Number, Text
from .call import CASE, DIGEST, EVERYBODY, NAME, READERS, RUN, call

ROWS = (
    call("case.show", READERS | {AGENT, EXECUTOR, VERIFIER}, c.ShowCase, "a case's entries, from intent to verdict", case=CASE),
    call(
        "case.lineage",
        READERS | {AGENT, EXECUTOR, VERIFIER},
        c.ShowLineage,
        "the cases above a case, and a page of those that have it as parent",
        case=CASE,
        after=Absent(CASE),
        limit=Number(1, 200, default=50),
    ),
    call(
        "policy.facts",
        READERS,
        c.ShowFacts,
        "what policies of the bundle in force would be shown beside a wish now",
        params=Map(),
        whose=Absent(NAME),
        action=Absent(Text(128)),
        resource=Absent(Text(256)),
        parent=Absent(CASE),
    ),
    call("approval.card", frozenset({APPROVER, ADMIN}), c.ShowCard, "the card of a held case: what an approval signs", case=CASE),
    call("dead_letter.show", READERS, c.ShowLetter, "one dead letter with its case", letter=RUN),
    call(
        "dead_letter.list",
        READERS,
        c.ListLetters,
        "dead letters, newest first; a page ends early where few fit the filters, and goes on at `next`",
        before=Absent(Number(0)),
        limit=Number(1, 200, default=50),
        letters=Absent(Text(16)),
        letter_kind=Absent(Text(40)),
        whose=Absent(NAME),
        action=Absent(Text(128)),
        case=Absent(CASE),
        older=Absent(Number(0)),
    ),
    call("bundle.show", EVERYBODY, c.ShowBundle, "the files of a bundle; without a digest, of the one in force", bundle=Absent(DIGEST)),
    call(
        "bundle.history",
        READERS,
        c.ListBundles,
        "what was pushed and activated, newest first: by whom, from which commit",
        before=Absent(Number(0)),
        limit=Number(1, 100, default=50),
        prefix=Absent(Text(64)),
    ),
    *(
        call(tag, who, c.Read, what, fixed={"what": tag})
        for tag, who, what in (
            ("approval.list", frozenset({APPROVER, ADMIN}), "the cases that wait for a person"),
            ("member.list", READERS, "the members, their kinds, roles and fingerprints"),
            ("budget.show", READERS | {AGENT}, "what budgets allow, and what of it is spent, promised and unknown; agents see their own"),
            ("effect.list", READERS, "the effects of unknown outcome, which block themselves until they are settled, oldest first"),
            ("retention.show", READERS, "the months with their bodies, when each is due and what is kept why; the holds"),
            ("breaker.list", READERS | {OPERATOR}, "the breakers and what tripped them"),
            ("tenant.list", frozenset({OPERATOR}), "the tenants of this node"),
            (
                "tree.show",
                frozenset({ADMIN, OPERATOR}),
                "who lives in the supervision tree, its falls and queues; a tenant's admins see its part",
            ),
            ("status", EVERYBODY, "how the tenant (for operators: the node) is doing"),
            ("whoami", EVERYBODY | {NOTIFIER}, "who the connection belongs to, and the keys to check its tenant by"),
            (
                "keys.chain",
                EVERYBODY | {INVITEE, NOTIFIER},
                "the node's entries about the keys of its tenant's log and its own, each with its proof",
            ),
        )
    ),
    call(
        "ledger.wait",
        EVERYBODY,
        c.Wait,
        "answers when a case, or so many entries (else all so far), are `durable`, or `witnessed` by a quorum",
        state=Text(16),
        timeout=Number(0, 60_000, default=30_000),
        case=Absent(CASE),
        size=Absent(Number(0)),
    ),
    call(
        "tail",
        EVERYBODY,
        c.Tail,
        "the log as it becomes durable: of each position what whoever asks may see, at least its leaf hash",
        start=Number(0),
        credit=Number(1, 4096),
        follow=Flag(default=True),
        believed=Number(0, default=0),
        case=Absent(CASE),
        tags=Names(),
    ),
    call("case.watch", READERS | {AGENT}, c.Watch, "a case's events, as they become durable", case=CASE, credit=Number(1, 4096)),
    call(
        "case.evidence",
        READERS,  # no agent: it holds the register of members, and the first entries of others' cases above
        c.Evidence,
        "what proves a case: its entries and all they rest on, under one signed head of each log",
        case=CASE,
        credit=Number(1, 4096),
    ),
    call(
        "inbox",
        frozenset({ADMIN, APPROVER, EXECUTOR, VERIFIER}),
        c.Inbox,
        "what waits for whoever asks, and what comes",
        credit=Number(1, 4096),
    ),
)

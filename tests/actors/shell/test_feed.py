from __future__ import annotations

from collections.abc import Mapping

from actors.feed import CASE, GONE, Feed
from actors.governance.events import CaseCancelled, MemberRevoked
from actors.governance.ids import CaseId, MemberId, TenantId
from actors.governance.state import State

STATE = State(TenantId("belvedere"))
REVOKED = MemberRevoked(MemberId("ada"), "gone")
CANCELLED = CaseCancelled(CaseId("c1"), "ada", "no")


def nothing(_: Mapping[str, object]) -> None:
    pass


def test_who_waits_for_the_end_of_a_membership_hears_of_it_and_of_nothing_else() -> None:
    feed = Feed()
    feed.add(GONE + "ada", nothing)
    assert feed.wanted(STATE, CANCELLED, 3, bytes) == []
    assert feed.wanted(STATE, REVOKED, 4, bytes) == [(GONE + "ada", {})]


def test_a_case_is_heard_of_as_long_as_somebody_listens_however_many_connections_come_and_go() -> None:
    feed = Feed()
    for name in ("ada", "ben"):
        feed.add(GONE + name, nothing)
        feed.add(GONE + name, print)
    feed.add(CASE + "c1", nothing)
    feed.discard(GONE + "ada", nothing)
    feed.remove(print)
    assert feed.wanted(STATE, CANCELLED, 3, bytes) == [(CASE + "c1", {"seq": 3})]
    feed.discard(CASE + "c1", nothing)
    assert feed.wanted(STATE, CANCELLED, 4, bytes) == []
    feed.discard(GONE + "ben", nothing)
    assert len(feed) == 0
    assert feed.wanted(STATE, REVOKED, 5, bytes) == []

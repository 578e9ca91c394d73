"""Whoever subscribes is listened to, told that it is not, or gone without a trace."""

from __future__ import annotations

from typing import Any, cast

import trio

from actors.directory import Place
from actors.falling import turn_away
from actors.governance import kinds
from actors.governance.commands import Tail
from actors.kernel import Envelope, Mailbox
from actors.messages import Listen
from actors.sight import Filter, Sight
from actors.subscriptions import Subscription, inbox
from actors.tailing import tail
from actors.tenant import INBOX


async def test_a_listener_that_comes_during_recovery_is_told_so_and_not_forgotten(shell: Any) -> None:
    lost: list[str] = []
    shell.scribe._standing("belvedere").over = True  # as after a failed commit, until the ledger is open again
    await shell.tenant.handle(
        [
            Envelope(Listen("till", INBOX, lambda _: None, lost=lambda: lost.append("inbox"))),
            Envelope(Listen("ada", "case", lambda _: None, lost=lambda: lost.append("case"))),
        ]
    )
    assert lost == ["inbox", "case"]
    assert len(shell.feed) == 0
    turn_away(Listen("till", INBOX, lambda _: None, lost=lambda: lost.append("mailbox")))
    assert lost[-1] == "mailbox"


async def test_a_subscription_whose_listening_was_lost_ends_in_words(shell: Any) -> None:
    told: list[str] = []

    class Peer:
        """A connection's end of a subscription: what is posted to it."""

        def post(self, message: dict[str, Any]) -> None:
            told.append(f"{message['t']}: {message['why']}")

    mailbox: Mailbox[Any] = Mailbox("belvedere", on_lost=turn_away)
    mailbox.open()
    place = Place("belvedere", mailbox, shell.feed)
    subscription = Subscription(cast(Any, Peer()), 1)
    async with trio.open_nursery() as nursery:

        async def keep() -> None:
            with subscription.scope:
                await inbox(subscription, place, "till")

        nursery.start_soon(keep)
        await trio.testing.wait_all_tasks_blocked()
        mailbox.close()
    assert told == ["ceased: the tenant is being restarted or recovers; subscribe again"]


async def test_a_watch_given_up_before_its_tenant_came_to_it_leaves_no_listener(shell: Any) -> None:
    gone = Listen("ada", "case", lambda _: None, lambda: False)
    await shell.tenant.handle([Envelope(gone)])
    assert len(shell.feed) == 0


async def test_a_tail_with_all_the_credit_in_the_world_lets_the_others_run(shell: Any) -> None:
    for number in range(60):
        await shell.whole_case(f"k{number}")
    size = shell.ledger.head("belvedere").size
    turns = 0
    sent: list[int] = []

    class Peer:
        def credit(self, _: int) -> int:
            return 4096

        async def wait_room(self) -> None:
            """It reads as fast as it is told."""

        def post(self, message: dict[str, Any]) -> None:
            sent.append(turns)

    async with trio.open_nursery() as nursery:

        async def other() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        nursery.start_soon(other)
        sight = Sight(shell.ledger, "belvedere", "clara", kinds.APPROVER, Filter())
        await tail(Subscription(cast(Any, Peer()), 1), shell.scribe, "belvedere", Tail(start=0, follow=False, credit=4096), sight)
        nursery.cancel_scope.cancel()
    assert len(sent) > size
    assert turns >= size // 64 - 1


async def test_a_listener_whose_state_was_discarded_subscribes_again_and_does_not_miss_what_is_open(shell: Any) -> None:
    await shell.ask(shell.proposal("open", action="notes.append"), "ada")
    heard: list[Any] = []
    lost: list[str] = []
    shell.disk.fault = "commit"
    shell.disk.hold()
    await shell.tell(shell.proposal("k1", action="notes.append"), "ada")
    await shell.tenant.handle([Envelope(Listen("clara", INBOX, heard.append, lost=lambda: lost.append("inbox")))])
    shell.disk.go()
    await shell.settled()
    assert (heard, lost) == ([], ["inbox"])

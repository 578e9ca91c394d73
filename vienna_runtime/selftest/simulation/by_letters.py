"""Who goes through dead letters: all of a kind, of an agent, of an hour, one by one, and two people at once."""

from __future__ import annotations

from typing import Any

from transport.answers import Answer, Reply
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.network import Call
from vienna_runtime.selftest.simulation.people import ADMINS, AGENTS
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

HOUR = 3_600_000_000
KINDS = ("unknown", "expired", "denied", "failed", "mismatched", "revoked")
MOST = 3  # letters that one reader deals with at once


def wanted(world: World, step: Step) -> dict[str, Any]:
    """The filters, one or two of them."""
    chosen: tuple[dict[str, Any], ...] = (
        {"letter_kind": KINDS[step.b % len(KINDS)]}, {"whose": AGENTS[step.b % len(AGENTS)]}, {"older": world.now - HOUR},
        {"action": ("orders.refund", "notes.append", "files.write")[step.b % 3]},
        {"letter_kind": KINDS[step.b % 2], "whose": AGENTS[step.b // 2 % len(AGENTS)]}, {},
    )  # fmt: skip
    filters = dict(chosen[step.c % len(chosen)])
    filters["letters"] = "open" if step.c // 6 % 5 else "resolved"
    filters["limit"] = (5, 50)[step.b % 2]
    return filters


def listed(world: World, call: Call, answer: Answer) -> None:
    """Somebody has a list in hand, as it was a moment ago."""
    if isinstance(answer, Reply):
        world.lists[call.who.tenant] = [row["letter"] for row in answer.value["letters"]]


@act("letters by filter", 22)
async def letters_by_filter(world: World, step: Step) -> None:
    """Lists, and retries or resolves what came; another reads the same list and does so too."""
    account = world.account(step.a)
    who = world.member(account.tenant, ADMINS[step.b % len(ADMINS)])
    await world.call(who, "dead_letter.list", wanted(world, step))
    await world.settle()
    for number, letter in enumerate(world.lists.get(account.tenant, ())[:MOST]):
        for again in range(1 + (step.c % 4 == 0)):
            by = world.member(account.tenant, ADMINS[(step.b + again) % len(ADMINS)])
            if (step.a // 2 + number * again) % 3:
                await world.call(by, "dead_letter.resolve", {"letter": letter, "reason": "read, as all of them"})
            else:
                await world.call(by, "dead_letter.retry", {"letter": letter, "key": f"all-{(step.c + again) % 2}"})


@act("try again twice", 8)
async def try_again_twice(world: World, step: Step) -> None:
    """The same retry, or nearly: by two people, under one key or two, and a third time when it is over."""
    account = world.account(step.a)
    letter = world.pick(account.post.tried if step.c % 3 == 0 else account.letters, step.b)
    if letter is not None:
        for number in range(2):
            by = world.member(account.tenant, ADMINS[(step.c + number) % len(ADMINS)])
            await world.call(by, "dead_letter.retry", {"letter": letter, "key": f"again-{step.b // 7 * number % 2}"})

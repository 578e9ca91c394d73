"""What a tail that demands witnesses puts up with, and for how long."""

from __future__ import annotations

import attrs
import pytest

from ledger import VerificationError
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.note import NoteSigner, compose
from ledger.witness_policy import Policy
from vienna_runtime.tail_quorum import MICROS, Demand

LOG = NoteSigner("vienna.example/belvedere", bytes(32))
WITNESS = Cosigner("witness.example", bytes(range(32)))
STRANGER = Cosigner("stranger.example", bytes(reversed(range(32))))
POLICY = Policy.parse(f"witness w1 {WITNESS.verifier.text}\nquorum w1\n")
MINUTE = 60 * MICROS


@attrs.define
class Clock:
    now: int = 1_000 * MICROS

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def demanding(clock: Clock) -> Demand:
    made = Demand("belvedere", POLICY, (LOG.verifier,), MINUTE, clock)
    made.begins(0)
    return made


def cosigned(size: int, by: Cosigner = WITNESS) -> bytes:
    text = Checkpoint(LOG.verifier.name, size, bytes(32)).text()
    return compose(text, [LOG.sign(text.encode()), by.cosign(text, 1)])


def test_what_is_new_may_be_without_its_witnesses_for_a_while(clock: Clock) -> None:
    demand = demanding(clock)
    demand.came(0, clock.now)
    clock.now += MINUTE
    demand.finish(1)
    clock.now += MICROS
    with pytest.raises(VerificationError, match="no quorum of witnesses has cosigned the entries from 0 and on, the oldest 61 s old"):
        demand.finish(1)


def test_a_cosigned_head_covers_what_is_below_it_and_no_more(clock: Clock) -> None:
    demand = demanding(clock)
    for index in range(4):
        demand.came(index, clock.now - (10 - index) * MINUTE)
    demand.witnessed(cosigned(3))
    with pytest.raises(VerificationError, match="from 3 and on, the oldest 420 s old") as raised:
        demand.finish(4)
    assert raised.value.index == 3
    demand.witnessed(cosigned(4))
    demand.finish(4)
    assert demand.size == 4


def test_a_head_that_the_policy_does_not_take_covers_nothing_and_is_told_why(clock: Clock) -> None:
    demand = demanding(clock)
    demand.came(0, clock.now - 2 * MINUTE)
    demand.witnessed(cosigned(1, STRANGER))
    with pytest.raises(VerificationError, match="cosigned by nobody; the quorum w1 is not met"):
        demand.finish(1)


def test_an_older_cosigned_head_takes_nothing_back(clock: Clock) -> None:
    demand = demanding(clock)
    demand.came(0, clock.now - 2 * MINUTE)
    demand.witnessed(cosigned(4))
    demand.witnessed(cosigned(2))
    demand.finish(4)


def test_an_entry_dated_ahead_or_a_bare_hash_counts_from_when_it_came(clock: Clock) -> None:
    for dated in (clock.now + 1_000 * MINUTE, None):
        demand = demanding(clock)
        demand.came(0, dated)
        demand.finish(1)
        clock.now += MINUTE + 1
        with pytest.raises(VerificationError, match="no quorum"):
            demand.finish(1)


def test_while_a_log_is_followed_only_what_was_signed_before_must_have_its_witnesses(clock: Clock) -> None:
    demand = demanding(clock)
    demand.came(0, clock.now - 2 * MINUTE)
    demand.signed(1)  # its cosignatures come after it
    demand.witnessed(cosigned(1))
    demand.came(1, clock.now)
    demand.signed(2)
    clock.now += 2 * MINUTE
    with pytest.raises(VerificationError, match="from 1 and on"):
        demand.check()  # nothing came any more, and that is said without another event


def test_entries_before_the_first_that_was_read_are_of_unknown_age_and_not_passed_over(clock: Clock) -> None:
    demand = Demand("belvedere", POLICY, (LOG.verifier,), MINUTE, clock)
    demand.begins(10)
    with pytest.raises(VerificationError, match="from 0 before 10, where reading began"):
        demand.finish(10)
    demand.witnessed(cosigned(10))
    demand.finish(10)


def test_what_is_remembered_of_ages_stays_small_and_errs_on_no_side_by_much(clock: Clock) -> None:
    demand = demanding(clock)
    begin = clock.now
    for index in range(50_000):
        clock.now = begin + index * MICROS // 2
        demand.came(index, clock.now)
    assert len(demand._ages) <= 4096
    demand.witnessed(cosigned(50_000 - 100))
    demand.finish(50_000)  # the oldest of the rest is 50 s old
    demand = demanding(clock)
    for index in range(50_000):
        clock.now += MICROS // 2
        demand.came(index, clock.now)
    demand.witnessed(cosigned(50_000 - 130))
    with pytest.raises(VerificationError, match=r"the oldest 6[0-9] s old"):
        demand.finish(50_000)

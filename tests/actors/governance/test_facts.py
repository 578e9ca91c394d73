"""What policy is shown beside the wish is taken at the moment of the decision, is exactly what it reads, and stands on the record."""

from __future__ import annotations

import pytest

from actors.governance.facts import read, record
from actors.governance.question import Unavailable


def test_what_is_recorded_is_read_back_as_it_was() -> None:
    shown = {"founding": True, "refunds": 3, "breaker": "closed", "spent": Unavailable("it is counted since yesterday only")}
    assert read(record(shown)) == shown


@pytest.mark.parametrize("forged", [None, 1.5, [], {}, {"unavailable": 1}, {"unavailable": "why", "and": 1}, {"else": "why"}, b"3"])
def test_what_is_recorded_in_no_known_form_is_not_available(forged: object) -> None:
    assert read({"refunds": forged}) == {"refunds": Unavailable("it is not recorded")}

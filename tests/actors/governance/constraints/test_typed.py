from __future__ import annotations

import pytest

from actors.governance.constraints.parse import parse_one
from actors.governance.constraints.typed import misfit
from actors.governance.finding import Malformed
from actors.governance.params import Kind, Param


@pytest.mark.parametrize(
    ("kind", "words", "fits"),
    [
        ("decimal", "range 0.01..20.00", True),
        ("decimal", "range 0.1..20.0", False),
        ("decimal", "range 1..20", False),
        ("integer", "range 1..20", True),
        ("integer", "range 1.0..20.0", False),
        ("string", "range 1..20", False),
        ("string", "under drafts", True),
        ("string", "one of a, b", True),
        ("string", "one of 1, 2", False),
        ("string", "exactly 1", False),
        ("integer", "exactly 1", True),
        ("boolean", "exactly true", True),
        ("boolean", "prefix t", False),
        ("list", "prefix t", False),
    ],
)
def test_a_constraint_fits_the_type_that_the_catalogue_declares_or_is_refused(kind: Kind, words: str, fits: bool) -> None:
    constraint = parse_one(words)
    assert not isinstance(constraint, Malformed)
    assert (misfit(constraint, Param(name="x", kind=kind, places=2 if kind == "decimal" else 0)) is None) == fits

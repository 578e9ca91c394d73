"""What a tenant may not be called, though a member may."""

from __future__ import annotations

import pytest

from actors.governance.names import OF_FILES, problem, tenant_problem


@pytest.mark.parametrize("name", ["tile", "checkpoint", "heads"])
def test_a_tenant_does_not_take_the_name_of_a_file_of_the_nodes_own_export(name: str) -> None:
    assert name in OF_FILES
    assert problem(name) is None
    assert (tenant_problem(name) or "").startswith(f"cannot be {name!r}: an export of the node's own log has")


@pytest.mark.parametrize("name", ["node", "founding", "", "Belvedere", "a/b", "-a", "a" * 41])
def test_what_is_no_name_is_no_tenants_name(name: str) -> None:
    assert problem(name) is not None
    assert tenant_problem(name) == problem(name)


@pytest.mark.parametrize("name", ["belvedere", "tiles", "tile-0", "a"])
def test_other_names_are_a_tenants(name: str) -> None:
    assert tenant_problem(name) is None

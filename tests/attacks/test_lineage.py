"""A tree of cases shows nobody more than its cases do, one by one."""

from __future__ import annotations

from typing import Any


async def test_an_agent_sees_of_a_tree_its_own_cases_alone(stage: Any) -> None:
    async with stage.cast("ada", "mallory", "otto") as (ada, mallory, otto):
        top = (await ada.propose())["case"]
        mine = (await mallory.propose(parent=top))["case"]
        hers = (await ada.propose(parent=top))["case"]
        below = (await ada.propose(parent=mine))["case"]
        assert await mallory.refused("case.lineage", case=top) == await mallory.refused("case.lineage", case="nowhere") == "unknown"
        assert await mallory.refused("case.lineage", case=hers) == "unknown"
        seen = await mallory.done("case.lineage", case=mine)
        assert seen["above"] == seen["children"] == []
        assert seen["may_have_children"], "it is not told whether there are some"
        assert (await mallory.done("case.lineage", case=(await mallory.propose())["case"]))["may_have_children"]
        whole = await otto.done("case.lineage", case=top)
        assert {line["case"] for line in whole["children"]} == {mine, hers}
        assert [line["case"] for line in (await otto.done("case.lineage", case=below))["above"]] == [mine, top]


async def test_a_tree_of_another_tenant_is_not_there(stage: Any) -> None:
    async with stage.cast("ada") as (ada,), stage.cast("ada", tenant="schoenbrunn") as (other,):
        case = (await ada.propose())["case"]
        assert await other.refused("case.lineage", case=case) == "unknown"


async def test_a_case_with_many_children_is_answered_a_page_at_a_time(stage: Any) -> None:
    async with stage.cast("ada", "otto") as (ada, otto):
        top = (await ada.propose())["case"]
        children = {(await ada.propose(parent=top))["case"] for _ in range(7)}
        seen: set[str] = set()
        after: dict[str, Any] = {}
        while True:
            page = await otto.done("case.lineage", case=top, limit=3, **after)
            assert len(page["children"]) <= 3
            seen |= {line["case"] for line in page["children"]}
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert seen == children
        assert await otto.refused("case.lineage", case=top, limit=201) == "malformed"

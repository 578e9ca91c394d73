"""The whole tree that a case belongs to, gathered call by call; never more than ``MOST`` cases of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Protocol

import attrs

MOST = 200  # cases in one tree: more than a terminal shows; whoever wants others asks for the tree of one of its leaves


class _Asks(Protocol):
    async def lineage(self, case: str, *, after: str | None = None, limit: int = 50) -> dict[str, Any]: ...


@attrs.define
class Tree:
    """From the topmost case that may be seen down.  ``asked`` is the case it was asked for; ``cut``: not all of it is here."""

    asked: str
    root: str
    lines: dict[str, Mapping[str, Any]]  # by case
    children: dict[str, list[str]]
    cut: bool = False

    @property
    def alone(self) -> bool:
        """Whether the case has neither parent nor child that may be seen."""
        return len(self.lines) == 1

    def walk(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every case with its depth, each before its children, in the order they were proposed."""
        stack = [(0, self.root)]
        while stack:
            depth, name = stack.pop()
            yield depth, self.lines[name]
            stack += [(depth + 1, child) for child in reversed(self.children.get(name, []))]

    def as_json(self) -> dict[str, Any]:
        """The lines, each with its depth."""
        return {"case": self.asked, "root": self.root, "cut": self.cut, "cases": [{**line, "depth": depth} for depth, line in self.walk()]}


async def whole_tree(vienna: _Asks, case: str) -> Tree:
    """Upwards as far as this member may see, then down in breadth; the line from the root to ``case`` is always in it."""
    asked = await vienna.lineage(case)
    spine = [_line(asked), *map(_line, asked["above"])]  # from the case upwards
    while spine[-1]["parent"] is not None and len(spine) < MOST:
        further = await vienna.lineage(spine[-1]["case"], limit=1)
        if not further["above"]:
            break
        spine += map(_line, further["above"])
    tree = Tree(asked=case, root=spine[-1]["case"], lines={line["case"]: line for line in spine}, children={})
    for child, parent in pairwise(spine):
        tree.children[parent["case"]] = [child["case"]]
    waiting = deque([tree.root])
    while waiting:
        name = waiting.popleft()
        if tree.lines[name]["may_have_children"]:
            await _gather(vienna, tree, name)
        waiting += tree.children.get(name, [])
    return tree


async def _gather(vienna: _Asks, tree: Tree, name: str) -> None:
    after: str | None = None
    while len(tree.lines) < MOST:
        page = await vienna.lineage(name, after=after)
        for line in map(_line, page["children"]):
            if line["case"] not in tree.lines and len(tree.lines) < MOST:
                tree.lines[line["case"]] = line
                tree.children.setdefault(name, []).append(line["case"])
        after = page["next"]
        if after is None:
            break
    tree.cut = tree.cut or len(tree.lines) >= MOST
    tree.children.get(name, []).sort(key=lambda case: int(tree.lines[case]["seq"]))


def _line(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in ("above", "children", "next")}

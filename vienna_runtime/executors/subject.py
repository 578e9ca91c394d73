"""What a case is about: its parameters, spelled, and the resource that they must lead to.

A warrant names a resource and parameters; only the configuration knows which resource these parameters really touch.
Where the two differ, a warrant for one thing would be used on another.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from vienna_runtime.executors import params
from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.params import EFFECT, RESOURCE, Declared
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.template import Template


@attrs.frozen
class Subject:
    declared: Declared
    resource: Template

    def values(self, resource: str, given: Mapping[str, object], effect_id: str) -> dict[str, bytes]:
        """The values that templates may use.  Raises ``ValueRefused`` when they lead to another resource than ``resource``."""
        values = params.spell(self.declared, given)
        values[RESOURCE] = params.text("the resource", resource)
        values[EFFECT] = params.text("the effect's id", effect_id)
        if self.resource.render(values) != values[RESOURCE]:
            raise ValueRefused("the parameters lead to another resource than the one the warrant names")
        return values


def subject(table: Table) -> Subject:
    """Read ``params`` and ``resource`` from a table."""
    declared = params.declare(table)
    return Subject(declared, params.template(table, "resource", table.text("resource"), declared))

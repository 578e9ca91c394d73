"""What a check looks at in a case: the declared parameters, spelled, and the resource they must lead to."""

from __future__ import annotations

import attrs

from vienna_runtime.executors import params
from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.params import Declared
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.template import Template
from vienna_runtime.verifiers.observe import Expectation


@attrs.frozen
class Subject:
    """Parameters that the check does not declare are none of its business; those it declares must be there."""

    declared: Declared
    resource: Template

    def values(self, expectation: Expectation) -> dict[str, bytes]:
        """Raises ``ValueRefused`` when the case is about another resource than the one that would be looked at."""
        values = params.spell(self.declared, {name: value for name, value in expectation.params.items() if name in self.declared})
        values[params.RESOURCE] = params.text("the resource", expectation.resource)
        values[params.EFFECT] = params.text("the effect's id", expectation.effect_id)
        if self.resource.render(values) != values[params.RESOURCE]:
            raise ValueRefused("the parameters lead to another resource than the one the warrant names")
        return values


def subject(table: Table) -> Subject:
    declared = params.declare(table)
    return Subject(declared, params.template(table, "resource", table.text("resource"), declared))

"""The Cedar schema of a bundle, made from its catalogue: one source of truth, so that the two cannot disagree.

A bundle may carry ``schema.cedarschema`` for editors and reviewers; it must then say the same (spelling and order do not
matter), because an attribute that only the schema knows would be one that nobody ever fills in.

    principal   Agent::"ada" in Role::"developer", with its owner
    action      Action::"git.push"; the phase is in the context, so that one policy can speak of both phases
    resource    Resource::"repo/vienna" with id and kind, which is the text before the first "/"
    context     phase: "propose" | "execute", approvals, cost (micro-units), params (as declared), facts (as declared)

A question is checked against a narrower one, which has only what the policies of its action are shown (see ``view``).
"""

from __future__ import annotations

from collections.abc import Mapping

import cedarpy

from .catalogue import Action
from .params import CEDAR, Param
from .view import View


def generate(catalogue: Mapping[str, Action], declared: tuple[Param, ...]) -> str:
    """Cedar schema text."""
    parts = ["entity Role;", "entity Agent in [Role] = { owner: String };", "entity Resource = { id: String, kind: String };"]
    for action in catalogue.values():
        parts.append(
            f'action "{action.name}" appliesTo {{ principal: [Agent], resource: [Resource], context: {{\n'
            f'  "phase": String, "approvals": Long, "cost": Long,\n'
            f'  "params": {_record(action.params)},\n'
            f'  "facts": {_record(declared)}\n}} }};'
        )
    return "\n".join(parts) + "\n"


def narrowed(action: Action, declared: tuple[Param, ...], view: View) -> str:
    """Cedar schema text for what ``view`` shows of a question about ``action``."""
    owner = "owner: String" if view.owner else ""
    thing = ", ".join(f"{name}: String" for name, shown in (("id", view.resource), ("kind", view.kind)) if shown)
    scalars = (("phase", "String", view.phase), ("approvals", "Long", view.approvals), ("cost", "Long", view.cost))
    context = [f'"{name}": {kind}' for name, kind, shown in scalars if shown]
    for name, names, known in (("params", view.params, action.params), ("facts", view.facts, declared)):
        if names is not None:
            context.append(f'"{name}": {_record(tuple(param for param in known if param.name in names))}')
    return (
        f"entity Role;\nentity Agent in [Role] = {{ {owner} }};\nentity Resource = {{ {thing} }};\n"
        f'action "{action.name}" appliesTo {{ principal: [Agent], resource: [Resource], context: {{ {", ".join(context)} }} }};\n'
    )


def canonical_form(text: str) -> str:
    """Cedar's own rendering, in which two schemas that say the same are the same text; raises ValueError."""
    return str(cedarpy.Schema.from_str(text))


def _record(params: tuple[Param, ...]) -> str:
    return "{ " + ", ".join(f'"{param.name}"{"" if param.required else "?"}: {CEDAR[param.kind]}' for param in params) + " }"

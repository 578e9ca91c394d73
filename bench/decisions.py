"""What a decision costs beside Cedar alone: facts, Cedar, obligations and tier, with few policies and with many.

Every request is another one (amount, customer, resource), so that no answer is a remembered one; the last row asks the same
again.  Bare Cedar has its policies and schema prepared and is asked about the same principal, action, resource and context
by the same library; what cannot be prepared, because it is the request, is made for each: its entities and its context.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import attrs
import cedarpy

from actors.governance import bundle as bundles
from actors.governance import cedar_schema, proposing
from actors.governance import intent as intents
from actors.governance.facts import Past
from actors.governance.ids import SECOND, Cost, Digest, Instant, TenantId
from actors.governance.source import Source
from actors.governance.state import Case, Member, State

NOW = Instant(1_700_000_000 * SECOND)
MANIFEST = b"""
[bundle]
name = "bench"
[facts]
founding = "boolean"
[actions."orders.refund"]
executor = "till"
cost = { param = "amount" }
[actions."orders.refund".params]
amount = { type = "decimal", places = 2 }
customer = "string"
"""


@attrs.frozen
class Row:
    policies: int
    bare: float  # µs
    decision: float
    again: float

    @property
    def ratio(self) -> float:
        return self.decision / self.bare


def policy_text(count: int) -> str:
    """As many as asked, all of one action, so that none can be left out by its action; two of them determine the answer."""
    asks = 'action == Action::"orders.refund", resource'
    parts = [
        (
            f'@id("refund") @tier("T1") @cost_cap("500") @ttl("10m")\npermit (principal in Role::"support", {asks}) '
            'when { resource.kind == "order" && context.params.amount < 100000000 };\n'
        ),
        f'@id("founding") @tier("T2")\npermit (principal, {asks}) when {{ context.facts.founding }};\n',
    ]
    for number in range(count - len(parts)):
        kind, when = (
            ("forbid", f'context.params.customer == "c-{number}" && context.params.amount > {number}'),
            ("forbid", f'principal in Role::"trainee-{number}" && context.phase == "propose"'),
            ("permit", f'resource.id == "order/special-{number}" && context.params.amount < {number}'),
        )[number % 3]
        terms = '@tier("T2")' if kind == "permit" else '@reason("not this one")'
        parts.append(f'@id("p{number}") {terms}\n{kind} (principal, {asks}) when {{ {when} }};\n')
    return "".join(parts)


def wishes(count: int, start: int) -> list[tuple[Case, intents.Intent]]:
    made = []
    for number in range(start, start + count):
        wish = intents.Intent(
            action="orders.refund", resource=f"order/{number}", params={"amount": {"dec": f"{number}.50"}, "customer": f"who-{number}"},
            purpose="charged twice", cost=Cost(0), state_digest=None, parent=None, deadline=None,
        )  # fmt: skip
        packed = intents.pack(wish)
        case = Case(
            case=f"c{number}", agent="ada", intent=packed, intent_digest=Digest(b""), key="", parent=None, founding=False, excluded=()  # type: ignore[arg-type]
        )  # fmt: skip
        made.append((case, wish))
    return made


def timed(function: Callable[[Case, intents.Intent], object], asked: Sequence[tuple[Case, intents.Intent]]) -> float:
    """µs each."""
    begun = time.perf_counter()
    for case, wish in asked:
        function(case, wish)
    return (time.perf_counter() - begun) * 1e6 / len(asked)


def measured(count: int, *, rounds: int, requests: int) -> Row:
    text = policy_text(count)
    loaded = bundles.load(Source({"bundle.toml": MANIFEST, "all.cedar": text.encode()}))
    assert isinstance(loaded, bundles.Bundle), list(loaded)
    bundle = loaded
    schema = cedarpy.Schema.from_str(cedar_schema.generate(bundle.catalogue, bundle.facts))
    prepared = cedarpy.PolicySet.from_str(text)
    agent = Member("ada", "agent", "ada", frozenset({"support"}), "rosa", "active", "")  # type: ignore[arg-type]
    state, past = State(TenantId("bench")), Past()

    def bare(_: Case, wish: intents.Intent) -> object:
        amount = wish.params["amount"]["dec"]  # type: ignore[index, call-overload]
        request = {
            "principal": {"type": "Agent", "id": "ada"},
            "action": {"type": "Action", "id": wish.action},
            "resource": {"type": "Resource", "id": wish.resource},
            "context": json.dumps(
                {
                    "phase": "propose", "approvals": 0, "cost": 0, "facts": {"founding": False},
                    "params": {"amount": int(amount.replace(".", "")), "customer": wish.params["customer"]},
                }
            ),
        }  # fmt: skip
        entities = cedarpy.Entities.from_json_str(
            json.dumps(
                [
                    {
                        "uid": {"type": "Agent", "id": "ada"}, "attrs": {"owner": "rosa"},
                        "parents": [{"type": "Role", "id": "support"}],
                    },
                    {"uid": {"type": "Resource", "id": wish.resource}, "attrs": {"id": wish.resource, "kind": "order"}, "parents": []},
                ]
            )
        )  # fmt: skip
        result = cedarpy.is_authorized(request, prepared, entities, schema)
        assert result.allowed
        return result

    def decision(case: Case, wish: intents.Intent) -> object:
        verdict = proposing.decided(state, case, bundle, wish, agent, NOW, past)
        assert verdict.tier == "T1"
        return verdict

    rows: list[tuple[float, float, float]] = []
    for number in range(rounds):
        asked = wishes(requests, number * requests)
        rows.append((timed(bare, asked), timed(decision, asked), timed(decision, asked)))
    return Row(count, *(median(column) for column in zip(*rows, strict=True)))


def table(quick: bool) -> Iterator[Row]:
    for count in (10, 200):
        yield measured(count, rounds=3 if quick else 11, requests=100 if quick else 500)


def main() -> None:
    print("| policies of the action | bare Cedar, µs | a decision, µs | ratio | goal | the same asked again, µs |")
    print("|---:|---:|---:|---:|---:|---:|")
    for row in table("--quick" in sys.argv):
        print(f"| {row.policies} | {row.bare:.0f} | {row.decision:.0f} | **{row.ratio:.2f}** | 1.5 | {row.again:.1f} |", flush=True)


if __name__ == "__main__":
    main()

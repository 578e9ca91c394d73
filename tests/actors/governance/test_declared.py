"""What a bundle says of the facts its policies read: each kind reads, and whatever is wrong is named with its place and near miss."""

from __future__ import annotations

import pytest

from actors.governance.bundle import Bundle, Findings, Source, load
from actors.governance.declared import Before, BreakerState, Founding, Lineage, Local
from actors.governance.ids import HOUR, Micros
from actors.governance.state import Counter

MANIFEST = """[bundle]
name = "counting"
[actions."payments.refund"]
executor = "till"
params = { customer = "string", amount = { type = "decimal", places = 2, min = "0" }, fee = "integer", tags = "list", note = { type = "string", required = false } }
[actions."payments.lookup"]
executor = "till"
params = { amount = { type = "decimal", places = 4, min = "0" } }
[facts]
"""  # noqa: E501  # one line, as in a bundle; the facts begin in line 10
FACTS_AT = 10
PERMIT = '@id("all") @tier("T0") permit (principal, action, resource);\n'


def loaded(facts: str, policies: str = "", tail: str = "") -> Bundle | Findings:
    return load(Source({"bundle.toml": (MANIFEST + facts + "\n" + tail).encode(), "all.cedar": (PERMIT + policies).encode()}))


def test_every_kind_of_fact_reads() -> None:
    found = loaded("""founding = "boolean"
refunds = { count = "redeemed", action = "payments.refund", by = ["params.customer", "agent"], window = "1h" }
amount = { sum = "params.amount", of = "succeeded", action = ["payments.refund"], window = "1h", from = "activation" }
cost = { sum = "cost", of = "warranted", window = "1h" }
quiet = { since = "failed", window = "1h" }
ever = { since = "denied", window = "1h", never = 7 }
guard = { breaker = "agent" }
day = { local = "weekday" }
hour = { local = "hour" }
review = { lineage = "payments.lookup", ended = ["verified", "consistent"], same = ["resource"] }
again = { before = "redeemed" }""")
    assert isinstance(found, Bundle), str(found)
    origins = {name: item.origin for name, item in found.declared.items()}
    hour = Micros(HOUR)
    refunds = Counter(measure="count", of="redeemed", actions=("payments.refund",), by=("agent", "params.customer"), window=hour)
    amount = Counter(measure="sum", of="succeeded", sums="params.amount", places=2, actions=("payments.refund",), window=hour)
    assert origins["founding"] == Founding()
    assert (origins["refunds"].counter, origins["refunds"].from_activation) == (refunds, False)  # type: ignore[union-attr]  # a Reading
    assert (origins["amount"].counter, origins["amount"].from_activation) == (amount, True)  # type: ignore[union-attr]  # likewise
    assert origins["cost"].counter == Counter(measure="sum", of="warranted", sums="cost", window=hour)  # type: ignore[union-attr]  # likewise
    assert (origins["quiet"].never, origins["ever"].never) == (3600, 7)  # type: ignore[union-attr]  # likewise
    assert (origins["guard"], origins["again"]) == (BreakerState("agent"), Before())
    assert (origins["day"], origins["hour"]) == (Local("weekday", "UTC"), Local("hour", "UTC"))
    lineage = Lineage(actions=frozenset({"payments.lookup"}), ended=frozenset({"verified", "consistent"}), same=("resource",))
    assert origins["review"] == lineage
    kinds = {fact.name: fact.kind for fact in found.facts}
    assert (kinds["refunds"], kinds["guard"], kinds["day"], kinds["review"], kinds["again"]) == (
        "integer", "string", "string", "boolean", "boolean",
    )  # fmt: skip


WRONG = {
    'x = { count = "redeemd", window = "1d" }': ("'redeemd' is not something that happens to a case", "did you mean redeemed?"),
    'x = { cuont = "redeemed", window = "1d" }': ("the fact x does not say where it comes from", "did you mean count?"),
    'x = { count = "redeemed", since = "denied", window = "1d" }': ("the fact x comes from count and since at once", "keep one"),
    'x = { count = "redeemed" }': ("x has no window", 'as in window = "1d"'),
    'x = { count = "redeemed", window = "1day" }': ("'1day' is not a duration", "write a number and a unit"),
    'x = { count = "redeemed", window = "367d" }': ("the window is longer than a year", "as in"),
    'x = { count = "redeemed", window = "1d", by = ["params.customer"] }': (
        "params.customer: not every action has it", "name those that do",
    ),
    'x = { count = "redeemed", window = "1d", by = ["agnet"] }': ("'agnet' is not a dimension", "did you mean agent?"),
    'x = { count = "redeemed", window = "1d", by = ["agent", "agent"] }': ("by holds a dimension twice", ""),
    'x = { count = "redeemed", window = "1d", action = "payments.refnud" }': (
        "the catalogue has no action 'payments.refnud'", "did you mean payments.refund?",
    ),
    'x = { count = "redeemed", window = "1d", action = "payments.refund", by = ["params.custmer"] }': (
        "payments.refund has no parameter 'custmer'", "did you mean customer?",
    ),
    'x = { count = "redeemed", window = "1d", action = "payments.refund", by = ["params.note"] }': (
        "params.note of payments.refund may be left out, and whoever leaves it out would not be counted", "make note required",
    ),
    'x = { count = "redeemed", window = "1d", action = "payments.refund", by = ["params.amount"] }': (
        "params.amount of payments.refund is a decimal", "a dimension is a string, integer or boolean",
    ),
    'x = { count = "redeemed", window = "1d", action = "payments.refund", by = ["params.tags"] }': (
        "params.tags of payments.refund is a list", "a dimension is a",
    ),
    'x = { count = "redeemed", window = "1d", of = "denied" }': ("unknown setting 'of'", "one of"),
    'x = { count = "redeemed", window = "1d", from = "founding" }': ("'founding' is nothing to count from", 'from = "activation"'),
    'x = { sum = "costs", of = "redeemed", window = "1d" }': ("'costs' cannot be summed", "did you mean cost?"),
    'x = { sum = "cost", window = "1d" }': ("'' is not something that happens to a case", "one of"),
    'x = { sum = "params.amount", of = "redeemed", window = "1d" }': ("params.amount: not every action has it", "name those that do"),
    'x = { sum = "params.customer", of = "redeemed", window = "1d", action = "payments.refund" }': (
        "'customer' is not a number among the parameters of payments.refund", "one of: amount, fee",
    ),
    'x = { sum = "params.fee", of = "redeemed", window = "1d", action = "payments.refund" }': (
        "params.fee of payments.refund may be negative, and would lower the sum", "give it a min",
    ),
    'x = { sum = "params.amount", of = "redeemed", window = "1d", action = ["payments.refund", "payments.lookup"] }': (
        "params.amount has other places in one action than in another", "their sum",
    ),
    'x = { since = "proposed", window = "1d" }': ("of what is proposed the last may be the case that asks", "one of: denied, redeemed"),
    'x = { since = "redeemed", window = "1d", never = -1 }': ("never must be a whole number", ""),
    'x = { breaker = "node" }': ("'node' is not a breaker's scope", "one of: action, agent, tenant"),
    'x = { local = "minute" }': ("'minute' is not a part of the time", "did you mean minute_of_day?"),
    'x = { lineage = "payments.lookup" }': ("x does not say how the case above must have ended", 'as in ended = ["verified"]'),
    'x = { lineage = "payments.lookup", ended = ["verifed"] }': ("no case ends 'verifed'", "did you mean verified?"),
    'x = { lineage = [], ended = ["verified"] }': ("lineage names no action", "leave it out"),
    'x = { lineage = "payments.lookup", ended = ["verified"], same = ["params.customer"] }': (
        "payments.lookup has no parameter 'customer'", "one of: amount",
    ),
    'x = { before = "proposed" }': ("'proposed' is not what can be looked up", "one of: redeemed"),
    'x = "integer"': ("nothing gives a fact 'x' of the type 'integer'", "say where it comes from"),
    'foundng = "boolean"': ("nothing gives a fact 'foundng' of the type 'boolean'", "did you mean founding?"),
    'founding = "string"': ("'string' is not the type of founding", 'founding = "boolean"'),
    "x = 3": ("x says neither a type nor where it comes from", "as in"),
    'X = { before = "redeemed" }': ("'X' is not a fact's name", "small letters"),
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_a_fact_that_makes_no_sense_is_named_with_its_place_and_the_near_miss(line: str) -> None:
    found = loaded("# a line\n" + line)
    assert isinstance(found, Findings), line
    message, hint = WRONG[line]
    first = found.items[0]
    assert (first.file, first.line, first.column) == ("bundle.toml", FACTS_AT + 1, 1)
    assert first.message.startswith(message)
    assert first.hint.startswith(hint)


def test_a_policy_cannot_read_what_is_told_by_a_parameter_that_its_action_lacks() -> None:
    facts = 'x = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1d" }'
    policy = '@id("p") forbid (principal, action == Action::"payments.lookup", resource) when { context.facts.x > 3 };'
    found = loaded(facts, policy)
    assert isinstance(found, Findings)
    why = "policies of payments.lookup read x, told by params.customer; payments.lookup has no parameter 'customer' (one of: amount)"
    assert [str(item) for item in found] == [f"bundle.toml:{FACTS_AT}:1: {why}"]


def test_there_are_no_more_counters_than_every_tenant_can_remember() -> None:
    found = loaded("\n".join(f'x{n} = {{ count = "redeemed", window = "{n + 1}h" }}' for n in range(17)))
    assert isinstance(found, Findings)
    assert "17 counters are too many" in str(found)
    assert isinstance(loaded("\n".join(f'x{n} = {{ count = "redeemed", window = "1h" }}' for n in range(17))), Bundle)  # one, by 17 names


def test_a_zone_that_does_not_exist_is_named_with_the_near_miss() -> None:
    found = loaded("", tail='[tenant]\nzone = "Europe/Viena"')
    assert isinstance(found, Findings)
    assert str(found) == f"bundle.toml:{FACTS_AT + 2}:1: 'Europe/Viena' is not a time zone (did you mean Europe/Vienna?)"


def test_a_fact_of_its_type_reaches_cedar() -> None:
    policy = '@id("p") forbid (principal, action, resource) when { context.facts.guard == 3 };'
    found = loaded('guard = { breaker = "agent" }', policy)
    assert isinstance(found, Findings)
    assert found.items[0].file == "all.cedar"

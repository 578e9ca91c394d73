"""What another bundle changes is named by what it is, and what changes nothing is not named."""

from __future__ import annotations

import pytest

from actors.governance.bundle import Bundle, Source, load
from actors.governance.bundle_diff import Change, Difference, difference

MANIFEST = """
[bundle]
name = "refunds"

[tiers.T1]
quorum = "1 of role:lead"

[tenant]
zone = "Europe/Vienna"

[facts]
today = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1d" }

[actions."payments.refund"]
executor = "till"
cost = { param = "amount" }
reversible = "no"
[actions."payments.refund".params]
amount = { type = "decimal", places = 2, max = "500.00" }
customer = "string"

[actions."payments.note"]
executor = "till"
cost = "0.10"

[budgets.each_agent]
cost_per_day = "500"

[rates]
principal = "60/m"
"""
POLICIES = """
@id("refund") @tier("T1") @ttl("5m") @cost_cap("500")
permit (principal in Role::"support", action == Action::"payments.refund", resource)
when { context.params.amount <= 50000 && context.facts.today < 3 };

// notes harm nobody
@id("note") @tier("T0")
permit (principal in Role::"support", action == Action::"payments.note", resource);

@id("stop") @reason("not on holidays")
forbid (principal, action, resource) when { context.cost > 1000000000 };
"""
SECOND = '\n[actions."payments.payout"]\nexecutor = "till"\ncost = "1"\n'


def bundle(manifest: str = MANIFEST, policies: str = POLICIES, **others: str) -> Bundle:
    files = {"bundle.toml": manifest, "all.cedar": policies, **{name.replace("__", "."): text for name, text in others.items()}}
    loaded = load(Source({name: text.encode() for name, text in files.items()}))
    assert isinstance(loaded, Bundle), str(loaded)
    return loaded


def changed(old: str, new: str) -> Difference:
    """What this replacement in either text makes of it."""
    assert MANIFEST.count(old) + POLICIES.count(old) >= 1
    return difference(bundle(), bundle(MANIFEST.replace(old, new), POLICIES.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "item", "change"),
    [
        ('reversible = "no"', 'reversible = "yes"', "payments.refund", Change("reversible", "no", "yes")),
        ('cost = { param = "amount" }', 'cost = "500"', "payments.refund", Change("cost", "the parameter amount", "500")),
        ('cost = "0.10"', 'cost = "0.2"', "payments.note", Change("cost", "0.1", "0.2")),
        ('max = "500.00"', 'max = "600.00"', "payments.refund",
         Change("params.amount", "decimal, places 2, max 500.00", "decimal, places 2, max 600.00")),
        ('customer = "string"', 'customer = "string"\nnote = { type = "string", required = false }', "payments.refund",
         Change("params.note", None, "string, may be absent")),
        ('executor = "till"\ncost = "0.10"', 'executor = "desk"\ncost = "0.10"', "payments.note", Change("executor", "till", "desk")),
        ('cost = "0.10"', 'cost = "0.10"\nwitnessed = true', "payments.note", Change("witnessed", None, "true")),
        ('cost = "0.10"', 'cost = "0.10"\n[actions."payments.note".observe]\nkind = "exit_code"\norder = "{resource.name}"',
         "payments.note", Change("checks.exit_code", None, "exit_code order='{resource.name}'")),
    ],
)  # fmt: skip
def test_an_action_that_changed_says_what_of_it(old: str, new: str, item: str, change: Change) -> None:
    found = changed(old, new)
    (only,) = found.actions.changed
    assert (only.name, only.changes) == (item, (change,))
    assert not any((found.policies, found.facts, found.settings, found.budgets, found.actions.added, found.actions.removed))


@pytest.mark.parametrize(
    ("old", "new", "item", "change"),
    [
        ('@cost_cap("500")', '@cost_cap("200")', "refund", Change("@cost_cap", "500", "200")),
        ('@ttl("5m")', "", "refund", Change("@ttl", "5m", None)),
        ('@tier("T0")', '@tier("T1")', "note", Change("@tier", "T0", "T1")),
        ('@reason("not on holidays")', '@reason("never")', "stop", Change("@reason", "not on holidays", "never")),
    ],
)
def test_a_policy_whose_annotation_changed_says_which(old: str, new: str, item: str, change: Change) -> None:
    found = changed(old, new)
    (only,) = found.policies.changed
    assert (only.name, only.changes) == (item, (change,))
    assert not any((found.actions, found.policies.added, found.policies.removed))


def test_a_policy_whose_rule_changed_shows_both_without_annotations_and_comments() -> None:
    (only,) = changed("50000", "20000").policies.changed
    (change,) = only.changes
    assert change.what == "rule"
    assert change.before is not None
    assert change.after == change.before.replace("50000", "20000")
    assert change.before.startswith("permit (")
    assert "@" not in change.before


def test_an_effect_turned_round_is_an_effect_and_the_annotations_that_go_with_it() -> None:
    (only,) = changed('@reason("not on holidays")\nforbid', '@tier("T2") @reason("not on holidays")\npermit').policies.changed
    assert only.changes == (Change("effect", "forbid", "permit"), Change("@tier", None, "T2"))


def test_what_was_added_or_removed_is_told_whole() -> None:
    one, other = (
        bundle(),
        bundle(MANIFEST + SECOND, POLICIES + '@id("pay") @tier("T2") permit(principal, action == Action::"payments.payout", resource);'),
    )
    there, back = difference(one, other), difference(other, one)
    (action,), (policy,) = there.actions.added, there.policies.added
    assert action.name == "payments.payout"
    assert action.changes == (Change("effect", None, "write"), Change("executor", None, "till"), Change("cost", None, "1"))
    assert policy.name == "pay"
    assert policy.changes[:2] == (Change("effect", None, "permit"), Change("@tier", None, "T2"))
    (gone,) = back.policies.removed
    assert [(change.what, change.before) for change in gone.changes] == [(change.what, change.after) for change in policy.changes]
    assert back.actions.removed[0].name == "payments.payout"
    assert not there.actions.removed
    assert not there.policies.changed


def test_an_id_that_changed_is_one_policy_less_and_one_more() -> None:
    found = changed('@id("note")', '@id("notes")')
    assert [item.name for item in found.policies.added] == ["notes"]
    assert [item.name for item in found.policies.removed] == ["note"]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ('quorum = "1 of role:lead"', 'quorum = "any 1"\nwarrant_life = "90s"', Change("tiers.T1.quorum", "1 of role:lead", "any 1")),
        ("Europe/Vienna", "Europe/Paris", Change("tenant.zone", "Europe/Vienna", "Europe/Paris")),
        ('principal = "60/m"', 'principal = "60/m burst 9"', Change("rates.principal", "60/m burst 1", "60/m burst 9")),
        ('principal = "60/m"', 'tenant = "9/s"\nprincipal = "60/m"', Change("rates.tenant", None, "9/s burst 9")),
        ("[rates]", "[retention]\ndays = 30\n[rates]", Change("retention.days", "2557", "30")),
        ('name = "refunds"', 'name = "money"', Change("bundle.name", "refunds", "money")),
    ],
)
def test_a_setting_that_changed_has_its_old_and_new_value(old: str, new: str, change: Change) -> None:
    assert change in changed(old, new).settings


def test_a_setting_that_is_spelled_out_as_its_default_changes_nothing() -> None:
    assert not changed("[rates]", '[tiers.T2]\nquorum = "any 2"\n[warrants]\nuses = 1\n[rates]')


def test_budgets_are_told_by_scope_measure_and_time() -> None:
    (moved,) = changed('cost_per_day = "500"', 'cost_per_day = "400"\nwarn_at = 50').budgets
    assert moved == Change("each_agent cost_per_day", "500, warned at 400", "400, warned at 200")
    found = changed('cost_per_day = "500"', "count_per_hour = 10")
    assert found.budgets == (
        Change("each_agent cost_per_day", "500, warned at 400", None),
        Change("each_agent count_per_hour", None, "10, warned at 8"),
    )
    assert not found.settings


def test_facts_are_told_by_what_they_are() -> None:
    (fact,) = changed('window = "1d"', 'window = "7d"').facts.changed
    before, after = (f"redeemed of payments.refund by params.customer within {time}" for time in ("1d", "7d"))
    assert (fact.name, fact.changes) == ("today", (Change("is", before, after),))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("// notes harm nobody", "// nobody is harmed\n"),
        ('@ttl("5m")', '@ttl("300s")'),
        ('@cost_cap("500")', '@cost_cap("500.00")'),
        ('@tier("T1") @ttl("5m")', '@ttl("5m")\n@tier("T1")'),
        ("context.params.amount <= 50000 && context.facts", "(context.params.amount <= 50000) && context.facts"),
        ("resource)\nwhen", "resource) // why\n when"),
        ('cost = "0.10"', 'cost = "0.1" # ten cents'),
    ],
)
def test_another_spelling_is_no_difference(old: str, new: str) -> None:
    assert not changed(old, new)


def test_other_files_notes_and_tests_are_no_difference() -> None:
    first, _, rest = POLICIES.partition("// notes")
    other = bundle(policies=rest.partition("\n")[2], refunds__cedar=first, README__md="what it is")
    assert not difference(bundle(), other)

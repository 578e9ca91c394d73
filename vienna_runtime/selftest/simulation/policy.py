"""The policies that simulated tenants live under: every tier, budgets, breakers, observation, states, and what may be changed."""

from __future__ import annotations

from actors.governance.source import Source, digest

_MANIFEST = b"""
[bundle]
name = "simulated"
[breaker]
failures = 4
mismatches = 2
window = "10m"
cool_down = "2m"
[actions."notes.read"]
effect = "read"
cost = "0"
[actions."notes.append"]
executor = "till"
params = { text = "string" }
[actions."orders.refund"]
executor = "till"
params = { amount = "integer" }
cost = { param = "amount" }
[actions."orders.payout"]
executor = "mill"
params = { amount = "integer" }
[actions."files.write"]
executor = "till"
params = { text = "string" }
observe = { kind = "file_digest", path = "{resource.name}" }
[actions."files.note"]
executor = "mill"
params = { text = "string" }
probe = { kind = "file_digest", path = "{resource.name}" }
[budgets.tenant]
cost_per_day = "500"
[budgets.each_agent]
cost_per_hour = "130"
count_per_hour = 40
[budgets.action."notes.append"]
count_per_hour = 15
"""

_POLICIES = b"""
@id("read") @tier("T0") @executor("agent") @ttl("1m")
permit (principal, action == Action::"notes.read", resource);
@id("append") @tier("T0") @uses("3") @ttl("5m") @cost_cap("2")
permit (principal, action == Action::"notes.append", resource);
@id("write") @tier("T0") @ttl("5m") @cost_cap("10")
permit (principal, action == Action::"files.write", resource);
@id("note") @tier("T0") @ttl("5m") @cost_cap("1")
permit (principal, action == Action::"files.note", resource);
@id("refund") @tier("T1") @uses("2") @ttl("10m") @constrain("amount: range 1..999") @quorum("1 of role:lead")
permit (principal, action == Action::"orders.refund", resource) when { context.params.amount < 1000 };
@id("payout") @tier("T2") @quorum("1 of role:lead and 1 of role:finance") @cost_cap("100") @ttl("10m")
permit (principal, action == Action::"orders.payout", resource);
@id("vacation") @reason("not on holidays")
forbid (principal, action == Action::"notes.append", resource) when { resource.kind == "holiday" };
"""

WORKSHOP = {"bundle.toml": _MANIFEST, "all.cedar": _POLICIES}
STRICT = {
    "bundle.toml": _MANIFEST.replace(b'"simulated"', b'"strict"').replace(b"failures = 4", b"failures = 2"),
    "all.cedar": _POLICIES.replace(b'@id("append") @tier("T0")', b'@id("append") @tier("T1")').replace(
        b'@quorum("1 of role:lead")', b'@quorum("1 of role:lead or 2 of role:finance")'
    ),
}
BUNDLES = (WORKSHOP, STRICT)
DIGESTS = tuple(digest(Source(files)) for files in BUNDLES)

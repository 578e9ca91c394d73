"""Warrants at a served node: handed on in ways that do not hold, and used for what only looks like what they allow."""

from __future__ import annotations

import secrets
from typing import Any

import attrs
import pytest
import trio

from actors.governance import canonical, intent, links, warrant
from actors.governance.signing import Purpose
from transport.answers import Refused, Reply

HERE, THERE = "hetzendorf", "laxenburg"
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "errands"
[breaker]
failures = 1000
[breaker.denials]
scopes = []
[actions."errands.run"]
executor = "till"
cost = { param = "sum" }
[actions."errands.run".params]
path = "string"
url = "string"
to = "string"
count = "integer"
sum = { type = "decimal", places = 2 }
text = "string"
""",
    "errands.cedar": b"""
@id("errands") @tier("T0") @uses("4") @ttl("5m") @cost_cap("15")
@constrain("path: under drafts; url: url https://api.example.org/v1; to: domain example.org; count: range 1..100; sum: range 0.01..20.00")
permit (principal, action == Action::"errands.run", resource);
""",
}
CAST: tuple[tuple[str, str, str, tuple[str, ...], str | None], ...] = (
    ("ada", "agent", "ada", (), "anna"),
    ("till", "executor", "till", (), None),
    ("mill", "executor", "mill", (), None),
    ("grind", "executor", "grind", (), None),
)
PARAMS: dict[str, Any] = {
    "path": "drafts/one", "url": "https://api.example.org/v1/letters", "to": "clara@example.org", "count": 1, "sum": {"dec": "1.00"},
    "text": "Gr\u00fc\u00dfe",
}  # fmt: skip


@pytest.fixture(scope="module")
def tenants(node: Any) -> Any:
    """Two tenants of this room's own, on the node that all attacks share."""
    for tenant in (HERE, THERE):
        trio.run(node.found_tenant, tenant, BUNDLE, CAST)
    return node


@attrs.frozen
class Root:
    """A warrant, and chains of it as their makers like them."""

    stage: Any
    granted: dict[str, bytes]

    @property
    def terms(self) -> warrant.Warrant:
        return warrant.unverified_unpack(self.granted["fields"])

    @property
    def digest(self) -> bytes:
        return links.digest(self.granted["fields"], self.granted["signature"])

    def link(self, above: bytes, by: str, to: str, **changed: Any) -> links.Signed:
        """One link, signed by ``by`` whether that is its holder or not."""
        fields = {
            "parent": above, "holder": self.stage.who(to, HERE).public, "constraints": {}, "expires_at": self.terms.expires_at,
            "uses": self.terms.uses, "cost_cap": self.terms.cost_cap,
        }  # fmt: skip
        packed = links.pack(links.Link(**{**fields, **changed}))
        return packed, self.stage.who(by, HERE).sign(Purpose.LINK, packed)

    def chain(self, *steps: tuple[str, str, dict[str, Any]]) -> tuple[links.Signed, ...]:
        """By whom, to whom, and what of it is changed; each names the one before as its parent."""
        above, made = self.digest, []
        for by, to, changed in steps:
            made.append(self.link(above, by, to, **changed))
            above = links.digest(*made[-1])
        return tuple(made)

    def redemption(self, chain: tuple[links.Signed, ...] | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        fields: dict[str, Any] = self.stage.redemption(self.granted)
        if chain is not None:
            fields["chain"] = links.pack_chain(chain)
        if params is not None:
            fields |= {"params": params, "args_digest": self._args(params)}
        return fields

    def _args(self, params: dict[str, Any]) -> bytes:
        try:
            return intent.args_digest(self.terms.action, self.terms.resource, params)
        except canonical.NotCanonical:  # the node, too, will have none to compare it with
            return bytes(32)


@pytest.fixture
async def root(tenants: Any) -> Root:
    return await granted(tenants)


async def granted(stage: Any, tenant: str = HERE) -> Root:
    async with stage.cast("ada", tenant=tenant) as (ada,):
        return Root(stage, await ada.granted("errands.run", params=PARAMS))


def under(path: str) -> dict[str, Any]:
    return {"constraints": {"path": {"under": path}}}


WIDER: dict[str, tuple[dict[str, Any], str]] = {
    "path": (under("."), "link 1 widens the parameter path"),
    "another path": (under("published"), "link 1 widens the parameter path"),
    "host": (
        {"constraints": {"url": {"url": {"scheme": "https", "host": "*.example.org", "port": None, "path": "/v1", "query": False}}}},
        "link 1 widens the parameter url",
    ),
    "subdomains": ({"constraints": {"to": {"domain": {"domain": "example.org", "subdomains": True}}}}, "link 1 widens the parameter to"),
    "number": ({"constraints": {"count": {"range": {"low": 1, "high": 101, "places": None}}}}, "link 1 widens the parameter count"),
    "what was exact": ({"constraints": {"text": {"prefix": "Gr"}}}, "link 1 widens the parameter text"),
    "a use more": ({"uses": 5}, "link 1 widens the uses of what it is made from: 5 instead of 4"),
    "no cap": ({"cost_cap": None}, "link 1 widens the cost cap"),
    "life": ({"expires_at": 2**62}, "link 1 widens the life"),
}


@pytest.mark.parametrize("what", WIDER)
async def test_a_holder_that_widens_what_it_hands_on_is_refused_by_name(stage: Any, root: Root, what: str) -> None:
    changed, why = WIDER[what]
    assert why in await invalid(root, root.chain(("till", "mill", changed)))


async def test_a_second_holder_cannot_take_back_what_the_first_left_out(stage: Any, root: Root) -> None:
    for again in (under("drafts"), {"uses": 4}):
        chain = root.chain(("till", "mill", {**under("drafts/b"), "uses": 2}), ("mill", "grind", {"uses": 2, **again}))
        assert "link 2 widens" in await invalid(root, chain, "grind")


async def test_a_chain_that_is_put_together_from_others_is_refused(stage: Any, root: Root) -> None:
    other = await granted(stage)
    theirs = other.chain(("till", "mill", {}), ("mill", "grind", {}))
    ours = root.chain(("till", "mill", under("drafts/b")), ("mill", "grind", under("drafts/b/c")))
    spliced, unsigned = "belongs to another parent: the chain was spliced", "is not signed by the holder before it"
    assert f"link 1 {spliced}" in await invalid(root, theirs, "grind")
    assert f"link 2 {spliced}" in await invalid(root, (ours[0], theirs[1]), "grind")
    assert f"link 1 {unsigned}" in await invalid(root, ours[::-1], "mill")
    assert f"link 1 {unsigned}" in await invalid(root, ours[1:], "grind")
    assert f"link 2 {unsigned}" in await invalid(root, (ours[0], ours[0], ours[1]), "grind")
    await redeemed(root, ours, "grind", {**PARAMS, "path": "drafts/b/c/d"})


async def test_only_the_holder_before_makes_a_link(stage: Any, root: Root) -> None:
    for by in ("mill", "grind", "ada"):  # the one it names, a stranger, and the agent whose warrant it is
        assert "link 1 is not signed by the holder before it" in await invalid(root, root.chain((by, "mill", {})))
    for by in ("till", "grind"):  # the root's holder has handed it on, and the last has not got it yet
        assert "link 2 is not signed by" in await invalid(root, root.chain(("till", "mill", {}), (by, "grind", {})), "grind")
    fields, _ = root.chain(("till", "mill", {}))[0]
    as_warrant = stage.who("till", HERE).sign(Purpose.WARRANT, fields)
    assert "link 1 is not signed by" in await invalid(root, ((fields, as_warrant),))


async def test_what_was_handed_on_is_for_its_last_holder_and_as_often_as_every_link_says(stage: Any, root: Root) -> None:
    chain = root.chain(("till", "mill", {"uses": 2}), ("mill", "grind", {**under("drafts/b"), "uses": 1}))
    inside = {**PARAMS, "path": "drafts/b/one"}
    async with stage.cast("till", "mill", "grind", tenant=HERE) as (till, mill, grind):
        for holder in (till, mill):
            assert await holder.refused("redeem", **root.redemption(chain, inside)) == "not_yours"
        assert await grind.refused("redeem", **root.redemption(None, inside)) == "not_yours"  # without the chain it holds nothing
        assert await grind.refused("redeem", **root.redemption(chain)) == "out_of_scope"  # what the root alone allows
        await grind.done("redeem", **root.redemption(chain, inside))
        assert await grind.refused("redeem", **root.redemption(chain, {**inside, "path": "drafts/b/two"})) == "warrant_over"
        await mill.done("redeem", **root.redemption(chain[:1], {**PARAMS, "path": "drafts/three"}))
        assert await mill.refused("redeem", **root.redemption(chain[:1], {**PARAMS, "path": "drafts/four"})) == "warrant_over"
        await till.done("redeem", **root.redemption())


async def test_many_uses_of_one_link_at_once_are_no_more_than_it_has(stage: Any, root: Root) -> None:
    chain, answers = root.chain(("till", "mill", {"uses": 2})), []
    async with stage.cast("mill", tenant=HERE) as (mill,), trio.open_nursery() as at_once:

        async def redeem(number: int) -> None:
            answers.append(await mill.ask("redeem", **root.redemption(chain, {**PARAMS, "path": f"drafts/{number}"})))

        for number in range(12):
            at_once.start_soon(redeem, number)
    assert sum(isinstance(answer, Reply) for answer in answers) == 2
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"warrant_over"}


@pytest.mark.parametrize("how", ["warrant.revoke", "warrants.revoke", "member.revoke"])
async def test_what_was_handed_on_falls_with_its_root_and_with_whoever_handed_it_on(tenants: Any, how: str) -> None:
    async with tenants.cast("anna", tenant=HERE) as (anna,):
        agent = await tenants.join(anna, f"agent-{secrets.token_hex(4)}", "agent")
        between = await tenants.join(anna, f"executor-{secrets.token_hex(4)}", "executor")
        async with tenants.line(agent) as line:
            root = Root(tenants, await line.granted("errands.run", params=PARAMS))
        chain = root.chain(("till", between.name, {}), (between.name, "mill", {}))
        await redeemed(root, chain, "mill", {**PARAMS, "path": "drafts/before"})
        fields = {
            "warrant.revoke": {"warrant": root.terms.warrant},
            "warrants.revoke": {"scope": f"agent:{agent.name}"},
            "member.revoke": {"member": between.name, "key": "k"},
        }[how]
        await anna.done(how, reason="its key was lost", **fields)
    async with tenants.cast("mill", tenant=HERE) as (mill,):
        wanted = "chain_invalid" if how == "member.revoke" else "warrant_over"
        assert await mill.refused("redeem", **root.redemption(chain, {**PARAMS, "path": "drafts/after"})) == wanted


async def test_a_warrant_of_another_tenant_is_none_here_whoever_holds_it(stage: Any, tenants: Any) -> None:
    theirs, ours = await granted(tenants, THERE), await granted(tenants)
    chain = theirs.chain(("till", "mill", {}))
    async with tenants.cast("till", "mill", tenant=HERE) as (till, mill):
        assert await till.refused("redeem", **theirs.redemption()) == "warrant_forged"
        assert await mill.refused("redeem", **theirs.redemption(chain)) == "warrant_forged"
        assert "link 1 belongs to another parent" in await invalid(ours, chain)
    stranger = tenants.who("mill", THERE)
    packed = links.pack(attrs.evolve(links.unverified_unpack(ours.chain(("till", "mill", {}))[0][0]), holder=stranger.public))
    handed = ((packed, tenants.who("till", HERE).sign(Purpose.LINK, packed)),)
    async with tenants.line(stranger) as elsewhere:
        assert await elsewhere.refused("redeem", **ours.redemption(handed)) == "warrant_forged"
    async with tenants.cast("mill", tenant=HERE) as (mill,):
        assert await mill.refused("redeem", **ours.redemption(handed)) == "not_yours"


async def invalid(root: Root, chain: tuple[links.Signed, ...], by: str = "mill") -> str:
    """Why a chain is refused; its root is no worse for it."""
    async with root.stage.cast(by, tenant=HERE) as (holder,):
        answer = await holder.ask("redeem", **root.redemption(chain))
        assert isinstance(answer, Refused), answer
        assert answer.code == "chain_invalid"
    assert await uses_left(root) == root.terms.uses
    return str(answer.why)


async def redeemed(root: Root, chain: tuple[links.Signed, ...], by: str, params: dict[str, Any]) -> None:
    async with root.stage.cast(by, tenant=HERE) as (holder,):
        await holder.done("redeem", **root.redemption(chain, params))


async def uses_left(root: Root) -> int:
    async with root.stage.cast("anna", tenant=HERE) as (anna,):
        return int((await anna.done("warrant.show", warrant=root.terms.warrant))["uses_left"])


# What only looks like what is allowed.  Of each parameter: spellings that some target somewhere takes for the same thing, or for less.
LOOKALIKES: dict[str, tuple[Any, ...]] = {
    "count": ("1", True, {"dec": "1.0"}, None, [1], 0, 101, -1),
    "sum": (1, "1.00", {"dec": "1.0"}, {"dec": "1.000"}, {"dec": "01.00"}, {"dec": "1"}, {"dec": "-1.00"}, {"dec": "1.00", "exp": 9}),
    "text": ("Gru\u0308\u00dfe", "Gr\u00fc\u00dfe ", "gr\u00fc\u00dfe", "Gr\u00fc\u1e9ee", b"Gr\xc3\xbc\xc3\x9fe", ["Gr\u00fc\u00dfe"]),
    "path": (
        "drafts/../one", "drafts/a/../../one", "drafts/..", "drafts/./one", "drafts//one", "drafts/", "drafts", "/drafts/one",
        "./drafts/one",
        "Drafts/one", "drafts-two/one", "drafts\\one", "drafts/one\0.txt", "published/one", "",
    ),
    "url": (
        "https://api.example.org./v1/letters", "https://API.example.org/v1/letters", "HTTPS://api.example.org/v1/letters",
        "https://clara@api.example.org/v1", "https://api.example.org:443/v1", "https://api.example.org:8443/v1",
        "https://api.example.org@evil.example/v1", "https://api.example.org.evil.example/v1", "https://evil.example/api.example.org/v1",
        "http://api.example.org/v1", "https://api.example.org/v1/../v2", "https://api.example.org/v1/%2e%2e/v2",
        "https://api.example.org/v10", "https://api.example.org/v1//letters", "https://api.example.org/v1?to=all",
        "https://api.example.org/v1#letters", "https://api.example.org\\@evil.example/v1", "https://\u0430pi.example.org/v1",
        "https://api.example.org/v1\t", " https://api.example.org/v1", "//api.example.org/v1",
    ),
    "to": (
        "clara@EXAMPLE.org", "clara@example.org.", "clara@mail.example.org", "clara@example.org.evil.example", "clara@notexample.org",
        "mallory@evil.example,clara@example.org", "clara@example.org, mallory@evil.example", "Clara <clara@example.org>",
        '"mallory@evil.example "@example.org', "mallory@evil.example\n@example.org", "clara@example.org\n",
        "clara(@evil.example)@example.org",
        '"clara"@example.org', "=?utf-8?q?mallory=40evil.example=3e?=@example.org", "mallory%evil.example@example.org",
        "evil.example!mallory@example.org", "clara@ex\u0430mple.org", "@example.org", "clara",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKALIKES)
async def test_what_only_looks_like_what_is_allowed_passes_at_no_door(stage: Any, root: Root, name: str) -> None:
    """Not proposed, not asked for as a further use, not redeemed, and not below a link that would say nothing of it."""
    chain = root.chain(("till", "mill", {}))
    async with stage.cast("ada", "till", "mill", tenant=HERE) as (ada, till, mill):
        for value in LOOKALIKES[name]:
            params = {**PARAMS, name: value}
            if name != "text":  # which no constraint names: exact for this warrant, and another case may be of another text
                asked = await ada.ask("propose", **stage.wish("errands.run", params=params))
                assert not isinstance(asked, Reply) or asked.value["status"] == "denied", value
            assert await ada.refused("warrant.use", warrant=root.terms.warrant, key="k", params=params) in NO, value
            for holder, handed in ((till, None), (mill, chain)):
                assert await holder.refused("redeem", **root.redemption(handed, params)) in NO, value
    assert await uses_left(root) == root.terms.uses


NO = ("out_of_scope", "malformed")


@pytest.mark.parametrize("without", PARAMS)
async def test_a_parameter_that_is_missing_is_not_taken_for_the_one_proposed(stage: Any, root: Root, without: str) -> None:
    params = {name: value for name, value in PARAMS.items() if name != without}
    async with stage.cast("ada", "till", tenant=HERE) as (ada, till):
        assert await ada.refused("warrant.use", warrant=root.terms.warrant, key="k", params=params) in NO
        for given in (params, {**PARAMS, f"{without} ": PARAMS[without]}):
            assert await till.refused("redeem", **root.redemption(None, given)) in NO
    assert await uses_left(root) == root.terms.uses


async def test_what_is_executed_is_what_was_named_and_not_what_was_proposed(stage: Any, root: Root) -> None:
    """The digest of the proposed arguments beside others, and others' digest beside the proposed ones."""
    allowed = {**PARAMS, "path": "drafts/two"}
    proposed, other = root.redemption(), root.redemption(None, allowed)
    async with stage.cast("till", tenant=HERE) as (till,):
        assert await till.refused("redeem", **{**other, "args_digest": proposed["args_digest"]}) == "out_of_scope"
        assert await till.refused("redeem", **{**proposed, "args_digest": other["args_digest"]}) == "out_of_scope"
        run = (await till.done("redeem", **other))["run"]
        told = till.member.receipt(root.granted, run)  # by a receipt of what was proposed: the parameters differ
        await till.done("report", **told)
        case = await till.done("case.show", case=root.terms.case)
    verdict = next(entry["body"] for entry in case["entries"] if entry["tag"].startswith("run.verified/"))
    assert verdict["verdict"] == "mismatched"

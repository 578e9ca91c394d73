"""Verifies the evidence of one case, without Vienna: PyNaCl, msgpack and the standard library, in one file that can be read.

    python verify_evidence.py FILE VERIFIER_KEY [--json]

The verifier key of the node (``vienna init`` prints it) is all that is trusted.  Every check has the name that ``vienna verify`` gives
it; the two that need Cedar are left to that.  Exit code 0: nothing failed, 3: something did.  The format is docs/ledger-format.md.
"""

import base64
import json
import re
import sys
from hashlib import sha256
from itertools import pairwise
from types import SimpleNamespace

import msgpack
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import CryptoError

NAMES = ["file", "node checkpoint", "node entries", "keys", "tenant checkpoint", "tenant entries", "commitment", "witnesses", "bodies",
         "chain", "case counter", "standing", "members", "intent", "bundles", "verdict", "card", "approvals", "quorum", "warrant signature",
         "warrant terms", "redemption", "execution policy", "receipts", "attestations", "outcome"]  # fmt: skip
HEADER = ["version", "tag", "tenant", "sequence", "time", "actor", "case", "step", "previous", "follows", "commitment"]
INTENT = ["action", "resource", "params", "purpose", "cost", "state_digest", "parent", "deadline"]
STATEMENT = ["case", "intent", "card", "bundle", "tier", "decision", "narrowing", "reason", "nonce", "time"]
RECEIPT = ["warrant", "run", "started", "ended", "outcome", "action", "resource", "args_digest", "cost", "result_digest", "evidence"]
ATTESTATION = ["case", "run", "receipt", "verdict", "checks", "time"]
FACTS = {"recent_runs": int, "recent_good": int, "mismatches": int, "other_open_cases": int, "breaker": str}
CARD = ["tier", "quorum", "policies", "why", "bundle", "executor", "verify", "ttl", "uses", "cost_cap", "state_digest"]
WARRANT = ["tenant", "warrant", "case", "agent", "executor", "holder", "action", "resource", "params", "intent", "effect", "state_digest",
           "tier", "approvals", "bundle", "verify", "not_before", "expires_at", "uses", "cost_cap"]  # fmt: skip
WORDS, LATE = re.compile(r"[()]|[^\s()]+"), "no observation within its deadline"
STANDING = re.compile(r"(tenant\.(founded|sealed|suspended|resumed)|member\.(invited|enrolled|confirmed|revoked)|bundle\.activated)/1")
GOVERNED = sha256(b"vienna/governed/1").digest()  # stands for the built-in policy for changes of the tenant itself
MINUTE = 60_000_000  # µs; what others sign is evidence within one minute of the node's time
BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError, msgpack.UnpackException)


class Checks:
    """A no is never taken back."""

    def __init__(self):
        self.bad, self.good, self.other = {}, set(), {}

    def expect(self, name, true, why):
        self.good.add(NAMES[NAMES.index(name)]) if true else self.bad.setdefault(NAMES[NAMES.index(name)], []).append(why)
        return true

    def attempt(self, name, look):
        """What ``look`` gives; what it raises is why the check failed."""
        try:
            found = look()
        except BROKEN as error:
            return self.expect(name, False, str(error) or type(error).__name__) or None
        self.expect(name, True, "")
        return found

    def result(self):
        for name in NAMES:
            told = self.other.get(name) or (("pass", "") if name in self.good else ("none", "the case has nothing of the kind"))
            yield name, *(("fail", "; ".join(self.bad[name])) if name in self.bad else told)


def must(true, why):
    if not true:
        raise ValueError(why)


def ordered(value):
    """As canonical bytes are made of it: maps sorted by key, and nothing that has no canonical form."""
    if isinstance(value, dict):
        must(all(type(key) is str for key in value), "a key that is no text")
        return {key: ordered(value[key]) for key in sorted(value)}
    must(value is None or type(value) in (str, bytes, bool, int, list), "a value that has no canonical form")
    return [ordered(item) for item in value] if type(value) is list else value


def load(data, names=None):
    """What exactly these bytes say: declared ``names`` in their order, or a free value."""
    value = msgpack.unpackb(data, strict_map_key=True)
    again = ordered(value) if names is None else {name: ordered(value[name]) for name in names}
    must((names is None or list(value) == list(names)) and msgpack.packb(again) == data, "not in canonical form")
    return value


def signed(purpose, key, data, signature):
    try:
        return len(signature) == 64 and crypto_core_ed25519_is_valid_point(key) and bool(crypto_sign_open(signature + purpose + data, key))
    except (CryptoError, ValueError, TypeError):
        return False


def digest(*parts):
    return sha256(b"".join(parts)).digest()


def root_of(leaf, index, size, proof):
    """RFC 9162 §2.1.3: the root that the path leads to."""
    must(0 <= index < size and (size > 1 or not proof), "the path does not fit")
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return digest(b"\1", root_of(leaf, index, half, proof[:-1]), proof[-1])
    return digest(b"\1", proof[-1], root_of(leaf, index - half, size - half, proof[:-1]))


def roots_of(first, second, proof, known):
    """RFC 9162 §2.1.4: the roots of the old tree and of the new one; ``known`` is the old root while the old tree is whole."""
    must(0 < first <= second, "the sizes do not grow")
    if first == second:
        must(len(proof) == (known is None), "the proof does not fit")
        return (proof[0], proof[0]) if known is None else (known, known)
    half = 1 << (second - 1).bit_length() - 1
    if first <= half:
        old, new = roots_of(first, half, proof[:-1], known)
        return old, digest(b"\1", new, proof[-1])
    old, new = roots_of(first - half, second - half, proof[:-1], None)
    return digest(b"\1", proof[-1], old), digest(b"\1", proof[-1], new)


def b64(text):
    data = base64.b64decode(text, validate=True)
    must(base64.b64encode(data).decode() == text, "base64 with something left over")
    return data


def verifier_key(text):
    name, number, key = text.split("+", 2)
    must(len(b64(key)) == 33 and b64(key)[0] == 1 and digest(name.encode(), b"\n", b64(key))[:4].hex() == number, "not a verifier key")
    return name, b64(key)[1:]


def checkpoint(note, origin, keys):
    """(size, root), signed by one of ``keys`` [(key, the largest size it may sign alone)], by none of them wrongly (C2SP signed-note)."""
    text, blank, block = note.decode().rpartition("\n\n")
    name, size, root = text.split("\n")
    must(blank and block.endswith("\n") and name == origin and re.fullmatch("0|[1-9][0-9]{0,18}", size, re.A), f"no checkpoint of {origin}")
    good = 0
    for line in block[:-1].split("\n"):
        dash, signer, data = line.split(" ")
        must(dash == "\N{EM DASH}" and len(b64(data)) > 4, "not a signature line")
        for key, until in keys:
            if signer == origin and b64(data)[:4] == digest(origin.encode(), b"\n\1", key)[:4]:
                must(signed(b"", key, text.encode() + b"\n", b64(data)[4:]), "a wrong signature by a known key")
                good += until is None or int(size) <= until
    must(good and len(b64(root)) == 32, "no key that counts signed it")
    return int(size), b64(root)


def heed(said, tag, node, keys, issuers, before):
    """Which keys count, by an entry of the node's log: an admission, or a rotation that both keys signed."""
    log = said.get("tenant")
    if tag == "log.admitted/1":
        name, key = verifier_key(said["verifier"])
        must(log not in keys and name == said["origin"] == f"{node}/{log}", "admitted twice, or under another name")
        keys[log], issuers[log] = [(key, None)], [said["issuer"]]
    elif tag == "log.rotated/1":
        fields, old, new = {name: said[name] for name in sorted(said) if not name.startswith("signed_by_")}, said["previous"], said["key"]
        for signer, by in ((old, "signed_by_previous"), (new, "signed_by_key")):
            must(signed(b"vienna/rotation/1\0", signer, msgpack.packb(fields), said[by]), "a rotation that is not signed by both keys")
        if log == "" and len(keys[""]) == 1 and old != keys[""][0][0]:  # of the node's keys before the one given: it signs nothing here
            must(not before or before[-1] == old, "a rotation that follows from none before it")
            before.append(new)
        elif said["kind"] == "issuer":
            must(issuers[log][0] == old and new not in issuers[log], "a rotation from a key that is not the newest")
            issuers[log].insert(0, new)
        else:
            must(keys[log][0][0] == old and all(new != key for key, _ in keys[log]), "a rotation from a key that is not the newest")
            keys[log][:1] = [(new, None), (old, said["size"] + (log == ""))]


def prove(file, key, c):
    """The tenant's entries, each header with its ``leaf`` and ``body``, and its issuers; None where there is nothing to stand on."""
    (node, public), tenant = verifier_key(key), file["tenant"]
    keys, issuers, before, heads, logs = {"": [(public, None)]}, {}, [], {}, {}
    for log, part, which in (("", "node_log", "node"), (tenant, "tenant_log", "tenant")):
        share, name, found = file[part], f"{which} entries", []
        for entry in share["entries"]:

            def header(entry=entry, log=log, found=found):
                said = msgpack.unpackb(entry["entry"], strict_map_key=True)
                said = load(entry["entry"], HEADER + ["public"] * ("public" in said))
                must(said["tenant"] == log and said["version"] == 1, "an entry of another log")
                must(not found or found[-1]["sequence"] < said["sequence"], "an entry out of order")
                found.append({**said, "leaf": digest(b"\0", entry["entry"]), **{name: entry[name] for name in ("salt", "body", "proof")}})

            c.attempt(name, header)
        logs[log] = found
        for entry in found if log == "" else ():
            c.attempt("keys", lambda: heed(entry.get("public", {}), entry["tag"], node, keys, issuers, before))  # noqa: B023
        if not c.expect("keys", log in keys, "no entry of the node's log admits this tenant's log"):
            return None
        origin = node + (f"/{log}" if log else "")
        head = heads[log] = c.attempt(f"{which} checkpoint", lambda: checkpoint(share["checkpoint"], origin, keys[log]))  # noqa: B023
        for entry in found if head else ():
            path = c.attempt(name, lambda: root_of(entry["leaf"], entry["sequence"], head[0], entry["proof"]))  # noqa: B023
            c.expect(name, path == head[1], f"entry {entry['sequence']}: the proof leads to another root")
        if head and (seen := share["witnessed"]):
            every = [(key, None) for key, _ in keys[log]]
            early = c.attempt("witnesses", lambda: checkpoint(seen["note"], origin, every)) or (0, b"")  # noqa: B023
            both = c.attempt("witnesses", lambda: roots_of(early[0], head[0], seen["consistency"], early[1]))  # noqa: B023
            c.expect("witnesses", both == (early[1], head[1]), "the cosigned head is no earlier head of the same log")
    c.expect("node checkpoint", file["node"] == node, "the file is of another node")
    if (bound := file["commitment"]) and heads[tenant]:

        def committed():
            (said,) = [entry["public"] for entry in logs[""] if entry["sequence"] == bound["sequence"] and entry["tag"] == "log.heads/1"]
            leaf = digest(b"\0", digest(tenant.encode()), bound["size"].to_bytes(8, "big"), bound["root"])
            must(root_of(leaf, bound["index"], said["count"], bound["proof"]) == said["root"], "the node committed to something else")
            both = roots_of(bound["size"], heads[tenant][0], bound["consistency"], bound["root"])
            must(both == (bound["root"], heads[tenant][1]), "the log is not the one that the node committed to")

        c.attempt("commitment", committed)
    removed = [gone for entry in logs[tenant] if entry["tag"] == "log.bodies_removed/1" for gone in entry["public"]["removed"]]
    for entry in logs[tenant]:
        at, body = entry["sequence"], entry["body"]
        whole = any(start <= at < stop for start, stop in removed) if body is None else digest(entry["salt"], body) == entry["commitment"]
        c.expect("bodies", whole, f"entry {at}: the body is missing, or another than was committed to")
    return logs[tenant], issuers[tenant]


def ways(words):
    """A quorum, its alternatives multiplied out: lists of seats, each None (anybody), ``role:NAME`` or ``person:NAME``."""

    def factor():
        word = words.pop(0)
        if word == "(":
            found = ways(words)
            must(words.pop(0) == ")", "a bracket that is not closed")
            return found
        return [[None] * int(words.pop(0))] if word == "any" else [[words.pop(0) and words.pop(0)] * int(word)]

    found = []
    while True:
        term = factor()
        while words[:1] == ["and"]:
            term = [one + other for _ in [words.pop(0)] for other in factor() for one in term]
        found += term
        if words[:1] != ["or"]:
            return found
        words.pop(0)


def fits(seat, person, roles):
    return seat is None or seat == f"person:{person}" or (seat[:5] == "role:" and seat[5:] in roles)


def filled(way, people):
    """Whether a different person fills every seat."""
    rest = {who: {name: roles for name, roles in people.items() if name != who} for who in people}
    return not way or any(fits(way[0], who, people[who]) and filled(way[1:], rest[who]) for who in people)


def law(case, tenant, own, issuers, c):
    """The entries in their order, and what each of them may say after the ones before it; gives the closing one."""
    members, invited, above, warrants, runs, used, pushed, closed = {}, {}, {}, {}, {}, set(), set(), None
    s = SimpleNamespace(phase="founding", active=None, given=[], changes=[], held=None)

    def alive(name, *kinds):
        must(name in members and members[name]["status"] == "active" and members[name]["kind"] in kinds, f"{name} is no active {kinds}")
        return members[name]

    def agreed():
        """Who stands behind a grant, and what they narrowed; in the same breath whether they fill the quorum."""
        given = [(members[name], narrowing) for name, narrowing in s.given if members[name]["status"] == "active"]
        people, d = {member["person"]: member["roles"] for member, _ in given}, s.decided
        if d["tier"] != "T0":
            enough = len(people) >= d["persons"] and any(filled(way, people) for way in ways(WORDS.findall(d["quorum"])))
            c.expect("quorum", s.held and enough, f"{sorted(people)} do not fill {d['quorum']!r}")
        return sorted(people), [narrowing for _, narrowing in given]

    def standing(tag, e, b):
        name = b.get("member")
        if tag == "tenant.sealed/1":
            s.phase = "sealed"
        elif tag == "bundle.activated/1":
            s.active = b["bundle"]
        elif tag == "member.invited/1":
            members[name], invited[name] = {**b, "status": "invited", "public_key": b""}, b["invitation"]
        elif tag == "member.enrolled/1":
            proof = {"tenant": tenant, **{field: b[field] for field in ("member", "invitation", "public_key", "key_id", "key_hash")}}
            must(invited.pop(name, None) == b["invitation"], f"{name} had no such invitation")
            must(signed(b"vienna/enrolment/1\0", b["public_key"], msgpack.packb(proof), b["proof"]), f"{name} does not prove its key")
            members[name].update(b, status="enrolled")
        elif tag == "member.confirmed/1":
            seen = digest(b"vienna/fingerprint/1\0", members[name]["public_key"], members[name]["key_hash"]).hex()[:32]
            must(b["fingerprint"].replace(" ", "") == seen and members[name]["status"] == "enrolled", f"{name}: another key was confirmed")
            members[name]["status"] = "active"
        elif tag == "member.revoked/1":
            members[name]["status"] = "revoked"
            invited.pop(name, None)

    def intent(e, b):
        wish, name, chain, again = load(b["intent"], INTENT), b["agent"], [], b["key"].startswith("retry:")
        change = wish["action"].startswith("vienna.")
        while name in members and name not in chain:
            chain.append(name)
            name = None if change else members[name]["owner"]
        persons = {members[name]["person"] for name in [*chain, *[e["actor"]] * again]} | set(above[b["parent"]] if b["parent"] else [])
        must(b["excluded"] == sorted(persons), "who is excluded from approving does not follow")
        above[b["case"]] = b["excluded"]
        if b["case"] == case:
            alive(b["agent"], "admin" if change else "agent")
            must(again or e["actor"] == b["agent"], "it was proposed in another's name")
            must(wish["parent"] == b["parent"] and b["founding"] == (s.phase == "founding"), "it is not as its entry says")
            s.wish, s.proposed, s.change, s.intent = wish, b, change, digest(b["intent"])
            s.args = digest(msgpack.packb({"action": wish["action"], "resource": wish["resource"], "params": ordered(wish["params"])}))
            s.effect = digest(b"vienna/effect/1\0", tenant.encode(), b"\0", s.args)[:16].hex()

    def decided(e, b):
        must(b["bundle"] == (GOVERNED if s.change else s.active), "it was decided under a bundle that was not in force")
        s.decided, s.given, s.held = b, [], None
        used.update(() if s.change else {b["bundle"]})
        must(not s.change or (b["tier"], b["quorum"], b["persons"]) == ("T2", "any 2", 2), "a change of the tenant without two persons")

    def card(e, b):
        facts, again = msgpack.unpackb(b["card"])["facts"], {"card": "vienna/card/1", "case": case}
        for source, names in ((s.proposed, ("agent", "intent")), (s.decided, CARD), (s.proposed, ("founding",))):
            again |= {name: source[name] for name in names}
        again |= {"facts": facts, "expires_at": b["expires_at"]}
        must(b["card"] == msgpack.packb({name: ordered(value) for name, value in again.items()}), "rendered again it has other bytes")
        must({name: type(value) for name, value in facts.items()} == ({} if s.change else FACTS), "the agent's record is none")
        s.held = (digest(b["card"]), b["expires_at"])

    def vote(e, b):
        said, m, d = load(b["statement"], STATEMENT), alive(b["approver"], "approver", *["admin"] * s.change), s.decided
        approve, person = e["tag"] == "approval.given/1", m["person"]
        bound = [case, s.intent, s.held[0], d["bundle"], d["tier"], "approve" if approve else "deny"]
        must([said[name] for name in STATEMENT[:6]] == bound and len(said["nonce"]) >= 16, "it is about something else")
        must(signed(b"vienna/approval/1\0", m["public_key"], b["statement"], b["signature"]), f"{b['approver']} did not sign it")
        must(abs(said["time"] - e["time"]) <= MINUTE and e["time"] < s.held[1], "it was not signed in time")
        must(e["actor"] == b["approver"] and b["person"] == person and person not in s.proposed["excluded"], f"not for {person} to say")
        must(any(fits(seat, person, m["roles"]) for way in ways(WORDS.findall(d["quorum"])) for seat in way), f"no seat for {person}")
        if approve:
            must(all(members[name]["person"] != person for name, _ in s.given), f"{person} approved twice")
            must(s.change or d["bundle"] == s.active, "another bundle is in force")
            s.given.append((b["approver"], said["narrowing"]))
            s.changes.clear()
        else:
            s.held = None

    def issued(e, b):
        w, d, wish, (persons, narrowed) = load(b["fields"], WARRANT), s.decided, s.wish, agreed()
        ttl, uses = (min([d[name], *(n[name] for n in narrowed if name in n)]) for name in ("ttl", "uses"))
        ends = [end for end in (e["time"] + ttl, wish["deadline"]) if end is not None]
        caps = [cap for cap in (d["cost_cap"], *(n.get("cost_cap") for n in narrowed)) if cap is not None]
        values = (tenant, b["warrant"], case, s.proposed["agent"], d["executor"], members[d["executor"]]["public_key"], wish["action"],
                  wish["resource"], wish["params"], s.intent, s.effect, d["state_digest"], d["tier"], persons, d["bundle"], d["verify"],
                  e["time"], min(ends), uses, min(caps, default=None))  # fmt: skip
        true = any(signed(b"vienna/warrant/1\0", key, b["fields"], b["signature"]) for key in issuers)
        c.expect("warrant signature", true, "no admitted issuer signed it")
        warrants[w["warrant"]], s.held = dict(w, left=w["uses"]), None
        wrong = [name for name, value in zip(WARRANT, values, strict=True) if w[name] != value or type(w[name]) is not type(value)]
        must(d["permitted"] and not wrong, f"{', '.join(wrong) or 'a warrant'}: intent, verdict and narrowings say something else")

    def opened(e, b):
        w, m = warrants[b["warrant"]], alive(b["redeemer"], "executor", "agent")
        must(b["redeemer"] == w["executor"] == e["actor"] and m["public_key"] == w["holder"], "another redeemer than its executor")
        must(w["not_before"] <= e["time"] < w["expires_at"] and alive(w["agent"], "agent"), "not within the warrant's life")
        must((b["args_digest"], b["effect"]) == (s.args, s.effect), "for other arguments than the warrant's")
        must(w["state_digest"] in (None, b["state_digest"]) and b["run"] not in runs, "the target had changed, or the run is a second one")
        runs[b["run"]], w["left"] = dict(b, terms=w, opened=e["time"]), w["left"] - 1
        if w["left"] == 0:
            del warrants[b["warrant"]]

    def reported(e, b):
        r, told = runs[b["run"]], load(b["receipt"], RECEIPT)
        key = alive(r["redeemer"], "executor", "agent")["public_key"]
        must(signed(b"vienna/receipt/1\0", key, b["receipt"], b["signature"]), "the executor did not sign it")
        said = (told["run"], told["warrant"], told["outcome"], told["cost"], e["actor"])
        must(said == (b["run"], r["warrant"], b["outcome"], b["cost"], r["redeemer"]), "it is about something else")
        must("told" not in r and told["ended"] <= e["time"] + MINUTE, "a second receipt, or one from the future")
        r.update(told=told, receipt=digest(b["receipt"]), verify_by=b["verify_by"])

    def verified(e, b):
        r = runs.pop(b["run"])
        t, w, cap, capped = r["told"], r["terms"], r["terms"]["cost_cap"], r["terms"]["cost_cap"] is not None
        bad = [[*check] for check in (
            ("action", w["action"], t["action"], w["action"] == t["action"]),
            ("resource", w["resource"], t["resource"], w["resource"] == t["resource"]),
            ("arguments", s.args.hex(), t["args_digest"].hex(), s.args == t["args_digest"]),
            ("order", "started before it ended", f"{t['started']}..{t['ended']}", t["started"] <= t["ended"]),
            ("window", f"{r['opened']}..{w['expires_at']}", str(t["started"]),
             r["opened"] - MINUTE <= t["started"] <= w["expires_at"] + MINUTE),
            ("cost", f"at most {cap}" if capped else "at least 0", str(t["cost"]), 0 <= t["cost"] <= (cap if capped else t["cost"])),
        ) if not check[3]]  # fmt: skip
        concluded, look = (b["verdict"], b["checks"]), w["verify"] and t["outcome"] == "succeeded" and not bad
        if b["verifier"] is None:
            late = e["time"] >= r["verify_by"] and concluded == ("inconclusive", [["observation", "in time", LATE, False]])
            plain = ("mismatched", bad) if bad else ("consistent", [["receipt", "as warranted", "as warranted", True]])
            must(late if look else concluded == plain and b["basis"] == "receipt", "it does not follow from the receipt")
        else:
            must(look and b["basis"] == "observed", "nothing was to be observed")
            c.attempt("attestations", lambda: observed(e, b, r, load(b["statement"], ATTESTATION)))

    def observed(e, b, r, seen):
        key = alive(b["verifier"], "verifier")["public_key"]
        must(signed(b"vienna/attestation/1\0", key, b["statement"], b["signature"]), "the verifier did not sign it")
        must([seen[name] for name in ATTESTATION[:3]] == [case, b["run"], r["receipt"]], "it is about something else")
        must((seen["verdict"], seen["checks"]) == (b["verdict"], b["checks"]), "the entry says something else")
        must(b["verifier"] not in (r["redeemer"], r["terms"]["agent"]) and e["actor"] == b["verifier"], "nobody verifies its own work")
        must(abs(seen["time"] - e["time"]) <= MINUTE, "it was not signed in time")
        must(b["verdict"] != "verified" or all(check[3] for check in b["checks"]), "verified, and yet a check disagrees")

    def ended(e, b):
        kind = e["tag"].partition("/")[0]
        if kind in ("warrant.revoked", "warrant.expired", "warrant.stale"):
            w = warrants.pop(b["warrant"])
            must(kind != "warrant.expired" or e["time"] >= w["expires_at"], "the warrant had not expired")
        elif kind == "effect.settled":
            del runs[b["run"]]
        elif kind == "run.unknown":
            r = runs[b["run"]]
            must(r["told"]["outcome"] == "unknown" if "told" in r else e["time"] >= r["report_by"], "its outcome was not unknown")
        elif kind == "change.applied":
            agreed()
            must(s.changes == s.wish["params"]["changes"], "something else was changed than was approved")

    looks = {"intent.proposed/1": ("intent", intent), "case.decided/1": ("bundles", decided), "approval.requested/1": ("card", card),
             "approval.given/1": ("approvals", vote), "approval.denied/1": ("approvals", vote), "run.opened/1": ("redemption", opened),
             "warrant.issued/1": ("warrant terms", issued), "run.reported/1": ("receipts", reported),
             "run.verified/1": ("outcome", verified)}  # fmt: skip
    for e in own:
        b = c.attempt("bodies", lambda: e["body"] and load(e["body"], list(msgpack.unpackb(e["body"]))))  # noqa: B023
        name, look = looks.get(e["tag"], ("outcome", ended))
        if STANDING.fullmatch(e["tag"]) and b is not None:
            c.attempt("members", lambda: standing(e["tag"], e, b))  # noqa: B023
            s.changes.append({"tag": e["tag"], "body": e["body"]})
        elif e["tag"] == "bundle.pushed/1" and b is not None:
            parts = [part for path in sorted(b["files"]) for part in (path.encode(), b["files"][path])]
            whole = digest(b"vienna/bundle/1\n", *(len(part).to_bytes(8, "big") + part for part in parts)) == b["bundle"]
            c.expect("bundles", whole, "its files have another digest")
            pushed.add(b["bundle"])
        elif e["case"] == case or (e["case"] and e["tag"] == "intent.proposed/1"):
            c.expect("chain", b is None or b["case"] == e["case"], "its body is about another case")
            if b is None:
                return None, f"not looked at from entry {e['sequence']} on: its body was removed"
            c.attempt(name, lambda: look(e, b))  # noqa: B023
            closed = e["sequence"] if b.get("closes") and closed is None else closed
    c.expect("bundles", not used - pushed, "a bundle that was decided under is not in the file")
    c.expect("outcome", closed is None or not (warrants or runs), "the case was closed while something of it was live")
    return closed, ""


def order(case, own, closed, gone, c):
    """Nothing was left out: the case counts its entries, and each of them ends the chain of the standing ones."""
    steps, links = [e for e in own if e["case"] == case], [e for e in own if STANDING.fullmatch(e["tag"])]
    for one, other in pairwise(own):
        c.expect("chain", one["sequence"] + 1 < other["sequence"] or other["previous"] == one["leaf"], "an entry that follows another one")
        c.expect("chain", one["time"] <= other["time"], "time runs back")
    for one, other in pairwise(steps):
        c.expect("chain", other["follows"][:1] == [one["sequence"]], f"entry {other['sequence']} does not follow the case's one before")
    count = bool(steps) and [e["step"] for e in steps] == list(range(1, len(steps) + 1))
    c.expect("case counter", count and closed in (None, steps[-1]["sequence"]), "a step is missing, or one follows on the closing one")
    if closed is None and steps:
        c.other["case counter"] = ("none", gone) if gone else ("open", f"open at size {steps[-1]['sequence'] + 1}")
    for one, other in pairwise([None, *links]):
        wanted = [one["sequence"]] if one else []
        c.expect("standing", other["follows"] == wanted and (one or other["sequence"] == 0), f"entry {other['sequence']}: one is missing")
    for e in steps:
        newest = [link["sequence"] for link in links if link["sequence"] < e["sequence"]][-1:]
        c.expect("standing", newest and e["follows"][-1:] == newest, f"entry {e['sequence']} rests on another standing entry")


def verify(data, key):
    """[(check, outcome, what was found)]"""
    c = Checks()

    def shaped():
        file = load(data)
        log = {"checkpoint", "entries", "witnessed"}
        must(file.keys() == {"format", "node", "tenant", "case", "node_log", "tenant_log", "commitment"}, "not the declared fields")
        must(file["format"] == "vienna evidence 1" and file["node_log"].keys() == file["tenant_log"].keys() == log, "another version")
        return file

    file = c.attempt("file", shaped)
    proven = c.attempt("file", lambda: prove(file, key, c)) if file else None
    if proven:
        closed, gone = c.attempt("file", lambda: law(file["case"], file["tenant"], *proven, c)) or (None, "")
        c.attempt("file", lambda: order(file["case"], proven[0], closed, gone, c))
    c.other |= dict.fromkeys(("verdict", "execution policy"), ("none", "it takes Cedar: vienna verify"))
    return list(c.result())


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--json"]
    with open(arguments[0], "rb") as evidence:
        found = verify(evidence.read(), arguments[1])
    good = all(outcome != "fail" for _, outcome, _ in found)
    if "--json" in sys.argv:
        print(json.dumps({"verified": good, "checks": [dict(zip(("name", "outcome", "said"), line, strict=True)) for line in found]}))
    else:
        print(*(f"{outcome:5} {name:18} {said}" for name, outcome, said in found), "verified" if good else "NOT VERIFIED", sep="\n")
    sys.exit(0 if good else 3)

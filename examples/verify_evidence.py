# fmt: off
"""``python verify_evidence.py FILE VERIFIER_KEY [--json]`` verifies evidence of one case without Vienna.  Exit 0, 3 (failed), 2 (usage).
The node's key is all that is trusted.  Checks are named as in ``vienna verify``; two take Cedar.  docs/ledger-format.md has the bytes."""
# ruff: noqa: E401, E701, E704, I001, RET503, SIM905  # set by hand: 450 lines are what somebody reads in an hour before believing them
import base64, json, pathlib, re, sys, msgpack, nacl.bindings as ed
from hashlib import sha256
from itertools import pairwise
from nacl.exceptions import CryptoError

NAMES = ("file|node checkpoint|node entries|keys|tenant checkpoint|tenant entries|commitment|witnesses|bodies|chain|case counter|standing|"
         "members|pauses|breakers|intent|bundles|verdict|card|approvals|conversation|quorum|warrant signature|warrant terms|"
         "redemption|execution policy|receipts|attestations|outcome").split("|")
LOOKED = {"intent": "intent", "case.decided": "bundles", "approval": "approvals", "approval.requested": "card",
          "approval.asked": "conversation", "approval.answered": "conversation", "case.escalated": "quorum", "member": "members",
          "warrant.issued": "warrant terms", "run.opened": "redemption", "run.reported": "receipts", "run.reported_late": "receipts",
          "bundle": "bundles", "run.attested": "attestations", "effect.probed": "attestations", "envelope": "approvals",
          "seat": "approvals", "scope": "pauses", "tenant.resumed": "pauses"}  # else outcome
STANDING = re.compile(r"((tenant|member|seat|scope)\.\w+|bundle\.activated|envelope\.(signed|revoked))/1")
STOPPED = "intent.proposed case.decided approval.answered warrant.issued warrant.use_asked warrant.stale run.opened canary.missed".split()
WIDE = "operator/tenant tenant/tenant operator/node breaker/node".split()  # pauses that cover every agent
PEOPLE = "approval.opened approval.given approval.asked envelope.signed envelope.used seat.delegated change.applied effect.vouched".split()
FILE = [line.split() for line in ("case commitment format node node_log tenant tenant_log", *["checkpoint entries witnessed"] * 2)]
HEADER = "version tag tenant sequence time actor case step previous follows commitment".split()
INTENT = "action resource params purpose cost state_digest parent deadline".split()
STATEMENT = "case intent card bundle tier decision narrowing reason heard nonce time".split()
WARRANT = ("tenant warrant case agent executor holder action resource params constraints intent effect state_digest tier approvals "
           "envelopes bundle verify not_before expires_at uses cost_cap").split()
ENVELOPE, TEMPLATE = "tenant template count total until bundle tier reason nonce time".split(), "agent action resource params open".split()
SEAT, LINK = "tenant to until reason nonce time".split(), "parent holder constraints expires_at uses cost_cap".split()
RECEIPT = "warrant run started ended outcome action resource args_digest cost result_digest evidence".split()
CARD = ("case agent intent tier quorum policies why bundle executor verify ttl uses cost_cap constraints review state_digest "
        "founding").split()
FACTS = {"recent_runs": int, "recent_good": int, "mismatches": int, "other_open_cases": int, "breaker": str, "reversible": str,
         "on_failure": str, "left": list}
BUILT_IN = ["T2", "any 2", 2, sha256(b"vienna/governed/1").digest()]  # tier, quorum, persons and bundle of changes of the tenant itself
DAY, MINUTE = 86_400_000_000, 60_000_000  # µs; what others sign is evidence within one minute of the node's time
BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError, msgpack.UnpackException)
class Checks(dict):  # by name, what is wrong; a no is never taken back
    def expect(self, name, true, why):
        return self.setdefault(NAMES[NAMES.index(name)], []).extend([] if true else [why]) or true
    def attempt(self, name, look, *arguments):
        try: return self.expect(name, True, "") and look(*arguments)
        except BROKEN as error: self.expect(name, False, f"{type(error).__name__}: {error}")
def must(true, why):
    if not true: raise ValueError(why)
def ordered(value):  # as canonical bytes are made of it: maps sorted by key, and nothing that has no canonical form
    if isinstance(value, dict): return {key: ordered(value[key]) for key in sorted(value) if must(type(key) is str, "no text") is None}
    must(value is None or type(value) in (str, bytes, bool, int, list), "a value that has no canonical form")
    return [ordered(item) for item in value] if type(value) is list else value
def pack(fields):  # a map of declared fields, in this order
    return msgpack.packb({name: ordered(value) for name, value in fields.items()})
def load(data, names=None, free=False):  # what exactly these bytes say: declared fields, or a free map
    value = msgpack.unpackb(data, strict_map_key=True)
    return must(names in (None, list(value)) and data == (msgpack.packb(ordered(value)) if free else pack(value)), "not canonical") or value
def signed(purpose, key, data, signature):  # Ed25519 over the purpose's tag and canonical bytes
    try:
        sealed = signature + f"vienna/{purpose}/1\0".encode() * bool(purpose) + data
        return len(signature) == 64 and ed.crypto_core_ed25519_is_valid_point(key) and bool(ed.crypto_sign_open(sealed, key))
    except (CryptoError, ValueError, TypeError): return False
def digest(*parts): return sha256(b"".join(parts)).digest()
def root_of(leaf, index, size, proof):  # RFC 9162 §2.1.3: the root that the path leads to
    must(0 <= index < size and (size > 1 or not proof), "the path does not fit")
    half = 1 << (size - 1).bit_length() - 1 if size > 1 else 0
    if index < half: return digest(b"\1", root_of(leaf, index, half, proof[:-1]), proof[-1])
    return digest(b"\1", proof[-1], root_of(leaf, index - half, size - half, proof[:-1])) if half else leaf
def roots_of(first, second, proof, known):  # RFC 9162 §2.1.4: of the old tree (``known`` while it is whole) and of the new one
    must(0 < first <= second and (first < second or len(proof) == (known is None)), "the sizes or the proof do not fit")
    if first == second: return (known or proof[0],) * 2
    half = 1 << (second - 1).bit_length() - 1
    old, new = roots_of(first, half, proof[:-1], known) if first <= half else roots_of(first - half, second - half, proof[:-1], None)
    return (old, digest(b"\1", new, proof[-1])) if first <= half else (digest(b"\1", proof[-1], old), digest(b"\1", proof[-1], new))
def b64(text):
    return must(base64.b64encode(base64.b64decode(text, validate=True)).decode() == text, "not base64") or base64.b64decode(text)
def verifier_key(text):
    name, number, key = text.split("+", 2)
    must(len(b64(key)) == 33 and b64(key)[0] == 1 and digest(name.encode(), b"\n", b64(key))[:4].hex() == number, "not a verifier key")
    return name, b64(key)[1:]
def checkpoint(note, origin, keys):  # (size, root), signed by one of keys [(key, largest size it may sign alone)], by none wrongly
    text, blank, block = note.decode().rpartition("\n\n")
    (name, size, root), good = text.split("\n"), 0
    must(blank and block[-1] == "\n" and name == origin and re.fullmatch("0|[1-9][0-9]{0,18}", size, re.A), f"no checkpoint of {origin}")
    for dash, signer, data in (line.split(" ") for line in block[:-1].split("\n")):
        must(dash == "\N{EM DASH}" and len(b64(data)) > 4, "not a signature line")
        for key, until in [known for known in keys if (signer, b64(data)[:4]) == (origin, digest(origin.encode(), b"\n\1", known[0])[:4])]:
            must(signed("", key, text.encode() + b"\n", b64(data)[4:]), "a wrong signature by a known key")
            good += until is None or int(size) <= until
    return must(good and len(b64(root)) == 32, "no key that counts signed it") or (int(size), b64(root))
def heed(e, node, keys, issuers):  # which keys count, by an entry of the node's log: an admission, or a rotation that both keys signed
    said, log, issuing = e.get("public"), e.get("public", {}).get("tenant"), e.get("public", {}).get("kind") == "issuer"
    if e["tag"] == "log.admitted/1":
        name, key = verifier_key(said["verifier"])
        must(log not in keys and name == said["origin"] == f"{node}/{log}", "admitted twice, or under another name")
        keys[log], issuers[log] = [(key, None)], [said["issuer"]]
    elif e["tag"] == "log.rotated/1":
        fields = pack({name: said[name] for name in sorted(said) if name[:10] != "signed_by_"})
        good = all(signed("rotation", said[by], fields, said[f"signed_by_{by}"]) for by in ("previous", "key"))
        known = issuers[log] if issuing else [key for key, _ in keys[log]]
        if log == "" and len(known) == 1 and said["previous"] != known[0]: return keys[None].append((said["previous"], None))  # earlier
        must(good and said["previous"] == known[0] and said["key"] not in known, "a rotation that is not by the newest key and the next")
        known[:0] = [said["key"]]
        keys[log][:1] = keys[log][:1] if issuing else [(known[0], None), (known[1], said["size"] + (log == ""))]
def prove(file, key, c):  # the tenant's entries, each header with its leaf and body, and its issuers; None where nothing stands
    (node, public), tenant, issuers, logs = verifier_key(key), file["tenant"], {}, {}
    keys = {"": [(public, None)], None: []}  # by log, newest first; the node's before the one given, which count for old heads alone
    c.expect("node checkpoint", file["node"] == node, "the file is of another node")
    def read(entry, log, found):
        said = load(entry["entry"], HEADER + ["public"] * ("public" in msgpack.unpackb(entry["entry"], strict_map_key=True)))
        must(said["tenant"] == log and said["version"] == 1 and (not found or found[-1]["sequence"] < said["sequence"]), "of another place")
        found.append({**entry, **said, "leaf": digest(b"\0", entry["entry"])})
        c.attempt("keys", heed, said if log == "" else {"tag": ""}, node, keys, issuers)
    def path(e, head): must(root_of(e["leaf"], e["sequence"], head[0], e["proof"]) == head[1], f"{e['sequence']}: its proof goes elsewhere")
    def grown(early, proof, head): must(roots_of(early[0], head[0], proof, early[1]) == (early[1], head[1]), "no earlier head of this log")
    def committed(bound, head):
        (said,) = [e["public"] for e in logs[""] if e["sequence"] == bound["sequence"] and e["tag"] == "log.heads/1"]
        leaf = digest(b"\0", digest(tenant.encode()), bound["size"].to_bytes(8, "big"), bound["root"])
        must(root_of(leaf, bound["index"], said["count"], bound["proof"]) == said["root"], "the node committed to something else")
        grown((bound["size"], bound["root"]), bound["consistency"], head)
    for log, which in (("", "node"), (tenant, "tenant")):
        share, found, origin = file[f"{which}_log"], logs.setdefault(log, []), node + f"/{log}" * bool(log)
        for entry in share["entries"]: c.attempt(f"{which} entries", read, entry, log, found)
        if not c.expect("keys", log in keys, "no entry of the node's log admits this tenant's log"): return None
        head = c.attempt(f"{which} checkpoint", checkpoint, share["checkpoint"], origin, keys[log])
        for e in found if head else (): c.attempt(f"{which} entries", path, e, head)
        seen, every = share["witnessed"], [(key, None) for key, _ in keys[log] + keys[None] * (log == "")]
        if head and seen: c.attempt("witnesses", lambda: grown(checkpoint(seen["note"], origin, every), seen["consistency"], head))  # noqa: B023
    if file["commitment"] and head: c.attempt("commitment", committed, file["commitment"], head)
    removed = [gone for e in logs[tenant] if e["tag"] == "log.bodies_removed/1" for gone in e["public"]["removed"]]
    for e in logs[tenant]:
        bare = e["body"] is None and any(start <= e["sequence"] < stop for start, stop in removed)
        whole = bare or (e["body"] is not None and digest(e["salt"], e["body"]) == e["commitment"])
        c.expect("bodies", whole, f"entry {e['sequence']}: the body is missing, or another than was committed to")
    return logs[tenant], issuers[tenant]
def ways(words):  # a quorum, its alternatives multiplied out, as many as the law looks at: seats, each None, role:NAME or person:NAME
    words = re.findall(r"[()]|[^\s()]+", words) if isinstance(words, str) else words
    done, term, joined = [], [[]], "and"
    while joined:
        word = words.pop(0)
        factor = ways(words) if word == "(" else [[None] * seats(words[0])] if word == "any" else [[words.pop(1)] * seats(word)]
        words.pop(0)  # the bracket's end, the number, or "of"
        done, term = (done, [one + other for one in term for other in factor][:65]) if joined == "and" else (done + term, factor)
        joined = words.pop(0) if words[:1] in (["or"], ["and"]) else ""
    return (done + term)[:65]
def seats(count): return must(len(count) < 3, "more seats than there can be") or int(count)
def fits(seat, person, roles):  # a name among the roles, behind a zero, is of one whose seat is held
    return seat in (None, f"person:{person}") or (seat[:5] == "role:" and seat[5:] in roles) or f"\0{seat}" in roles
def filled(some, people):  # one of these ways, by a different person in every seat: persons move on until everybody sits who can
    def sit(who, way, taken, tried):
        for n in [n for n, seat in enumerate(way) if fits(seat, who, people[who])]:
            if n not in tried and (tried.add(n) or n not in taken or sit(taken[n], way, taken, tried)): return not taken.update({n: who})
    return any(sum(bool(sit(who, way, taken, set())) for who in people) == len(way) for way in some for taken in [{}])
def allows(bound, value):  # whether a constraint takes it, its type included; the kinds that it takes Vienna to read are taken for granted
    ((kind, it),) = bound.items()
    if kind == "all": return all(allows(one, value) for one in it)
    if kind in ("exact", "one_of"): return any(pack({"": one}) == pack({"": value}) for one in (it if kind == "one_of" else [it]))
    if kind != "range": return type(value) is str and (kind != "prefix" or value.startswith(it))
    if it["places"]: value = int(value["dec"].replace(".", "")) if len(value["dec"].partition(".")[2]) == it["places"] else None
    return type(value) is int and (it["low"] is None or it["low"] <= value) and (it["high"] is None or value <= it["high"])
def closer(bounds, narrowed, w):  # what approvers left of the bounds; where two narrowed one differently, what fits both takes Vienna
    said = {n: [one["params"][n] for one in narrowed if n in one.get("params", {})] for n in bounds}
    alike = {n: len({pack({"": form}) for form in forms}) < 2 for n, forms in said.items()}
    return {n: (said[n] or [bounds[n]])[0] if alike[n] else w["constraints"][n] for n in bounds}
def handed(above, signature, w, chain):  # the warrant as the last link of a chain leaves it; that links only narrow takes Vienna
    above, left = digest(b"vienna/parent/1\0", digest(above), digest(signature)), w | {"hands": []}
    for data, mark in msgpack.unpackb(chain) if chain else []:
        link = load(data, LINK)
        must(signed("link", left["holder"], data, mark) and link["parent"] == above and link["expires_at"] <= left["expires_at"], "a link")
        left = left | {f: link[f] for f in LINK[1:] if f != "constraints"} | {"hands": [*left["hands"], link["holder"]]}
        above = digest(b"vienna/parent/1\0", digest(data), digest(mark))
    return left
def law(case, tenant, own, issuers, c):  # the entries in their order; gives the closing one, or why it is not known
    members, invited, above, warrants, runs, pushed, hidden, closed, s = {}, {}, {}, {}, {}, set(), set(), None, type("Kept", (), {})
    s.phase, s.active, s.given, s.changes, s.held, s.said, s.issued, s.paused, s.trips = "founding", None, [], [], None, [], {}, set(), {}
    envelopes, seats_of, s.used, s.opened, s.stage, s.last, s.left, s.before, s.since, s.at = {}, {}, [], {}, 0, [], set(), None, {}, {}
    def alive(name, *kinds):
        must(members[name]["status"] == "active" and members[name]["kind"] in kinds, f"{name} is no active {' or '.join(kinds)}")
        return members[name]
    def agreed():  # the persons behind a grant, and what they narrowed; and whether they fill the quorum
        given, d = [(members[name], *more) for name, *more in (s.last if s.change else s.given)], s.decided
        people, taken = {}, {member["person"] for member, _, _ in given}
        for member, _, others in given:
            free = [n for n in others if members[n]["person"] not in taken]
            people[member["person"]] = voting(member, free, taken.update(members[n]["person"] for n in free))
        enough = s.held and len(people) >= d["persons"] and filled(ways(d["quorum"]), people)
        if d["tier"] != "T0": c.expect("quorum", enough, f"{sorted(people)} do not fill {d['quorum']!r}")
        return sorted(people), [narrowing for _, narrowing, _ in given]
    def voting(m, others, _=None):  # the roles that count for m, with those of the seats that it holds, and whose they are
        alive = [members[n] for n in others if members[n]["status"] == "active"]
        return [*m["roles"], *(role for it in alive for role in (*it["roles"], f"\0person:{it['person']}"))]
    def out(): return [*s.own["excluded"], *s.decided["review"].get("barred", [])]  # the persons who fill no seat
    def holds(e, b):  # whose seats the approver of an entry holds in this case, then
        mine = [n for n, v in sorted(seats_of.items()) if v["to"] == b["approver"] and e["time"] < v["until"] and not s.change]
        return [n for n in mine if members[n]["status"] == "active" and members[n]["person"] not in out()]
    def seat(m, roles): return any(fits(seat, m["person"], roles) for way in ways(s.decided["quorum"]) for seat in way)
    def looked(e, b, r):  # a verifier signed what it saw, of everything that the warrant asks for, and it is no part of the work
        m, w, probe, bound = alive(b["verifier"], "verifier"), r["terms"], "found" in b, r["warrant"] if "found" in b else r["receipt"]
        it, bound = [*load(b["statement"]).values()], digest(s.issued[r["warrant"]]) if probe else bound
        asked = [look["name"] for look in ([w["verify"]["probe"]] if probe else w["verify"]["checks"])]
        did = [members[who]["person"] for who in (r["redeemer"], w["agent"], *r["holders"])]
        apart = m["person"] not in did + [who for who, _ in r["seen"]]
        same = it[:5] == [case, b["run"], bound, b["found" if probe else "verdict"], b["checks"]] and b.get("person") in (None, m["person"])
        same = same and sorted(row[0] for row in b["checks"]) == sorted(asked) and e["actor"] == b["verifier"]
        quiet = not probe or b["found"] != "did_not_happen" or r["told"] or r["late"] or w["expires_at"] + MINUTE // 2 <= e["time"]
        r["seen"] += [(m["person"], it[3])]
        true = signed("probe" if probe else "attestation", m["public_key"], b["statement"], b["signature"])
        must(true and same and apart and quiet and abs(it[5] - e["time"]) <= MINUTE, "not signed, of something else, or by who acted")
    def halted(b, kind):  # by a pause in force, or by one since its warrant was issued; a change of the tenant only by its operator
        hands = [s.own["agent"], b.get("redeemer"), *b.get("holders", [])] if kind in STOPPED and not s.change else []
        over = {"operator/tenant", *(hands and WIDE), *(f"tenant/agent:{who}" for who in hands)}
        must(not over & (s.paused | s.since.get(b.get("warrant"), set())), f"{kind} while it was paused, or on a warrant of before a pause")
    def tripped(e, b, kind):  # a grant names the newest trip in force, and a use that of its scopes: none, or one of before its warrant
        via, named = [s.own["agent"], *b.get("holders", []), *[b.get("redeemer")] * (kind == "warrant.stale")], [*e["follows"][1:-1], 0][0]
        own = {"tenant", f"action:{(it := s.wish['action'])}"}.union(*({f"agent:{who}", f"agent:{who} action:{it}"} for who in via))
        must(not named or s.trips.get(named, "") in (None, *own), "it names a trip that the file does not show, or of other scopes")
        newest, since = max(named, 0, *(n for n in s.trips if s.trips[n] in own)), s.at.setdefault(b.get("warrant"), e["sequence"])
        must({"case.expired": True, "warrant.issued": not named}.get(kind, newest < since), f"{kind} in spite of the trip {newest}")
    def look(e, b, kind, name):
        match kind:
            case "tenant.sealed" | "bundle.activated":
                s.phase, s.active = "sealed" if "persons" in b else s.phase, b.get("bundle", s.active)
                for gone in [it for it, v in envelopes.items() if v["bundle"] != s.active]: del envelopes[gone]
            case "envelope.signed":
                said, m, t = load(b["statement"], ENVELOPE), alive(b["approver"], "approver"), load(b["template"], TEMPLATE)
                true = signed("envelope", m["public_key"], b["statement"], b["signature"]) and e["actor"] == b["approver"]
                true = true and b["person"] == m["person"] and b["envelope"] == "e" + digest(b["statement"]).hex()[:20]
                bound = [said["tenant"], said["template"], said["bundle"]] == [tenant, digest(b["template"]), s.active]
                timely = abs(said["time"] - e["time"]) <= MINUTE and e["time"] < said["until"] and len(said["nonce"]) >= 16
                must(true and bound and timely and said["tier"] in ("T1", "T2"), "not signed, about something else, or at another time")
                envelopes[b["envelope"]] = {**said, **b, "template": t}
            case "envelope.revoked":
                must(alive(e["actor"], "approver", "admin") and b["by"] == e["actor"], "by another") or envelopes.pop(b["envelope"], None)
            case "envelope.used":
                v, d, wish, m = envelopes[b["envelope"]], s.decided, s.wish, alive(b["approver"], "approver")
                t, it, who = v["template"], wish["params"], [b["approver"], b["person"]] == [v["approver"], m["person"]]
                who = who and m["person"] not in [*out(), *(members[name]["person"] for name, *_ in s.given)] and s.held
                must(who and seat(m, m["roles"]) and not d["review"].get("second"), "no seat is theirs, or two persons were to read it")
                same = [t["agent"], t["action"]] == [s.own["agent"], wish["action"]] and {*it} == {*t["params"], *t["open"]}
                same = same and allows(t["resource"], wish["resource"]) and all(allows(t["params"][n], it[n]) for n in t["params"])
                within = v["total"] is None or (min(b["spent"], b["cost"]) >= 0 and b["spent"] + b["cost"] <= v["total"])
                true = within and 1 <= b["number"] <= v["count"] and e["time"] < v["until"] and d["tier"] in ("T1", v["tier"])
                must(true and same and d["bundle"] == v["bundle"], "not as it was signed: of other cases, more, later, or at a higher tier")
                s.given.append((b["approver"], {"uses": 1} | ({"cost_cap": b["cost"]} if v["total"] is not None else {}), []))
                s.used.append(b["envelope"])
            case "seat.delegated":
                said, m, to = load(b["statement"], SEAT), alive(b["approver"], "approver"), alive(b["to"], "approver")
                true = signed("seat", m["public_key"], b["statement"], b["signature"]) and e["actor"] == b["approver"]
                same = [said["tenant"], said["to"], b["person"]] == [tenant, b["to"], m["person"]] and to["person"] != m["person"]
                timely = abs(said["time"] - e["time"]) <= MINUTE and e["time"] < said["until"] <= e["time"] + 31 * DAY + MINUTE
                must(true and same and timely and len(said["nonce"]) >= 16, "not signed, about something else, or at another time")
                seats_of[b["approver"]] = {**b, "until": said["until"]}
            case "seat.returned":
                by, gone = alive(e["actor"], "approver", "admin"), seats_of.pop(b["approver"])
                must(b["by"] == e["actor"] and (by["kind"] == "admin" or by["person"] == gone["person"]), "not theirs to take back")
            case "scope.paused" | "tenant.suspended":
                what = f"{b.get('side', 'operator')}/{b.get('scope', 'tenant')}"
                s.paused.add(must(what in WIDE or what[:13] == "tenant/agent:", "there is no such pause") or what)
                for since in s.since.values() if kind == "scope.paused" else (): since.add(what)
            case "scope.resumed" | "tenant.resumed": s.paused.remove(f"{b.get('side', 'operator')}/{b.get('scope', 'tenant')}")
            case "bundle.pushed":
                parts = [len(part).to_bytes(8, "big") + part for path in sorted(b["files"]) for part in (path.encode(), b["files"][path])]
                must(digest(b"vienna/bundle/1\n", *parts) == b["bundle"], "its files have another digest") or pushed.add(b["bundle"])
            case "member.invited": members[name], invited[name] = {**b, "status": "invited"}, b["invitation"]
            case "member.enrolled":
                proof = pack({"tenant": tenant} | {field: b[field] for field in "member invitation public_key key_id key_hash".split()})
                held = signed("enrolment", b["public_key"], proof, b["proof"])
                must(invited.pop(name, None) == b["invitation"] and held, f"{name} was not invited, or does not prove its key")
                members[name].update(b, status="enrolled")
            case "member.confirmed":
                seen = digest(b"vienna/fingerprint/1\0", members[name]["public_key"], members[name]["key_hash"]).hex()[:32]
                same = b["fingerprint"].replace(" ", "") == seen and members[name]["status"] == "enrolled"
                members[name]["status"] = must(same, f"{name}: another key was confirmed") or "active"
            case "member.changed": members[name]["roles"] = b["roles"]
            case "member.revoked":
                members[name]["status"], invited[name], s.left = "revoked", None, s.left | {name}
                for gone in [it for it, v in envelopes.items() if name in (v["approver"], v["template"]["agent"])]: del envelopes[gone]
                for gone in [it for it, v in seats_of.items() if name in (it, v["to"])]: del seats_of[gone]
                s.given = [(who, said, [n for n in others if n != name]) for who, said, others in s.given if who != name]
            case "intent.proposed":
                wish, chain, again = load(b["intent"], INTENT), [], b["key"].startswith("retry:")
                change = wish["action"][:7] == "vienna."  # of an agent that is to go on, whoever answers for it fills no seat either
                told = [one["body"] for one in (wish["params"]["changes"] if change else []) if one["tag"] == "scope.resumed/1"]
                for at, up in [*((load(one)["scope"][6:], True) for one in told), (b["agent"], not change)]:
                    while at in members and at not in chain: chain, at = [*chain, at], members[at]["owner"] if up else None
                persons = {members[at]["person"] for at in chain + [e["actor"]] * again} | set(above[b["parent"]] if b["parent"] else [])
                must(b["excluded"] == sorted(persons) and wish["parent"] == b["parent"], "who is excluded does not follow")
                above[b["case"]] = b["excluded"]
                if b["case"] == case:
                    s.wish, s.change, s.own, s.intent, s.left = wish, change, b, digest(b["intent"]), set()
                    s.effect = digest(b"vienna/effect/1\0", tenant.encode(), b"\0", digest(pack(dict([*wish.items()][:3]))))[:16].hex()
                    right = alive(b["agent"], "admin" if change else "agent") and (again or e["actor"] == b["agent"])
                    must(right and b["founding"] == (s.phase == "founding"), "in another's name, or of another phase")
            case "case.decided":
                s.decided, s.given, s.held, phase = b, [], None, s.own["founding"]
                right = [b["tier"], b["quorum"], b["persons"], b["bundle"]] == BUILT_IN if s.change else b["bundle"] == s.active in pushed
                must(right and b["facts"].get("founding", phase) == phase, "a bundle not in force or not in the file, or another phase")
            case "approval.requested":
                facts, s.opened, s.stage = msgpack.unpackb(b["card"])["facts"], {}, 0
                it = {"card": "vienna/card/1"} | {f: (s.own | s.decided)[f] for f in CARD} | {"facts": facts, "expires_at": b["expires_at"]}
                s.held, kinds = (digest(b["card"]), b["expires_at"]), {name: type(fact) for name, fact in facts.items()}
                must(kinds == ({} if s.change else FACTS) and pack(it) == b["card"], "rendered again it has other bytes")
            case "approval.opened":
                m, first = alive(b["approver"], "approver", *["admin"] * s.change), b["person"] not in s.opened
                mine = [e["actor"], b["person"], b["card"]] == [b["approver"], m["person"], s.held[0]] and m["person"] not in out()
                must(mine and first and seat(m, voting(m, holds(e, b))), "not theirs to open, or opened before")
                s.opened[b["person"]] = e["time"]
            case "case.escalated":
                quorum, persons, within = s.decided["review"]["then"][s.stage]
                ends, s.stage = min(end for end in (e["time"] + within, s.wish["deadline"]) if end is not None), s.stage + 1
                due = s.held[1] <= e["time"] < ends
                must(due and [b[f] for f in ("stage", "quorum", "persons", "expires_at")] == [s.stage, quorum, persons, ends], "not so")
                s.decided, s.held = s.decided | {"quorum": quorum, "persons": persons}, (s.held[0], ends)
            case "approval.given" | "approval.denied":
                said, m, d = load(b["statement"], STATEMENT), alive(b["approver"], "approver", *["admin"] * s.change), s.decided
                bound = [case, s.intent, s.held[0], d["bundle"], d["tier"], "approve" if kind == "approval.given" else "deny"]
                true = [*said.values()][:6] == bound and signed("approval", m["public_key"], b["statement"], b["signature"])
                theirs, others = e["actor"] == b["approver"] and b["person"] == m["person"] not in out(), holds(e, b)
                timely = abs(said["time"] - e["time"]) <= MINUTE and e["time"] < s.held[1] and len(said["nonce"]) >= 16
                theirs = theirs and seat(m, voting(m, others))
                must(true and timely and theirs, "not signed, about something else, not in time, or no seat is theirs")
                late = any(members[who]["person"] == m["person"] for who, *_ in s.given) or (not s.change and d["bundle"] != s.active)
                heard = digest(msgpack.packb(s.said)) if s.said else b""
                read, s.changes = s.opened.get(m["person"], e["time"]) + d["review"].get("reading", 0) <= e["time"], []
                good = not late and said["heard"] == heard and read and b.get("seats") == others
                must(kind == "approval.denied" or good, "twice, under another bundle, unheard, unread, or for other seats")
                s.given = s.last = [*s.given, (b["approver"], said["narrowing"], others)]  # the last: who agrees to leave is counted
            case "approval.asked":
                m, n = alive(b["approver"], "approver", *["admin"] * s.change), len(s.said) + 1
                theirs = e["actor"] == b["approver"] and b["person"] == m["person"] not in out()
                theirs = theirs and seat(m, voting(m, holds(e, b))) and s.held and e["time"] < s.held[1]
                must(theirs and b["number"] == n <= 8, "not theirs to ask, or the case did not wait, or too much was asked")
                s.said.append([b["number"], b["approver"], b["person"], b["question"], ""])
            case "approval.answered":
                must(e["actor"] == b["agent"] == s.own["agent"] and s.held and e["time"] < s.held[1], "not theirs to answer, or too late")
                must(s.said[b["number"] - 1][4] == "" and b["number"] > 0, "it was answered already")
                s.said[b["number"] - 1][4] = b["answer"]
            case "canary.missed" | "canary.caught" | "canary.ended":  # that it was one, only the node could tell
                who = sorted({members[name]["person"] for name, *_ in s.given} - {b.get("person")})
                must(b["by"] in members and b["closes"] and b["persons"] == who and not s.issued, "no canary of a member")
                after = {"missed": "approval.given", "caught": "approval.denied"}.get(kind[7:], "case.expired case.cancelled case.decided")
                must(s.before[0] in after.split() and b.get("person") in (None, s.before[1]), "it does not follow on what is before it")
                if kind == "canary.missed": agreed()
            case "change.applied":  # what it changed beside the standing entries is in no file
                wanted = [one for one in s.wish["params"]["changes"] if STANDING.fullmatch(one["tag"])]
                must(agreed() and s.changes == wanted, "another change was approved")
            case "warrant.issued":
                w, d, wish, (persons, narrowed) = load(b["fields"], WARRANT), s.decided, s.wish, agreed()
                lows = [[n[f] for n in (d, *narrowed) if n.get(f) is not None] for f in ("ttl", "uses", "cost_cap")]
                ttl, uses, cap = (min(low, default=None) for low in lows)
                ends = min(end for end in (e["time"] + ttl, wish["deadline"]) if end is not None)
                t = [tenant, b["warrant"], case, s.own["agent"], d["executor"], members[d["executor"]]["public_key"], *[*wish.values()][:3],
                     {} if s.used else closer(d["constraints"], narrowed, w), s.intent, s.effect, d["state_digest"], d["tier"],
                     persons, sorted(s.used), d["bundle"], d["verify"], e["time"], ends, uses, cap]
                c.expect("warrant signature", any(signed("warrant", key, b["fields"], b["signature"]) for key in issuers), "by no issuer")
                warrants[b["warrant"]] = dict(w, left=w["uses"], seal=(b["fields"], b["signature"]))
                s.issued[b["warrant"]], s.since[b["warrant"]], s.held = b["fields"], set(), None
                must(s.own["agent"] not in s.left, "its agent left since, and who joined under that name did not propose it")
                must(d["permitted"] and pack(dict(zip(WARRANT, t, strict=True))) == b["fields"], "intent, verdict and narrowings differ")
            case "warrant.revoked" | "warrant.expired" | "warrant.stale":
                must(warrants.pop(b["warrant"])["expires_at"] <= e["time"] or kind != "warrant.expired", "it had not expired")
            case "run.opened":
                w, m = warrants[b["warrant"]], alive(b["redeemer"], "executor", "agent")
                left, params = handed(*w["seal"], w, b["chain"]), w["params"] if b["params"] is None else b["params"]
                args = digest(pack({"action": w["action"], "resource": w["resource"], "params": params}))
                runs[b["run"]], w["left"] = dict(b, terms=left, opened=e["time"], told=None, late=None, seen=[]), w["left"] - 1
                warrants.pop(b["warrant"] if w["left"] == 0 else None, None)
                theirs = (b["chain"] or b["redeemer"] == w["executor"]) and m["public_key"] == left["holder"]
                effect = digest(b"vienna/effect/1\0", tenant.encode(), b"\0", args)[:16].hex()  # what constraints allow takes Vienna
                exact = params.keys() == w["params"].keys() and all(pack({"": params[n]}) == pack({"": w["params"][n]})
                                                                   for n in params.keys() - w["constraints"].keys())
                same = exact and (b["args_digest"], b["effect"]) == (args, effect) and w["state_digest"] in (None, b["state_digest"])
                via = [n for key in left["hands"] for n, it in members.items() if (it["status"], it.get("public_key")) == ("active", key)]
                theirs = theirs and b["redeemer"] == e["actor"] and alive(w["agent"], "agent") and via == [*b["holders"]]
                must(theirs and same and w["not_before"] <= e["time"] < left["expires_at"], "not as it grants, or not in its life")
            case "run.reported" | "run.reported_late":
                r, told, which = runs[b["run"]], load(b["receipt"], RECEIPT), "told" if kind == "run.reported" else "late"
                r.update({which: told, "receipt": digest(b["receipt"]), "verify_by": b.get("verify_by")})
                same = [b["run"], r["warrant"], b["outcome"], b["cost"]] == [told[f] for f in ("run", "warrant", "outcome", "cost")]
                true = signed("receipt", alive(r["redeemer"], "executor", "agent")["public_key"], b["receipt"], b["signature"])
                must(same and true and e["actor"] == r["redeemer"] and told["ended"] <= e["time"] + MINUTE, "not signed, or of another run")
            case "run.attested" | "effect.probed": looked(e, b, runs[b["run"]])
            case "run.verified":
                if b["verifier"]: c.attempt("attestations", looked, e, b, runs[b["run"]])
                t, w, cap = (r := runs.pop(b["run"]))["told"], r["terms"], r["terms"]["cost_cap"]
                good = [t[f] for f in RECEIPT[5:8]] == [w["action"], w["resource"], r["args_digest"]] and t["started"] <= t["ended"]
                good = good and r["opened"] - MINUTE <= t["started"] <= w["expires_at"] + MINUTE
                good = good and 0 <= t["cost"] <= (t["cost"] if cap is None else cap)
                words, needed, of = [what for _, what in r["seen"]], w["verify"].get("needed", 1), w["verify"].get("of", 1)
                blind = e["time"] >= r["verify_by"] or "inconclusive" in words
                true = "verified" if words.count("verified") >= needed else blind and "inconclusive"
                true = "mismatched" if "mismatched" in words else true
                counted = f"attested {words.count('mismatched') or words.count('verified')}/{of}" if of > 1 else "receipt"
                true, basis = (b["verdict"], "observed") if b["verifier"] else (true, counted)
                if not (w["verify"].get("checks") and t["outcome"] == "succeeded" and good):
                    true, basis = not b["verifier"] and ("consistent" if good else "mismatched"), "receipt"
                must((b["verdict"], b["basis"]) == (true, basis), "it does not follow from receipt and observation")
            case "run.unknown":
                must(r["told"]["outcome"] == "unknown" if (r := runs[b["run"]])["told"] else e["time"] >= r["report_by"], "not unknown")
            case "effect.settled":
                r, word = runs.pop(b["run"]), "happened" if b["happened"] else "did_not_happen"
                words = [what for _, what in r["seen"] if what != "cannot_tell"]
                seen = set(words) == {word} and len(words) >= r["terms"]["verify"]["needed"]
                seen = seen and (r["late"] or {}).get("outcome") != {"happened": "failed", "did_not_happen": "succeeded"}[word]
                must(seen or (alive(b["by"], "admin", "approver") and b["basis"] == "person"), "it does not follow from what was seen")
    for e in own:
        b, kind, mine = c.attempt("bodies", lambda e: e["body"] and load(e["body"]), e), e["tag"].partition("/")[0], e["case"] == case
        c.expect("chain", b is None or not mine or b["case"] == case, "a body about another case than its header")
        if kind == "intent.proposed" and (b is None or b.get("parent") in hidden): hidden.add(e["case"])
        if mine and (b is None or case in hidden): return None, f"not looked at from entry {e['sequence']} on: a body was removed"
        if b and e["case"] not in hidden and (mine or STANDING.fullmatch(e["tag"]) or kind in ("bundle.pushed", "intent.proposed")):
            c.attempt(LOOKED.get(kind) or LOOKED.get(kind.partition(".")[0], "outcome"), look, e, b, kind, b.get("member"))
        if b and e["case"] in ("", case) and (kind in STOPPED + PEOPLE or b.get("basis") == "person"): c.attempt("pauses", halted, b, kind)
        s.trips |= {e["sequence"]: b and b.get("scope")} if kind == "breaker.tripped" else {}
        if b and mine and kind in [*STOPPED[3:7], "case.expired"]: c.attempt("breakers", tripped, e, b, kind)
        s.before = (kind, b.get("person")) if mine else s.before
        s.changes += [{"tag": e["tag"], "body": e["body"]}] * bool(STANDING.fullmatch(e["tag"]))
        closed = e["sequence"] if mine and b.get("closes") and closed is None else closed
    c.expect("outcome", closed is None or not (warrants or runs), "the case was closed while something of it was live")
    return closed, None
def order(case, own, closed, c):  # nothing was left out: the case counts its entries, and each ends the chain of the standing ones
    steps, links = [e for e in own if e["case"] == case], [e for e in own if STANDING.fullmatch(e["tag"])]
    for one, other in pairwise(own):
        apart = one["sequence"] + 1 < other["sequence"] or other["previous"] == one["leaf"]
        c.expect("chain", apart and one["time"] <= other["time"], f"entry {other['sequence']} does not follow the one before it")
    c.expect("chain", all(b["follows"][:1] == [a["sequence"]] for a, b in pairwise(steps)), "a step that does not follow the one before")
    counted = steps and [e["step"] for e in steps] == list(range(1, len(steps) + 1)) and closed in (None, steps[-1]["sequence"])
    c.expect("case counter", counted, "a step is missing, or one follows on the closing one")
    for e in (*links, *steps):
        newest, there = [link["sequence"] for link in links if link["sequence"] < e["sequence"]][-1:], e["body"] or e["case"]
        c.expect("standing", there and e["follows"][-1:] == newest and (newest or e["sequence"] == 0), f"{e['sequence']}: one is missing")
    return f"open at size {steps[-1]['sequence'] + 1}" if steps and closed is None else None
def verify(data, key):  # [(check, outcome, what was found)]
    c, told = Checks(), dict.fromkeys(("verdict", "execution policy"), ("none", "it takes Cedar: vienna verify"))
    def whole():
        fields = [*map(sorted, ((file := load(data, free=True)), file["node_log"], file["tenant_log"]))]
        must([*fields, file["format"]] == [*FILE, "vienna evidence 1"], "not of this format, or not exactly its fields")
        if proven := prove(file, key, c):
            closed, gone = law(file["case"], file["tenant"], *proven, c)
            still = order(file["case"], proven[0], closed, c)
            told.update({"case counter": ("none", gone) if gone else ("open", still)} if still else {})
    c.attempt("file", whole)
    for name, why in c.items(): told[name] = ("fail", "; ".join(why)) if why else told.get(name, ("pass", ""))
    return [(name, *told.get(name, ("none", "not looked at" if any(c.values()) else "the case has nothing of the kind"))) for name in NAMES]
if __name__ == "__main__":
    path, key = args if len(args := [a for a in sys.argv[1:] if a != "--json"]) == 2 else sys.exit(print("usage: FILE KEY [--json]") or 2)
    try: found = verify(pathlib.Path(path).read_bytes(), key)
    except OSError as error: sys.exit(print(f"{path}: {error.strerror}", file=sys.stderr) or 2)
    good, looked = all(outcome != "fail" for _, outcome, _ in found), any(outcome != "none" for _, outcome, _ in found[1:])
    checks = [dict(zip(("name", "outcome", "said"), line, strict=True)) for line in found]
    text = [*(f"{outcome:5} {name:18} {said}" for name, outcome, said in found if looked), "verified" if good else "NOT VERIFIED"]
    text[-1] += "" if looked else f": no evidence of a case in {path}, or no verifier key given ({found[0][2]})"
    sys.exit(print(json.dumps({"verified": good, "checks": checks}) if "--json" in sys.argv else "\n".join(text)) or 3 * (not good))

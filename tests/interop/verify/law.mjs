// That each entry of a case is what the law makes of those before it: "The rules of a case" of docs/ledger-format.md. Cedar is not asked
// again: `verdict` and `execution policy` are not looked at.

import { H, encode, must, read, readAny, same } from "./formats.mjs";
import { breakers } from "./breakers.mjs";
import { pauses } from "./pauses.mjs";
import {
  INTENT,
  CARD,
  STATEMENT,
  WARRANT,
  ENVELOPE,
  TEMPLATE,
  LINK,
  RECEIPT,
  ATTESTATION,
  PROBE,
  FACTS,
  GOVERNED,
  MINUTE,
  alike,
  purposeBy,
  bodyOf,
  Register,
  replayed,
  isStanding,
  bundleDigest,
  seatsOf,
  fits,
  filled,
} from "./register.mjs";

/** The checks from `members` on: [name, what to look at]. */
export function law(f, tenant, mine, trust) {
  const standing = tenant.entries.filter((e) => isStanding(e.tag));
  const each = function* (...tags) {
    for (const step of replayed(f.tenant, standing, mine)) if (tags.includes(step[1].tag)) yield step;
  };
  const bodies = mine.map(bodyOf),
    before = (e, tag) => bodies.filter((b) => b.at.tag === tag && b.at.sequence < e.sequence).at(-1);
  const proposed = () => {
    const p = before({ sequence: Infinity }, "intent.proposed/1");
    return { ...p, says: read(p.intent, "the intent", INTENT), digest: H(p.intent) };
  };
  const argsDigest = () => {
    const { says } = proposed();
    return H(
      encode(
        new Map([
          ["action", says.action],
          ["resource", says.resource],
          ["params", says.params],
        ]),
      ),
    );
  };
  const effect = () => H("vienna/effect/1\0", f.tenant, "\0", argsDigest()).toString("hex").slice(0, 32);
  const warrantOf = (e, id) => {
    const w = bodies.find((b) => b.at.tag === "warrant.issued/1" && b.warrant === id && b.at.sequence < e.sequence);
    must(w, `entry ${e.sequence}: no such warrant`);
    return { ...read(w.fields, "a warrant", WARRANT), at: w.at, seal: [w.fields, w.signature] };
  };
  const issuedAs = (id) => bodies.find((b) => b.at.tag === "warrant.issued/1" && b.warrant === id).fields;
  const above = (fields, signature) => H("vienna/parent/1\0", H(fields), H(signature));
  const left = (w, chain) => {
    // the warrant as the last link of a chain leaves it: each is signed by the holder before it, about exactly what is before it
    let [parent, now] = [above(...w.seal), { ...w, hands: [] }];
    for (const [fields, signature] of chain === null ? [] : readAny(chain, "a chain")) {
      const link = read(fields, "a link", LINK);
      must(purposeBy(now.holder, "vienna/link/1", fields, signature) && same(link.parent, parent), "a link of another chain");
      must(link.expires_at <= now.expires_at && link.uses <= now.uses, "a link that widens");
      const { holder, expires_at, uses, cost_cap } = link;
      [parent, now] = [above(fields, signature), { ...now, holder, expires_at, uses, cost_cap, hands: [...now.hands, holder] }];
    }
    return now;
  };
  const argsOf = (w, params) =>
    H(
      encode(
        new Map([
          ["action", w.action],
          ["resource", w.resource],
          ["params", params],
        ]),
      ),
    );
  const runOf = (e, id) => {
    const r = bodies.find((b) => b.at.tag === "run.opened/1" && b.run === id && b.at.sequence < e.sequence);
    must(r, `entry ${e.sequence}: no such run`);
    return r;
  };
  const votes = (e) => {
    // those for the card that is valid before e: the newest one, if nothing was decided again since
    const asked = before(e, "approval.requested/1");
    if (!asked || before(e, "case.decided/1").at.sequence > asked.at.sequence) return [];
    const given = bodies.filter(
      (b) => ["approval.given/1", "envelope.used/1"].includes(b.at.tag) && b.at.sequence > asked.at.sequence && b.at.sequence < e.sequence,
    );
    // whoever was revoked since has no vote, and nobody their seat: under the same name somebody else may have joined
    const over = standing.filter((o) => o.tag === "member.revoked/1" && o.sequence < e.sequence);
    const stays = (name, b) => !over.some((o) => o.sequence > b.at.sequence && bodyOf(o).member === name);
    return given.filter((b) => stays(b.approver, b)).map((b) => ({ ...b, seats: (b.seats ?? []).filter((of) => stays(of, b)) }));
  };
  const saidBefore = (e) => {
    const said = [];
    for (const b of bodies.filter((b) => b.at.sequence < e.sequence)) {
      if (b.at.tag === "approval.asked/1") said.push([b.number, b.approver, b.person, b.question, ""]);
      if (b.at.tag === "approval.answered/1") said[b.number - 1][4] = b.answer;
    }
    return said;
  };
  const lastVote = (e) => before(e, "approval.given/1")?.at.sequence ?? e.sequence; // what a change brings follows on it
  const envelopeOf = (b) => {
    const signed = standing.find((s) => s.tag === "envelope.signed/1" && s.sequence < b.at.sequence && bodyOf(s).envelope === b.envelope);
    must(signed, `entry ${b.at.sequence}: no such envelope`);
    const body = bodyOf(signed),
      said = read(body.statement, "an envelope", ENVELOPE);
    return { ...body, ...said, at: signed, digest: said.template, template: read(body.template, "a template", TEMPLATE) };
  };
  const allows = (bound, value) => {
    const [[kind, it]] = [...bound];
    if (kind === "all") return it.every((one) => allows(one, value));
    if (kind === "exact" || kind === "one_of") return (kind === "exact" ? [it] : it).some((one) => same(encode(one), encode(value)));
    if (kind !== "range") return typeof value === "string" && (kind !== "prefix" || value.startsWith(it));
    const places = it.get("places");
    if (places) {
      const text = value instanceof Map ? value.get("dec") : "";
      if (text.split(".")[1]?.length !== places) return false;
      value = Number(text.replace(".", ""));
    }
    return typeof value === "number" && value >= (it.get("low") ?? -Infinity) && value <= (it.get("high") ?? Infinity);
  };
  const escalated = (e) => {
    // the stages since the card that is valid before e was made
    const asked = before(e, "approval.requested/1");
    return bodies.filter((b) => b.at.tag === "case.escalated/1" && b.at.sequence > asked?.at.sequence && b.at.sequence < e.sequence);
  };
  const decidedBefore = (e) => {
    const d = before(e, "case.decided/1"),
      stage = escalated(e).at(-1);
    return stage ? { ...d, quorum: stage.quorum, persons: stage.persons } : d;
  };
  const waitsUntil = (e) => (escalated(e).at(-1) ?? before(e, "approval.requested/1")).expires_at;
  const shut = (d) => [...proposed().excluded, ...(d.review.get("barred") ?? [])];
  const held = (b, e, register) => (isChange() ? [] : register.held(b.approver, e.time, shut(decidedBefore(e))));
  const seatIs = (d, voter) =>
    seatsOf(d.quorum)
      .flat()
      .some((seat) => fits(seat, voter));
  const voters = (given, register) => {
    // what each approval counts for: a seat counts once, and not where its owner approved too
    const taken = new Set(given.map((v) => v.person));
    return given.map((v) => {
      const free = v.seats.filter((of) => !taken.has(register.members.get(of).person));
      for (const of of free) taken.add(register.members.get(of).person);
      return register.voting(v.approver, free);
    });
  };
  const closer = (bounds, narrowings, made) => {
    // what approvers left of the bounds; where two narrowed one differently, what fits both is not worked out here
    const left = new Map();
    for (const [name, bound] of bounds) {
      const said = narrowings.filter((m) => m.get("params")?.has(name)).map((m) => m.get("params").get(name));
      const alone = said.every((form) => alike(form, said[0]));
      left.set(name, alone ? (said[0] ?? bound) : made.get(name));
    }
    return left;
  };
  const isChange = () => proposed().says.action.startsWith("vienna.");
  const said = (run, e) => bodies.filter((b) => b.run === run && b.at.sequence < e.sequence).map((b) => ({ ...b, tag: b.at.tag }));
  const lateOf = (e, run) => said(run, e).find((b) => b.tag === "run.reported_late/1");
  const demanded = (verify) => [verify.get("needed") ?? 1, verify.get("of") ?? 1];
  const receiptOf = (e, run) => bodies.find((b) => b.at.tag === "run.reported/1" && b.run === run && b.at.sequence < e.sequence);

  return [
    [
      "members",
      () => {
        const r = new Register(f.tenant);
        for (const e of standing) r.heed(e);
        for (const b of bodies) must(b.case === f.case, `entry ${b.at.sequence} is about another case`);
      },
    ],
    ["pauses", () => pauses(standing, mine)],
    ["breakers", () => breakers(tenant.entries, mine)],
    [
      "intent",
      () => {
        const p = proposed();
        must(
          bodies[0].at.tag === "intent.proposed/1" && bodies.filter((b) => b.at.tag === "intent.proposed/1").length === 1,
          "the first entry is the intent, and no other",
        );
        for (const [b, e, register] of each("intent.proposed/1")) {
          const again = b.key.startsWith("retry:");
          register.active(b.agent, isChange() ? "admin" : "agent");
          must(again || e.actor === b.agent, "proposed in another's name");
          must(p.says.parent === b.parent && b.founding === !register.sealed, "parent or founding is not as it was");
          const first = b.parent && tenant.entries.find((o) => o.case === b.parent && o.step === 1 && o.sequence < e.sequence);
          must(!b.parent || first, "the case above is missing");
          const above = b.parent ? bodyOf(first).excluded : [];
          const behind = register.behind(b.agent).slice(0, isChange() ? 1 : Infinity);
          for (const one of isChange() ? p.says.params.get("changes") : [])
            if (one.get("tag") === "scope.resumed/1")
              behind.push(...register.behind(read(one.get("body"), "the change", "scope side ends by person reason".split(" ")).scope.slice(6)));
          const persons = new Set([...behind, ...above, ...(again ? register.behind(e.actor).slice(0, 1) : [])]);
          must([...persons].sort().join("\0") === [...b.excluded].sort().join("\0"), "other persons are excluded");
        }
      },
    ],
    [
      "bundles",
      () => {
        const pushed = new Map();
        for (const e of tenant.entries.filter((e) => e.tag === "bundle.pushed/1" && e.body)) {
          const b = bodyOf(e);
          must(same(bundleDigest(b.files), b.bundle), `entry ${e.sequence}: the bundle has another digest`);
          pushed.set(b.bundle.toString("hex"), e.sequence);
        }
        for (const [b, e, register] of each("case.decided/1")) {
          if (isChange())
            must(
              alike([b.tier, b.quorum, b.persons, b.bundle], ["T2", "any 2", 2, GOVERNED]),
              "a change that is not decided as changes are",
            );
          else
            must(
              same(b.bundle, register.bundle) && pushed.get(b.bundle.toString("hex")) < e.sequence,
              "decided under a bundle that was not in force",
            );
          must(!b.facts.has("founding") || b.facts.get("founding") === proposed().founding, "decided on another phase of the tenant");
        }
      },
    ],
    ["verdict", () => "- Cedar is not asked here"],
    [
      "card",
      () => {
        for (const [b, e] of each("approval.requested/1")) {
          const card = read(b.card, "the card", CARD),
            p = proposed(),
            d = before(e, "case.decided/1");
          const expected = {
            card: "vienna/card/1",
            case: f.case,
            agent: p.agent,
            intent: p.intent,
            founding: p.founding,
            expires_at: b.expires_at,
          };
          for (const name of "tier quorum policies why bundle executor verify ttl uses cost_cap constraints review state_digest".split(" "))
            expected[name] = d[name];
          const facts = [...card.facts].map(([name, fact]) => `${name} ${typeof fact}`);
          must(
            facts.join() ===
              (isChange()
                ? ""
                : Object.entries(FACTS)
                    .map((fact) => fact.join(" "))
                    .join()),
            "the card has other facts",
          );
          for (const name of CARD) must(name === "facts" || alike(card[name], expected[name]), `the card says another ${name}`);
        }
      },
    ],
    [
      "approvals",
      () => {
        for (const [b, e, register] of each("envelope.used/1")) {
          const what = `entry ${e.sequence}`,
            v = envelopeOf(b),
            t = v.template,
            p = proposed(),
            d = decidedBefore(e),
            m = register.active(b.approver, "approver");
          must(!d.review.get("second"), `${what}: two persons were to read it`);
          const key = register.members.get(v.approver).key;
          must(purposeBy(key, "vienna/envelope/1", v.statement, v.signature), `${what}: ${v.approver} did not sign`);
          must(v.envelope === "e" + H(v.statement).toString("hex").slice(0, 20) && v.at.actor === v.approver, `${what}: of another name`);
          must(v.tenant === f.tenant && same(v.digest, H(bodyOf(v.at).template)), `${what}: of another template`);
          must(Math.abs(v.time - v.at.time) <= MINUTE && v.nonce.length >= 16, `${what}: signed at another time, or without a nonce`);
          must(b.approver === v.approver && b.person === m.person && !shut(d).includes(b.person), `${what}: not theirs`);
          must(!votes(e).some((o) => o.person === b.person), `${what}: ${b.person} a second time`);
          must(seatIs(d, m), `${what}: no seat is ${b.person}'s`);
          const agent = t.agent === p.agent && t.action === p.says.action && allows(t.resource, p.says.resource);
          const names = [...t.params.keys(), ...t.open].sort().join("\0");
          must(agent && names === [...p.says.params.keys()].sort().join("\0"), `${what}: of other cases`);
          must(
            [...t.params].every(([name, bound]) => allows(bound, p.says.params.get(name))),
            `${what}: a parameter is not as it says`,
          );
          must(same(d.bundle, v.bundle) && (d.tier === "T1" || d.tier === v.tier) && e.time < v.until, `${what}: not under its terms`);
          const within = v.total === null || (b.spent >= 0 && b.cost >= 0 && b.spent + b.cost <= v.total);
          must(within && b.number >= 1 && b.number <= v.count, `${what}: more than was signed`);
          const since = standing.filter((s) => v.at.sequence < s.sequence && s.sequence < e.sequence).map((s) => [s.tag, bodyOf(s)]);
          const over = since.some(
            ([tag, s]) =>
              (tag === "envelope.revoked/1" && s.envelope === b.envelope) ||
              (tag === "member.revoked/1" && [v.approver, t.agent].includes(s.member)) ||
              (tag === "bundle.activated/1" && !same(s.bundle, v.bundle)),
          );
          must(!over, `${what}: the envelope was over`);
        }
        for (const [b, e, register] of each("approval.given/1", "approval.denied/1")) {
          const what = `entry ${e.sequence}`,
            asked = before(e, "approval.requested/1"),
            p = proposed(),
            d = decidedBefore(e);
          const m = register.active(b.approver, "approver", ...(isChange() ? ["admin"] : [])),
            s = read(b.statement, "a statement", STATEMENT);
          must(
            asked && e.time < waitsUntil(e) && e.actor === b.approver && m.person === b.person,
            `${what}: not in time, or another person`,
          );
          must(purposeBy(m.key, "vienna/approval/1", b.statement, b.signature), `${what}: ${b.approver} did not sign`);
          must(s.decision === (e.tag === "approval.given/1" ? "approve" : "deny"), `${what}: another decision was signed`);
          must(
            s.case === f.case && same(s.intent, p.digest) && same(s.card, H(asked.card)) && same(s.bundle, d.bundle) && s.tier === d.tier,
            `${what}: signed about something else`,
          );
          must(asked.at.sequence > d.at.sequence, `${what}: a vote for a card that is void`);
          must(Math.abs(s.time - e.time) <= MINUTE && s.nonce.length >= 16, `${what}: signed at another time, or without a nonce`);
          must(!shut(d).includes(b.person), `${what}: ${b.person} is excluded`);
          must(seatIs(d, register.voting(b.approver, held(b, e, register))), `${what}: no seat is ${b.person}'s`);
          if (e.tag === "approval.denied/1") continue;
          const said = saidBefore(e);
          must(same(s.heard, said.length ? H(encode(said)) : Buffer.alloc(0)), `${what}: signed before something was asked or answered`);
          must(!votes(e).some((v) => v.person === b.person), `${what}: ${b.person} a second time`);
          must(isChange() || same(d.bundle, register.bundle), `${what}: another bundle is in force`);
          must(alike(b.seats, held(b, e, register)), `${what}: other seats than ${b.approver} held`);
          const opened = bodies.find(
            (o) =>
              o.at.tag === "approval.opened/1" && o.person === b.person && o.at.sequence > asked.at.sequence && o.at.sequence < e.sequence,
          );
          const reading = d.review.get("reading") ?? 0;
          must(!reading || (opened && opened.at.time + reading <= e.time), `${what}: not read as long as policy says`);
        }
        for (const [b, e, register] of each("approval.opened/1")) {
          const what = `entry ${e.sequence}`,
            asked = before(e, "approval.requested/1"),
            d = decidedBefore(e),
            m = register.active(b.approver, "approver", ...(isChange() ? ["admin"] : []));
          must(asked && same(b.card, H(asked.card)) && e.actor === b.approver && b.person === m.person, `${what}: of another card`);
          must(!shut(d).includes(b.person) && seatIs(d, register.voting(b.approver, held(b, e, register))), `${what}: not theirs to open`);
        }
      },
    ],
    [
      "conversation",
      () => {
        for (const [b, e, register] of each("approval.asked/1", "approval.answered/1")) {
          const what = `entry ${e.sequence}`,
            asked = before(e, "approval.requested/1"),
            said = saidBefore(e),
            p = proposed(),
            d = decidedBefore(e);
          must(asked && e.time < waitsUntil(e) && asked.at.sequence > d.at.sequence, `${what}: the case did not wait`);
          if (e.tag === "approval.answered/1") {
            must(e.actor === b.agent && b.agent === p.agent, `${what}: not theirs to answer`);
            must(said[b.number - 1]?.[4] === "", `${what}: no such question, or it was answered already`);
            continue;
          }
          const m = register.active(b.approver, "approver", ...(isChange() ? ["admin"] : []));
          must(e.actor === b.approver && m.person === b.person && !shut(d).includes(b.person), `${what}: not theirs to ask`);
          must(seatIs(d, register.voting(b.approver, held(b, e, register))), `${what}: no seat is ${b.person}'s`);
          must(b.number === said.length + 1 && b.number <= 8, `${what}: too many questions`);
        }
      },
    ],
    [
      "quorum",
      () => {
        for (const [, e, register] of each("warrant.issued/1", "change.applied/1", "canary.missed/1")) {
          const d = decidedBefore(e),
            given = voters(votes(isChange() ? { sequence: lastVote(e) + 1 } : e), register);

          must(!bodies.some((b) => b.at.tag === "approval.denied/1" && b.at.sequence < e.sequence), "what was denied was granted");
          if (d.tier !== "T0")
            must(
              filled(d.quorum, given) && new Set(given.map((v) => v.person)).size >= d.persons,
              `entry ${e.sequence}: ${d.quorum} is not met`,
            );
        }
        for (const [b, e] of each("case.escalated/1")) {
          const d = before(e, "case.decided/1"),
            stages = d.review.get("then") ?? [],
            n = escalated(e).length;
          must(n < stages.length, `entry ${e.sequence}: policy names no further stage`);
          const [quorum, persons, within] = stages[n],
            deadline = proposed().says.deadline;
          const ends = deadline === null ? e.time + within : Math.min(e.time + within, deadline);
          must(waitsUntil(e) <= e.time && e.time < ends, `entry ${e.sequence}: not when it was due`);
          must(alike([b.stage, b.quorum, b.persons, b.expires_at], [n + 1, quorum, persons, ends]), `entry ${e.sequence}: another stage`);
        }
      },
    ],
    [
      "warrant signature",
      () => {
        for (const b of bodies.filter((b) => b.at.tag === "warrant.issued/1")) {
          must(
            trust.issuers(f.tenant).some((key) => purposeBy(key, "vienna/warrant/1", b.fields, b.signature)),
            `entry ${b.at.sequence}: the issuer did not sign`,
          );
        }
      },
    ],
    [
      "warrant terms",
      () => {
        for (const [b, e, register] of each("warrant.issued/1")) {
          const w = warrantOf({ sequence: Infinity }, b.warrant),
            p = proposed(),
            d = before(e, "case.decided/1"),
            given = votes(e);
          must(d.permitted && !isChange(), "a warrant for what was denied, or for a change");
          const since = standing.filter((o) => o.tag === "member.revoked/1" && p.at.sequence < o.sequence && o.sequence < e.sequence);
          must(!since.some((o) => bodyOf(o).member === p.agent), "its agent left since");
          const narrowings = given.map((v) => {
            if (v.at.tag === "approval.given/1") return read(v.statement, "a statement", STATEMENT).narrowing;
            return new Map([["uses", 1], ...(envelopeOf(v).total === null ? [] : [["cost_cap", v.cost]])]);
          });
          const least = (field, from) =>
            narrowings.reduce((n, m) => (m.has(field) && (n === null || m.get(field) < n) ? m.get(field) : n), from);
          const expected = {
            tenant: f.tenant,
            warrant: b.warrant,
            case: f.case,
            agent: p.agent,
            executor: d.executor,
            holder: register.active(d.executor, "executor", "agent").key,
            action: p.says.action,
            resource: p.says.resource,
            params: p.says.params,
            constraints: given.some((v) => v.at.tag === "envelope.used/1") ? new Map() : closer(d.constraints, narrowings, w.constraints),
            intent: p.digest,
            effect: effect(),
            state_digest: d.state_digest,
            tier: d.tier,
            envelopes: given
              .filter((v) => v.at.tag === "envelope.used/1")
              .map((v) => v.envelope)
              .sort(),
            approvals: [...new Set(given.map((v) => v.person))].sort(),
            bundle: d.bundle,
            verify: d.verify,
            not_before: e.time,
            expires_at: Math.min(e.time + least("ttl", d.ttl), p.says.deadline ?? Infinity),
            uses: least("uses", d.uses),
            cost_cap: least("cost_cap", d.cost_cap),
          };
          for (const name of WARRANT) must(alike(w[name], expected[name]), `the warrant of entry ${e.sequence} says another ${name}`);
        }
      },
    ],
    [
      "redemption",
      () => {
        const used = new Map(),
          runs = new Set();
        for (const [b, e, register] of each("run.opened/1")) {
          const what = `entry ${e.sequence}`,
            w = warrantOf(e, b.warrant),
            now = left(w, b.chain);
          must(
            (b.chain !== null || b.redeemer === w.executor) &&
              e.actor === b.redeemer &&
              same(register.members.get(b.redeemer)?.key, now.holder),
            `${what}: redeemed by another`,
          );
          must(register.holds(b.redeemer) && register.holds(w.agent), `${what}: redeemer or agent was revoked`);
          must(alike(b.holders, register.named(now.hands)), `${what}: it went through other hands`);
          must(w.state_digest === null || same(w.state_digest, b.state_digest), `${what}: what it acts on had changed`);
          must(w.not_before <= e.time && e.time < now.expires_at, `${what}: not within the warrant's life`);
          used.set(b.warrant, (used.get(b.warrant) ?? 0) + 1);
          must(used.get(b.warrant) <= w.uses && !runs.has(b.run), `${what}: used too often`);
          runs.add(b.run);
          const params = b.params ?? w.params,
            args = argsOf(w, params); // what a constraint allows is not looked at here
          must([...params.keys()].sort().join("\0") === [...w.params.keys()].sort().join("\0"), `${what}: other parameters`);
          for (const [name, value] of params)
            must(w.constraints.has(name) || alike(value, w.params.get(name)), `${what}: another ${name}`);
          const effect = H("vienna/effect/1\0", f.tenant, "\0", args).toString("hex").slice(0, 32);
          must(same(b.args_digest, args) && b.effect === effect, `${what}: other arguments`);
          must(
            !bodies.some(
              (o) => o.at.sequence < e.sequence && /^warrant\.(revoked|expired|stale)/.test(o.at.tag) && o.warrant === b.warrant,
            ),
            `${what}: the warrant was dead`,
          );
        }
      },
    ],
    ["execution policy", () => "- Cedar is not asked here"],
    [
      "receipts",
      () => {
        for (const [b, e, register] of each("run.reported/1", "run.reported_late/1")) {
          const what = `entry ${e.sequence}`,
            run = runOf(e, b.run),
            w = left(warrantOf(e, run.warrant), run.chain),
            r = read(b.receipt, "a receipt", RECEIPT);
          must(purposeBy(w.holder, "vienna/receipt/1", b.receipt, b.signature), `${what}: the executor did not sign`);
          must(
            register.holds(run.redeemer) && e.actor === run.redeemer && r.ended <= e.time + MINUTE,
            `${what}: by another, or of a later time`,
          );
          must(
            r.warrant === run.warrant && r.run === b.run && r.outcome === b.outcome && r.cost === b.cost,
            `${what}: a receipt of something else`,
          );
        }
      },
    ],
    [
      "attestations",
      () => {
        for (const [b, e] of each("run.verified/1"))
          must(
            b.verifier === null ? b.statement === null && b.signature === null && b.basis !== "observed" : b.basis === "observed",
            `entry ${e.sequence}: observed by nobody, or not called so`,
          );
        const looks = [...each("run.verified/1"), ...each("run.attested/1"), ...each("effect.probed/1")];
        for (const [b, e, register] of looks.filter(([b]) => b.verifier !== null)) {
          const what = `entry ${e.sequence}`,
            probed = e.tag === "effect.probed/1",
            m = register.active(b.verifier, "verifier"),
            s = read(b.statement, "what was seen", probed ? PROBE : ATTESTATION),
            run = runOf(e, b.run),
            w = warrantOf(e, run.warrant),
            purpose = probed ? "vienna/probe/1" : "vienna/attestation/1";
          must(purposeBy(m.key, purpose, b.statement, b.signature), `${what}: the verifier did not sign`);
          must(e.actor === b.verifier && Math.abs(s.time - e.time) <= MINUTE, `${what}: by another, or at another time`);
          const acted = [run.redeemer, proposed().agent, ...run.holders].map((name) => register.members.get(name)?.person);
          must(!acted.includes(m.person), `${what}: verified by who acted`);
          must(b.person === undefined || b.person === m.person, `${what}: another person`);
          const about = probed ? same(s.warrant, H(issuedAs(run.warrant))) : same(s.receipt, H(receiptOf(e, b.run)?.receipt ?? ""));
          must(s.case === f.case && s.run === b.run && about, `${what}: observed something else`);
          must((probed ? s.found === b.found : s.verdict === b.verdict) && alike(s.checks, b.checks), `${what}: something else was signed`);
          const asked = probed ? [w.verify.get("probe")] : w.verify.get("checks");
          must(
            alike(
              s.checks.map((check) => check[0]).sort(),
              asked.map((one) => one.get("name")).sort(),
            ),
            `${what}: other checks than the warrant asks for`,
          );
          if (probed) must((s.found === "happened") === s.checks.every((check) => check[3]), `${what}: it does not follow from its checks`);
        }
      },
    ],
    [
      "outcome",
      () => {
        const warrants = new Map(),
          runs = new Map(); // what is live: warrant -> uses left, run -> its redemption
        for (const [b, e, register] of replayed(f.tenant, standing, mine)) {
          const what = `entry ${e.sequence}`,
            run = runs.get(b.run),
            report = run && receiptOf(e, b.run);
          switch (e.tag) {
            case "warrant.issued/1":
              warrants.set(b.warrant, warrantOf({ sequence: Infinity }, b.warrant).uses);
              break;
            case "warrant.expired/1":
              must(warrantOf(e, b.warrant).expires_at <= e.time, `${what}: it had not expired`); // falls through
            case "warrant.revoked/1":
            case "warrant.stale/1":
              must(warrants.delete(b.warrant), `${what}: no live warrant`);
              break;
            case "change.applied/1": {
              const since = lastVote(e);
              const made = standing.filter((s) => since < s.sequence && s.sequence < e.sequence);
              const changes = made.map(
                (s) =>
                  new Map([
                    ["body", s.body],
                    ["tag", s.tag],
                  ]),
              );
              const wanted = proposed().says.params.get("changes").filter((one) => isStanding(one.get("tag"))); // others are in no file
              must(isChange() && alike(changes, wanted), `${what}: another change was approved`);
              break;
            }
            case "canary.missed/1":
            case "canary.caught/1":
            case "canary.ended/1": {
              // that it was one, only the node could tell
              const given = votes(e).filter((v) => v.at.tag === "approval.given/1" && v.person !== b.person);
              must(alike([...new Set(given.map((v) => v.person))].sort(), b.persons), `${what}: others approved it`);
              must(register.members.has(b.by) && b.closes === true, `${what}: no canary of a member`);
              must(!bodies.some((o) => o.at.tag === "warrant.issued/1"), `${what}: something was granted`);
              const last = bodies.filter((o) => o.at.sequence < e.sequence).at(-1),
                after = {
                  "canary.missed/1": ["approval.given/1"],
                  "canary.caught/1": ["approval.denied/1"],
                  "canary.ended/1": ["case.expired/1", "case.cancelled/1", "case.decided/1"],
                }[e.tag];
              must(after.includes(last.at.tag), `${what}: it does not follow on what is before it`);
              must(b.person === undefined || b.person === last.person, `${what}: another person denied it`);
              break;
            }
            case "run.opened/1":
              must(warrants.has(b.warrant), `${what}: no live warrant`);
              runs.set(b.run, b);
              warrants.set(b.warrant, warrants.get(b.warrant) - 1);
              if (warrants.get(b.warrant) === 0) warrants.delete(b.warrant);
              break;
            case "run.unknown/1":
              must(run && (report ? report.outcome === "unknown" : e.time >= run.report_by), `${what}: it was not unknown`);
              break;
            case "run.attested/1":
            case "effect.probed/1":
            case "effect.vouched/1":
              must(run && !said(b.run, e).some((one) => one.tag === e.tag && one.person === b.person), `${what}: no such run, or a second time`);
              if (e.tag === "effect.probed/1" && b.found === "did_not_happen") {
                const over = warrantOf(e, run.warrant).expires_at + MINUTE / 2 <= e.time;
                must(over || report || lateOf(e, b.run), `${what}: somebody might still act`);
              }
              break;
            case "effect.settled/1": {
              const probes = said(b.run, e).filter((one) => one.tag === "effect.probed/1" && one.found !== "cannot_tell"),
                late = lateOf(e, b.run),
                word = b.happened ? "happened" : "did_not_happen",
                [k, n] = demanded(warrantOf(e, run.warrant).verify),
                contrary = { happened: "failed", did_not_happen: "succeeded" }[word];
              const seen = probes.length >= k && probes.every((one) => one.found === word) && late?.outcome !== contrary;
              must(
                b.basis === "person" || (seen && b.basis === (n === 1 ? "observed" : `attested ${probes.length}/${n}`)),
                `${what}: it does not follow from what was seen`,
              );
              const by = b.basis !== "person" || ["admin", "approver"].includes(register.active(b.by, "admin", "approver").kind);
              must(by && e.actor === b.by && runs.delete(b.run), `${what}: no such run, or by nobody who may`);
              break;
            }
            case "run.verified/1": {
              must(run && report, `${what}: no such report`);
              const r = read(report.receipt, "a receipt", RECEIPT),
                w = left(warrantOf(e, run.warrant), run.chain);
              const good =
                r.action === w.action &&
                r.resource === w.resource &&
                same(r.args_digest, run.args_digest) &&
                r.started <= r.ended &&
                run.at.time - MINUTE <= r.started &&
                r.started <= w.expires_at + MINUTE &&
                r.cost >= 0 &&
                r.cost <= (w.cost_cap ?? Infinity);
              const watched = (w.verify.get("checks") ?? []).length > 0 && r.outcome === "succeeded" && good,
                [k, n] = demanded(w.verify),
                looks = said(b.run, e).filter((one) => one.tag === "run.attested/1"),
                many = (verdict) => looks.filter((one) => one.verdict === verdict).length,
                overdue = b.verdict === "inconclusive" && e.time >= report.verify_by,
                blind = b.verdict === "inconclusive" && many("inconclusive") > 0,
                of = (count) => (n === 1 ? "receipt" : `attested ${count}/${n}`);
              let follows, basis;
              if (!watched) [follows, basis] = [b.verdict === (good ? "consistent" : "mismatched") && b.verifier === null, "receipt"];
              else if (b.verifier !== null) [follows, basis] = [n === 1, "observed"];
              else if (many("mismatched") > 0) [follows, basis] = [b.verdict === "mismatched", of(many("mismatched"))];
              else [follows, basis] = [many("verified") >= k ? b.verdict === "verified" : overdue || blind, of(many("verified"))];
              must(follows && b.basis === basis, `${what}: ${b.verdict} does not follow`);
              runs.delete(b.run);
            }
          }
        }
        const last = bodies.at(-1);
        must(!last.closes || warrants.size + runs.size === 0, "it is closed while something of it is live");
        return last.closes ? `${last.at.tag} ${last.verdict ?? last.kind ?? ""}` : "open";
      },
    ],
  ];
}

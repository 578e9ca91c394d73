// What the entries of a tenant's log say, and what is remembered of them: members, the bundle in force, quorums. From "What the
// entries say", "Signed things inside bodies" and "The rules of a case" of docs/ledger-format.md.

import { H, encode, must, read, same, signedBy, sorted } from "./formats.mjs";

const BODIES = {
  // declared fields of what is looked at here
  "tenant.founded/1": "tenant by",
  "tenant.sealed/1": "persons",
  "tenant.suspended/1": "by reason",
  "tenant.resumed/1": "by reason",
  "member.invited/1": "member kind person roles owner invitation token_hash expires_at",
  "member.enrolled/1": "member invitation public_key key_id key_hash proof",
  "member.confirmed/1": "member fingerprint by",
  "member.changed/1": "member roles",
  "member.revoked/1": "member reason",
  "bundle.pushed/1": "bundle files name by person commit dirty",
  "bundle.activated/1": "bundle previous counters zone limits by person author reason",
  "intent.proposed/1": "case agent intent key parent founding excluded",
  "case.decided/1": "case permitted policies bundle why tier quorum ttl uses executor persons verify cost_cap state_digest facts constraints review",
  "approval.requested/1": "case card expires_at",
  "approval.opened/1": "case approver person card",
  "case.escalated/1": "case stage quorum persons expires_at",
  "approval.given/1": "case approver person statement signature seats",
  "approval.denied/1": "case approver person reason statement signature",
  "approval.asked/1": "case number approver person question",
  "approval.answered/1": "case number agent answer",
  "envelope.signed/1": "envelope approver person template statement signature",
  "envelope.used/1": "case envelope approver person number spent cost",
  "envelope.revoked/1": "envelope by reason",
  "envelope.ended/1": "envelope why",
  "seat.delegated/1": "approver person to statement signature",
  "seat.returned/1": "approver by reason",
  "case.expired/1": "case why",
  "case.cancelled/1": "case by why",
  "change.applied/1": "case change closes",
  "warrant.issued/1": "case warrant fields signature mac",
  "warrant.revoked/1": "case warrant why closes",
  "warrant.expired/1": "case warrant closes",
  "warrant.stale/1": "case warrant state_digest attempt facts older_facts params chain redeemer",
  "run.opened/1": "case warrant run redeemer effect args_digest state_digest policies report_by facts older_facts params chain holders use",
  "warrant.use_asked/1": "case warrant use params key by",
  "warrants.revoked/1": "scope reason by warrants",
  "run.reported/1": "case run outcome cost receipt signature verify_by",
  "run.unknown/1": "case run effect why",
  "run.verified/1": "case run verdict basis checks verifier statement signature closes",
  "run.attested/1": "case run verifier person verdict checks statement signature",
  "run.reported_late/1": "case run outcome cost receipt signature",
  "effect.probed/1": "case run verifier person found checks statement signature",
  "effect.vouched/1": "case run happened by person reason",
  "effect.settled/1": "case run effect happened by basis reason closes",
  "canary.missed/1": "case by persons reason closes",
  "canary.caught/1": "case by person persons reason closes",
  "canary.ended/1": "case by persons reason closes",
  "dead_letter.opened/1": "letter case kind why previous closes",
  "dead_letter.resolved/1": "letter by reason retried_as",
  "scope.paused/1": "scope side epoch by person reason since",
  "scope.resumed/1": "scope side ends by person reason",
  "alert.raised/1": "kind severity key about concerns text count previous",
  "alert.acknowledged/1": "alert by person note",
  "breaker.tripped/1": "scope epoch until why by",
  "breaker.tripped/2": "scope epoch until why by detector counts",
  "breaker.probed/1": "scope case",
  "breaker.reset_backed/1": "scope by person reason",
  "log.bodies_removed/1": "task bodies last",
};
export const INTENT = "action resource params purpose cost state_digest parent deadline".split(" ");
export const CARD = (
  "card case agent intent tier quorum policies why bundle executor verify ttl uses cost_cap constraints review state_digest founding " +
  "facts expires_at"
).split(" ");
export const STATEMENT = "case intent card bundle tier decision narrowing reason heard nonce time".split(" ");
export const WARRANT = (
  "tenant warrant case agent executor holder action resource params constraints intent effect state_digest tier approvals envelopes bundle " +
  "verify not_before expires_at uses cost_cap"
).split(" ");
export const ENVELOPE = "tenant template count total until bundle tier reason nonce time".split(" ");
export const TEMPLATE = "agent action resource params open".split(" ");
export const SEAT = "tenant to until reason nonce time".split(" ");
export const LINK = "parent holder constraints expires_at uses cost_cap".split(" ");
export const RECEIPT = "warrant run started ended outcome action resource args_digest cost result_digest evidence".split(" ");
export const PROBE = "case run warrant found checks time".split(" ");
export const ATTESTATION = "case run receipt verdict checks time".split(" ");
export const FACTS = {
  breaker: "string",
  left: "object",
  mismatches: "number",
  on_failure: "string",
  other_open_cases: "number",
  recent_good: "number",
  recent_runs: "number",
  reversible: "string",
};
export const GOVERNED = H("vienna/governed/1"); // the bundle under which a sealed tenant's own changes are decided
export const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
const STANDING = /^(tenant|member|seat|scope)\.|^bundle\.activated\/1$|^envelope\.(signed|revoked)\/1$/;
export const isStanding = (tag) => STANDING.test(tag);

export const alike = (a, b) => encode(a).equals(encode(b));
export const purposeBy = (key, purpose, bytes, signature) => signedBy(key, Buffer.concat([Buffer.from(`${purpose}\0`), bytes]), signature);

export function bodyOf(e) {
  const what = `the body of entry ${e.sequence}`;
  must(BODIES[e.tag], `${what}: ${e.tag} is not known here`);
  return { ...read(e.body, what, BODIES[e.tag].split(" ")), at: e };
}

/** The register of members and the bundle in force, as each standing entry changes them. */
export class Register {
  constructor(tenant) {
    Object.assign(this, { tenant, members: new Map(), bundle: null, sealed: false, seats: new Map() });
  }

  heed(e) {
    const what = `entry ${e.sequence}`,
      b = bodyOf(e),
      m = this.members.get(b.member);
    switch (e.tag) {
      case "tenant.founded/1":
        must(b.tenant === this.tenant, `${what} founds another tenant`);
        break;
      case "tenant.sealed/1":
        this.sealed = true;
        break;
      case "member.invited/1":
        this.members.set(b.member, { ...b, status: "invited" });
        break;
      case "member.enrolled/1": {
        must(m?.status === "invited" && b.invitation === m.invitation, `${what}: nobody invited ${b.member}`);
        const said = new Map([
          ["tenant", this.tenant],
          ...["member", "invitation", "public_key", "key_id", "key_hash"].map((f) => [f, b[f]]),
        ]);
        must(purposeBy(b.public_key, "vienna/enrolment/1", encode(said), b.proof), `${what}: the key was not proved by its holder`);
        Object.assign(m, { status: "enrolled", key: b.public_key, keyHash: b.key_hash });
        break;
      }
      case "member.confirmed/1": {
        const print = m?.key && H("vienna/fingerprint/1\0", m.key, m.keyHash).toString("hex").slice(0, 32).match(/.{4}/g).join(" ");
        must(m?.status === "enrolled" && b.fingerprint === print, `${what}: the fingerprint of another key`);
        m.status = "active";
        break;
      }
      case "member.changed/1":
        must(m, `${what}: nobody of that name`);
        m.roles = b.roles;
        break;
      case "member.revoked/1":
        must(m, `${what}: nobody of that name`);
        m.status = "revoked";
        for (const [name, v] of this.seats) if ([name, v.to].includes(b.member)) this.seats.delete(name);
        break;
      case "seat.delegated/1": {
        const said = read(b.statement, "a seat", SEAT),
          m = this.active(b.approver, "approver"),
          to = this.active(b.to, "approver");
        must(purposeBy(m.key, "vienna/seat/1", b.statement, b.signature) && e.actor === b.approver, `${what}: not signed by whose it is`);
        must(said.tenant === this.tenant && said.to === b.to && b.person === m.person, `${what}: about something else`);
        must(to.person !== m.person && said.nonce.length >= 16, `${what}: to themselves, or without a nonce`);
        must(Math.abs(said.time - e.time) <= MINUTE && said.until > e.time, `${what}: at another time`);
        must(said.until <= e.time + 31 * DAY + MINUTE, `${what}: for longer than may be`);
        this.seats.set(b.approver, { to: b.to, until: said.until });
        break;
      }
      case "seat.returned/1": {
        const by = this.active(b.by, "approver", "admin");
        must(e.actor === b.by && this.seats.has(b.approver), `${what}: nothing to take back`);
        must(by.kind === "admin" || by.person === this.members.get(b.approver).person, `${what}: not theirs to take back`);
        this.seats.delete(b.approver);
        break;
      }
      case "bundle.activated/1":
        must(same(b.previous, this.bundle) || b.previous === this.bundle, `${what}: another bundle was in force`);
        this.bundle = b.bundle;
    }
  }

  holds(name) {
    return this.members.get(name)?.status === "active";
  }

  active(name, ...kinds) {
    const m = this.members.get(name);
    must(m?.status === "active" && kinds.includes(m.kind), `${name} is no active ${kinds.join(" or ")}`);
    return m;
  }

  /** The active members who have these keys, in this order. */
  named(keys) {
    const those = [...this.members].filter(([name]) => this.holds(name));
    return keys.flatMap((key) => those.find(([, m]) => same(m.key, key))?.[0] ?? []);
  }

  /** Whose seats a member holds at a time, but for those of the persons in ``out``. */
  held(name, time, out) {
    const held = [...this.seats].filter(([of, v]) => v.to === name && time < v.until && this.holds(of));
    return held.map(([of]) => of).filter((of) => !out.includes(this.members.get(of).person)).sort();
  }

  /** A member with the roles that count for it: its own, and those of the seats, with the names of whose they are. */
  voting(name, seats) {
    const m = this.members.get(name),
      others = seats.filter((of) => this.holds(of)).map((of) => this.members.get(of));
    return { person: m.person, roles: [...m.roles, ...others.flatMap((o) => [...o.roles, `\0person:${o.person}`])] };
  }

  /** The persons behind a member, its owner, the owner's owner and so on. */
  behind(name) {
    const persons = [];
    for (let m = this.members.get(name); m && !persons.includes(m); m = this.members.get(m.owner)) persons.push(m);
    return persons.map((m) => m.person);
  }
}

/** The register as it was before each entry of the case. */
export function* replayed(tenant, standing, mine) {
  const register = new Register(tenant),
    rest = [...standing];
  for (const e of mine) {
    while (rest.length && rest[0].sequence < e.sequence) register.heed(rest.shift());
    yield [bodyOf(e), e, register];
  }
}

export function bundleDigest(files) {
  const u64 = (n) => {
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(n));
    return b;
  };
  const parts = [...sorted(files)].flatMap(([path, content]) => [
    u64(Buffer.byteLength(path)),
    Buffer.from(path),
    u64(content.length),
    content,
  ]);
  return H("vienna/bundle/1\n", ...parts);
}

/** The alternatives of a quorum, each a list of seats: "any", "role:X" or "person:X". */
export function seatsOf(text) {
  const words = text.match(/[()]|[^\s()]+/g);
  const bounded = (ways) => (must(ways.length <= 64 && ways.every((way) => way.length <= 16), `${text} is too large`), ways);
  const join = (a, b) => (must(a.length * b.length <= 64, `${text} is too large`), bounded(a.flatMap((x) => b.map((y) => [...x, ...y]))));
  const atom = () => {
    const word = words.shift();
    if (word === "(") {
      const inner = or();
      must(words.shift() === ")", `${text} is no quorum`);
      return inner;
    }
    const [n, seat] =
      word === "any" ? [words.shift(), "any"] : [word, (must(words.shift() === "of", `${text} is no quorum`), words.shift())];
    must(/^[1-9]\d?$/.test(n) && /^(any|role:.+|person:.+)$/.test(seat), `${text} is no quorum`);
    return bounded([Array(Number(n)).fill(seat)]);
  };
  const and = () => {
    let all = atom();
    while (words[0] === "and") {
      words.shift();
      all = join(all, atom());
    }
    return all;
  };
  const or = () => {
    const all = and();
    while (words[0] === "or") {
      words.shift();
      all.push(...and());
    }
    return bounded(all);
  };
  const all = or();
  must(words.length === 0, `${text} is no quorum`);
  return all;
}

export const fits = (seat, { person, roles }) =>
  seat === "any" || seat === `person:${person}` || (seat.startsWith("role:") && roles.includes(seat.slice(5))) || roles.includes(`\0${seat}`);

/** Whether distinct persons fill every seat of some alternative: by augmenting paths, as no file may take for ever. */
export function filled(quorum, votes) {
  const seated = (seats) => {
    const place = new Map(); // person -> seat
    const sit = (seat, tried) =>
      votes.some((v) => {
        if (tried.has(v.person) || !fits(seats[seat], v)) return false;
        tried.add(v.person);
        if (place.has(v.person) && !sit(place.get(v.person), tried)) return false;
        place.set(v.person, seat);
        return true;
      });
    return seats.every((_, seat) => sit(seat, new Set()));
  };
  return seatsOf(quorum).some(seated);
}

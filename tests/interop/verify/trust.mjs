// What every entry says in its header, and which keys count for which log: "Entries" and "The chain of trust" of the page.

import { declared, encode, must, read, same, signedBy, sorted, vkey, keyOf } from "./formats.mjs";

const HEADER = ["version", "tag", "tenant", "sequence", "time", "actor", "case", "step", "previous", "follows", "commitment", "public?"];
const ROTATED = ["compromised", "key", "kind", "origin", "previous", "signed_by_key", "signed_by_previous", "size", "tenant"];

/** An entry's header, canonical and at its place. */
export function header(bytes, log, place) {
  const what = `entry ${place} of ${log || "the node"}`;
  must(bytes.length <= 4095, `${what} is too long`);
  const h = read(bytes, what, HEADER);
  must(h.version === 1 && h.tenant === log && h.sequence === place, `${what} is not at its place`);
  for (const field of ["tag", "actor", "case"]) must(typeof h[field] === "string", `${what}: ${field} is no text`);
  for (const field of ["time", "step"]) must(Number.isSafeInteger(h[field]) && h[field] >= 0, `${what}: ${field} is no number`);
  for (const field of ["previous", "commitment"])
    must(Buffer.isBuffer(h[field]) && h[field].length === 32, `${what}: ${field} has not 32 bytes`);
  must(
    Array.isArray(h.follows) && h.follows.every((n) => Number.isSafeInteger(n) && n >= 0 && n < place),
    `${what} follows none before it`,
  );
  must(h.public === undefined || (h.public instanceof Map && h.public.size > 0), `${what}: an empty public part`);
  must((h.case === "") === (h.step === 0), `${what}: a step without a case, or the reverse`);
  return h;
}

/** The keys of a node's logs, gathered from the node's own log in its order, from one verifier key that was given. */
export class Trust {
  constructor(nodeKey) {
    this.given = nodeKey;
    this.logs = new Map([["", { origin: nodeKey.name, checkpoint: [], issuer: [], last: null }]]);
  }

  tenants() {
    return [...this.logs.keys()].filter((name) => name !== "");
  }

  /** Heeds an entry of the node's log; `whole` says that none before it was left out. */
  heed(h, whole) {
    if (h.tag === "log.admitted/1") this.#admit(h, whole);
    if (h.tag === "log.rotated/1") this.#rotate(h);
  }

  #admit(h, whole) {
    const what = `entry ${h.sequence} of the node`,
      p = declared(h.public, ["id", "issuer", "origin", "tenant", "verifier"], what);
    must(!this.logs.has(p.tenant), `${what} admits ${p.tenant} again`);
    const key = vkey(p.verifier);
    must(p.origin === `${this.given.name}/${p.tenant}` && key.name === p.origin && key.type === 1, `${what}: the keys of another log`);
    must(p.issuer.length === 32, `${what}: an issuer key has 32 bytes`);
    must(!whole || p.id === this.logs.size, `${what}: not the next number`);
    this.logs.set(p.tenant, {
      origin: p.origin,
      checkpoint: [{ raw: key.raw, until: Infinity }],
      issuer: [{ raw: p.issuer }],
      last: h.sequence,
    });
  }

  #rotate(h) {
    const what = `entry ${h.sequence} of the node`,
      p = declared(h.public, ROTATED, what),
      log = this.logs.get(p.tenant);
    must(log && log.origin === p.origin, `${what} rotates the key of a log that is not there`);
    must(p.kind === "checkpoint" || (p.kind === "issuer" && p.tenant !== ""), `${what}: ${p.kind} is no kind of key`);
    const chain = log[p.kind];
    if (p.tenant === "" && chain.length === 0) chain.push({ raw: p.previous, until: Infinity });
    must(same(chain.at(-1).raw, p.previous), `${what}: previous is not the newest key`);
    must(p.key.length === 32 && !chain.some((link) => same(link.raw, p.key)), `${what}: the key counted before`);
    must(p.tenant !== "" || p.size === h.sequence, `${what}: size is not its own place`);
    must(h.follows.join() === (log.last === null ? "" : String(log.last)), `${what} does not follow the last one about these keys`);
    const said = new Map([...sorted(h.public)].filter(([field]) => !field.startsWith("signed_by_")));
    const message = Buffer.concat([Buffer.from("vienna/rotation/1\0"), encode(said)]);
    must(signedBy(p.previous, message, p.signed_by_previous), `${what}: the old key did not sign`);
    must(signedBy(p.key, message, p.signed_by_key), `${what}: the new key did not sign`);
    chain.at(-1).until = p.tenant === "" ? p.size + 1 : p.size;
    chain.at(-1).compromised = p.compromised;
    chain.push({ raw: p.key, until: Infinity });
    log.last = h.sequence;
  }

  /** The keys that may sign a log's checkpoints, oldest first, each with the largest size that it may sign alone. */
  chain(name) {
    const log = this.logs.get(name);
    must(log, `the node's log does not admit ${name}`);
    const links = log.checkpoint.map(({ raw, until }) => ({ key: keyOf(log.origin, 1, raw), until }));
    if (name !== "") return links;
    if (links.length === 0) return [{ key: this.given, until: Infinity }];
    const from = links.findIndex((link) => same(link.key.raw, this.given.raw));
    must(from >= 0, "the given key is not in the chain of the node's keys");
    return links.slice(from);
  }

  /** Every key that was ever recorded for a log's checkpoints: for a kept note that is held against the log itself. */
  recorded(name) {
    const { origin, checkpoint } = this.logs.get(name);
    const keys = checkpoint.map(({ raw }) => ({ key: keyOf(origin, 1, raw), until: Infinity }));
    return keys.length > 0 ? keys : this.chain(name);
  }

  /** Every key by which warrants of a tenant were ever signed. */
  issuers(name) {
    return this.logs.get(name).issuer.map((link) => link.raw);
  }
}

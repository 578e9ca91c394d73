#!/usr/bin/env node
// Verifies what a node publishes, written from docs/ledger-format.md and the texts of C2SP alone.
//
//   node verify.mjs tiles DIRECTORY VKEY [POLICY]     exported tiles: one log, or all of them below the node's
//   node verify.mjs proof FILE VKEY [POLICY]          a C2SP tlog-proof
//   node verify.mjs evidence FILE VKEY [POLICY]       the evidence of one case
//
// VKEY is the verifier key of the log (of the node, for evidence); an older one of the node's is led on by the rotations.
// Exit codes: 0 it verifies; 2 wrong usage; 3 it does not, and one line says what.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { verifyEvidence } from "./verify/evidence.mjs";
import {
  H,
  base64,
  checkpoint,
  fault,
  leafHash,
  levelsOf,
  must,
  note,
  number,
  policyOf,
  rootByInclusion,
  rootOf,
  same,
  vkey,
} from "./verify/formats.mjs";
import { Trust, header } from "./verify/trust.mjs";

// ---- tiles: C2SP tlog-tiles -------------------------------------------------------------------------------------------------

const WIDTH = 256,
  ENTRIES = "entries",
  HEADS = "heads";

function tilePath(kind, n, width) {
  const groups = String(n)
    .padStart(Math.ceil(String(n).length / 3) * 3, "0")
    .match(/.../g);
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
  return (kind === HEADS ? `heads/${name}` : `tile/${kind}/${name}`) + (width === WIDTH ? "" : `.p/${width}`);
}

/** The tiles of one kind that `count` items need: [number, width]. */
function* tilesOf(count) {
  for (let n = 0; n < Math.floor(count / WIDTH); n++) yield [n, WIDTH];
  if (count % WIDTH) yield [Math.floor(count / WIDTH), count % WIDTH];
}

/** The items of a bundle, each behind its length. */
function unframed(bytes, prefix, what) {
  const items = [];
  for (let at = 0; at < bytes.length;) {
    must(at + prefix <= bytes.length, `${what} is cut off`);
    const length = bytes.readUIntBE(at, prefix);
    must(at + prefix + length <= bytes.length, `${what} is cut off`);
    items.push(bytes.subarray(at + prefix, (at += prefix + length)));
  }
  return items;
}

function items(directory, kind, count, split) {
  const all = [];
  for (const [n, width] of tilesOf(count)) {
    const [path, full] = [tilePath(kind, n, width), tilePath(kind, n, WIDTH)];
    const found = existsSync(join(directory, path)) ? path : full;
    must(existsSync(join(directory, found)), `${path} is missing`);
    const held = split(readFileSync(join(directory, found)), found);
    must(held.length === (found === full ? WIDTH : width), `${found} holds ${held.length} of ${width}`);
    for (const item of held.slice(0, width)) all.push(item);
  }
  return all;
}

const hashes = (bytes, what) => {
  must(bytes.length % 32 === 0, `${what} is no tile`);
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
};

/** One log's entries, hashed and held against every tile; what signs them is looked at by `signed`. */
function readLog(directory, origin) {
  const claimed = readFileSync(join(directory, "checkpoint"));
  const [first, size] = note(claimed).body.split("\n");
  must(first === origin, `a checkpoint of ${first}, not of ${origin}`);
  const entries = items(directory, ENTRIES, number(size), (bytes, what) => unframed(bytes, 2, what));
  const levels = levelsOf(entries.map(leafHash));
  for (let level = 0; entries.length >> (8 * level) > 0; level++) {
    const ours = levels[8 * level];
    items(directory, level, ours.length, hashes).forEach((hash, i) =>
      must(same(hash, ours[i]), `tile/${level}: hash ${i} is not the tree's`),
    );
  }
  everyOtherFile(directory, levels, entries);
  const name = origin.includes("/") ? origin.slice(origin.indexOf("/") + 1) : "";
  let before = { time: 0, leaf: Buffer.alloc(32) };
  const headers = entries.map((entry, i) => {
    const h = header(entry, name, i);
    must(same(h.previous, before.leaf), `entry ${i} does not follow the one before`);
    must(h.time >= before.time, `entry ${i} is before the one before`);
    before = { time: h.time, leaf: levels[0][i] };
    return h;
  });
  return { claimed, origin, levels, headers };
}

/** Whatever else lies below tile/ is an earlier or a later tile of the same tree. */
function everyOtherFile(directory, levels, entries) {
  const walk = (at) =>
    statSync(join(directory, at)).isDirectory() ? readdirSync(join(directory, at)).flatMap((name) => walk(`${at}/${name}`)) : [at];
  for (const path of existsSync(join(directory, "tile")) ? walk("tile") : []) {
    const [, kind, name, width = "256"] = /^tile\/(entries|\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
    must(kind && number(width) >= 1 && number(width) <= WIDTH, `${path} is no tile`);
    const start = WIDTH * Number(name.replace(/[x/]/g, "")),
      bytes = readFileSync(join(directory, path));
    const held = kind === ENTRIES ? unframed(bytes, 2, path) : hashes(bytes, path);
    const ours = kind === ENTRIES ? entries : (levels[8 * Number(kind)] ?? []);
    must(held.length === Number(width), `${path} holds ${held.length}`);
    held.forEach((item, i) => must(start + i >= ours.length || same(item, ours[start + i]), `${path}: ${i} is not the tree's`));
  }
}

/** What a policy demands of a log; one that names logs demands nothing of others. */
const demand = (policy, opened, keys) => policy?.speaksAbout(keys) && policy.require(opened, keys);

function signed(log, chain, policy) {
  const good = checkpoint(log.claimed, log.origin, chain);
  must(same(rootOf(log.levels, log.headers.length), good.root), `${log.origin}: the root is not the checkpoint's`);
  demand(
    policy,
    good.note,
    chain.map((link) => link.key),
  );
  console.log(`${log.origin}: ${good.size} entries, root ${good.root.toString("hex")}`);
}

/** What the node committed to: tenant's H(name) in hex → [size, root], … */
function commitments(directory, headers) {
  const committed = new Map();
  if (!existsSync(join(directory, HEADS))) {
    console.log("heads/ is not there: not compared with the node's commitments");
    return committed;
  }
  items(directory, HEADS, headers.length, (bytes, what) => unframed(bytes, 4, what)).forEach((leaves, i) => {
    const { tag, public: told } = headers[i];
    if (tag !== "log.heads/1") {
      must(leaves.length === 0, `heads of entry ${i}, which has none`);
      return;
    }
    must(leaves.length === 72 * told.get("count"), `heads of entry ${i}: not as many as it says`);
    const each = Array.from({ length: told.get("count") }, (_, k) => leaves.subarray(72 * k, 72 * k + 72));
    must(same(rootOf(levelsOf(each.map(leafHash)), each.length), told.get("root")), `heads of entry ${i}: another root`);
    each.forEach((leaf, k) => {
      must(k === 0 || Buffer.compare(each[k - 1], leaf) < 0, `heads of entry ${i} are not sorted`);
      const tenant = leaf.toString("hex", 0, 32);
      committed.set(tenant, [...(committed.get(tenant) ?? []), [Number(leaf.readBigUInt64BE(32)), leaf.subarray(40)]]);
    });
  });
  return committed;
}

function verifyTiles(directory, key, policy) {
  const top = existsSync(join(directory, "checkpoint")) ? directory : join(directory, key.name);
  if (key.name.includes("/")) return signed(readLog(top, key.name), [{ key, until: Infinity }], policy);
  const node = readLog(top, key.name),
    trust = new Trust(key);
  for (const h of node.headers) trust.heed(h, true);
  signed(node, trust.chain(""), policy);
  const committed = commitments(top, node.headers);
  for (const tenant of trust.tenants()) {
    const below = join(top, tenant);
    if (!existsSync(join(below, "checkpoint"))) {
      console.log(`${key.name}/${tenant}: not there, not looked at`);
      continue;
    }
    const log = readLog(below, `${key.name}/${tenant}`);
    signed(log, trust.chain(tenant), policy);
    for (const [size, root] of committed.get(H(tenant).toString("hex")) ?? []) {
      must(
        size > log.headers.length || same(rootOf(log.levels, size), root),
        `${log.origin}: the node committed to another root at size ${size}`,
      );
    }
  }
  for (const name of readdirSync(top).filter((name) => existsSync(join(top, name, "checkpoint")))) {
    must(trust.tenants().includes(name), `${key.name}/${name}: the node's log does not admit it`);
  }
}

// ---- a proof in a file: C2SP tlog-proof -------------------------------------------------------------------------------------

function verifyProof(bytes, key, policy) {
  const text = bytes.toString(),
    cut = text.indexOf("\n\n");
  must(cut > 0, "not a tlog-proof");
  const [first, extra, index, ...proof] = text.slice(0, cut).split("\n");
  must(first === "c2sp.org/tlog-proof@v1" && extra?.startsWith("extra ") && index?.startsWith("index "), "not a tlog-proof of an entry");
  const entry = base64(extra.slice(6)),
    place = number(index.slice(6));
  const good = checkpoint(bytes.subarray(Buffer.byteLength(text.slice(0, cut + 2))), key.name, [{ key, until: Infinity }]);
  const root = rootByInclusion(leafHash(entry), place, good.size, proof.map(base64));
  must(same(root, good.root), "the proof leads to another root");
  const h = header(entry, key.name.includes("/") ? key.name.slice(key.name.indexOf("/") + 1) : "", place);
  demand(policy, good.note, [key]);
  console.log(`${key.name}: entry ${place} of ${good.size}, ${h.tag} by ${h.actor}`);
}

const kinds = {
  tiles: (path, key, policy) => verifyTiles(path, key, policy),
  proof: (path, key, policy) => verifyProof(readFileSync(path), key, policy),
  evidence: (path, key, policy) => verifyEvidence(readFileSync(path), key, policy),
};
const [kind, path, key, policy, ...more] = process.argv.slice(2);
if (!kinds[kind] || !path || !key || more.length) {
  console.error("usage: verify.mjs tiles|proof|evidence PATH VKEY [POLICY]");
  process.exit(2);
}
try {
  kinds[kind](path, vkey(key), policy ? policyOf(readFileSync(policy)) : null);
} catch (e) {
  console.error(`refused: ${fault(e)}`);
  process.exit(3);
}

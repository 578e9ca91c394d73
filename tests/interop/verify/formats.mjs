// The formats: canonical msgpack, the Merkle tree, signed notes, cosignatures and policies, written from docs/ledger-format.md
// and the texts of C2SP and RFC 9162 alone, on nothing but node's standard library.

import { createHash, createPublicKey, verify as cryptoVerify } from "node:crypto";

export class Refused extends Error {}

/** What is wrong with what was read, if that is why it was thrown: what is malformed may also have fallen over a missing part. */
export function fault(error) {
  if (error instanceof Refused) return error.message;
  if (error instanceof TypeError || error instanceof RangeError) return `malformed (${error.message})`;
  throw error;
}

export const must = (good, why) => {
  if (!good) throw new Refused(why);
};
export const same = (a, b) => Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b);
export const H = (...parts) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();
export const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64BE(BigInt(n));
  return b;
};
export const number = (text) => {
  must(/^(0|[1-9]\d{0,15})$/.test(text), `${text} is no number`);
  return Number(text);
};
export const base64 = (text) => {
  const b = Buffer.from(text, "base64");
  must(b.toString("base64") === text, "not base64");
  return b;
};

// ---- canonical msgpack: decode, encode again, compare.  Maps stay Maps: their order is part of the form. --------------------

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes) {
  let at = 0;
  const take = (n) => {
    must(at + n <= bytes.length, "msgpack is cut off");
    at += n;
    return bytes.subarray(at - n, at);
  };
  const uint = (n) => {
    const v = BigInt("0x" + take(n).toString("hex"));
    return v <= Number.MAX_SAFE_INTEGER ? Number(v) : v;
  };
  const sint = (n) => {
    const v = BigInt.asIntN(8 * n, BigInt("0x" + take(n).toString("hex")));
    return v >= -Number.MAX_SAFE_INTEGER ? Number(v) : v;
  };
  const list = (n, depth) => Array.from({ length: n }, () => value(depth + 1));
  const map = (n, depth) => {
    const m = new Map();
    for (let i = 0; i < n; i++) {
      const key = value(depth + 1);
      must(typeof key === "string" && !m.has(key), "a map's keys are texts, none twice");
      m.set(key, value(depth + 1));
    }
    return m;
  };
  function value(depth) {
    must(depth <= 16, "nested too deeply");
    const b = take(1)[0];
    if (b < 0x80) return b;
    if (b < 0x90) return map(b & 15, depth);
    if (b < 0xa0) return list(b & 15, depth);
    if (b < 0xc0) return TEXT.decode(take(b & 31));
    if (b >= 0xe0) return b - 256;
    switch (b) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return take(uint(1 << (b - 0xc4)));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return uint(1 << (b - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return sint(1 << (b - 0xd0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return TEXT.decode(take(uint(1 << (b - 0xd9))));
      case 0xdc:
      case 0xdd:
        return list(uint(2 << (b - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return map(uint(2 << (b - 0xde)), depth);
      default:
        throw new Refused("not a type of the canonical form");
    }
  }
  let decoded;
  try {
    decoded = value(0);
  } catch (e) {
    if (e instanceof TypeError) throw new Refused("text is not UTF-8");
    throw e;
  }
  must(at === bytes.length, "bytes after the value");
  return decoded;
}

const head = (short, limit, codes, n) => {
  if (limit && n <= limit) return Buffer.from([short | n]);
  for (const [code, size] of codes) {
    if (BigInt(n) < 1n << BigInt(8 * size))
      return Buffer.from(
        code.toString(16) +
          BigInt(n)
            .toString(16)
            .padStart(2 * size, "0"),
        "hex",
      );
  }
  throw new Refused("too large for the canonical form");
};

export function encode(v) {
  if (v === null) return Buffer.from([0xc0]);
  if (typeof v === "boolean") return Buffer.from([v ? 0xc3 : 0xc2]);
  if (typeof v === "number" || typeof v === "bigint") {
    must(BigInt(v) < 1n << 63n && BigInt(v) > -(1n << 63n), "an integer beyond 2^63 - 1");
    if (v >= 0)
      return head(
        0,
        127,
        [
          [0xcc, 1],
          [0xcd, 2],
          [0xce, 4],
          [0xcf, 8],
        ],
        v,
      );
    if (v >= -32) return Buffer.from([256 + Number(v)]);
    for (const [code, n] of [
      [0xd0, 1],
      [0xd1, 2],
      [0xd2, 4],
      [0xd3, 8],
    ]) {
      const bits = BigInt(8 * n);
      if (BigInt(v) >= -(1n << (bits - 1n))) return Buffer.from(code.toString(16) + BigInt.asUintN(8 * n, BigInt(v)).toString(16), "hex");
    }
  }
  if (typeof v === "string") {
    const b = Buffer.from(v);
    return Buffer.concat([
      head(
        0xa0,
        31,
        [
          [0xd9, 1],
          [0xda, 2],
          [0xdb, 4],
        ],
        b.length,
      ),
      b,
    ]);
  }
  if (Buffer.isBuffer(v))
    return Buffer.concat([
      head(
        0,
        0,
        [
          [0xc4, 1],
          [0xc5, 2],
          [0xc6, 4],
        ],
        v.length,
      ),
      v,
    ]);
  if (Array.isArray(v))
    return Buffer.concat([
      head(
        0x90,
        15,
        [
          [0xdc, 2],
          [0xdd, 4],
        ],
        v.length,
      ),
      ...v.map(encode),
    ]);
  return Buffer.concat([
    head(
      0x80,
      15,
      [
        [0xde, 2],
        [0xdf, 4],
      ],
      v.size,
    ),
    ...[...v].flatMap(([key, inner]) => [encode(key), encode(inner)]),
  ]);
}

export const sorted = (m) => new Map([...m].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
const free = (v) => {
  // whether every map in it is sorted
  if (v instanceof Map) return [...v.keys()].join("\0") === [...sorted(v).keys()].join("\0") && [...v.values()].every(free);
  return !Array.isArray(v) || v.every(free);
};

/** What canonical bytes say: a free map; or with `fields`, a declared map of exactly these (one ending in ? may be missing). */
export function read(bytes, what, fields) {
  const value = readAny(bytes, what);
  if (fields) return declared(value, fields, what);
  must(free(value), `${what}: a free map is not sorted`);
  return value;
}

/** What canonical bytes say, whatever the order of its outermost fields. */
export function readAny(bytes, what) {
  try {
    const value = decode(bytes);
    must(same(encode(value), Buffer.from(bytes)), "not in its one form");
    return value;
  } catch (e) {
    if (e instanceof Refused) throw new Refused(`${what}: ${e.message}`);
    throw e;
  }
}

export function declared(value, fields, what) {
  must(value instanceof Map, `${what} is no map`);
  const expected = fields.filter((f) => !f.endsWith("?") || value.has(f.slice(0, -1))).map((f) => f.replace("?", ""));
  must([...value.keys()].join() === expected.join(), `${what} has the fields ${[...value.keys()]}, not ${expected}`);
  must([...value.values()].every(free), `${what}: a free map is not sorted`);
  return Object.fromEntries(value);
}

// ---- the tree: RFC 9162 §2.1 -------------------------------------------------------------------------------------------------

export const leafHash = (entry) => H(Buffer.from([0]), entry);
export const nodeHash = (left, right) => H(Buffer.from([1]), left, right);

/** The levels of a tree: [leaf hashes, roots of the complete pairs, …]. */
export function levelsOf(leaves) {
  const levels = [leaves];
  while (levels.at(-1).length > 1) {
    const below = levels.at(-1);
    levels.push(Array.from({ length: below.length >> 1 }, (_, i) => nodeHash(below[2 * i], below[2 * i + 1])));
  }
  return levels;
}

export function rootOf(levels, size) {
  let root = null,
    start = size;
  for (let level = 0; level < levels.length; level++) {
    if (Math.floor(size / 2 ** level) % 2 === 0) continue;
    start -= 2 ** level;
    root = root ? nodeHash(levels[level][start / 2 ** level], root) : levels[level][start / 2 ** level];
  }
  return root ?? H("");
}

/** §2.1.3.2: the root to which a leaf's proof leads. */
export function rootByInclusion(hash, index, size, proof) {
  must(index < size, "beyond the end of the tree");
  let fn = index,
    sn = size - 1,
    r = hash;
  for (const p of proof) {
    must(sn !== 0, "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else r = nodeHash(r, p);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  must(sn === 0, "the proof is too short");
  return r;
}

/** §2.1.4.2: the tree (n, rn) is the beginning of (m, rm). */
export function consistent(n, rn, m, rm, proof) {
  must(n <= m, "it is larger than the later head");
  if (n === m) {
    must(proof.length === 0 && same(rn, rm), "same size, another root");
    return;
  }
  if (n === 0) {
    must(proof.length === 0 && same(rn, H("")), "an empty tree needs no proof");
    return;
  }
  const path = [...proof];
  if (Number.isInteger(Math.log2(n))) path.unshift(rn);
  must(path.length > 0, "the proof is too short");
  let fn = n - 1,
    sn = m - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let fr = path[0],
    sr = path[0];
  for (const c of path.slice(1)) {
    must(sn !== 0, "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else sr = nodeHash(sr, c);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  must(sn === 0 && same(fr, rn) && same(sr, rm), "the consistency proof does not hold");
}

// ---- notes, keys, policies: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy -----------------------------------

const edKey = (raw) => createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
export const signedBy = (raw, message, signature) => {
  try {
    return raw.length === 32 && signature.length === 64 && cryptoVerify(null, message, edKey(raw), signature);
  } catch {
    return false;
  }
};
const keyId = (name, type, raw) =>
  H(name, "\n", Buffer.from([type]), raw)
    .subarray(0, 4)
    .toString("hex");
export const keyOf = (name, type, raw) => ({ name, type, raw, id: keyId(name, type, raw) });

export function vkey(text) {
  const [, name, id, material] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text) ?? [];
  must(name, "not a verifier key");
  const raw = base64(material),
    key = keyOf(name, raw[0], raw.subarray(1));
  must(key.id === id, "a verifier key whose id is not that of its key");
  must([1, 4].includes(key.type) && key.raw.length === 32, "a key of a type that is not looked at here");
  return key;
}

export function note(bytes) {
  const text = (() => {
    try {
      return TEXT.decode(bytes);
    } catch {
      throw new Refused("a note that is not UTF-8");
    }
  })();
  must(!/[\x00-\x09\x0b-\x1f]/.test(text) && text.includes("\n\n— "), "not a signed note");
  const cut = text.lastIndexOf("\n\n") + 1,
    body = text.slice(0, cut),
    lines = text.slice(cut + 1).split("\n");
  must(lines.pop() === "" && lines.length > 0 && lines.length <= 64, "not a signed note");
  const signatures = lines.map((line) => {
    const [, name, data] = /^— ([^\s+]+) (\S+)$/u.exec(line) ?? [];
    must(name, "a signature line that is none");
    const raw = base64(data);
    must(raw.length > 4, "a signature of no bytes");
    return { name, id: raw.subarray(0, 4).toString("hex"), raw: raw.subarray(4) };
  });
  return { body, signatures };
}

/** The keys of `known` that signed; a wrong signature by one of them refuses the note. */
export function signers({ body, signatures }, known) {
  return known.filter((key) => {
    const theirs = signatures.filter((s) => s.name === key.name && s.id === key.id);
    for (const s of theirs) {
      const time = key.type === 4 && s.raw.length === 72 ? s.raw.readBigUInt64BE() : null;
      const message = key.type === 4 ? `cosignature/v1\ntime ${time}\n${body}` : body;
      must(key.type === 1 || (time !== null && time < 1n << 63n), `the cosignature by ${key.name} is malformed`);
      must(signedBy(key.raw, Buffer.from(message), key.type === 4 ? s.raw.subarray(8) : s.raw), `the signature by ${key.name} is wrong`);
    }
    return theirs.length > 0;
  });
}

/** A checkpoint of `origin` that a key signed which may sign one of that size. */
export function checkpoint(bytes, origin, chain) {
  const opened = note(bytes),
    [first, size, root, ...rest] = opened.body.split("\n");
  must(first === origin, `a checkpoint of ${first}, not of ${origin}`);
  must(rest.join() === "", "a checkpoint has three lines");
  const n = number(size),
    good = signers(
      opened,
      chain.map((link) => link.key),
    );
  must(
    chain.some((link) => good.includes(link.key) && n <= link.until),
    "no key that may sign it signed the checkpoint",
  );
  must(base64(root).length === 32, "a root has 32 bytes");
  return { size: n, root: base64(root), note: opened };
}

export function policyOf(bytes) {
  must(!/[\x00-\x08\x0b-\x1f\x7f]/.test(bytes.toString("latin1")), "a policy has no control characters");
  const logs = [],
    witnesses = new Map(),
    groups = new Map(),
    members = new Set();
  let quorum = null;
  const defined = (name) => witnesses.has(name) || groups.has(name);
  for (const line of bytes
    .toString()
    .split("\n")
    .map((l) => l.trim())
    .filter((l) => l && !l.startsWith("#"))) {
    const [word, ...args] = line.split(/[ \t]+/),
      [name] = args;
    if (word === "log" && args.length <= 2) logs.push(vkey(name));
    else if (word === "witness" && [2, 3].includes(args.length)) {
      must(!defined(name) && name !== "none", `${name} is defined twice`);
      const key = vkey(args[1]);
      must(
        key.type === 4 && ![...witnesses.values()].some((k) => same(k.raw, key.raw)),
        `the key of ${name} is no witness's, or stands twice`,
      );
      witnesses.set(name, key);
    } else if (word === "group" && args.length >= 3) {
      const of = args.slice(2),
        k = { any: 1, all: of.length }[args[1]] ?? number(args[1]);
      must(!defined(name) && name !== "none" && k >= 1 && k <= of.length, `the group ${name} is malformed`);
      for (const member of of) {
        must(defined(member) && !members.has(member), `${member} is not defined before, or counts twice`);
        members.add(member);
      }
      groups.set(name, { k, of });
    } else if (word === "quorum" && args.length === 1 && quorum === null) {
      must(name === "none" || defined(name), `${name} is not defined`);
      quorum = name;
    } else throw new Refused(`a policy line that is none: ${line}`);
  }
  must(quorum !== null, "a policy needs a quorum");
  const met = (name, by) =>
    groups.has(name) ? groups.get(name).of.filter((m) => met(m, by)).length >= groups.get(name).k : by.includes(witnesses.get(name));
  const speaksAbout = (keys) => !logs.length || keys.some((key) => logs.some((log) => log.name === key.name && same(log.raw, key.raw)));
  const require = (opened, keys) => {
    must(speaksAbout(keys), "the policy names logs, and this is none of them");
    must(quorum === "none" || met(quorum, signers(opened, [...witnesses.values()])), "no quorum of witnesses cosigned it");
  };
  return { speaksAbout, require };
}

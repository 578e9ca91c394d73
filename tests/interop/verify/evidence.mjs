// The evidence of one case: the checks of docs/evidence.md, by their names and in their order, as docs/ledger-format.md tells them.
// Cedar is not asked again: `verdict` and `execution policy` are not looked at.

import { H, Refused, checkpoint, consistent, declared, fault, leafHash, must, read, readAny, rootByInclusion, same } from "./formats.mjs";
import { law } from "./law.mjs";
import { bodyOf, isStanding } from "./register.mjs";
import { Trust, header } from "./trust.mjs";

const SHARE = ["checkpoint", "entries", "witnessed"],
  ENTRY = ["body", "entry", "proof", "salt"];
const COMMITMENT = ["consistency", "index", "proof", "root", "sequence", "size"];
const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64BE(BigInt(n));
  return b;
};

/** An entry with its header; where that is wrong, it is told when the entries of this log are looked at. */
function opened(e, share) {
  try {
    const place = Number(readAny(e.entry, "an entry's header").get("sequence")),
      h = header(e.entry, share.name, place);
    must(place > (share.newest ?? -1), `entry ${place} is out of order`);
    share.newest = place;
    return { ...e, ...h, leaf: leafHash(e.entry) };
  } catch (error) {
    share.fault ??= new Refused(fault(error));
    return null;
  }
}

export function verifyEvidence(bytes, key, policy) {
  let failed = null;
  const check = (name, look) => {
    try {
      console.log(`${name}: ${look() ?? "ok"}`);
    } catch (e) {
      failed ??= `${name}: ${fault(e)}`;
      console.log(`${name}: FAILED, ${fault(e)}`);
    }
  };
  const f = {},
    node = { name: "" },
    tenant = {},
    trust = new Trust(key);

  check("file", () => {
    const value = read(bytes, "file");
    Object.assign(f, declared(value, ["case", "commitment", "format", "node", "node_log", "tenant", "tenant_log"], "file"));
    must(f.format === "vienna evidence 1", "of another format");
    must(f.node === key.name, `it is of the node ${f.node}`);
    tenant.name = f.tenant;
    for (const [share, map] of [
      [node, f.node_log],
      [tenant, f.tenant_log],
    ]) {
      Object.assign(share, declared(map, SHARE, "a share"));
      if (share.witnessed) share.witnessed = declared(share.witnessed, ["consistency", "note"], "witnessed");
      share.entries = share.entries.map((map) => opened(declared(map, ENTRY, "an entry"), share)).filter((e) => e !== null);
    }
    if (f.commitment) f.commitment = declared(f.commitment, COMMITMENT, "the commitment");
  });
  if (failed) throw new Refused(failed);

  const under = (share) => {
    if (share.fault) throw share.fault;
    for (const e of share.entries) {
      must(
        same(rootByInclusion(e.leaf, e.sequence, share.head.size, e.proof), share.head.root),
        `entry ${e.sequence} is not under the head`,
      );
    }
  };
  const gathered = (() => {
    try {
      for (const e of node.entries) trust.heed(e, false);
      return null;
    } catch (e) {
      return e;
    }
  })();
  check("node checkpoint", () => {
    if (gathered) throw gathered;
    node.head = checkpoint(node.checkpoint, f.node, trust.chain(""));
  });
  check("node entries", () => {
    under(node);
    for (const e of node.entries) must(e.body === null && e.salt === null, `entry ${e.sequence} of the node's log has a body`);
  });
  check("keys", () => {
    if (gathered) throw gathered;
    trust.chain(f.tenant);
  });
  check("tenant checkpoint", () => {
    tenant.head = checkpoint(tenant.checkpoint, `${f.node}/${f.tenant}`, trust.chain(f.tenant));
  });
  check("tenant entries", () => under(tenant));
  check("commitment", () => {
    if (!f.commitment) return "- there is none";
    const c = f.commitment,
      told = node.entries.find((e) => e.sequence === c.sequence);
    must(told?.tag === "log.heads/1", "it is not of an entry that commits to heads");
    const leaf = Buffer.concat([H(f.tenant), u64(c.size), c.root]);
    const root = rootByInclusion(leafHash(leaf), c.index, told.public.get("count"), c.proof);
    must(same(root, told.public.get("root")), "the node's entry has another root");
    consistent(c.size, c.root, tenant.head.size, tenant.head.root, c.consistency);
  });
  check("witnesses", () => {
    for (const [share, origin] of [
      [node, f.node],
      [tenant, `${f.node}/${f.tenant}`],
    ]) {
      const chain = trust.recorded(share.name),
        keys = chain.map((link) => link.key);
      const demanded = policy?.speaksAbout(keys) ? policy : null;
      must(share.witnessed || !demanded, `no cosigned head of ${origin}`);
      if (!share.witnessed) continue;
      const head = checkpoint(share.witnessed.note, origin, chain);
      consistent(head.size, head.root, share.head.size, share.head.root, share.witnessed.consistency);
      demanded?.require(head.note, keys);
      const bound = share.entries.filter((e) => share === tenant || e.tag !== "log.heads/1");
      must(!demanded || bound.every((e) => e.sequence < head.size), `not all of ${origin} lies under the cosigned head`);
    }
    return node.witnessed || tenant.witnessed ? "ok" : "- there are none";
  });
  const mine = tenant.entries.filter((e) => e.case === f.case);
  check("bodies", () => {
    const told = tenant.entries.filter((e) => e.tag === "log.bodies_removed/1");
    for (const e of tenant.entries) {
      if (e.body !== null) must(same(H(e.salt, e.body), e.commitment), `the body of entry ${e.sequence} is another one`);
      else {
        must(
          e.salt === null &&
            told.some((r) => r.sequence > e.sequence && r.public.get("removed").some(([a, b]) => a <= e.sequence && e.sequence < b)),
          `the body of entry ${e.sequence} is gone, and no removal names it`,
        );
      }
    }
  });
  check("chain", () => {
    mine.forEach((e, i) =>
      must(i === 0 || e.follows[0] === mine[i - 1].sequence, `entry ${e.sequence} does not follow the case's entry before`),
    );
    for (const share of [node, tenant])
      share.entries.slice(1).forEach((e, i) => {
        const before = share.entries[i];
        must(e.time >= before.time, `entry ${e.sequence} is before the one before`);
        must(e.sequence !== before.sequence + 1 || same(e.previous, before.leaf), `entry ${e.sequence} names another neighbour`);
      });
  });
  check("case counter", () => {
    must(mine.length > 0, "no entry of the case");
    mine.forEach((e, i) => must(e.step === i + 1, `step ${i + 1} is missing`));
    const closing = mine.filter((e) => e.body && readAny(e.body, "a body").get("closes") === true);
    must(closing.length === 0 || (closing.length === 1 && closing[0] === mine.at(-1)), "an entry after the one that closes the case");
    return closing.length ? `closed by entry ${mine.at(-1).sequence}` : `open at size ${mine.at(-1).sequence + 1}`;
  });
  check("standing", () => {
    const standing = tenant.entries.filter((e) => isStanding(e.tag));
    for (const e of standing) must(e.body !== null, `the body of entry ${e.sequence} is gone, and that of a standing entry never goes`);
    standing.forEach((e, i) =>
      must(i === 0 ? e.sequence === 0 : e.follows.at(-1) === standing[i - 1].sequence, `a standing entry before ${e.sequence} is missing`),
    );
    for (const e of mine) {
      must(
        e.follows.at(-1) === standing.filter((s) => s.sequence < e.sequence).at(-1)?.sequence,
        `a standing entry before ${e.sequence} is missing`,
      );
    }
  });
  if (failed) throw new Refused(failed);
  // the law is not looked at where a body of the case is gone, or of the first entry of a case above it; others' change nothing
  const removed = mine.filter((e) => e.body === null);
  for (let first = mine[0]; first?.body; ) {
    const { parent } = bodyOf(first),
      below = first.sequence;
    first = tenant.entries.find((e) => parent && e.case === parent && e.step === 1 && e.sequence < below);
    if (first?.body === null) removed.push(first);
  }
  if (removed.length) console.log(`members and all after: - the bodies of ${removed.map((e) => e.sequence)} were removed`);
  else for (const [name, look] of law(f, tenant, mine, trust)) check(name, look);
  if (failed) throw new Refused(failed);
}

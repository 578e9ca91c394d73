// Whether anything happened that a pause kept from happening: "Pauses" of docs/ledger-format.md.

import { must, read } from "./formats.mjs";
import { INTENT, bodyOf } from "./register.mjs";

const words = (text) => new Set(text.split(" "));
const STOPPED = words(
  "intent.proposed/1 case.decided/1 approval.answered/1 warrant.issued/1 warrant.use_asked/1 warrant.stale/1 run.opened/1 canary.missed/1",
);
const BY_PEOPLE = words(
  "approval.opened/1 approval.given/1 approval.asked/1 envelope.signed/1 envelope.used/1 seat.delegated/1 change.applied/1 effect.vouched/1",
);
const USES = words("warrant.use_asked/1 warrant.stale/1 run.opened/1");
const KINDS = /^(operator\/tenant|tenant\/tenant|operator\/node|breaker\/node|tenant\/agent:.+)$/s;
const WIDE = ["operator/tenant", "tenant/tenant", "operator/node", "breaker/node"];
const BEFORE = { scope: "tenant", side: "operator" }; // what tenant.suspended/1 and tenant.resumed/1 are about

/** The entries of a case and the standing ones before its last, in the order of the log. */
export function pauses(standing, mine) {
  const inForce = new Set(),
    issued = new Map(), // warrant -> where
    last = new Map(); // scope -> where it was paused last
  let agent, isChange;
  for (const e of [...standing, ...mine].sort((a, b) => a.sequence - b.sequence)) {
    const b = bodyOf(e),
      what = `entry ${e.sequence}`;
    if (e.tag === "intent.proposed/1") {
      agent = b.agent;
      isChange = read(b.intent, "the intent", INTENT).action.startsWith("vienna.");
    }
    if (e.tag === "scope.paused/1" || e.tag === "tenant.suspended/1") {
      const { scope, side } = { ...BEFORE, ...b };
      must(KINDS.test(`${side}/${scope}`), `${what}: there is no such pause`);
      inForce.add(`${side}/${scope}`);
      if (e.tag === "scope.paused/1") last.set(scope, e.sequence);
    }
    if (e.tag === "scope.resumed/1" || e.tag === "tenant.resumed/1") {
      const { scope, side } = { ...BEFORE, ...b };
      must(inForce.delete(`${side}/${scope}`), `${what}: what it lets go on was not paused`);
    }
    const stopped = STOPPED.has(e.tag),
      hands = [agent, b.redeemer ?? agent, ...(b.holders ?? [])].map((name) => `agent:${name}`),
      all = [...WIDE, ...hands.map((scope) => `tenant/${scope}`)];
    const by = stopped && !isChange ? all : stopped || BY_PEOPLE.has(e.tag) || b.basis === "person" ? WIDE.slice(0, 1) : [];
    must(!by.some((one) => inForce.has(one)), `${what}: it was paused then (${by.filter((one) => inForce.has(one))})`);
    const since = ["tenant", "node", ...hands].filter((scope) => last.get(scope) > issued.get(b.warrant));
    must(!USES.has(e.tag) || since.length === 0, `${what}: its warrant is of before a pause (${since})`);
    if (e.tag === "warrant.issued/1") issued.set(b.warrant, e.sequence);
  }
}

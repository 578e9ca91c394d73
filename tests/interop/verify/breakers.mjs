// Whether a warrant was granted while a breaker was open, or used after a trip: "Trips" of docs/ledger-format.md.

import { must, read } from "./formats.mjs";
import { INTENT, bodyOf } from "./register.mjs";

const USES = new Set(["warrant.use_asked/1", "warrant.stale/1", "run.opened/1"]);
const isTrip = (e) => /^breaker\.tripped\/[12]$/.test(e.tag);

/** All entries that are shown of the tenant's log, and those of the case. */
export function breakers(entries, mine) {
  const trips = new Map(entries.filter(isTrip).map((e) => [e.sequence, e.body && bodyOf(e).scope])),
    issued = new Map(); // warrant -> where
  let agent, action;
  for (const e of mine) {
    const b = bodyOf(e),
      what = `entry ${e.sequence}`;
    if (e.tag === "intent.proposed/1") {
      agent = b.agent;
      action = read(b.intent, "the intent", INTENT).action;
    }
    if (e.tag === "warrant.issued/1" && !issued.has(b.warrant)) issued.set(b.warrant, e.sequence);
    if (!USES.has(e.tag) && e.tag !== "warrant.issued/1" && e.tag !== "case.expired/1") continue;
    const hands = [agent, ...(b.holders ?? []), ...(e.tag === "warrant.stale/1" && b.redeemer ? [b.redeemer] : [])],
      own = new Set(["tenant", `action:${action}`, ...hands.flatMap((name) => [`agent:${name}`, `agent:${name} action:${action}`])]),
      named = e.follows.length === 3 ? e.follows[1] : 0;
    must(!named || trips.has(named), `${what} names entry ${named}, and no trip is shown there`);
    must(!named || trips.get(named) === null || own.has(trips.get(named)), `${what} names a trip of other scopes`);
    must(e.tag !== "warrant.issued/1" || !named, `${what}: granted while a breaker was open, tripped by entry ${named}`);
    const shown = [...trips].filter(([at, scope]) => at < e.sequence && own.has(scope)).map(([at]) => at);
    const newest = Math.max(named, 0, ...shown);
    must(!USES.has(e.tag) || newest < issued.get(b.warrant), `${what}: its warrant is of before the trip of entry ${newest}`);
  }
}

/** The whole roll before its first step: each server in its turn, planned from what the turns before it leave. */
import type { Plan } from '../../kinds/plan.ts';
import type { RollCost, RollPlan, RollTurn } from '../../kinds/roll-plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import { unaskedPaths } from '../model/paths-unasked.ts';
import { moved, movesOf } from './moved-world.ts';
import { drainOf, returnOf, runningOf, type RollOrder } from './roll.ts';

const costOf = (plans: readonly (Plan | null)[]): RollCost => {
  const all = plans.flatMap((p) => p ?? []);
  const operations = all.flatMap((p) => p.operations);
  return {
    migrations: operations.filter((o) => o.op.verb === 'migrate').length,
    restarts: all.flatMap(movesOf).filter((m) => m.how !== 'live').length,
    downtimeMs: operations.reduce((ms, o) => ms + o.estimate.downtimeMs, 0),
    ms: operations.reduce((ms, o) => ms + o.estimate.ms, 0),
  };
};

const sum = (costs: readonly RollCost[]): RollCost =>
  costs.reduce(
    (a, b) => ({
      migrations: a.migrations + b.migrations,
      restarts: a.restarts + b.restarts,
      downtimeMs: a.downtimeMs + b.downtimeMs,
      ms: a.ms + b.ms,
    }),
    { migrations: 0, restarts: 0, downtimeMs: 0, ms: 0 },
  );

/** Whoever is on a server that has its turn has to leave it; whoever is to be elsewhere in the end has to come there. */
const leastOf = (
  running: ReturnType<typeof runningOf>,
  servers: ReadonlySet<string>,
  homes: ReadonlyMap<string, string> | null,
  rides: ReadonlySet<string>,
): number =>
  [...running].reduce((n, [key, { server }]) => {
    if (rides.has(key)) return n;
    const home = homes?.get(key) ?? (homes ? server : undefined);
    if (!servers.has(server)) return n + (home === undefined || home === server ? 0 : 1);
    return n + (home === server ? 2 : 1);
  }, 0);

/** `asks`: what it hangs on and no reading has asked for, by server. `servers`: those that have not had their turn. `homes`: where VMs are to be in the end, by key; null: where they then are. */
export const planRoll = (
  order: RollOrder,
  observed: Observed,
  servers: readonly string[],
  homes: ReadonlyMap<string, string> | null,
): { readonly plan: RollPlan; readonly asks: ReadonlyMap<string, readonly string[]> } => {
  const turns: RollTurn[] = [];
  const warnings = new Set<string>();
  const first = runningOf(order.farm, observed);
  const uuids = new Map([...first].map(([key, f]) => [key, f.live.domain?.uuid ?? ''] as const));
  const asks = new Map<string, readonly string[]>();
  const ask = (plan: Plan | null, by: Observed): void => {
    if (plan)
      for (const [s, paths] of unaskedPaths(order.farm, by, plan)) asks.set(s, [...(asks.get(s) ?? []), ...paths]);
  };
  let seen = observed;
  for (const server of servers) {
    const drain = drainOf(order, seen, server);
    const leaves = drain.moves ? movesOf(drain.moves) : [];
    for (const p of [drain.moves, drain.stops]) ask(p, seen);
    seen = moved(seen, leaves, uuids, order.tools);
    const back = homes ? returnOf(order, seen, homes) : null;
    ask(back, seen);
    const returns = back ? movesOf(back) : [];
    seen = moved(seen, returns, uuids, order.tools);
    for (const w of [...(drain.moves?.warnings ?? []), ...(back?.warnings ?? [])]) warnings.add(w);
    const refused = [...drain.refused, ...(back?.refused ?? [])];
    turns.push({ server, leaves, rides: drain.rides, returns, refused, cost: costOf([drain.moves, back]) });
  }
  const plan: RollPlan = {
    turns,
    warnings: [...warnings],
    cost: sum(turns.map((t) => t.cost)),
    least: leastOf(first, new Set(servers), homes, new Set(turns.flatMap((t) => t.rides))),
  };
  return { plan, asks };
};

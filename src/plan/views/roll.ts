/** A roll as plans: how each server of a pool is emptied, what rides through its treatment, and who comes home; all of it before the first. */
import { within, type Disruption } from '../../core/disruption.ts';
import { sortedBy } from '../../core/order.ts';
import { ref } from '../../core/ref.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { Plan, PlanOptions, PlanRefusal, PlanVm } from '../../kinds/plan.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import { estimateOf, idOf, reasonOf } from '../../kinds/vm/describe.ts';
import type { VmOp } from '../../kinds/vm/ops.ts';
import { lifeOf } from '../../kinds/vm/state.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import { match, type Found } from '../match/match.ts';
import { budgets } from '../model/disruption-budget.ts';
import { defaultOptions, type Tools } from '../model/planner-inputs.ts';
import { refusal } from '../model/refusal.ts';
import { planWith } from './target-help.ts';

/** What a roll is asked for. */
export interface RollOrder {
  readonly farm: Farm;
  readonly pool: string;
  readonly allow: PlanOptions['allow'];
  readonly tools: Tools;
}

/** How a server is emptied. */
export interface Drain {
  readonly server: string;
  /** Who leaves it; null: nobody has to. */
  readonly moves: Plan | null;
  /** What rides is shut down by this; null: nothing rides. */
  readonly stops: Plan | null;
  /** By key. */
  readonly rides: readonly string[];
  /** Why the server cannot be emptied; none: it can. */
  readonly refused: readonly PlanRefusal[];
}

/** The VMs of the file that run, by key, whatever the file says of them. */
export const runningOf = (farm: Farm, observed: Observed): ReadonlyMap<string, Found> =>
  new Map(
    [...match(farm, observed, []).of].flatMap(([key, m]) =>
      m.is === 'matched' && m.found.live.domain ? [[key, m.found] as const] : [],
    ),
  );

/** The roll itself is what is planned: its marks on the servers are its own. */
const unmarked = (observed: Observed): Observed =>
  new Map(
    [...observed.keys()].flatMap((server) => {
      const seen = seenOn(observed, server);
      const one = seen ? { ...seen, roll: null } : observed.get(server);
      return one ? [[server, one] as const] : [];
    }),
  );

const withServer = (farm: Farm, server: string, roll: NonNullable<ServerSpec['roll']>): Farm => ({
  ...farm,
  pools: farm.pools.map((p) => ({
    ...p,
    servers: p.servers.map((s): ServerSpec => (s.name === server ? { ...s, roll } : s)),
  })),
});

const withVms = (farm: Farm, change: ReadonlyMap<string, Partial<VmSpec>>): Farm => ({
  ...farm,
  vms: farm.vms.map((v) => ({ ...v, ...change.get(v.key) })),
});

/** As they run: a roll moves VMs, and takes no change of the file on the way. */
const asTheyRun = (found: ReadonlyMap<string, Found>): ReadonlyMap<string, Partial<VmSpec>> =>
  new Map([...found].map(([key, f]) => [key, { state: lifeOf(f.live) === 'paused' ? 'paused' : 'running' }] as const));

/** Null: it names nobody. */
const planOf = (
  { pool, tools }: RollOrder,
  farm: Farm,
  observed: Observed,
  targets: readonly string[],
  allow: PlanOptions['allow'],
): Plan | null =>
  targets.length === 0
    ? null
    : planWith(
        farm,
        unmarked(observed),
        // A name is a pattern, too, and names have no characters of patterns.
        { ...defaultOptions, pools: [pool], cause: 'moves', targets, allow },
        tools,
      ).plan;

const ofVms = (plan: Plan | null, keys: ReadonlySet<string>): readonly PlanRefusal[] =>
  (plan?.refused ?? []).filter((r) => r.subject.kind !== 'vm' || keys.has(r.subject.name));

/** What runs there and is none of the VMs that the roll moves. */
const strangers = (observed: Observed, server: string, own: ReadonlyMap<string, Found>): readonly PlanRefusal[] => {
  const known = new Set([...own.values()].map((f) => f.live.domain?.uuid));
  return (seenOn(observed, server)?.domains ?? [])
    .filter((d) => !known.has(d.uuid))
    .map((d) => ({
      subject: ref('server', server),
      what: `${server} would be emptied`,
      code: 'unmanaged-vm',
      why: `${d.name} runs on it and is not managed, or cannot be told from another VM`,
      help: 'migrate or stop it by hand, or put it into the file',
      needs: null,
      allow: [],
    }));
};

/** A VM that rides costs a restart. */
const overBudget = (key: string, server: string, why: string, budget: Disruption): PlanRefusal => ({
  ...refusal(key, `${key} would be shut down while ${server} is treated`, {
    code: 'over-budget',
    why: `it cannot leave (${why}), it rides, and its budget is ${budget}`,
    help: `--allow restart=${key}`,
  }),
  needs: 'restart',
  allow: [{ option: `--allow restart=${key}` }],
});

/** `observed`: as things are when its turn comes. */
export const drainOf = (order: RollOrder, observed: Observed, server: string): Drain => {
  const { farm, allow } = order;
  const here = new Map([...runningOf(farm, observed)].filter(([, f]) => f.server === server));
  const keys = [...here.keys()];
  const emptied = withVms(withServer(farm, server, 'empties'), asTheyRun(here));
  const all = planOf(order, emptied, observed, keys, allow);
  const stuck = new Map(ofVms(all, new Set(keys)).map((r) => [r.subject.name, r.why] as const));
  const riders = farm.vms.filter(
    (v) => stuck.has(v.key) && v.rides && lifeOf(here.get(v.key)?.live ?? null) === 'running',
  );
  const budget = budgets(farm.policy, allow);
  const dear = riders.flatMap((v) =>
    within('restart', budget(v, null)) ? [] : [overBudget(v.key, server, stuck.get(v.key) ?? '', budget(v, null))],
  );
  const rides = riders.map((v) => v.key);
  const movers = keys.filter((k) => !rides.includes(k));
  const moves = rides.length === 0 ? all : planOf(order, emptied, observed, movers, allow);
  // It is shut down in order, and never destroyed: no option of the run raises that.
  const down = withVms(
    withServer(farm, server, 'closed'),
    new Map(rides.map((k) => [k, { state: 'stopped', budget: 'stop' }] as const)),
  );
  const stops = planOf(order, down, observed, rides, []);
  return {
    server,
    moves,
    stops,
    rides,
    refused: [
      ...ofVms(moves, new Set(movers)),
      ...dear,
      ...ofVms(stops, new Set(rides)),
      ...strangers(observed, server, here),
    ],
  };
};

/** Waits until those that run already count as up: their server's boot may have started them. */
const waitingFor = (plan: Plan, riders: readonly VmSpec[], found: ReadonlyMap<string, Found>, tools: Tools): Plan => {
  const ops = riders.flatMap(({ key, ready }): readonly VmOp[] => {
    const f = found.get(key);
    const domain = f?.live.domain;
    if (!ready || !f || !domain || plan.operations.some((o) => o.op.verb === 'ready' && o.target.name === key))
      return [];
    return [{ vm: ref('vm', key), server: f.server, uuid: domain.uuid, name: domain.name, verb: 'ready', ready }];
  });
  const operations = ops.map((op) => ({
    id: idOf(op),
    op,
    target: op.vm,
    server: op.server,
    needs: [],
    lane: null,
    before: null,
    disruption: 'none' as const,
    reason: reasonOf(op),
    estimate: estimateOf(op),
    commands: tools.toolstack.commands(op),
  }));
  const vms = operations.map(({ id, op }): PlanVm => ({
    subject: op.vm,
    name: op.name,
    server: op.server,
    to: null,
    action: 'await',
    disruption: 'none',
    changes: [],
    operations: [id],
    placed: null,
  }));
  const known = new Set(vms.map((v) => v.subject.name));
  return {
    ...plan,
    scope: [...new Set([...plan.scope, ...ops.map((o) => o.server)])].sort(),
    vms: sortedBy([...plan.vms.filter((v) => !known.has(v.subject.name)), ...vms], (v) => v.subject.name),
    operations: [...operations, ...plan.operations],
    bound: plan.bound + operations.length,
  };
};

/** Starts what rides on the server and is down, in order, and waits for what runs already; null: nothing rides there. */
export const startsOf = (order: RollOrder, observed: Observed, server: string): Plan | null => {
  const { farm, allow, tools } = order;
  const found = new Map(
    [...match(farm, observed, []).of].flatMap(([key, m]) =>
      m.is === 'matched' && m.found.server === server ? [[key, m.found] as const] : [],
    ),
  );
  const riders = farm.vms.filter((v) => v.rides && v.state === 'running' && found.has(v.key));
  const plan = planOf(
    order,
    farm,
    observed,
    riders.map((v) => v.key),
    allow,
  );
  return plan && waitingFor(plan, riders, found, tools);
};

/**
 * Brings VMs home in as few moves as there can be; null: all are there. `homes`: the server of each, by key. Where it takes
 * the others to make way for a moment, they may, and are at their places again in the end.
 */
export const returnOf = (order: RollOrder, observed: Observed, homes: ReadonlyMap<string, string>): Plan | null => {
  const { farm, allow } = order;
  const servers = farm.pools.flatMap((p) => p.servers);
  const usable = new Set(
    servers
      .filter((s) => s.state === 'active' && s.roles.includes('vm') && seenOn(observed, s.name))
      .map((s) => s.name),
  );
  const running = runningOf(farm, observed);
  const specs = new Map(farm.vms.map((v) => [v.key, v] as const));
  const may = (key: string, server: string): boolean => {
    const wanted = specs.get(key)?.servers ?? [];
    return usable.has(server) && (wanted.length === 0 || wanted.includes(server));
  };
  const goal = new Map(
    [...running].flatMap(([key, f]) => {
      const home = homes.get(key);
      if (home === undefined) return may(key, f.server) ? [[key, f.server] as const] : [];
      return may(key, home) ? [[key, home] as const] : [];
    }),
  );
  const away = [...goal].flatMap(([key, home]) => (running.get(key)?.server === home ? [] : [key]));
  if (away.length === 0) return null;
  const pinned = withVms(
    withVms(farm, asTheyRun(running)),
    new Map([...goal].map(([key, server]) => [key, { servers: [server] }] as const)),
  );
  const alone = planOf(order, pinned, observed, away, allow);
  if (!alone || alone.refused.length === 0) return alone;
  const together = planOf(order, pinned, observed, [...goal.keys()], allow);
  return together && together.refused.length < alone.refused.length ? together : alone;
};

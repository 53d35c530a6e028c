/** One `reeve apply` against the farm in process: it reads, plans, carries out, and plans anew where its plan was stale. */
import { execute, type Outcome, type World } from '../../src/apply/index.ts';
import { observe } from '../../src/cli/observe.ts';
import type { Farm } from '../../src/kinds/farm.ts';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { seenOn, type Observed } from '../../src/kinds/server/live.ts';
import { defaultOptions, makePlan, pathsToRead, stale, strayPaths } from '../../src/plan/index.ts';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { pathsOf, xl } from '../../src/toolstacks/xl/index.ts';
import { openLink, type FaultAt, type Gate, type Link } from './link.ts';

/** What a controller is told to do. */
export interface Order {
  readonly farm: Farm;
  readonly options: Partial<PlanOptions>;
}

export interface Done {
  readonly plan: Plan;
  /** Of each plan that it carried out. */
  readonly outcomes: readonly Outcome[];
}

export interface Run {
  readonly link: Link;
  /** `killed`: it is gone, and what it started goes on. */
  readonly ended: Promise<Done | 'killed'>;
}

/** As `reeve apply` has it. */
const mostPlans = 3;
let epochs = 0;

const planWith = async (farm: InProcessFarm, { farm: desired, options }: Order, link: Link): Promise<Plan> => {
  const all = { ...defaultOptions, ...options };
  const watch = { reader: link.control, toolstack: xl, sleep: (ms: number) => farm.clock.sleep(ms) };
  const read = (paths: ReadonlyMap<string, readonly string[]>): Promise<Observed> =>
    observe(desired, all.pools, paths, watch);
  let seen = await read(pathsToRead(desired));
  // What an earlier run left running is waited for: its servers are held until it has ended.
  const busy = [...seen.keys()].filter((s) => seenOn(seen, s)?.underWay?.some((u) => u.ofRun));
  if (busy.length > 0) {
    const who = { who: 'test', from: 'here', since: '2026-01-01T00:00:00Z', epoch: `e${epochs++}` };
    await Promise.all(busy.map((s) => link.control.hold(s, who)));
    await link.control.release();
    seen = await read(pathsToRead(desired));
  }
  const strays = strayPaths(desired, seen, all);
  if (strays.size > 0)
    seen = await read(new Map([...pathsToRead(desired)].map(([s, p]) => [s, [...p, ...(strays.get(s) ?? [])]])));
  return makePlan(desired, seen, all, { toolstack: xl, version: '0.0.0', secrets: new Map() });
};

/** Ends early where it is aborted, as the real one does. */
const sleepOn =
  (farm: InProcessFarm): World['clock']['sleep'] =>
  (ms, signal) =>
    Promise.race([
      farm.clock.sleep(ms),
      new Promise<void>((resolve) => {
        if (signal?.aborted) resolve();
        else signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    ]);

interface Hand {
  readonly link: Link;
  readonly epoch: string;
  readonly written: Order['farm']['written'];
}

const carryOut = (farm: InProcessFarm, plan: Plan, { link, epoch, written }: Hand): Promise<Outcome> => {
  const never = new AbortController().signal;
  return execute(plan, {
    control: link.control,
    toolstack: xl,
    clock: { now: () => farm.time.now(), sleep: sleepOn(farm) },
    who: { who: 'test', from: 'here', since: '2026-01-01T00:00:00Z', epoch },
    onEvent: () => undefined,
    cancel: { stop: never, detach: never },
    pathsOf,
    fresh: (seen) => stale(plan, seen).filter((d) => seen.has(d.server)),
    secrets: new Map(Object.entries(written ?? {})),
    probe: async () => false,
    command: async () => ({ rc: 0, out: '' }),
    local: async () => ({ why: 'there are no files here' }),
  });
};

/** It begins at once; time passes while somebody waits on the farm's clock. */
export const startRun = (farm: InProcessFarm, order: Order, fault: FaultAt | null = null, gate?: Gate): Run => {
  const link = openLink(farm, fault, gate);
  const go = async (): Promise<Done> => {
    const outcomes: Outcome[] = [];
    for (let tries = 1; ; tries++) {
      const plan = await planWith(farm, order, link);
      if (plan.operations.length === 0) return { plan, outcomes };
      const outcome = await carryOut(farm, plan, { link, epoch: `e${epochs++}`, written: order.farm.written });
      outcomes.push(outcome);
      if (!outcome.stale || tries === mostPlans) return { plan, outcomes };
    }
  };
  const ended = Promise.race([
    go().then(async (done) => {
      await link.control.close();
      return done;
    }),
    link.killed,
  ]);
  return { link, ended };
};

export class Hung extends Error {
  constructor() {
    super('nothing is due on the farm any more, and a controller still waits');
  }
}

/** Lets time pass until this is settled. */
export const drive = async <T>(farm: InProcessFarm, work: Promise<T>): Promise<T> => {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  work.then(settle, settle);
  const passing = async (): Promise<T> => {
    for (let quiet = 0; !state.settled; quiet = farm.time.idle() ? quiet + 1 : 0) {
      if (quiet > 100) throw new Hung();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return work;
  };
  return farm.clock.during(passing());
};

/** One whole run, as a person would wait for it. */
export const apply = async (
  farm: InProcessFarm,
  order: Order,
  fault: FaultAt | null = null,
): Promise<{ readonly link: Link; readonly done: Done | 'killed' }> => {
  const { link, ended } = startRun(farm, order, fault);
  return { link, done: await drive(farm, ended) };
};
